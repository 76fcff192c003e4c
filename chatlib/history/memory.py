"""A history that lives as long as its process, bounded in bytes: the oldest events go first."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Sequence

from chatlib.core.batch import INBOX, Entry
from chatlib.core.state import Changes
from chatlib.history.store import Condition, Page, Search
from chatlib.protocol.codec import blank, undeleted

MiB = 1024 * 1024
Key = tuple[str, str | None]  # a stream, or one private conversation in an inbox
OVERHEAD = 120  # bytes that an event costs beside its line: objects and places in lists


class _Lines:
    """Events in the order of their seq, appended behind and dropped in front."""

    def __init__(self) -> None:
        self._seqs: list[int] = []
        self._lines: list[bytes] = []
        self._gone = 0  # how many in front are dropped and not yet cut off

    def append(self, seq: int, line: bytes) -> None:
        self._seqs.append(seq)
        self._lines.append(line)

    def drop_until(self, seq: int) -> None:
        """Drop what is not newer than `seq`."""
        before, self._gone = self._gone, bisect_right(self._seqs, seq, self._gone)
        self._lines[before : self._gone] = [b""] * (self._gone - before)  # their memory goes now
        if self._gone > 1_000 and self._gone * 4 > len(self._seqs):  # cut seldom: a cut copies
            del self._seqs[: self._gone], self._lines[: self._gone]
            self._gone = 0

    def find(self, seq: int) -> int | None:
        """Return where the event is, None where it is not."""
        index = bisect_left(self._seqs, seq, self._gone)
        return index if index < len(self._seqs) and self._seqs[index] == seq else None

    def get(self, seq: int) -> bytes | None:
        index = self.find(seq)
        return None if index is None else self._lines[index]

    def blank(self, seq: int) -> None:
        if (index := self.find(seq)) is not None:
            self._lines[index] = blank(self._lines[index])

    @property
    def oldest(self) -> int:
        return self._seqs[self._gone] if self._gone < len(self._seqs) else 0

    def page(self, after: int | None, before: int | None, limit: int, size: int) -> Page:
        first, last = self._gone, len(self._seqs)
        if after is not None:
            first = bisect_right(self._seqs, after, self._gone)
            indexes = range(first, last)
        else:
            if before is not None:
                last = bisect_left(self._seqs, before, self._gone)
            indexes = range(last - 1, first - 1, -1)
        lines: list[bytes] = []
        for i in indexes[:limit]:
            size -= len(self._lines[i])
            if size < 0 and lines:
                break
            lines.append(self._lines[i])
        more = len(lines) < len(indexes)
        return Page(lines if after is not None else lines[::-1], self.oldest, more)


class MemoryStore:
    """Events in memory. `size` bounds all of them together, in bytes."""

    search: Search | None = None

    def __init__(self, epoch: str, size: int = 256 * MiB) -> None:
        self.epoch = epoch
        self._size = size
        self._used = 0
        self._streams: dict[Key, _Lines] = {}
        self._peers: dict[tuple[str, int], str] = {}  # whose conversation a private event is of
        self._edits: dict[tuple[str, int], list[int]] = {}  # what was edited -> seqs of the edits
        self._erased: dict[tuple[str, int], bytes] = {}  # what was deleted in rooms, as it was
        self._order: deque[tuple[int, int, Key]] = deque()  # seq, cost, where: oldest first

    def describe(self) -> str:
        """Say where events go and how long they stay."""
        return f"memory: this run, the newest {self._size // MiB} MiB"

    def condition(self) -> Condition:
        """Tell how much there is."""
        return Condition("memory", self._used)

    def load(self) -> None:
        """Keep no state: it ends with the process, like the events."""

    def commit(self, entries: Sequence[Entry], changes: Changes | None = None) -> None:
        """Keep all `entries`, and drop the oldest that no longer fit."""
        for entry in entries:
            self._keep((entry.stream, None), entry)
            if entry.peer is not None:
                self._keep((entry.stream, entry.peer), entry)
                self._peers[entry.stream, entry.seq] = entry.peer
            if entry.changes is not None and not entry.erases:
                self._edits.setdefault((entry.stream, entry.changes), []).append(entry.seq)
        for entry in entries:
            if entry.changes is not None and entry.erases:
                self._erase(entry.stream, entry.changes)
        while self._used > self._size:
            seq, cost, key = self._order.popleft()
            self._used -= cost
            lines = self._streams[key]
            lines.drop_until(seq)
            self._edits.pop((key[0], seq), None)
            self._peers.pop((key[0], seq), None)
            self._used -= len(self._erased.pop((key[0], seq), b""))
            if not lines.oldest:
                del self._streams[key]

    def _keep(self, key: Key, entry: Entry) -> None:
        lines = self._streams.get(key)
        if lines is None:
            lines = self._streams[key] = _Lines()
        lines.append(entry.seq, entry.line)
        cost = len(entry.line) + OVERHEAD
        self._used += cost
        self._order.append((entry.seq, cost, key))

    def _erase(self, stream: str, erased: int) -> None:
        for seq in (erased, *self._edits.pop((stream, erased), ())):
            if not stream.startswith(INBOX):
                self._put_aside(stream, seq)
            for key in ((stream, None), (stream, self._peers.get((stream, seq)))):
                if key in self._streams:
                    self._streams[key].blank(seq)

    def _put_aside(self, stream: str, seq: int) -> None:
        line = self.event(stream, seq)
        if line is not None and (stream, seq) not in self._erased:
            self._erased[stream, seq] = undeleted(line)
            self._used += len(self._erased[stream, seq])

    def erased(self, stream: str, seq: int) -> bytes | None:
        """Return a deleted event's line with its text; see Store."""
        return self._erased.get((stream, seq))

    def event(self, stream: str, seq: int) -> bytes | None:
        """Return one event's line; None when it is not there (any more)."""
        lines = self._streams.get((stream, None))
        return lines.get(seq) if lines else None

    def trim(self, at: int) -> bool:
        """Do nothing: each commit drops what no longer fits."""
        return False

    def page(
        self,
        stream: str,
        *,
        after: int | None = None,
        before: int | None = None,
        limit: int,
        size: int,
        peer: str | None = None,
    ) -> Page:
        """Read a page; see Store."""
        lines = self._streams.get((stream, peer))
        return lines.page(after, before, limit, size) if lines else Page([], 0, False)

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""
