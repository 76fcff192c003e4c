"""Telling whoever started the broker how it does: sd_notify(3) of systemd, a datagram each.

The watchdog is told from the loop itself, so that a loop that is stuck is noticed.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Mapping

WATCHDOG_PER_INTERVAL = 2  # sd_watchdog_enabled(3): tell it in half of the time


class Supervisor:
    """Tells `address`, a socket of the file system or (with @) an abstract one; None for nobody.

    It expects a sign of life each `watchdog` seconds, where that is given.
    """

    def __init__(self, address: str | None = None, watchdog: float | None = None) -> None:
        self._address = address
        self._every = watchdog / WATCHDOG_PER_INTERVAL if address and watchdog else None
        self._told = float("-inf")

    def ready(self) -> None:
        """Say that all sockets are bound, or that a reload is over."""
        self._tell("READY=1")

    def reloading(self) -> None:
        """Say that the configuration is being read again."""
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Say that the end has begun."""
        self._tell("STOPPING=1")

    def alive(self, now: float) -> None:
        """Give a sign of life where one is due."""
        if self._every is not None and now - self._told >= self._every:
            self._told = now
            self._tell("WATCHDOG=1")

    def patience(self, now: float) -> float:
        """Return the seconds until the next sign of life is due."""
        return float("inf") if self._every is None else max(0.0, self._told + self._every - now)

    def _tell(self, what: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address[0] == "@" else self._address
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            # Whoever does not listen any more must not stop the broker, nor hold it.
            out.setblocking(False)
            out.sendto(what.encode(), address)


def supervisor_of(environ: Mapping[str, str], pid: int) -> Supervisor:
    """Return the supervisor that the environment names; the watchdog may be another process's."""
    usec = environ.get("WATCHDOG_USEC", "")
    mine = environ.get("WATCHDOG_PID", str(pid)) == str(pid)
    watchdog = int(usec) / 1e6 if usec.isdecimal() and int(usec) and mine else None
    return Supervisor(environ.get("NOTIFY_SOCKET") or None, watchdog)
