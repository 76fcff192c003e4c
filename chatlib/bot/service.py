"""One run of a bot: from the broker's welcome until it is told to stop, and all is put away."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from chatlib.bot.context import Context
from chatlib.bot.cursors import CursorFile, Saved
from chatlib.bot.every import Timer
from chatlib.bot.lane import Lane
from chatlib.bot.progress import Progress
from chatlib.core.signals import Connection, Gap, Refusal, SavedSession
from chatlib.errors import HubbubError, Refused, TimedOut, Unreachable
from chatlib.net.client import Client, Delivery
from chatlib.protocol.events import Event

if TYPE_CHECKING:
    from chatlib.bot.bot import Bot

LISTEN_S = 0.2  # until somebody who asked the bot to stop is heard
FETCH_S = 10.0
NICK_S, NICK_RETRY_S = 45.0, 2.0  # a killed process keeps its nickname for 30 s
FLUSH_S = 2.0  # for acknowledgements, when handlers have used up the time to end

log = logging.getLogger("chatlib.bot")


class Service:
    """Runs `bot` once: `run` returns after `stop`, which may be called from anywhere.

    `dial` makes a client that takes up a session; `ready` is set when the bot is in its rooms.
    """

    def __init__(
        self,
        bot: Bot,
        dial: Callable[[SavedSession | None], Client],
        ready: threading.Event,
    ) -> None:
        self._bot = bot
        self._dial = dial
        self._ready = ready
        self._stopping = False  # no Event: a signal handler sets it
        self._lanes: dict[str | None, Lane] = {}
        self._timers: list[Timer] = []
        self._epoch = ""
        self._client: Client
        self.client: Client | None = None  # once it is in its rooms
        self.progress: Progress

    def stop(self) -> None:
        """Ask it to end."""
        self._stopping = True

    def works_in(self, thread: threading.Thread) -> bool:
        """Tell whether this is a thread in which handlers run."""
        return any(worker.thread is thread for worker in self._workers)

    @property
    def _workers(self) -> list[Lane | Timer]:
        return [*self._lanes.values(), *self._timers]

    def run(self, file: CursorFile | None) -> None:
        """Serve. Raises Refused, and other errors that no waiting takes back."""
        with file or contextlib.nullcontext():
            saved = file.load() if file is not None else Saved()
            if file is not None:
                file.spend(saved)
            client = self._arrive(saved)
            if client is None:
                return
            self._client = client
            self.progress = Progress(file, saved, self._oldest, client.saved)
            self.progress.start()
            try:
                self._begin(saved)
                for told in self._told(client):
                    self._take(told)
            finally:
                self._drain(keep=file is not None)

    # -- arriving -----------------------------------------------------------------------------

    def _arrive(self, saved: Saved) -> Client | None:
        """Return a client that is welcome, however long it takes; None when stopped before."""
        deadline = time.monotonic() + NICK_S
        while not self._stopping:
            client = self._dial(saved.session).start(wait=None)
            welcome = False
            try:
                welcome = self._await_welcome(client)
                if welcome:
                    return client
            except Refused as e:
                if e.code != "nick_taken" or time.monotonic() > deadline:
                    raise
                log.warning("%s; perhaps it is ours of before, which ends soon: trying again", e)
            finally:
                if not welcome:
                    client.close(bye=saved.session is None)
            self._pause(NICK_RETRY_S)
        return None

    def _await_welcome(self, client: Client) -> bool:
        for told in self._told(client):
            if isinstance(told, Connection):
                self._log_connection(told)
                if told.state == "online":
                    return True
        return False

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._stopping and time.monotonic() < until:
            time.sleep(min(LISTEN_S, seconds))

    def _told(self, client: Client) -> Iterator[Delivery]:
        while not self._stopping:
            for told in client.events(timeout=LISTEN_S):
                if isinstance(told, Connection) and told.state == "refused":
                    raise Refused(told.code, told.detail, told.suggestion)
                if isinstance(told, Connection) and told.state == "closed":
                    raise HubbubError(told.detail or "the client was closed under the bot")
                yield told
                if self._stopping:
                    return

    def _begin(self, saved: Saved) -> None:
        self._note_session()
        stranger = saved.epoch not in ("", self._epoch)
        self._add_lane(None, None)
        for name in self._bot.rooms:
            place = self.progress.place(name)
            self._add_lane(name, place.seq if place is not None else None)
            if stranger and place is not None:
                self._lanes[name].restart(self._epoch, place.at)
            self._join(name)
        for name in saved.rooms.keys() - set(self._bot.rooms):
            self._leave(name)
        if self._stopping:
            return  # perhaps not in all rooms: what it would say there could not be said
        for name, seconds, act in self._bot.timed():
            self._timers.append(Timer(name, seconds, act, self._bot.clock))
            self._timers[-1].start()
        self.client = self._client
        for lane in self._lanes.values():
            lane.start()
        self._ready.set()

    def _add_lane(self, room: str | None, after: int | None) -> None:
        fetch, handle = self._fetch, self._handle
        self._lanes[room] = Lane(room, self._epoch, after, fetch=fetch, handle=handle)

    def _join(self, room: str) -> None:
        while not self._stopping:
            try:
                self._client.join(room, history=0)
            except (Unreachable, TimedOut) as e:
                log.warning("cannot join %s yet: %s", room, e)
            else:
                return

    def _leave(self, room: str) -> None:
        """Leave a room that a process before us was in."""
        with contextlib.suppress(Refused, Unreachable, TimedOut):
            self._client.leave(room)
        self.progress.forget(room)

    def _note_session(self) -> None:
        session = self._client.saved()
        assert session is not None, "the broker has welcomed us"
        self._epoch = session.epoch
        self.progress.begin(session.epoch)

    # -- serving ------------------------------------------------------------------------------

    def _take(self, told: Delivery) -> None:
        if isinstance(told, Event):
            if told.room in self._lanes:
                self._lanes[told.room].offer(told)
            if told.sid == self._client.sid:
                self.progress.kick()
        elif isinstance(told, Gap):
            place = told.room or "private messages"
            log.warning("%s: events are gone from the history, and missed", place)
        elif isinstance(told, Refusal):
            log.warning("not said to %s: %s (%s)", told.room or told.to, told.message, told.code)
            self.progress.kick()
        else:
            self._log_connection(told)
            if told.state == "online":
                self._note_session()
                if told.new_history:
                    for lane in self._lanes.values():
                        lane.restart(self._epoch)

    def _log_connection(self, told: Connection) -> None:
        if told.state == "online":
            log.info("online as %s", told.nick)
            if told.new_history:
                log.warning("the broker has another history than before")
        elif told.detail:
            log.warning("%s: %s", told.state, told.detail)

    def _fetch(self, room: str | None, after: int, limit: int) -> list[Event]:
        return self._client.history(
            room, inbox=room is None, after=after, limit=limit, timeout=FETCH_S
        )

    def _handle(self, epoch: str, event: Event, old: bool) -> None:
        ticket = 0
        if not old and self._is_for_us(event):
            self._bot.handle(Context(self._bot, event))
            pending = self._client.pending()
            ticket = pending[-1].ticket if pending else 0
        self.progress.done(epoch, event, ticket)

    def _is_for_us(self, event: Event) -> bool:
        ours = event.bot or event.sid == self._client.sid
        return event.kind in ("say", "act") and not ours and not event.deleted

    def _oldest(self) -> int | None:
        pending = self._client.pending()
        return pending[0].ticket if pending else None

    # -- ending -------------------------------------------------------------------------------

    def _drain(self, *, keep: bool) -> None:
        """End what runs, say all that was to be said, keep the cursor: within the bot's grace."""
        deadline = time.monotonic() + self._bot.grace
        workers = self._workers
        for worker in workers:
            worker.stop()
        for worker in workers:
            if worker.thread.is_alive():
                worker.thread.join(max(0.0, deadline - time.monotonic()))
        slow = [worker.thread.name for worker in workers if worker.thread.is_alive()]
        if slow:
            log.warning("still busy, and given up: %s", ", ".join(slow))
        try:
            self._client.flush(max(FLUSH_S, deadline - time.monotonic()))
        except HubbubError as e:
            log.warning("not all that was said has got through: %s", e)
        self.progress.close()
        self._client.close(bye=not keep)
