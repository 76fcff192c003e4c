"""The loop of `hubbub log`: takes what the subscriber delivers, puts it out, knows when to end."""

from __future__ import annotations

import signal
import socket as posix
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from types import FrameType
from typing import NamedTuple

from chatlib.cli.choosing import Choice
from chatlib.cli.cursor import Cursor
from chatlib.cli.forms import Form, Written, local_time
from chatlib.cli.outputs import Output, Standard, Stopped
from chatlib.core.replaying import Heard
from chatlib.core.signals import Gap
from chatlib.core.subscriber import NewHistory, Progress, Subscriber, Told
from chatlib.errors import HubbubError, TimedOut, Unreachable
from chatlib.net.subscription import Subscription

NOWHERE = "_all"  # what is told of no room stands where a room of this name would
GONE_S = 10.0  # without a broker, when only what is there is wanted
SAVE_S = 1.0  # between two savings of a cursor while nothing is put out


class Limits(NamedTuple):
    """When to end: after so many events, at the end of what is there, after so many seconds.

    `timeout` counts from the start and is a failure, `idle` from the last event and is none.
    `strict` makes a gap one.
    """

    most: int | None = None
    follow: bool = True
    timeout: float | None = None
    idle: float | None = None
    strict: bool = False


class Signals:
    """What was asked for by signals; `fd` is readable when one has come."""

    def __init__(self) -> None:
        self.stop = 0
        self.reopen = False
        self._in, self._out = posix.socketpair()
        self._in.setblocking(False)
        self._out.setblocking(False)

    @property
    def fd(self) -> int:
        """What is readable when a signal came."""
        return self._out.fileno()

    def clear(self) -> None:
        """Make `fd` unreadable again."""
        self._out.recv(4096)

    @contextmanager
    def obeyed(self, *, reopen: bool) -> Iterator[None]:
        """Obey signals meanwhile; SIGHUP reopens files where there are any."""
        wanted = [signal.SIGINT, signal.SIGTERM] + [signal.SIGHUP] * reopen
        before = {number: signal.signal(number, self._take) for number in wanted}
        woken = signal.set_wakeup_fd(self._in.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(woken)
            for number, handler in before.items():
                signal.signal(number, handler)
            self._in.close()
            self._out.close()

    def _take(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self.reopen = True
        else:
            self.stop = number


class Tail:
    """Puts out what `choice` likes of what is delivered, in `form`, until `limits` end it.

    `count` tells how many events that were.
    """

    def __init__(
        self, choice: Choice, form: Form, output: Output, cursor: Cursor, limits: Limits
    ) -> None:
        self._choice = choice
        self._form = form
        self._output = output
        self._cursor = cursor
        self._limits = limits
        self.count = 0
        self._live = False
        self._ended = False  # the time up to which things are put out has come
        self._began = self._heard = self._saved = self._seen = time.monotonic()
        self._told_offline = False

    def run(self, subscriber: Subscriber, feed: Subscription, signals: Signals) -> int:
        """Return the exit code. Raises TimedOut, Refused, CannotCreate, BrokenPipeError."""
        feed.watch(signals.fd)
        if isinstance(self._output, Standard):
            feed.watch_end(self._output.fd)
        try:
            while not signals.stop:
                ready = feed.turn(self._patience())
                if signals.fd in ready:
                    signals.clear()
                if isinstance(self._output, Standard) and self._output.fd in ready:
                    raise BrokenPipeError  # whoever read us is gone, though nothing is to be said
                if signals.reopen:
                    signals.reopen = False
                    self._output.reopen()
                told, subscriber.delivered = subscriber.delivered, []
                if self._put_all(told) or self._over(bool(told)):
                    return 0
                self._watch(feed)
            self._cursor.save()
        except Stopped:  # what was delivered is not out: the cursor stays where it is
            pass
        if signals.stop == signal.SIGINT:
            raise KeyboardInterrupt  # as of every command
        return 0

    def _put_all(self, told: list[Told]) -> bool:
        """Put out what was delivered; tell whether that is enough. Raises TimedOut."""
        put = self.count
        fault: HubbubError | None = None
        enough = False
        for one in told:
            if isinstance(one, Progress):
                if one.live and not self._live:
                    self._live, self._heard = True, time.monotonic()
            elif isinstance(one, Heard) and self._choice.ends(one.event):
                self._ended = True
                if self._live:
                    continue  # another room may still have something to tell
                break  # all that comes now is later still
            else:
                enough = self._put(one)
                fault = self._missed(one)
            self._cursor.move(one)
            if enough or fault:
                break
        self._output.flush()
        now = time.monotonic()
        if put != self.count or now - self._saved >= SAVE_S or not self._live or fault:
            self._cursor.save()
            self._saved = now
        if fault:
            raise fault
        return enough

    def _put(self, told: Written) -> bool:
        """Put out one; tell whether they are enough now."""
        room, at = NOWHERE, datetime.now().astimezone()
        if isinstance(told, Heard):
            event = told.event
            if not self._choice.likes(event):
                return False
            room, at = event.room or NOWHERE, local_time(event)
        elif isinstance(told, Gap):
            room = told.room or NOWHERE
        if not (row := self._form(told)):
            return False
        self._output.write((row if isinstance(row, bytes) else _bytes(row)) + b"\n", room, at)
        if self._live:
            self._output.flush()
        self._heard = time.monotonic()
        self.count += isinstance(told, Heard)
        return self.count == self._limits.most

    def _missed(self, told: Written) -> HubbubError | None:
        if isinstance(told, Heard) or not self._limits.strict:
            return None
        where = "the broker has begun a new history" if isinstance(told, NewHistory) else "a gap"
        return TimedOut(f"{where} behind seq {told.after} (--strict)")

    # -- when to end --------------------------------------------------------------------------

    def _over(self, more: bool) -> bool:
        """Tell whether this is the end; `more` may come at once. Raises TimedOut."""
        limits, now, until = self._limits, time.monotonic(), self._choice.until
        if until is not None and not more and self._live:
            self._ended |= time.time() * 1000 >= until
        idle = limits.idle is not None and self._live and now - self._heard >= limits.idle
        late = limits.timeout is not None and now - self._began >= limits.timeout
        ended = self._ended and not (more and self._live)
        over = ended or idle or (self._live and not limits.follow) or limits.most == 0
        if over or late:
            self._cursor.save()
        if late and not over:
            raise TimedOut(f"the time is up (--timeout {limits.timeout:g})")
        return over

    def _patience(self) -> float:
        """Return the seconds until the next look at the clock."""
        limits, now = self._limits, time.monotonic()
        ends = [60.0]
        if limits.idle is not None and self._live:
            ends.append(self._heard + limits.idle - now)
        if limits.timeout is not None:
            ends.append(self._began + limits.timeout - now)
        if self._choice.until is not None:
            left = self._choice.until / 1000 - time.time()
            ends.append(left if left > 0 else SAVE_S / 10)
        return max(0.0, min(ends))

    def _watch(self, feed: Subscription) -> None:
        """Tell whoever looks on that the broker is gone, and that it is there again.

        Raises Unreachable where somebody waits for the end of what is there.
        """
        if feed.online:
            self._seen = time.monotonic()
        elif not self._limits.follow and time.monotonic() - self._seen > GONE_S:
            raise Unreachable("the broker is gone, and not all was read: try again")
        if self._live and feed.online == self._told_offline:
            self._told_offline = not feed.online
            state = "is there again" if feed.online else "is gone: waiting for it"
            print(f"hubbub: the broker {state}", file=sys.stderr, flush=True)


def _bytes(row: str) -> bytes:
    return row.encode("utf-8", "replace")
