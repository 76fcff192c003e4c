"""A log subscriber: follows public rooms with one SUB socket, from any seq on. Pure.

Live events and replays come on one socket, in the order in which the broker published them. So a
room is either in order, then each live event follows its `prev`; or it is behind, then live events
that don't are dropped, for the replay that was asked for brings them, and when its last page has
come, the next live event follows it. docs/protocol.md, "Replay".

While it catches up, events of all rooms are put in the order of their seq; once it is live, each
room's come as they come.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

from msgspec import Struct

from chatlib.core.actions import Subscribe, Unsubscribe
from chatlib.core.replaying import Heard, Replay, Replaying
from chatlib.core.seeking import Heads, Plan, Search, find_start
from chatlib.core.signals import Gap
from chatlib.protocol.codec import decode_events
from chatlib.protocol.limits import HISTORY_EVENTS
from chatlib.protocol.topics import BEACON, REPLAY, ROOMS, Place, room_topic

MOST_QUEUED = 2_000  # events of a room that wait for older ones of other rooms
MOST_CAUGHT_UP = 8_000  # events asked for at a time, of all rooms that catch up
LEAST_PAGE = 10


class Position(NamedTuple):
    """How far a log has come: up to `seq`, and in some rooms farther.

    `epoch` is empty where it is not known yet. With `oldest`, what is gone ahead of a room's oldest
    event is no gap.
    """

    epoch: str = ""
    seq: int = 0
    rooms: Mapping[str, int] = MappingProxyType({})
    oldest: bool = False


class Progress(NamedTuple):
    """Of all rooms, everything up to `seq` was delivered; with `live`, everything there is."""

    epoch: str
    seq: int
    live: bool


class NewHistory(NamedTuple):
    """The broker has another history: what came behind `after` in the old one can't be had."""

    epoch: str
    after: int


Told = Heard | Gap | NewHistory | Progress


class Rooms(NamedTuple):
    """Which rooms are followed: those named, or (without names) all that are `wanted`."""

    names: Sequence[str] = ()
    wanted: Callable[[str], bool] = lambda room: True


class _Room(Struct):
    name: str
    tail: int  # the seq of the newest event that came in order
    oldest: bool
    queue: deque[tuple[int, Heard | Gap]]
    behind: bool = False  # there is more behind `tail`
    asking: bool = False
    catching_up: bool = False


