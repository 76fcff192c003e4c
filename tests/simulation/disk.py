"""What the simulated broker keeps through its crashes, seen by the judge: in memory, or on disk."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from chatlib.core.batch import Entry
from chatlib.core.state import Changes, Saved
from chatlib.history.memory import MemoryStore
from chatlib.history.retention import Keep, Retention
from chatlib.history.sqlite import SqliteStore
from chatlib.history.store import Store, StoreFailed
from tests.core.mirror import Mirror
from tests.simulation.crash import Fate
from tests.simulation.judge import Judge
from tests.simulation.network import Network

EPOCH = "a life"


class Disk(Protocol):
    """Where histories lie."""

    def open(self) -> Store:
        """Return the store as a broker finds it that starts now."""

    def close(self) -> None:
        """Let go of files."""


class Watch:
    """Who looks on while a store commits: chance fills its disk, fate ends it, the judge sees.

    `failures` counts the commits that found the disk full.
    """

    def __init__(self, network: Network, fate: Fate, judge: Judge) -> None:
        self.network = network
        self.fate = fate
        self.judge = judge
        self.failures = 0

    def full(self) -> bool:
        """Tell whether the disk is full now."""
        full = self.network.happens(self.network.weather.commit_loss)
        self.failures += full
        return full


class MemoryDisk(MemoryStore):
    """The store in memory, and beside it the state, which comes back when a broker starts."""

    def __init__(self, watch: Watch, size: int) -> None:
        super().__init__(EPOCH, size)
        self.watch = watch
        self._mirror: Mirror | None = None

    def open(self) -> Store:
        return self

    def load(self) -> Saved | None:
        return self._mirror.saved() if self._mirror else None

    def commit(self, entries: Sequence[Entry], changes: Changes | None = None) -> None:
        assert changes is not None
        if self.watch.full():
            raise StoreFailed("the disk is full")
        self.watch.fate.reach("in the commit", entries)
        super().commit(entries, changes)
        self._mirror = self._mirror or Mirror()
        self._mirror.take(changes)
        self.watch.judge.committed(entries)


class _File(SqliteStore):
    """The store on disk, which may fail or end in the middle of its transaction."""

    watch: Watch

    def commit(self, entries: Sequence[Entry], changes: Changes) -> None:
        super().commit(entries, changes)
        self.watch.judge.committed(entries)

    def _save(self, changes: Changes) -> None:
        halfway = self.watch.network.chance.random() < 0.5
        if halfway:
            super()._save(changes)
        if self.watch.full():
            raise sqlite3.OperationalError("database or disk is full")
        self.watch.fate.reach("in the commit", changes)
        if not halfway:
            super()._save(changes)


class FileDisk:
    """Files in `directory`. A broker that starts finds what a killed one left there.

    That is a copy of the files as they lie there: the store that wrote them has not closed them.
    """

    def __init__(self, watch: Watch, directory: Path, keep: int | None) -> None:
        self._watch = watch
        self._directory = directory
        self._retention = Retention(Keep(keep))
        self._lives = 0
        self._store: _File | None = None

    def open(self) -> Store:
        self._lives += 1
        place = self._directory / f"life {self._lives}"
        if self._store is not None:
            before = self._directory / f"life {self._lives - 1}"
            shutil.copytree(before, place)
            self.close()
            shutil.rmtree(before)
        self._store = _File(place, EPOCH, "os", self._retention)
        self._store.watch = self._watch
        return self._store

    def close(self) -> None:
        """Let go of the files."""
        if self._store is not None:
            self._store.close()
