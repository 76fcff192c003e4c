"""The events of one room, handled one after the other in a thread of their own.

What comes faster than it is handled waits, up to a bound. Beyond it nothing more is kept: the lane
is *behind*, and once it has handled what it had it asks history for what came since. So a slow
handler holds up its own room alone, and a bot that comes back catches up in the same way.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

from chatlib.errors import HubbubError
from chatlib.protocol.events import Event

MOST_WAITING = 1_000  # events
PAGE = 500
RETRY_S = 1.0  # until history is asked again that did not answer

log = logging.getLogger("chatlib.bot")


class Lane:
    """One room's queue (`room` is None for the inbox), begun behind `after` when that is given.

    `fetch` returns the next events behind a seq, oldest first, none at the end. `handle` is called
    with the epoch, each event in order, and whether it is old: of another history, and not newer
    than what was seen of the one before. It must not raise.
    """

    def __init__(
        self,
        room: str | None,
        epoch: str,
        after: int | None,
        *,
        fetch: Callable[[str | None, int, int], list[Event]],
        handle: Callable[[str, Event, bool], None],
    ) -> None:
        self.room = room
        self._epoch = epoch
        self._fetch = fetch
        self._handle = handle
        self._news = threading.Condition()
        self._queue: deque[tuple[str, Event, bool]] = deque()
        self._last = after or 0  # the seq of the newest event that was queued
        self._known = self._last  # the newest that exists, as far as was told
        self._behind = after is not None
        self._seen = self._old = ""  # `at`: of the newest queued; up to where all was seen before
        self._stopped = False
        name = f"bot-{room or 'inbox'}"
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)

    def offer(self, event: Event) -> None:
        """Take the next event of the room; one that was offered before is dropped."""
        with self._news:
            self._known = max(self._known, event.seq)
            if event.seq <= self._last or self._behind:
                return
            if len(self._queue) >= MOST_WAITING:
                self._behind = True
                log.warning("%s: more is said than is handled; catching up later", self._name)
                return
            self._add(event)

    def _add(self, event: Event) -> None:
        self._queue.append((self._epoch, event, event.at <= self._old))
        self._last = max(self._last, event.seq)
        self._seen = max(self._seen, event.at)
        self._news.notify_all()

    def restart(self, epoch: str, seen: str = "") -> None:
        """Begin at the start of another history; what is not newer than `seen` is old."""
        with self._news:
            self._epoch = epoch
            self._last = self._known = 0
            self._old = max(self._seen, seen)

    def start(self) -> None:
        """Begin to handle."""
        self.thread.start()

    def stop(self) -> None:
        """Begin no other event. The one that is being handled goes on to its end."""
        with self._news:
            self._stopped = True
            self._news.notify_all()

    @property
    def _name(self) -> str:
        return self.room or "private messages"

    # -- the thread ---------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            with self._news:
                while not (self._queue or self._behind or self._stopped):
                    self._news.wait()
                if self._stopped:
                    return
                queued = self._queue.popleft() if self._queue else None
            if queued is not None:
                self._handle(*queued)
            else:
                self._catch_up()

    def _catch_up(self) -> None:
        with self._news:
            epoch, last, known = self._epoch, self._last, self._known
        try:
            events = self._fetch(self.room, last, PAGE)
        except HubbubError as e:
            log.info("%s: history does not answer yet: %s", self._name, e)
            with self._news:
                self._news.wait_for(lambda: self._stopped, RETRY_S)
            return
        with self._news:
            if epoch != self._epoch:
                return  # of a history that is over
            if events and events[0].prev > last > 0:
                log.warning("%s: events are gone from the history, and missed", self._name)
            for event in events:
                self._add(event)
            if not events and known > last:
                log.warning("%s: events are gone from the history, and missed", self._name)
                self._last = known
            self._behind = bool(events) or self._known > self._last
