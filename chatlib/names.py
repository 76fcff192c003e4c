"""The rules for nicknames and room names, the same for the broker and for every client.

Nicknames are compared under RFC 8266 (NicknameCaseMapped) and shown as typed; rooms are folded
under RFC 8265 (UsernameCaseMapped), so that the folded form *is* the room's name.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from functools import lru_cache

from precis_i18n import get_profile

from chatlib.errors import BadName, BadRoom

NICK_CHARS = 32
ROOM_CHARS = 50
LOBBY = "lobby"
SUGGESTIONS = 100  # tried at the most: each costs a folding, and the broker's loop waits for it
NICK, ROOM = "nickname", "room name"

_nickname = get_profile("NicknameCaseMapped")
_username = get_profile("UsernameCaseMapped")


def _fold(what: str, text: str, most: int, enforce: Callable[[str], str]) -> str:
    bad = BadRoom if what == ROOM else BadName
    if not text:
        raise bad(f"a {what} can't be empty")
    if len(text) > most:
        raise bad(f"a {what} has at most {most} characters, this one has {len(text)}")
    if "/" in text or any(c.isspace() for c in text):
        raise bad(f"a {what} has no space and no '/': {text!r}")
    try:
        folded = enforce(text)
    except UnicodeEncodeError as e:
        raise bad(f"{text!r} is no {what}: {e.object[e.start]!a} is not allowed") from None
    # Folding can change the length and, by compatibility mapping, bring in what was refused above.
    if len(folded) > most or "/" in folded or any(c.isspace() for c in folded):
        raise bad(f"{text!r} is no {what}: it folds to {folded!r}")
    return folded


@lru_cache(8192)
def nick_key(nick: str) -> str:
    """Return the form of `nick` that is compared: two nicks with one key are one nick.

    Raises BadName. Source: RFC 8266; at most 32 characters, no space and no '/'.
    """
    return _fold(NICK, nick, NICK_CHARS, _nickname.enforce)


@lru_cache(8192)
def room_name(text: str) -> str:
    """Return the room that `text` names; '#' in front of it is for display only.

    Raises BadRoom. Source: RFC 8265; at most 50 characters, no space and no '/'.
    """
    name = _fold(ROOM, text.lstrip("#"), ROOM_CHARS, _username.enforce)
    if name.startswith("#"):  # it was a wide one: folded again, the room would be another
        raise BadRoom(f"{text!r} is no room name: it folds to {name!r}")
    return name


def suggest_nick(nick: str, taken: Container[str]) -> str:
    """Return a nick like `nick` whose key is not in `taken`; empty when none is found soon."""
    for suffix in ("_", *map(str, range(2, SUGGESTIONS + 1))):
        stem = nick[: NICK_CHARS - len(suffix)]
        try:
            if nick_key(stem + suffix) not in taken:
                return stem + suffix
        except BadName:  # too long when folded, or cut where it only holds together: cut more
            nick = stem[:-1]
    return ""


def is_room_name(name: str) -> bool:
    """Tell whether this is a room's true name."""
    try:
        return room_name(name) == name
    except BadName:
        return False
