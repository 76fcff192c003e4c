"""A broker that ends at a named point of its pass, as by `kill -9`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from chatlib.core.batch import Batch, Note
from chatlib.core.buckets import Limits
from chatlib.core.commands import Command
from chatlib.core.state import State
from chatlib.history.store import Store
from chatlib.net.answers import Answers
from chatlib.net.pipeline import Pipeline, Place

# What has arrived is lost with the queues that it lay in. What the pipeline has emitted gets out,
# but "in the emit" each peer's connection breaks at another frame.
POINTS = (
    "before the pass",
    "before the commit",
    "in the commit",  # the transaction is undone
    "after the commit",
    "in the emit",
    "before a read",
    "after a read",
)


class Crashed(Exception):
    """The broker is no more. The message is the point."""


class Fate:
    """Where the broker ends next, and how often it ended where."""

    def __init__(self) -> None:
        self.due = ""
        self.counts: Counter[str] = Counter()

    def reach(self, point: str, *what: Any) -> None:
        """Come to a point; it counts only when there is something that the crash would hit."""
        if point == self.due and any(what):
            self.due = ""
            self.counts[point] += 1
            raise Crashed(point)


class FragilePipeline(Pipeline):
    """The broker's pipeline, which its fate may end; `committed` sees the notes of each commit."""

    def __init__(
        self,
        store: Store,
        place: Place,
        *,
        fresh: Callable[[int], str],
        fate: Fate,
        committed: Callable[[Sequence[Note]], None],
        limits: Limits | None = None,
    ) -> None:
        super().__init__(store, place, fresh=fresh, limits=limits)
        self._fate = fate
        self._committed = committed
        self._answers = FragileAnswers(self.state, store, self._reply, fate)

    def run(self, *arrived: Any) -> None:
        self.feed, self.control = [], []
        self._fate.reach("before the pass", *arrived[:3])
        super().run(*arrived)

    def _commit(self, commands: Sequence[Command], batch: Batch) -> Batch:
        self._fate.reach("before the commit", batch.entries)
        batch = super()._commit(commands, batch)
        self._committed(batch.notes)
        self._fate.reach("after the commit", batch.entries)
        return batch

    def _emit(self, batch: Batch, now: float) -> None:
        super()._emit(batch, now)
        self._fate.reach("in the emit", self.feed, self.control)


class FragileAnswers(Answers):
    """Long answers, before and after which fate may strike."""

    def __init__(self, state: State, store: Store, reply: Callable[..., int], fate: Fate) -> None:
        super().__init__(state, store, reply)
        self._fate = fate

    def _serve_one(self, wanted: Any) -> int:
        self._fate.reach("before a read", wanted)
        size = super()._serve_one(wanted)
        self._fate.reach("after a read", wanted)
        return size


class Torn:
    """An emit that ends midway: each peer gets the first so many of its frames, by chance."""

    def __init__(self, happens: Callable[[float], bool]) -> None:
        self._happens = happens
        self._broken: set[Any] = set()

    def gets(self, peer: Any) -> bool:
        """Tell whether one more frame gets out to `peer`."""
        if self._happens(0.3):
            self._broken.add(peer)
        return peer not in self._broken
