"""A broker's feed for one log subscriber: real replays, messages that get lost on demand."""

from __future__ import annotations

import json
from collections import deque

from chatlib.core.actions import Subscribe
from chatlib.core.batch import Entry
from chatlib.core.replaying import Heard
from chatlib.core.seeking import Plan
from chatlib.core.signals import Gap
from chatlib.core.state import State, new_room
from chatlib.core.streams import timestamp
from chatlib.core.subscriber import NewHistory, Position, Progress, Rooms, Subscriber
from chatlib.history.memory import MemoryStore
from chatlib.net.replays import Replays
from chatlib.protocol.codec import encode
from chatlib.protocol.events import Event

NIGHT = 1_000_000_000_000  # Unix time in ms


class Feed:
    """Events come one a second; what was published waits in `queue` until `pump`."""

    def __init__(self, epoch: str = "e1") -> None:
        self.now = 0.0
        self.queue: deque[tuple[bytes, bytes]] = deque()
        self.topics: list[bytes] = []
        self.lossy = False  # all that is published is dropped
        self.new_life(epoch)

    def new_life(self, epoch: str) -> None:
        self.state, self.store = State(epoch), MemoryStore(epoch)
        self.replays = Replays(self.state, self.store, self._publish_lines)

    def say(self, name: str, nick: str = "ann") -> int:
        """Let something happen in a room; return its seq."""
        room = self.state.rooms.setdefault(name, new_room(name))
        self.state.seq += 1
        event = Event(
            seq=self.state.seq,
            prev=room.head,
            at=timestamp(NIGHT + self.state.seq * 1000),
            kind="say",
            room=name,
            nick=nick,
            text=f"{self.state.seq}",
        )
        room.head = self.state.seq
        self.store.commit([Entry(room.stream, event.seq, encode(event))])
        self._publish_lines(room.stream.encode(), [encode(event)])
        return event.seq

    def forget(self, name: str, until: int) -> None:
        """Let the oldest events of a room be gone."""
        self.store._streams[self.state.rooms[name].stream, None].drop_until(until)

    def quiet(self, name: str) -> None:
        """Say where the head of a room is."""
        room = self.state.rooms[name]
        marker = Event(kind="head", room=name, seq=room.head, epoch=self.state.epoch)
        self._publish_lines(room.stream.encode(), [encode(marker)])

    def beat(self) -> None:
        beacon = Event(kind="beacon", epoch=self.state.epoch, seq=self.state.seq, at="")
        self._publish_lines(b"beacon/", [encode(beacon)])

    def _publish_lines(self, topic: bytes, lines: list[bytes]) -> None:  # type: ignore[override]
        if not self.lossy and any(topic.startswith(t) for t in self.topics):
            self.queue.append((topic, b"\n".join(lines)))


class Log:
    """A subscriber on a feed, and all that it delivered."""

    def __init__(self, feed: Feed, rooms: Rooms, start: Position | Plan, nonce: str = "x") -> None:
        self.feed = feed
        self.subscriber = Subscriber(rooms, start, nonce)
        self.told: list[Heard | Gap | NewHistory | Progress] = []
        self.subscriber.begin(feed.now)
        self.subscriber.connected(feed.now)
        self.asked = 0
        self.pump()

    def pump(self) -> None:
        """Let everything that is on its way arrive, until nothing more comes of it."""
        feed = self.feed
        while self._perform() or feed.queue or feed.replays.ready:
            feed.replays.serve(feed.now)
            while feed.queue:
                topic, body = feed.queue.popleft()
                self.subscriber.take(topic, body, feed.now)
                self._perform()
        self.told += self.subscriber.delivered
        self.subscriber.delivered.clear()

    def _perform(self) -> bool:
        actions, self.subscriber.actions[:] = self.subscriber.actions.copy(), []
        for action in actions:
            if isinstance(action, Subscribe):
                self.asked += action.topic.startswith(b"replay/")
                self.feed.topics.append(action.topic)
                self.feed.replays.take([action.topic])
            else:
                self.feed.topics.remove(action.topic)
        return bool(actions)

    def reconnect(self) -> None:
        """Break the connection: what is on its way is lost, and all subscriptions come anew."""
        self.feed.queue.clear()
        self.feed.replays.take(self.feed.topics)
        self.subscriber.connected(self.feed.now)
        self.pump()

    def wait(self, seconds: float) -> None:
        self.feed.now += seconds
        self.subscriber.tick(self.feed.now, True)
        self.pump()

    @property
    def seqs(self) -> list[int]:
        """What was delivered, by seq; what is missing, negative."""
        found = []
        for one in self.told:
            if isinstance(one, Heard):
                assert json.loads(one.line)["seq"] == one.event.seq
                found.append(one.event.seq)
            elif isinstance(one, Gap):
                found.append(-(one.before - 1))
        return found

    @property
    def live(self) -> bool:
        return any(isinstance(one, Progress) and one.live for one in self.told)
