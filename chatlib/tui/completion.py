"""What Tab offers: commands, nicknames, rooms. Pure: the screen asks, this answers."""

from __future__ import annotations

from chatlib.tui.commands import COMMANDS
from chatlib.tui.conversation import Conversation


def complete(chat: Conversation, before: str) -> list[tuple[str, int]]:
    """Return what the word at the end of `before` may become, and how much of it is replaced.

    The replaced length is negative, as prompt_toolkit counts it.
    """
    words = before.split(" ")
    word = words[-1]
    if before.startswith("/") and len(words) == 1:
        names = [f"/{name} " for name in COMMANDS]
        return [(name, -len(word)) for name in names if name.startswith(word.lower())]
    if before.startswith("/") and len(words) == 2:
        command = COMMANDS.get(words[0][1:].lower())
        if command is not None and command.completes:
            offered = chat.rooms() if command.completes == "rooms" else chat.nicks()
            return _begin(offered, word.removeprefix("#"), len(word), " ")
    if not word:
        return []
    ending = ": " if len(words) == 1 and not before.startswith("/") else " "
    return _begin(chat.nicks(), word.removeprefix("@"), len(word), ending)


def _begin(offered: list[str], word: str, replaced: int, ending: str) -> list[tuple[str, int]]:
    folded = word.casefold()
    return [(one + ending, -replaced) for one in offered if one.casefold().startswith(folded)]
