"""Events to messages as they read now: edits, deletions and reactions applied. Pure.

The broker stores and sends events as they happened. A program that wants to show what they come to
folds them: those of the feed and those of `history`, in any order, some of them twice.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from chatlib.core.words import PLAIN
from chatlib.protocol.events import Event


class Message(Struct):
    """A message as it reads now. `event` is how it was said first; without text once deleted.

    `edited` is the seq of its newest edit, 0 for none. `reactions` has for each sign or word who
    stands behind it, by user, under the nickname of that moment.
    """

    event: Event
    text: str
    edited: int = 0
    deleted: bool = False
    reactions: dict[str, dict[str, str]] = {}


def fold(events: Iterable[Event]) -> list[Message]:
    """Return the messages among `events`, in the order of seq, with all that was done to them.

    What is about a message that is not among them is left out.
    """
    messages: dict[int, Message] = {}
    for event in _in_order(events):
        if event.kind in PLAIN:
            messages[event.seq] = Message(event, event.text or "")
            if event.deleted:
                _delete(messages[event.seq])
        elif event.re in messages:
            _apply(messages[event.re], event)
    return list(messages.values())


def _in_order(events: Iterable[Event]) -> list[Event]:
    """Return each event once; of two forms of one, the one without its text came later."""
    known: dict[int, Event] = {}
    for event in events:
        if event.seq not in known or event.deleted:
            known[event.seq] = event
    return [known[seq] for seq in sorted(known)]


def _apply(message: Message, event: Event) -> None:
    if event.kind == "delete":
        _delete(message)
    elif event.kind == "edit" and not message.deleted and not event.deleted:
        message.text, message.edited = event.text or "", event.seq
    elif event.kind == "react":
        who = message.reactions.setdefault(event.text or "", {})
        if who.pop(event.author, None) is None:
            who[event.author] = event.nick
        if not who:
            del message.reactions[event.text or ""]


def _delete(message: Message) -> None:
    message.event = replace(message.event, text="", deleted=True)
    message.text, message.edited, message.deleted = "", 0, True