class Subscriber:
    """Follows `rooms` from `start` on; `delivered` is what is to be told, `actions` to be done.

    `nonce` is chance, so that replays asked for are nobody else's.
    """

    def __init__(self, rooms: Rooms, start: Position | Plan, nonce: str) -> None:
        self.actions: list[Subscribe | Unsubscribe] = []
        self.delivered: list[Told] = []
        self.placed = False
        self.live = False
        self._followed = rooms
        self._start = start
        self._epoch = start.epoch if isinstance(start, Position) else ""
        self._base = start.seq if isinstance(start, Position) else 0
        self._oldest = isinstance(start, Position) and start.oldest
        self._replaying = Replaying(self.actions, nonce)
        self._rooms: dict[str, _Room] = {}
        self._heap: list[tuple[int, str]] = []  # of each room with a queue, what is first in it
        self._hungry = 0  # rooms that catch up and have nothing in their queue
        self._listing = False
        self._connections = 0
        self._head = 0  # of all rooms, when they were listed
        self._page = HISTORY_EVENTS

    # -- what happens to the connection -------------------------------------------------------

    def begin(self, now: float) -> None:
        """Subscribe, and ask for what came before."""
        topics = [room_topic(name) for name in self._followed.names] or [ROOMS]
        self.actions.extend(map(Subscribe, (BEACON, *topics)))
        self._begin(now)

    def _begin(self, now: float) -> None:
        if isinstance(self._start, Position):
            self._place(self._start.rooms, now)
        else:
            self._find_heads(self._start, now)

    def connected(self, now: float) -> None:
        """Note that the feed is there, for the first time or again."""
        self._connections += 1
        if self._connections > 1:
            self.check(now)

    def check(self, now: float) -> None:
        """Look for what was missed: the connection broke, or it may have dropped something."""
        if not self.placed:
            return
        for name in self._followed.names:
            self._catch_up(self._room(name), len(self._followed.names), now)
        if not self._followed.names and not self._listing:
            self._list(now)

    def tick(self, now: float, drained: bool) -> None:
        """Ask again what was not answered; `drained` tells that all that came was taken in."""
        self._replaying.tick(now, drained)

    # -- where to begin -----------------------------------------------------------------------

    def _find_heads(self, plan: Plan, now: float) -> None:
        def found(heads: Heads, now: float) -> None:
            self._seek(find_start(plan, heads), None, now)

        if self._followed.names:
            self._ask_each(list(self._followed.names), [], found, now)
        else:
            self._ask_heads(0, [], lambda heads, head, now: found(heads, now), now)

    def _ask_each(
        self, names: list[str], heads: Heads, then: Callable[[Heads, float], None], now: float
    ) -> None:
        """Ask for the heads of `names`, one after the other."""
        if not names:
            then(heads, now)
            return

        def answered(replay: Replay, now: float) -> None:
            self._ask_each(names[1:], [*heads, (names[0], replay.head)], then, now)

        self._replaying.ask(Place(names[0], limit=1), answered, now)

    def _seek(self, search: Search, answer: Replay | None, now: float) -> None:
        """Go on with a search."""
        try:
            place = next(search) if answer is None else search.send(answer)
        except StopIteration as found:
            self._base = found.value
            self._place({}, now)
            return
        self._replaying.ask(place, lambda replay, now: self._seek(search, replay, now), now)

    def _place(self, cursors: Mapping[str, int], now: float) -> None:
        """Begin to follow: what came before is behind us."""
        for name, seq in cursors.items():
            if self._follows(name):
                self._room(name).tail = max(seq, self._base)
        self.placed = True
        if self._epoch:
            self.delivered.append(Progress(self._epoch, self._base, False))
        self.check(now)

    def _follows(self, name: str) -> bool:
        names = self._followed.names
        return name in names if names else self._followed.wanted(name)

    def _room(self, name: str) -> _Room:
        room = self._rooms.get(name)
        if room is None:
            room = self._rooms[name] = _Room(name, self._base, self._oldest, deque())
        return room

    # -- which rooms there are ----------------------------------------------------------------

    def _list(self, now: float) -> None:
        """Find the rooms that have something new, and let them catch up."""
        self._listing = True

        def listed(found: Heads, head: int, now: float) -> None:
            self._listing = False
            self._head = head
            behind = [self._room(name) for name, head in found if self._lacks(name, head)]
            for room in behind:
                self._catch_up(room, len(behind), now)

        self._ask_heads(self._base, [], listed, now)

    def _lacks(self, name: str, head: int) -> bool:
        known = self._rooms.get(name)
        return head > (known.tail if known else self._base)

    def _ask_heads(
        self, after: int, found: Heads, then: Callable[[Heads, int, float], None], now: float
    ) -> None:
        """Ask for the rooms with something behind `after`, and their heads; `found` so far."""

        def answered(replay: Replay, now: float) -> None:
            heads = [(heard.event.room or "", heard.event.seq) for heard in replay.heard]
            all_found = [*found, *(item for item in heads if self._follows(item[0]))]
            if replay.more and heads:
                self._ask_heads(heads[-1][1], all_found, then, now)
            else:
                then(all_found, replay.head, now)

        self._replaying.ask(Place(None, after=after), answered, now)

    # -- what comes in ------------------------------------------------------------------------

    def take(self, topic: bytes, body: bytes, now: float) -> None:
        """Take in a feed message. Raises ProtocolViolation."""
        lines = [line for line in body.split(b"\n") if line.strip()]
        heard = list(map(Heard, decode_events(body), lines))
        for event, _ in heard:
            if event.epoch is not None and event.epoch != self._epoch:
                self._another_epoch(event.epoch, now)
        if topic.startswith(REPLAY):
            self._replaying.take(topic, heard, now)
        elif self.placed:
            for one in heard:
                self._live(one, now)
        self._settle(now)

    def _another_epoch(self, epoch: str, now: float) -> None:
        known, self._epoch = self._epoch, epoch
        if not known:
            if self.placed:
                self.delivered.append(Progress(epoch, self._base, False))
            return
        self._replaying.forget()
        if self.placed:
            after = max((room.tail for room in self._rooms.values()), default=self._base)
            self.delivered.append(NewHistory(epoch, after))
            self._start, self._base, self._oldest = Position(epoch), 0, True
        self._rooms, self._heap, self._hungry, self._head = {}, [], 0, 0
        self._listing = self.placed = self.live = False
        self._begin(now)

    def _live(self, heard: Heard, now: float) -> None:
        event = heard.event
        if event.room is None or not self._follows(event.room):
            return
        room = self._room(event.room)
        if event.kind == "head" and event.prev < 0:
            if event.seq > room.tail:
                self._fall_behind(room, now)
        elif event.prev < 0 or event.seq <= room.tail:
            return  # another marker, or a repeat
        elif event.prev <= room.tail and len(room.queue) < MOST_QUEUED:
            self._put(room, event.seq, heard)
        else:
            self._fall_behind(room, now)

    def _fall_behind(self, room: _Room, now: float) -> None:
        room.behind = True
        self._fetch(room, now)

    def _catch_up(self, room: _Room, of: int, now: float) -> None:
        """Let a room catch up, with others: till then what these have to tell waits its turn."""
        if not room.catching_up:
            room.catching_up = True
            self._hungry += not room.queue
        self._page = max(LEAST_PAGE, min(HISTORY_EVENTS, MOST_CAUGHT_UP // of))
        self._fall_behind(room, now)

    # -- replays of one room ------------------------------------------------------------------

    def _fetch(self, room: _Room, now: float) -> None:
        """Ask for the next page, where there is one and room for it."""
        if room.behind and not room.asking and len(room.queue) <= self._page:
            room.asking = True
            place = Place(room.name, after=room.tail, limit=self._page)
            self._replaying.ask(place, partial(self._answered, room), now)

    def _answered(self, room: _Room, replay: Replay, now: float) -> None:
        if self._rooms.get(room.name) is not room:
            return
        room.asking = False
        for heard in replay.heard:
            event = heard.event
            if event.seq <= room.tail:
                continue
            if event.prev > room.tail:
                self._miss(room, event.prev)
            room.oldest = False
            self._put(room, event.seq, heard)
        room.behind = replay.more
        if not replay.more:
            if replay.head > room.tail:
                self._miss(room, replay.head)
            room.oldest = False
            if room.catching_up:
                room.catching_up = False
                self._hungry -= not room.queue
        self._fetch(room, now)

    def _miss(self, room: _Room, last: int) -> None:
        """Note that what lies behind the tail, up to `last`, is gone."""
        if room.oldest:
            room.tail = last
        else:
            self._put(room, last, Gap(room.name, room.tail, last + 1))

    # -- telling ------------------------------------------------------------------------------

    def _put(self, room: _Room, seq: int, told: Heard | Gap) -> None:
        if not room.queue:
            self._hungry -= room.catching_up
            heapq.heappush(self._heap, (seq, room.name))
        room.queue.append((seq, told))
        room.tail = seq

    def _settle(self, now: float) -> None:
        """Deliver what can be, in the order of seq."""
        while self._heap and not self._hungry and not self._listing:
            _, name = heapq.heappop(self._heap)
            room = self._rooms[name]
            self.delivered.append(room.queue.popleft()[1])
            if room.queue:
                heapq.heappush(self._heap, (room.queue[0][0], name))
            else:
                self._hungry += room.catching_up
            self._fetch(room, now)
        news = self._head > self._base and not self._followed.names
        if self.placed and self._replaying.idle and not self._heap and (news or not self.live):
            self.live = True
            self._base = max(self._base, self._head)
            self.delivered.append(Progress(self._epoch, self._base, True))
