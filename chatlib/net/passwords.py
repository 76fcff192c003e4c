"""Hashing passwords beside the broker's loop: a thread that has one to do at a time.

A hash takes a tenth of a second and 32 MiB. So few wait, and who tries often waits himself
(`core.passwords.Attempts`); the loop never does.
"""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Callable

from chatlib.core.commands import LogIn, SetPassword, Unhashed
from chatlib.core.passwords import Attempts
from chatlib.protocol.fields import Error

MAX_WAITING = 4
N, R, P = 2**15, 8, 1  # of scrypt (RFC 7914), as OWASP counsels
BUSY = Error("busy", "too many passwords are being tried: try again in a second")


def hashed(password: str, salt: bytes) -> bytes:
    """Return the 32 bytes that are kept of a password. Source: RFC 7914."""
    text = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(text, salt=salt, n=N, r=R, p=P, maxmem=256 * N * R, dklen=32)


class Passwords:
    """Takes commands in that wait for a hash, and gives them back with it.

    No thread runs before `start`; `close` ends it.
    """

    def __init__(self) -> None:
        self._attempts = Attempts()
        self._news = threading.Condition()
        self._waiting: deque[Unhashed] = deque()
        self._done: list[Unhashed] = []
        self._open: list[Unhashed] = []  # all that were asked and not given back
        self._closing = False
        self._wake: Callable[[], None] = lambda: None
        self._thread: threading.Thread | None = None

    # -- for the loop -------------------------------------------------------------------------

    def start(self, wake: Callable[[], None]) -> None:
        """Begin to work; `wake` is called when there is something in `done`."""
        self._wake = wake
        self._thread = threading.Thread(target=self._run, name="hubbub-passwords", daemon=True)
        self._thread.start()

    def ask(self, wanted: Unhashed, now: float) -> Error | None:
        """Take a command in, or return why not now."""
        with self._news:
            if self._thread is None or len(self._waiting) >= MAX_WAITING:
                return BUSY
            if error := self._attempts.begin(wanted, now):
                return error
            self._waiting.append(wanted)
            self._news.notify()
        self._open.append(wanted)
        return None

    def done(self) -> list[SetPassword | LogIn]:
        """Return the commands that have their hashes now."""
        if not self._open:
            return []
        with self._news:
            done, self._done = self._done, []
        for wanted in done:
            self._attempts.end(wanted)
            self._open.remove(wanted)
        return [wanted.command for wanted in done]

    def vanished(self, routing: bytes | None) -> None:
        """Answer a connection that is no more, or all (None), nothing: its id may be another's."""
        for wanted in self._open:
            origin = wanted.command.origin
            if origin is not None and routing in (None, origin.routing):
                wanted.command.origin = None

    def close(self) -> None:
        """End the thread, when it has done what it does."""
        with self._news:
            self._closing = True
            self._news.notify()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    # -- the thread ---------------------------------------------------------------------------

    def _run(self) -> None:
        while (wanted := self._next()) is not None:
            wanted.command.hash = hashed(wanted.password, wanted.command.salt)
            with self._news:
                self._done.append(wanted)
            self._wake()

    def _next(self) -> Unhashed | None:
        with self._news:
            self._news.wait_for(lambda: self._closing or self._waiting)
            return None if self._closing else self._waiting.popleft()
