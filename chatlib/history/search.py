"""Full-text search beside the broker's loop: a thread that keeps the index up and answers.

Searches come first; indexing rests between two steps, so that messages come before both.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

from chatlib.core.questions import Find
from chatlib.history.index import WordIndex
from chatlib.history.store import Found

REST, BUSY_REST = 2.0, 30.0  # seconds of rest for each of indexing: usually, beside a busy broker
BUSY = 0.5  # of a core, used by the rest of the process
GATHER_S = 0.2  # between two rounds, so that a busy broker's messages are taken together
RETRY_S = 30.0  # after the disk failed
MAX_WAITING = 100


class Load:
    """How busy the rest of the process was since this was asked last. For one thread."""

    def __init__(self) -> None:
        self._then = self._now()

    def _now(self) -> tuple[float, float]:
        return time.monotonic(), time.process_time() - time.thread_time()

    def busy(self) -> bool:
        """Tell whether it used more than BUSY of a core."""
        before, self._then = self._then, self._now()
        return self._then[1] - before[1] > BUSY * (self._then[0] - before[0])


class Searcher:
    """Searches the history in the file `history`, whose life is `epoch`.

    No thread runs before `start`; `close` ends it.
    """

    def __init__(self, history: Path, epoch: str) -> None:
        self._history = history
        self._epoch = epoch
        self._news = threading.Condition()
        self._grown: set[int] = set()
        self._asked: deque[Find] = deque()
        self._found: list[Found] = []
        self._open = 0  # searches that were asked and are not answered
        self._forgotten: set[bytes] = set()  # lines that were blanked meanwhile
        self._closing = False
        self._idle = False
        self._wake: Callable[[], None] = lambda: None
        self._thread: threading.Thread | None = None

    # -- for the loop -------------------------------------------------------------------------

    def start(self, wake: Callable[[], None]) -> None:
        """Begin to index and to answer; `wake` is called when there is something in `found`."""
        self._wake = wake
        self._thread = threading.Thread(target=self._run, name="hubbub-search", daemon=True)
        self._thread.start()

    def note(self, streams: Iterable[int]) -> None:
        """Hear which streams have grown."""
        if self._thread is not None:
            with self._news:
                self._grown.update(streams)
                if self._idle:  # else it looks by itself, and need not be woken for each pass
                    self._news.notify()

    def ask(self, wanted: Find) -> bool:
        """Take a search in; False when too many wait, or nobody is there to answer."""
        with self._news:
            if self._thread is None or len(self._asked) >= MAX_WAITING:
                return False
            self._asked.append(wanted)
            self._open += 1
            self._news.notify()
        return True

    def forget(self, lines: Iterable[bytes]) -> None:
        """Hear which lines are not to be told any more: a search on its way may have found them."""
        with self._news:
            if self._open:
                self._forgotten.update(lines)

    def found(self) -> list[Found]:
        """Return what was found since this was called last."""
        if not self._found:
            return []
        with self._news:
            found, self._found = self._found, []
            gone = self._forgotten
            self._open -= len(found)
            if not self._open:
                self._forgotten = set()
        if gone:
            found = [f._replace(lines=[x for x in f.lines if x not in gone]) for f in found]
        return found

    def close(self) -> None:
        """End the thread, in the middle of a search if need be."""
        with self._news:
            self._closing = True
            self._news.notify()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    # -- the thread ---------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._closing:
            try:
                with closing(WordIndex(self._history, self._epoch)) as index:
                    self._serve(index)
            except (sqlite3.Error, OSError) as e:
                self._despair(str(e))

    def _serve(self, index: WordIndex) -> None:
        load = Load()
        while not self._closing:
            with self._news:
                index.behind |= self._grown
                self._grown.clear()
            began = time.monotonic()
            more = index.step()
            took = time.monotonic() - began
            self._listen(index, took * (BUSY_REST if load.busy() else REST) if more else GATHER_S)
            if not more:
                with self._news:
                    self._idle = True
                    self._news.wait_for(lambda: self._closing or self._grown or self._asked)
                    self._idle = False

    def _listen(self, index: WordIndex, seconds: float) -> None:
        """Answer what is asked, for so long at least."""
        until = time.monotonic() + seconds
        while (wanted := self._next(until)) is not None:
            try:
                found = index.find(wanted, lambda: self._closing)
            except sqlite3.Error as e:
                self._answer(Found(wanted.origin, fault=str(e)))
                raise
            self._answer(found)

    def _next(self, until: float) -> Find | None:
        with self._news:
            left = max(0.0, until - time.monotonic())
            self._news.wait_for(lambda: self._closing or self._asked, left)
            return None if self._closing or not self._asked else self._asked.popleft()

    def _answer(self, found: Found) -> None:
        with self._news:
            self._found.append(found)
        self._wake()

    def _despair(self, fault: str) -> None:
        """Say what is wrong to all who ask, until it is time to try again."""
        until = time.monotonic() + RETRY_S
        while (wanted := self._next(until)) is not None:
            self._answer(Found(wanted.origin, fault=fault))
