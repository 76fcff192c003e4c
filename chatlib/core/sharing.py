"""One of many clients in a process whose public rooms are read once, for all of them (`relay`)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from chatlib.core.actions import Attach, Effects
from chatlib.core.follower import Follower
from chatlib.core.reader import Reader, not_in
from chatlib.core.requests import Requests
from chatlib.core.signals import Refusal, SavedSession
from chatlib.core.stream import Stream
from chatlib.errors import Refused
from chatlib.protocol import answers, limits, requests
from chatlib.protocol.events import Event


class SharingReader(Reader):
    """Delivers private rooms and the inbox; of public rooms it knows in which ones one is.

    `shared` are those that one was in when one was here last.
    """

    def __init__(
        self,
        effects: Effects,
        requests: Requests,
        mine: Callable[[Event, float], None],
        shared: Collection[str],
    ) -> None:
        super().__init__(effects, requests, mine)
        self._shared = dict.fromkeys(shared)

    @property
    def joined(self) -> list[str]:
        """The rooms joined, the shared ones first."""
        return [*self._shared, *super().joined]

    @property
    def shared(self) -> list[str]:
        """The rooms joined that somebody else reads for us."""
        return list(self._shared)

    def _subscribe(self, room: str) -> None:
        pass

    def _unsubscribe(self, room: str) -> None:
        pass

    def joined_now(self, stream: Stream, answer: Any, history: int, now: float) -> None:
        """Take in the answer to a join: it tells whether the room is a shared one."""
        if isinstance(answer, Refused) or answer.private:
            super().joined_now(stream, answer, history, now)
        else:
            self._rooms.pop(stream.room or "", None)
            self._shared[stream.room or ""] = None

    def drop(self, room: str) -> None:
        """Forget a room that was left."""
        self._shared.pop(room, None)
        super().drop(room)

    def resume(self, welcome: answers.Welcome, now: float) -> None:
        """Go on in the same session on a new connection."""
        super().resume(welcome, now)
        others = welcome.rooms.keys() - self._rooms.keys() - self._shared.keys()
        self._enter({room: welcome.rooms[room] for room in others}, now)
        for room in self._shared.keys() - welcome.rooms.keys() - self.rejoining:
            self._put_out(room, "not_joined", not_in(room))

    def renew(self, welcome: answers.Welcome, new_history: bool, now: float) -> None:
        """Go on in a new session, in the rooms that one was in."""
        super().renew(welcome, new_history, now)
        self._enter(dict.fromkeys(self._shared), now)

    def _enter(self, rooms: Mapping[str, int | None], now: float) -> None:
        """Join rooms again; of one with its head, what came before that was told already."""
        for room in sorted(rooms.keys() - self._requests.leaving):
            self.rejoining.add(room)

            def entered(answer: Any, now: float, room: str = room) -> None:
                self.rejoining.discard(room)
                if isinstance(answer, Refused):
                    self._put_out(room, answer.code, str(answer))
                    return
                self._shared.pop(room, None)
                stream = self.open(room)
                if stream.cursor is None:
                    stream.cursor = rooms[room]
                stream.learn(answer.head)
                self.joined_now(stream, answer, limits.JOIN_EVENTS, now)

            asked = requests.Join(room=room)
            self._requests.add(asked, answers.Joined, now, entered, quiet=True, send=True)

    def _put_out(self, room: str, code: str, text: str) -> None:
        self.drop(room)
        self._effects.delivered.append(Refusal(0, code, text, "", room=room))

    def witness(self, event: Event) -> None:
        """Take in an event of our own in a room that somebody else reads for us."""
        ours = event.sid == self.sid
        if event.kind == "leave" and ours and event.reason in ("kicked", "banned"):
            self.drop(event.room or "")


class SharingFollower(Follower):
    """A follower that has no feed of its own: `witness` is told what is ours of what is read."""

    def __init__(
        self, nick: str | None, *, program: str, past: SavedSession | None, shared: Collection[str]
    ) -> None:
        super().__init__(nick, program=program)
        self._arrival.guest = True
        self._reader: SharingReader = SharingReader(
            self._effects, self._requests, self._mine, shared
        )
        self._take_up(past)

    @property
    def shared(self) -> list[str]:
        """The rooms joined that somebody else reads for us."""
        return self._reader.shared

    def _attach(self, stuck: bool = False) -> None:
        self.actions.append(Attach(*self._place, (), stuck))

    def _miss_feed(self, now: float) -> None:
        pass

    def witness(self, event: Event, now: float) -> None:
        """Take in an event of one's own in a public room that somebody else reads."""
        self._mine(event, now)
        self._reader.witness(event)
