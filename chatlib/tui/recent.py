"""What was said of late: what lines and commands can be about. It follows edits and deletions."""

from __future__ import annotations

from msgspec.structs import replace

from chatlib.core.words import PLAIN
from chatlib.errors import BadName
from chatlib.names import nick_key
from chatlib.protocol.events import Event

KEPT = 2_000


class Recent:
    """The newest messages as they read now, and who has reacted to them how."""

    def __init__(self, before: Recent | None = None) -> None:
        self._before = before  # where what is not known here may be known
        self._said: dict[int, Event] = {}
        self._reactions: set[tuple[int, str, str]] = set()

    def take(self, event: Event) -> bool:
        """Take in an event; tell whether it is a reaction that takes back an earlier one."""
        if event.kind in PLAIN and not event.deleted:
            self._said[event.seq] = event
            if len(self._said) > KEPT:
                self._forget(next(iter(self._said)))
        elif event.kind == "edit" and not event.deleted and event.re in self._said:
            self._said[event.re] = replace(self._said[event.re], text=event.text)
        elif event.kind == "delete" and event.re in self._said:
            self._forget(event.re)
        elif event.kind == "react" and event.re in self._said:
            mark = (event.re, event.author, event.text or "")
            self._reactions ^= {mark}
            return mark not in self._reactions
        return False

    def _forget(self, seq: int) -> None:
        del self._said[seq]
        self._reactions = {mark for mark in self._reactions if mark[0] != seq}

    def find(self, seq: int | None) -> Event | None:
        """Return the message with that seq, where it is known."""
        found = self._said.get(seq or 0)
        return self._before.find(seq) if found is None and self._before is not None else found

    def last(self, room: str, *, user: str | None = None, nick: str | None = None) -> Event | None:
        """Return the newest message in a room: of a user, under a nickname, or at all."""
        key = None if nick is None else nick_key(nick)
        for event in reversed(self._said.values()):
            theirs = user in (None, event.author) and key in (None, _key(event.nick))
            if event.room == room and theirs:
                return event
        return None


def _key(nick: str) -> str:
    try:
        return nick_key(nick)
    except BadName:
        return nick
