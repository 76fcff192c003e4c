"""Reads public rooms for many people at once: one SUB, each event decoded and put in order once.

Like `core.subscriber`, live events and replays come on one socket in the order in which the broker
published them. But rooms come and go with the people who are in them, each begins at its newest
event, and nothing is ordered between rooms: what came before, people ask for themselves.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from msgspec import Struct

from chatlib.core.actions import Subscribe, Unsubscribe
from chatlib.core.replaying import Heard, Replay, Replaying
from chatlib.core.signals import Gap
from chatlib.protocol.codec import decode_events
from chatlib.protocol.topics import BEACON, REPLAY, Place, room_topic


class Followed(NamedTuple):
    """From `head` on, every event of the room is delivered."""

    room: str
    head: int


class _Room(Struct):
    name: str
    tail: int | None = None  # the seq of the newest event that was delivered; None: not known yet
    behind: bool = False
    asking: bool = False


class Relay:
    """Delivers each event of the rooms followed once and in order; `delivered` is what to pass on.

    `nonce` is chance, so that replays asked for are nobody else's.
    """

    def __init__(self, nonce: str) -> None:
        self.actions: list[Subscribe | Unsubscribe] = []
        self.delivered: list[Heard | Gap | Followed] = []
        self.epoch = ""
        self.violations = 0
        self._replaying = Replaying(self.actions, nonce)
        self._rooms: dict[str, _Room] = {}

    @property
    def topics(self) -> list[bytes]:
        """All that a new socket must be subscribed to; then say `renewed`."""
        return [BEACON, *map(room_topic, self._rooms)]

    def tail(self, name: str) -> int | None:
        """Return from where on a room is delivered; None where it is not yet."""
        room = self._rooms.get(name)
        return None if room is None else room.tail

    def follow(self, name: str, now: float) -> None:
        """Begin to deliver a room, from its newest event on. `Followed` tells when."""
        if name not in self._rooms:
            room = self._rooms[name] = _Room(name)
            self.actions.append(Subscribe(room_topic(name)))
            self._fetch(room, now)

    def unfollow(self, name: str) -> None:
        """Deliver a room no more."""
        if self._rooms.pop(name, None) is not None:
            self.actions.append(Unsubscribe(room_topic(name)))

    def renewed(self, now: float) -> None:
        """Note that there is another socket: what was asked on the old one is lost."""
        self._replaying.forget()
        self.actions.clear()
        for room in self._rooms.values():
            room.asking = False
            self._fall_behind(room, now)

    def check(self, now: float) -> None:
        """Look for what was missed: the connection broke, or dropped something."""
        for room in self._rooms.values():
            self._fall_behind(room, now)

    def tick(self, now: float) -> None:
        """Ask again what was not answered."""
        self._replaying.tick(now, drained=True)

    # -- what comes in ------------------------------------------------------------------------

    def take(self, topic: bytes, body: bytes, now: float) -> None:
        """Take in a feed message. Raises ProtocolViolation."""
        lines = [line for line in body.split(b"\n") if line.strip()]
        heard = list(map(Heard, decode_events(body), lines))
        for event, _ in heard:
            if event.epoch is not None and event.epoch != self.epoch:
                self._another_epoch(event.epoch, now)
        if topic.startswith(REPLAY):
            self._replaying.take(topic, heard, now)
            return
        for one in heard:
            room = self._rooms.get(one.event.room or "")
            if room is not None and room.tail is not None:
                self._live(room, room.tail, one, now)

    def _live(self, room: _Room, tail: int, heard: Heard, now: float) -> None:
        event = heard.event
        if event.seq <= tail:
            return  # a repeat, or a marker that says nothing new
        if event.prev < 0:
            if event.kind == "head":
                self._fall_behind(room, now)
        elif event.prev <= tail:
            room.tail = event.seq
            self.delivered.append(heard)
        else:
            self._fall_behind(room, now)

    def _another_epoch(self, epoch: str, now: float) -> None:
        """Begin each room anew: places in the old history mean nothing."""
        known, self.epoch = self.epoch, epoch
        if not known:
            return
        self._replaying.forget()
        for room in self._rooms.values():
            room.tail, room.asking = None, False
            self._fetch(room, now)

    # -- replays ------------------------------------------------------------------------------

    def _fall_behind(self, room: _Room, now: float) -> None:
        room.behind = True
        self._fetch(room, now)

    def _fetch(self, room: _Room, now: float) -> None:
        if room.asking or not (room.behind or room.tail is None):
            return
        room.asking, room.behind = True, False
        if room.tail is None:
            place = Place(room.name, limit=1)
        else:
            place = Place(room.name, after=room.tail)
        self._replaying.ask(place, partial(self._answered, room), now)

    def _answered(self, room: _Room, replay: Replay, now: float) -> None:
        if self._rooms.get(room.name) is not room:
            return
        room.asking = False
        if room.tail is None:
            room.tail = replay.head
            self.delivered.append(Followed(room.name, replay.head))
            self._fetch(room, now)
            return
        for heard in replay.heard:
            event = heard.event
            if event.seq <= room.tail:
                continue
            if event.prev > room.tail:
                self.delivered.append(Gap(room.name, room.tail, event.seq))
            room.tail = event.seq
            self.delivered.append(heard)
        if replay.more:
            room.behind = True
        elif replay.head > room.tail:
            self.delivered.append(Gap(room.name, room.tail, replay.head + 1))
            room.tail = replay.head
        self._fetch(room, now)
