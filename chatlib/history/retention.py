"""How much of the history is kept, and which events of a stream go next."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from chatlib.protocol.topics import PRIVATE, topic_room

DAY = 24 * 3600 * 1000  # milliseconds


class Keep(NamedTuple):
    """How much of one stream is kept: None is all. Age in milliseconds."""

    events: int | None = None
    age: int | None = None

    def describe(self) -> str:
        """Say it to people."""
        told = [f"{self.age / DAY:g} days"] if self.age is not None else []
        told += [f"{self.events} events"] if self.events is not None else []
        return " and ".join(told) or "everything"


NO_ROOMS: Mapping[str, Keep] = MappingProxyType({})


class Retention(NamedTuple):
    """How much of each stream is kept; `rooms` are those for which something else holds."""

    default: Keep = Keep()
    rooms: Mapping[str, Keep] = NO_ROOMS

    def of(self, stream: str) -> Keep:
        """Return how much of a stream is kept."""
        private = stream.startswith(PRIVATE)
        room = stream[len(PRIVATE) : -1] if private else topic_room(stream.encode())
        return self.rooms.get(room or "", self.default)

    def describe(self) -> str:
        """Say it to people; nothing when everything is kept."""
        if self.everything:
            return ""
        others = [f"{keep.describe()} of {room}" for room, keep in sorted(self.rooms.items())]
        return ", ".join([f"{self.default.describe()} of each room", *others])

    @property
    def everything(self) -> bool:
        """Tell whether nothing is ever dropped."""
        return all(keep == Keep() for keep in (self.default, *self.rooms.values()))


EVERYTHING = Retention()


def last_to_go(
    db: sqlite3.Connection, stream: int, excess: int, old: int, most: int
) -> tuple[int, int]:
    """Return how many of the oldest events of a stream go, at most `most`, and the last one's seq.

    `excess` are too many, and those before the seq `old` are too old.
    """
    if excess <= 0 and not old:
        return 0, 0
    seqs = db.execute(
        "SELECT seq FROM events WHERE stream = ? AND (seq < ? OR ?) ORDER BY seq LIMIT ?",
        (stream, old, excess > 0, most),
    )
    gone = [seq for i, (seq,) in enumerate(seqs) if i < excess or seq < old]
    return len(gone), gone[-1] if gone else 0


def too_old(db: sqlite3.Connection, keep: Keep, at: int) -> int:
    """Return the seq before which events are too old, by the marks that are set each hour."""
    if keep.age is None:
        return 0
    mark = "SELECT max(seq) FROM marks WHERE at <= ?"
    return db.execute(mark, (at - keep.age,)).fetchone()[0] or 0
