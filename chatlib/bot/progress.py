"""How far a bot has come in each room: the cursors, and their way to the file.

A cursor moves when the event was handled *and* all that was said by then is acknowledged: a bot
that is killed in between handles it once more. Nothing is lost, at the price that it may be done
twice.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

from chatlib.bot.cursors import CursorFile, Place, Saved
from chatlib.core.signals import SavedSession
from chatlib.protocol.events import Event

LOOK_AGAIN_S = 0.1  # until acknowledgements are looked at again that nobody told of
RETRY_S = 5.0  # until a file that could not be written is tried again

log = logging.getLogger("chatlib.bot")


class Progress:
    """Moves cursors in a thread of its own. `file` is None where nothing is kept.

    `oldest` tells the ticket of the oldest message that is not acknowledged, None for none;
    `session` what the next process needs to go on.
    """

    def __init__(
        self,
        file: CursorFile | None,
        saved: Saved,
        oldest: Callable[[], int | None],
        session: Callable[[], SavedSession | None],
    ) -> None:
        self._file = file
        self._oldest = oldest
        self._session = session
        self._news = threading.Condition()
        self._epoch = saved.epoch
        self._places: dict[str | None, Place] = {None: saved.inbox}
        self._places.update(saved.rooms)
        self._waiting: dict[str | None, deque[tuple[Place, int]]] = {}
        self._handled: dict[str | None, int] = {}
        self._dirty = False
        self._end = threading.Event()
        self.thread = threading.Thread(target=self._run, name="bot-progress", daemon=True)

    def place(self, room: str | None) -> Place | None:
        """Return the cursor of a room, or of the inbox."""
        with self._news:
            return self._places.get(room)

    def begin(self, epoch: str) -> None:
        """Note which history it is, and a new session; of another one seqs mean nothing."""
        with self._news:
            if epoch != self._epoch:
                self._epoch = epoch
                self._places = {room: Place(0, p.at) for room, p in self._places.items()}
                self._waiting.clear()
                self._handled.clear()
            self._dirty = True
            self._news.notify_all()

    def forget(self, room: str) -> None:
        """Drop the cursor of a room that the bot is not in any more."""
        with self._news:
            self._places.pop(room, None)
            self._dirty = True

    def done(self, epoch: str, event: Event, ticket: int) -> None:
        """Note that an event was handled; `ticket` is of the last that was said by then."""
        with self._news:
            if epoch == self._epoch:
                place = Place(event.seq, event.at)
                self._waiting.setdefault(event.room, deque()).append((place, ticket))
                self._handled[event.room] = event.seq
                self._news.notify_all()

    def kick(self) -> None:
        """Look again: something may have been acknowledged."""
        with self._news:
            self._news.notify_all()

    def await_handled(self, room: str | None, seq: int, timeout: float) -> bool:
        """Wait until the events of a room are handled up to `seq`; False when it takes too long."""
        with self._news:
            return self._news.wait_for(lambda: self._handled.get(room, 0) >= seq, timeout)

    # -- the file -----------------------------------------------------------------------------

    def _run(self) -> None:
        while (saved := self._next()) is not None:
            if not self._write(saved):
                self._end.wait(RETRY_S)

    def _next(self) -> Saved | None:
        """Wait until there is something to keep; None when it was stopped."""
        with self._news:
            while not self._end.is_set():
                self._move()
                if self._dirty:
                    return self._saved(None)
                self._news.wait(LOOK_AGAIN_S if self._waiting else None)
        return None

    def _move(self) -> None:
        oldest = self._oldest() if self._waiting else None
        for room, waiting in list(self._waiting.items()):
            while waiting and (oldest is None or waiting[0][1] < oldest):
                self._places[room], _ = waiting.popleft()
                self._dirty = True
            if not waiting:
                del self._waiting[room]

    def _saved(self, said: int | None) -> Saved:
        self._dirty = False
        rooms = {room: place for room, place in self._places.items() if room is not None}
        session = self._session()
        token = session.token if session is not None and session.epoch == self._epoch else ""
        inbox = self._places.get(None, Place())
        return Saved(epoch=self._epoch, token=token, said=said, inbox=inbox, rooms=rooms)

    def _write(self, saved: Saved) -> bool:
        if self._file is None:
            return True
        try:
            self._file.save(saved)
        except OSError as e:
            log.error("cannot write the cursor to %s (%s): trying again", self._file.path, e)
            with self._news:
                self._dirty = True
            return False
        return True

    def start(self) -> None:
        """Begin to move cursors."""
        self.thread.start()

    def close(self) -> None:
        """End, and keep what was done and acknowledged up to now. The client is still open."""
        self._end.set()
        self.kick()
        if self.thread.is_alive():
            self.thread.join()
        with self._news:
            self._move()
            session = self._session()
            saved = self._saved(session.said if session is not None else None)
        self._write(saved)
