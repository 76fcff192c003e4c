"""The reading half of a client: the streams of its rooms and its inbox, and their repair."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from chatlib.core.actions import Effects, Subscribe, Unsubscribe
from chatlib.core.requests import Requests
from chatlib.core.signals import Gap, Refusal
from chatlib.core.stream import Stream
from chatlib.errors import Refused
from chatlib.protocol import answers, requests
from chatlib.protocol.codec import decode_event, decode_events
from chatlib.protocol.events import Event
from chatlib.protocol.topics import room_topic


class Reader:
    """Delivers every event of its streams once and in order.

    `mine` is called with each event as it comes, before it is put in order, so that
    acknowledgements are seen at once. Nothing is fetched while `reading` is False.
    """

    def __init__(
        self, effects: Effects, requests: Requests, mine: Callable[[Event, float], None]
    ) -> None:
        self.sid = ""
        self.epoch = ""
        self.reading = False
        self.rejoining: set[str] = set()
        self._effects = effects
        self._requests = requests
        self._mine = mine
        self._rooms: dict[str, Stream] = {}
        self._inbox = Stream(None, 0)

    @property
    def joined(self) -> list[str]:
        """The rooms joined, in the order of joining."""
        return [name for name, stream in self._rooms.items() if stream.cursor is not None]

    @property
    def topics(self) -> tuple[bytes, ...]:
        """The feed topics of all rooms."""
        return tuple(map(room_topic, self._rooms))

    def ping(self) -> requests.Ping:
        """Return a ping that tells how far each room was delivered, for the broker's operator."""
        cursors = {name: s.cursor for name, s in self._rooms.items() if s.cursor is not None}
        return requests.Ping(cursors=cursors or None)

    # -- rooms --------------------------------------------------------------------------------

    def open(self, room: str) -> Stream:
        """Return the stream of a room, subscribing to it where that was not done before.

        Before the join, not after it: what is published between the two would be fetched again.
        """
        stream = self._rooms.get(room)
        if stream is None:
            stream = self._rooms[room] = Stream(room)
            self._effects.actions.append(Subscribe(room_topic(room)))
        return stream

    def joined_now(self, stream: Stream, answer: Any, history: int, now: float) -> None:
        """Take in the answer to a join."""
        if isinstance(answer, Refused):
            if stream.cursor is None and self._rooms.get(stream.room or "") is stream:
                self.drop(stream.room or "")
            return
        if self._rooms.get(stream.room or "") is not stream:  # left, and joined anew since
            stream = self.open(stream.room or "")
        if stream.cursor is None:
            events = [decode_event(raw) for raw in answer.events]
            self._deliver(stream.start(events, answer.head, history, self.sid), now)
        self.fetch(stream, now)

    def drop(self, room: str) -> None:
        """Forget a room that was left."""
        self.rejoining.discard(room)
        if self._rooms.pop(room, None) is not None:
            self._effects.actions.append(Unsubscribe(room_topic(room)))

    def resume(self, welcome: answers.Welcome, now: float) -> None:
        """Go on in the same session on a new connection."""
        self._requests.drop(requests.History)
        for stream in (self._inbox, *self._rooms.values()):
            stream.fetching = False  # its answer may have been lost with the connection
        self.hear(welcome.rooms, now)
        self.inbox_head(welcome.inbox, now)

    def renew(self, new_history: bool, now: float) -> None:
        """Go on in a new session: rejoin every room from where it was left off.

        A new history is read from its start: what was said before we came back is in it.
        """
        self._requests.drop(requests.History)
        self._inbox = Stream(None, 0)
        self.rejoining.clear()
        for room, stream in list(self._rooms.items()):
            if stream.cursor is not None:
                self._rejoin(room, 0 if new_history else stream.cursor, now)

    def _rejoin(self, room: str, after: int, now: float) -> None:
        stream = self._rooms[room] = Stream(room, after)
        stream.fetching = True
        self.rejoining.add(room)

        def rejoined(answer: Any, now: float) -> None:
            if self._rooms.get(room) is not stream:
                return
            self.rejoining.discard(room)
            if isinstance(answer, Refused):
                self.drop(room)
                refusal = Refusal(0, answer.code, str(answer), "", room=room)
                self._effects.delivered.append(refusal)
            else:
                events = [decode_event(raw) for raw in answer.events]
                self._deliver(stream.page(events, answer.head, answer.more), now)
                self.fetch(stream, now)

        asked = requests.Join(room=room, after=after)
        self._requests.add(asked, answers.Joined, now, rejoined, quiet=True, send=True)

    # -- what comes in ------------------------------------------------------------------------

    def feed(self, body: bytes, now: float) -> None:
        """Take in a feed message. Raises ProtocolViolation."""
        stream: Stream | None = None
        for event in decode_events(body):
            if stream is None or stream.room != event.room:
                stream = self._rooms.get(event.room or "")
            if stream is None:
                continue
            if event.kind == "head":
                if event.epoch == self.epoch:
                    stream.learn(event.seq)
                continue
            self._mine(event, now)
            self._effects.delivered.extend(stream.receive(event))
        if stream is not None:
            self.fetch(stream, now)

    def private(self, event: Event, now: float) -> None:
        """Take in an event of one's own inbox."""
        self._mine(event, now)
        self._effects.delivered.extend(self._inbox.receive(event))
        self.fetch(self._inbox, now)

    def _deliver(self, found: Sequence[Event | Gap], now: float) -> None:
        for event in found:
            if isinstance(event, Event):
                self._mine(event, now)
        self._effects.delivered.extend(found)

    # -- repair -------------------------------------------------------------------------------

    def hear(self, heads: dict[str, int], now: float) -> None:
        """Hear on control of the rooms' heads, which may have overtaken the feed."""
        for room, head in heads.items():
            if room in self._rooms:
                self._rooms[room].hear(head, now)

    def inbox_head(self, head: int, now: float) -> None:
        """Learn of the inbox's head; it comes on the same connection as the events do."""
        self._inbox.learn(head)
        self.fetch(self._inbox, now)

    def tick(self, now: float) -> None:
        """Fetch what is missing."""
        for stream in (self._inbox, *self._rooms.values()):
            stream.believe(now)
            self.fetch(stream, now)

    def fetch(self, stream: Stream, now: float) -> None:
        """Ask history for what comes after the cursor, where something is missing."""
        if not self.reading or not stream.missing:
            return
        stream.fetching = True

        def fetched(answer: Any, now: float) -> None:
            if stream is not self._inbox and self._rooms.get(stream.room or "") is not stream:
                return
            stream.fetching = False
            if isinstance(answer, Refused):  # the next head that is told tries again
                stream.head = stream.cursor or 0
                return
            events = [decode_event(raw) for raw in answer.events]
            self._deliver(stream.page(events, answer.head, answer.more), now)
            self.fetch(stream, now)

        asked = requests.History(room=stream.room, inbox=stream.room is None, after=stream.cursor)
        self._requests.add(asked, answers.Page, now, fetched, quiet=True, send=True)
