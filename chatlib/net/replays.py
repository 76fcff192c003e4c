"""Replays: what readers of the feed ask for by a subscription, answered on that very topic.

XPUB does not tell who subscribed, so nobody can have a share of his own: all replays together have
a budget of bytes for each pass and each second, and what comes on top waits, or is dropped and
asked again. What happens now is published before. docs/protocol.md, "Replay".
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence

from chatlib.core.state import State
from chatlib.history.store import Store, StoreFailed
from chatlib.protocol import limits
from chatlib.protocol.codec import encode
from chatlib.protocol.events import Event
from chatlib.protocol.topics import Place, room_topic, topic_replay

PASS_BYTES = 256 * 1024  # a pass that published so much begins no other replay
BURST_BYTES = 32 * 1024 * 1024  # published after a rest, of all readers together, ...
BYTES_S = BURST_BYTES // 2  # ... and so much more each second
MOST_WAITING = 1_000  # of all readers; who is not answered asks again
OVERHEAD = 10_000  # bytes that a replay costs beside its events
ROOM_COST = 100  # bytes for each room that is looked at

Publish = Callable[[bytes, Sequence[bytes]], None]


class Replays:
    """The replays that wait; `publish` sends lines on a topic."""

    def __init__(self, state: State, store: Store, publish: Publish) -> None:
        self._state = state
        self._store = store
        self._publish = publish
        self._waiting: dict[bytes, Place] = {}  # by topic, the first asked comes first
        self._allowed = float(BURST_BYTES)
        self._refilled = 0.0

    @property
    def ready(self) -> bool:
        """Tell whether something can be answered in the next pass."""
        return bool(self._waiting) and self._allowed > 0

    def patience(self) -> float:
        """Return the seconds until something that waits can be answered."""
        return max(0.0, -self._allowed / BYTES_S) if self._waiting else float("inf")

    def take(self, subscriptions: Iterable[bytes]) -> None:
        """Let those of the topics newly subscribed to wait that ask for a replay."""
        for topic in subscriptions:
            place = topic_replay(topic)
            if place is not None and len(self._waiting) < MOST_WAITING:
                self._waiting[topic] = place

    def serve(self, now: float) -> None:
        """Publish what a pass has room for; all that happened must be published before."""
        self._allowed += max(0.0, now - self._refilled) * BYTES_S
        self._allowed = min(self._allowed, BURST_BYTES)
        self._refilled = now
        left = PASS_BYTES
        while self.ready and left > 0:
            topic = next(iter(self._waiting))
            cost = self._answer(topic, self._waiting.pop(topic))
            self._allowed -= cost
            left -= cost

    def _answer(self, topic: bytes, place: Place) -> int:
        """Publish one replay and return what it cost. A store that fails has no answer."""
        try:
            lines, head, more = self._rooms(place) if place.room is None else self._page(place)
        except StoreFailed:
            return OVERHEAD
        marker = Event(
            kind="replayed",
            room=place.room,
            seq=head,
            epoch=self._state.epoch,
            count=len(lines),
            more=more,
        )
        self._publish(topic, [*lines, encode(marker)])
        looked_at = len(self._state.rooms) * ROOM_COST if place.room is None else 0
        return OVERHEAD + looked_at + sum(map(len, lines))

    def _page(self, place: Place) -> tuple[list[bytes], int, bool]:
        """Return a page of a public room; of one that is not there or not public, nothing."""
        room = self._state.rooms.get(place.room or "")
        if room is None or not _public(room.name, room.stream):
            return [], 0, False
        page = self._store.page(
            room.stream,
            after=place.after,
            before=place.before,
            limit=place.limit,
            size=limits.ANSWER_BYTES,
        )
        return page.lines, room.head, page.more

    def _rooms(self, place: Place) -> tuple[list[bytes], int, bool]:
        """Return head markers of the public rooms with news, the oldest news first."""
        after, most = place.after or 0, place.limit
        news = (
            (room.head, room.name)
            for room in self._state.rooms.values()
            if room.head > after and _public(room.name, room.stream)
        )
        found = heapq.nsmallest(most + 1, news)
        epoch = self._state.epoch
        lines = [
            encode(Event(kind="head", room=name, seq=head, epoch=epoch))
            for head, name in found[:most]
        ]
        return lines, self._state.seq, len(found) > most


def _public(name: str, stream: str) -> bool:
    """Tell whether a room's events are on the feed, for all: what is not there is not replayed."""
    return stream == room_topic(name).decode()
