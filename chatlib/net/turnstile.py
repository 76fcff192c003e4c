"""Newcomers one by one: how fast connections are accepted, so that those who are in go first.

libzmq has one thread for all connections. It accepts whatever waits, and shakes hands with up to
256 newcomers between two looks at everybody else; it offers no bound on that. So its watch of each
listening socket is made a single shot (EPOLLONESHOT), which the broker's loop renews: at once for a
few, then at a pace. Who waits meanwhile waits in the kernel's queue, first come, first served. A
crowd that does not end is let in as it comes, or nobody else would ever come in behind it.

This leans on how libzmq watches (by epoll, level-triggered), which it does not document. Each watch
is looked at before it is touched; where none is found as expected, nothing is changed, and
newcomers come in as fast as they can.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
import select
import socket as posix
import stat
import sys
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

OPENING_S = 1.0  # after the start, and after a cut-off, all come at once: nobody is in yet
AT_ONCE = 4  # newcomers at one endpoint that nobody holds up
EVERY_S = 0.005  # from one to the next, beyond them
CALM_S = 0.1  # without anybody who waits: the next one begins a new crowd
CROWD_S = 5.0  # that one is held back; two thousand at three endpoints take 3.3
LOOK_S = 1.0  # until it is looked whether one has ended that comes in freely
FOUND_S = 1.0  # until libzmq's thread watches what was bound
IDLE_S = 60.0
DESCRIPTORS = Path("/proc/self/fd")

_MOD = 3  # EPOLL_CTL_MOD
_WATCHED = 0x19  # EPOLLIN, EPOLLERR and EPOLLHUP, as the kernel tells a watch of libzmq's
_ALL, _ONE = 0x1, 0x4000_0001  # EPOLLIN, alone and with EPOLLONESHOT


class _Event(ctypes.Structure):
    _pack_ = 1 if platform.machine() == "x86_64" else 8
    _fields_ = (("events", ctypes.c_uint32), ("data", ctypes.c_uint64))


class Watch(NamedTuple):
    """A listening socket in an epoll set of libzmq's, with the pointer that libzmq put there."""

    epoll: int
    listener: int
    pointer: int

    def let_in(self, whom: int) -> None:
        """Have libzmq accept `_ONE` connection, or `_ALL`."""
        event = _Event(whom, self.pointer)
        ctypes.CDLL(None).epoll_ctl(self.epoll, _MOD, self.listener, ctypes.byref(event))


class Lane:
    """Those who wait at one endpoint; `crowds` is an epoll set of ours that tells where some do."""

    def __init__(self, watch: Watch, crowds: select.epoll, now: float) -> None:
        self._watch = watch
        self._crowds = crowds
        self._credit = float(AT_ONCE)
        self._since = self._came = now  # when this crowd began, when somebody was last seen in it
        self._calm = now  # since when nobody is; a loop that was busy has not seen who waited
        self._open = False
        self.due = float("inf")  # when `turn` has something to do
        crowds.register(watch.listener, _ONE)
        watch.let_in(_ONE)

    def came(self, now: float) -> None:
        """Note that somebody waits."""
        if now - self._calm > CALM_S:
            self._since = now
        self._calm = float("inf")
        self._credit = min(float(AT_ONCE), self._credit + (now - self._came) / EVERY_S)
        self._came = now
        self.due = now + max(0.0, 1 - self._credit) * EVERY_S

    def nobody(self, now: float) -> None:
        """Note that nobody waits."""
        if self.due == float("inf"):
            self._calm = min(self._calm, now)

    def turn(self, now: float) -> None:
        """Let in who may come in now."""
        if self._open and not self._anybody():
            self._open = False
            self._since = self._calm = now
            self._one_more()
        elif self._open or now - self._since > CROWD_S:
            self._open = True
            self._watch.let_in(_ALL)
            self.due = now + LOOK_S
        else:
            self._credit += (now - self._came) / EVERY_S - 1
            self._came = now
            self._one_more()

    def _one_more(self) -> None:
        self.due = float("inf")
        self._watch.let_in(_ONE)
        self._crowds.modify(self._watch.listener, _ONE)

    def _anybody(self) -> bool:
        look = select.poll()
        look.register(self._watch.listener, select.POLLIN)
        return bool(look.poll(0))


