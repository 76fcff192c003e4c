"""The reading half of a client: the streams of its rooms and its inbox, and their repair."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from chatlib.core.actions import Effects, Subscribe, Unsubscribe
from chatlib.core.requests import Requests
from chatlib.core.signals import Gap, Refusal
from chatlib.core.stream import Stream
from chatlib.errors import Refused
from chatlib.protocol import answers, limits, requests
from chatlib.protocol.codec import decode_event, decode_events
from chatlib.protocol.events import Event
from chatlib.protocol.topics import room_topic


def not_in(room: str) -> str:
    """Say that one is not where one was."""
    return f"you are not in the room {room} any more"


class Reader:
    """Delivers every event of its streams once and in order.

    `mine` is called with each event as it comes, before it is put in order, so that
    acknowledgements are seen at once. Nothing is fetched while `reading` is False.
    """

    def __init__(
        self,
        effects: Effects,
        requests: Requests,
        mine: Callable[[Event, float], None],
    ) -> None:
        self.sid = ""
        self.user = ""
        self.epoch = ""
        self.reading = False
        self.rejoining: set[str] = set()
        self._effects = effects
        self._requests = requests
        self._mine = mine
        self._rooms: dict[str, Stream] = {}
        self._inbox = Stream(None, 0)
        self._arrived = 0  # the newest event of our rooms when we were welcomed
        self._dropped: set[str] = set()  # rooms, since the last ping was asked

    @property
    def joined(self) -> list[str]:
        """The rooms joined, in the order of joining."""
        return [name for name, stream in self._rooms.items() if stream.cursor is not None]

    @property
    def topics(self) -> tuple[bytes, ...]:
        """The feed topics of all rooms but the private ones."""
        return tuple(room_topic(name) for name, s in self._rooms.items() if not s.private)

    @property
    def inbox(self) -> int:
        """The cursor of the inbox: the seq of the last private event that was delivered."""
        return self._inbox.cursor or 0

    def take_over(self, epoch: str, inbox: int) -> None:
        """Go on in the inbox of a session, behind `inbox`, if it is still that history."""
        self.epoch = epoch
        self._inbox = Stream(None, inbox)

    def ping(self, *, brief: bool) -> requests.Ping:
        """Return a ping, which tells the broker's operator how far each room was delivered.

        A brief one doesn't.
        """
        self._dropped.clear()
        if brief:
            return requests.Ping()
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
            self._subscribe(room)
        return stream

    def _subscribe(self, room: str) -> None:
        self._effects.actions.append(Subscribe(room_topic(room)))

    def _unsubscribe(self, room: str) -> None:
        self._effects.actions.append(Unsubscribe(room_topic(room)))

    def joined_now(self, stream: Stream, answer: Any, history: int, now: float) -> None:
        """Take in the answer to a join."""
        if isinstance(answer, Refused):
            if stream.cursor is None and self._rooms.get(stream.room or "") is stream:
                self.drop(stream.room or "")
            return
        if self._rooms.get(stream.room or "") is not stream:  # left, and joined anew since
            stream = self.open(stream.room or "")
        self._privately(stream, answer)
        events = [decode_event(raw) for raw in answer.events]
        mine = [e.seq for e in events if e.kind == "join" and e.author == self.user]
        stream.since = max(stream.since, *mine, 0)
        if stream.cursor is None:
            # Told, and no more: a nickname that one has there may be one of long ago.
            self._tell(stream.start(events, answer.head, history, self.user))
        self.fetch(stream, now)

    def _privately(self, stream: Stream, joined: answers.Joined) -> None:
        """Expect a private room's events on control alone."""
        if joined.private != stream.private:
            stream.private = joined.private
            (self._unsubscribe if joined.private else self._subscribe)(stream.room or "")

    def drop(self, room: str) -> None:
        """Forget a room that was left."""
        self.rejoining.discard(room)
        self._dropped.add(room)
        stream = self._rooms.pop(room, None)
        if stream is not None and not stream.private:
            self._unsubscribe(room)

    def _lose(self, stream: Stream, code: str, text: str) -> None:
        """Forget a room that one was put out of, where the user has not heard of it as an event."""
        room = stream.room or ""
        if self._rooms.get(room) is stream:
            self.drop(room)
            self._effects.delivered.append(Refusal(0, code, text, "", room=room))

    def resume(self, welcome: answers.Welcome, now: float) -> None:
        """Go on in the same session on a new connection."""
        self._requests.drop(requests.History)
        for stream in (self._inbox, *self._rooms.values()):
            stream.fetching = False  # its answer may have been lost with the connection
        if self._inbox.cursor is None:
            self._open_inbox(welcome, now)
        self.hear(welcome.rooms, now)
        self.inbox_head(welcome.inbox, now)

    def _still_in(self, rooms: Collection[str]) -> None:
        """Learn in which rooms one is: a private one that is not among them has put one out.

        Of a public one the feed and history tell that, to whoever asks.
        """
        leaving = self._requests.leaving
        for name, stream in list(self._rooms.items()):
            known = stream.cursor is not None and name not in self.rejoining
            if stream.private and known and name not in rooms and name not in leaving:
                self._lose(stream, "not_joined", not_in(name))

    def renew(self, welcome: answers.Welcome, new_history: bool, now: float) -> None:
        """Go on in a new session: rejoin every room from where it was left off.

        A new history is read from its start: what was said before we came back is in it. Whose
        nickname is registered has the inbox still, and is in rooms of which we may not know; but
        where he is not, he left on another device, or was put out.
        """
        self._requests.drop(requests.History)
        before, self.user = self.user, welcome.user or welcome.sid
        self._arrived = max(welcome.rooms.values(), default=0)
        if not welcome.registered:
            self._inbox = Stream(None, 0)
        elif before != self.user or new_history or self._inbox.cursor is None:
            self._open_inbox(welcome, now)
        else:
            self._inbox.fetching = False
            self.inbox_head(welcome.inbox, now)
        self.rejoining.clear()
        same = welcome.registered and before == self.user and not new_history
        there = {*welcome.rooms, *self._requests.leaving} if same else {*self._rooms}
        if welcome.registered:
            for room in welcome.rooms.keys() - self._rooms.keys():
                self._enter_other(room, now)
        for room, stream in list(self._rooms.items()):
            if new_history and stream.private:  # to join it would open a public one of that name
                text = f"the private room {room} is gone: the broker has begun a new history"
                self._lose(stream, "no_such_room", text)
            elif stream.cursor is not None and room not in there:
                self._lose(stream, "not_joined", not_in(room))
            elif stream.cursor is not None:
                self._rejoin(room, 0 if new_history else stream.cursor, now)

    def enter_others(self, rooms: Collection[str], now: float) -> None:
        """Follow to the rooms that another device of ours has joined, as a pong tells.

        The feed may have told since the ping that one was put out of a room, or left it.
        """
        known = self._rooms.keys() | self._requests.leaving | self._dropped
        for room in sorted(set(rooms) - known):
            self._enter_other(room, now)

    def _enter_other(self, room: str, now: float) -> None:
        """Read a room in which another device of ours is, or was."""
        stream = self.open(room)

        def entered(answer: Any, now: float) -> None:
            self.joined_now(stream, answer, limits.JOIN_EVENTS, now)

        asked = requests.Join(room=room)
        self._requests.add(asked, answers.Joined, now, entered, quiet=True, send=True)

    def _open_inbox(self, welcome: answers.Welcome, now: float) -> None:
        """Begin with what came last into an inbox that is not new, and with all that waits."""
        stream = self._inbox = Stream(None, None if welcome.inbox else 0)

        def opened(answer: Any, now: float) -> None:
            if self._inbox is not stream or stream.cursor is not None:
                return
            if isinstance(answer, Refused):
                stream.cursor = welcome.inbox
            else:
                events = [decode_event(raw) for raw in answer.events]
                self._deliver(stream.start(events, answer.head, len(events), self.user), now)
            self.fetch(stream, now)

        if stream.cursor is None:
            asked = requests.History(
                inbox=True, limit=max(limits.JOIN_EVENTS, welcome.waiting or 0)
            )
            self._requests.add(asked, answers.Page, now, opened, quiet=True, send=True)

    def _rejoin(self, room: str, after: int, now: float) -> None:
        private = self._rooms[room].private
        stream = self._rooms[room] = Stream(room, after)
        stream.fetching, stream.private = True, private
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
                self._privately(stream, answer)
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
            if (stream := self._rooms.get(event.room or "")) is None:
                continue
            if event.kind == "head":
                if event.epoch == self.epoch:
                    stream.learn(event.seq)
                continue
            self._mine(event, now)
            self._tell(stream.receive(event))
        if stream is not None:
            self.fetch(stream, now)

    def told(self, event: Event, now: float) -> None:
        """Take in an event that came on control: of a private room, or of one's own inbox."""
        if event.place is None:
            self.private(event, now)
        elif (stream := self._rooms.get(event.place)) is not None:
            self._mine(event, now)
            self._tell(stream.receive(event))
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
        self._tell(found)

    def _tell(self, found: Sequence[Event | Gap]) -> None:
        """Tell the user, up to where he was put out of the room; then forget it."""
        for i, event in enumerate(found):
            if not isinstance(event, Event) or event.reason != "kicked":
                continue
            if event.author == self.user and not self._is_back(event, found):
                self._effects.delivered.extend(found[: i + 1])
                self.drop(event.place or "")
                return
        self._effects.delivered.extend(found)
        for event in found:
            if isinstance(event, Event) and self._left(event) and not self._is_back(event, found):
                self.drop(event.room or "")

    def _left(self, event: Event) -> bool:
        """Tell whether another device of ours left a room, and not long ago, with all of us."""
        ours = event.author == self.user and event.sid != self.sid
        return event.kind == "leave" and ours and event.seq > self._arrived

    def _is_back(self, leave: Event, found: Sequence[Event | Gap]) -> bool:
        """Tell whether one is in the room again, or has forgotten it already."""
        stream = self._rooms.get(leave.place or "")
        return (stream is None or leave.seq < stream.since) or any(
            isinstance(e, Event)
            and e.kind == "join"
            and e.author == self.user
            and e.seq > leave.seq
            for e in found
        )

    # -- repair -------------------------------------------------------------------------------

    def hear(self, heads: dict[str, int], now: float) -> None:
        """Hear on control of the rooms' heads, which may have overtaken the feed.

        They are those of all rooms that one is in.
        """
        self._still_in(heads)
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
                if stream.private and answer.code in ("no_such_room", "not_joined"):
                    self._lose(stream, answer.code, str(answer))
                return
            events = [decode_event(raw) for raw in answer.events]
            self._deliver(stream.page(events, answer.head, answer.more), now)
            self.fetch(stream, now)

        asked = requests.History(room=stream.room, inbox=stream.room is None, after=stream.cursor)
        self._requests.add(asked, answers.Page, now, fetched, quiet=True, send=True)
