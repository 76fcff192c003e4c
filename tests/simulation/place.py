"""How far each member of a simulation has come in each stream, as the judge sees it."""

from __future__ import annotations

from bisect import bisect_right

from msgspec.structs import replace

from chatlib.core.batch import INBOX
from chatlib.core.signals import Gap
from chatlib.history.store import Store
from chatlib.protocol.events import Event
from tests.simulation.judge import Judge


class Place:
    """How far one member has come in one stream: each event once, in order, none left out."""

    def __init__(self, judge: Judge, stream: str, reader: int) -> None:
        self._judge = judge
        self.stream = stream
        self._reader = reader
        self._told_to = f"member {reader} in {stream}"
        # Index in the chain of the newest that was told. An inbox is read from its start.
        self.at: int | None = -1 if stream.startswith(INBOX) else None

    def begin(self, seq: int) -> None:
        """Begin behind what an earlier life was told, up to `seq`."""
        self.at = bisect_right(self._judge.chains[self.stream].seqs, seq) - 1

    def told(self, event: Event, joined: int | None) -> None:
        """Look at an event that is told; `joined` is the seq of one's own join, where known."""
        chain = self._judge.chains[self.stream]
        index = bisect_right(chain.seqs, event.seq) - 1
        stored = index >= 0 and chain.seqs[index] == event.seq
        assert stored, f"{self._told_to}: never stored: {event}"
        if self.at is None:
            late = joined is not None and event.seq > joined
            assert not late, f"{self._told_to}: begins behind one's own join: {event}"
        else:
            assert index > self.at, f"{self._told_to}: again: {event}"
            index = self.at + 1
        self._judge.told.append((self._reader, event.seq))
        expected = chain.events[index]
        if event.deleted:
            assert event.seq in self._judge.erased, f"{self._told_to}: not deleted: {event}"
            expected = replace(expected, text="", deleted=True)
        assert event == expected, f"{self._told_to}: {event} instead of {expected}"
        self.at = index

    def gap(self, gap: Gap, store: Store) -> None:
        """Look at a gap: all that lies in it must be gone."""
        chain = self._judge.chains[self.stream]
        missing = chain.between(gap.after, gap.before)
        self._judge.gaps += 1
        assert missing, f"{self._told_to}: a gap where nothing is: {gap}"
        if self.at is None:
            self.at = -1
        assert gap.after == (chain.seqs[self.at] if self.at >= 0 else 0)
        page = store.page(self.stream, limit=1, size=1)
        assert page.oldest == 0 or page.oldest > missing[-1], (
            f"{self._told_to}: not gone at all: {gap}"
        )
        self.at += len(missing)

    @property
    def whole(self) -> bool:
        """Tell whether all there is was told."""
        return self.at is not None and self.at == len(self._judge.chains[self.stream].seqs) - 1