class Turnstile:
    """In front of the TCP endpoints that it is told to `guard`.

    Made before they are bound, for then a crowd may take every descriptor at once. Used in the
    thread that closes their sockets, and closed before them: what it knows of descriptors is wrong
    from then on.
    """

    def __init__(self) -> None:
        self._lanes: dict[int, Lane] = {}
        self._found: list[Watch] = []
        self._wanted: set[str] = set()  # what is still to be looked for
        self._look_at = self._opening = 0.0
        self._crowds = select.epoll() if sys.platform == "linux" else None

    def guard(self, bound: Collection[str], now: float) -> None:
        """Stand in front of these, which are as libzmq's LAST_ENDPOINT tells them."""
        if self._crowds is not None:
            self._wanted = {place for place in bound if place.startswith("tcp:")}
        self._opening = now + OPENING_S
        if self._wanted:
            self._look(now, FOUND_S)

    def _look(self, now: float, patience: float) -> None:
        """Find the watches of what is wanted, and want them no more."""
        try:
            self._found = _await(self._wanted, patience)
            self._wanted = set()
        except OSError:  # no descriptor is left to look with: there will be, and nobody comes in
            self._look_at = now + LOOK_S

    @property
    def polled(self) -> list[int]:
        """The descriptors that are readable when somebody has come."""
        return [self._crowds.fileno()] if self._crowds is not None else []

    def turn(self, now: float) -> None:
        """Let in who may come in now."""
        if self._wanted and now >= self._look_at:
            self._look(now, 0.0)
        if self._crowds is None or not self._found or now < self._opening:
            return
        if not self._lanes:
            self._lanes = {w.listener: Lane(w, self._crowds, now) for w in self._found}
        waiting = dict(self._crowds.poll(0))
        for listener, lane in self._lanes.items():
            lane.came(now) if listener in waiting else lane.nobody(now)
            if lane.due <= now:
                lane.turn(now)

    def patience(self, now: float) -> float:
        """Return the seconds until `turn` has something to do, unless somebody comes."""
        if self._wanted:
            return max(0.0, self._look_at - now)
        if not self._found:
            return IDLE_S
        if not self._lanes:
            return max(0.0, self._opening - now)
        return max(0.0, min(IDLE_S, *(lane.due - now for lane in self._lanes.values())))

    def close(self) -> None:
        """Be there no more."""
        if self._crowds is not None:
            self._crowds.close()
        self._crowds = None
        self._found, self._wanted, self._lanes = [], set(), {}


def _await(bound: Collection[str], patience: float) -> list[Watch]:
    """Return the watches of all these endpoints, or none: libzmq's thread begins them by itself.

    Raises OSError.
    """
    deadline = time.monotonic() + patience
    while len(found := [watch for watch in _watches() if _place(watch) in bound]) < len(bound):
        if time.monotonic() >= deadline:
            return []
        time.sleep(0.001)
    return found


def _watches() -> Iterator[Watch]:
    """Give what the epoll sets of this process watch for input."""
    for entry in DESCRIPTORS.iterdir() if DESCRIPTORS.is_dir() else ():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            if os.readlink(entry) == "anon_inode:[eventpoll]":
                told = Path(f"/proc/self/fdinfo/{entry.name}").read_text()
                yield from _parse(int(entry.name), told)


def _parse(epoll: int, told: str) -> Iterator[Watch]:
    """Give the watches in what the kernel tells of an epoll set (proc(5), fdinfo)."""
    for line in told.splitlines():
        match line.split():
            case ["tfd:", listener, "events:", events, "data:", pointer, *_]:
                if int(events, 16) == _WATCHED:
                    yield Watch(epoll, int(listener), int(pointer, 16))


def _place(watch: Watch) -> str:
    """Return where a watched socket listens, as libzmq would say; empty where it does not."""
    try:
        if stat.S_ISSOCK(os.fstat(watch.listener).st_mode):
            with posix.socket(fileno=os.dup(watch.listener)) as socket:
                listens = socket.getsockopt(posix.SOL_SOCKET, posix.SO_ACCEPTCONN)
                if listens and socket.family in (posix.AF_INET, posix.AF_INET6):
                    host, port = socket.getsockname()[:2]
                    return f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"
    except OSError as e:
        if e.errno != errno.EBADF:  # closed meanwhile
            raise
    return ""
