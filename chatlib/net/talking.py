"""What a client says, and what it does to what was said: each call is one line of the outbox."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal

from chatlib.core import words
from chatlib.errors import Misuse
from chatlib.names import nick_key, room_name
from chatlib.protocol import limits
from chatlib.protocol.codec import text_fault
from chatlib.protocol.events import Line


class Talking(ABC):
    """Says things. All is sent, and sent again, until the broker has it.

    Each call returns its ticket at once. While the outbox is full it waits, at most `timeout`
    seconds, then raises OutboxFull. A refusal comes as an event.
    """

    @property
    @abstractmethod
    def joined(self) -> list[str]:
        """The rooms that one is in."""

    @abstractmethod
    def _send(self, line: Line, timeout: float | None) -> int: ...

    def say(
        self,
        room: str,
        text: str,
        *,
        kind: Literal["say", "act"] = "say",
        reply_to: int | None = None,
        timeout: float | None = None,
    ) -> int:
        """Say `text` in a room that was joined, perhaps as a reply to the message with that seq."""
        return self._say(Line(1, text, kind=kind, re=reply_to), room, None, timeout)

    def tell(
        self,
        nick: str,
        text: str,
        *,
        kind: Literal["say", "act"] = "say",
        reply_to: int | None = None,
        timeout: float | None = None,
    ) -> int:
        """Say `text` to one person alone; otherwise like `say`."""
        return self._say(Line(1, text, kind=kind, re=reply_to), None, nick, timeout)

    def edit(
        self,
        room: str | None,
        seq: int,
        text: str,
        *,
        peer: str | None = None,
        timeout: float | None = None,
    ) -> int:
        """Give one's own message with that seq another text; those it was for see that it has.

        It was said in `room`, or (`room` is None) to `peer` alone.
        """
        return self._say(Line(1, text, kind="edit", re=seq), room, peer, timeout)

    def delete(
        self, room: str | None, seq: int, *, peer: str | None = None, timeout: float | None = None
    ) -> int:
        """Delete one's own message, in `room` or to `peer`: its text is gone from the history."""
        return self._say(Line(1, kind="delete", re=seq), room, peer, timeout)

    def react(
        self,
        room: str | None,
        seq: int,
        reaction: str,
        *,
        peer: str | None = None,
        timeout: float | None = None,
    ) -> int:
        """React to a message with one sign or word (32 bytes); once more takes it back."""
        return self._say(Line(1, reaction, kind="react", re=seq), room, peer, timeout)

    def _say(self, line: Line, room: str | None, peer: str | None, timeout: float | None) -> int:
        if (room is None) == (peer is None):
            raise Misuse("a message is for a room or for one person: name one of them")
        if room is not None:
            line.room = room_name(room)
            if line.room not in self.joined:
                raise Misuse(f"you are not in the room {line.room}: join it first")
        if peer is not None:
            nick_key(peer)
            line.to = peer
        plain = line.re is None
        if fault := text_fault(line.text, limits.TEXT_BYTES) if plain else words.line_fault(line):
            raise Misuse(fault.message)
        return self._send(line, timeout)
