"""What time it is, for all that a bot does by the clock: the system's, or one that a test moves."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod


class Clock(ABC):
    """Tells the time, and lets threads wait for one."""

    @abstractmethod
    def now(self) -> float:
        """Return seconds since some moment; they never go back."""

    @abstractmethod
    def time(self) -> float:
        """Return the seconds since 1970, in UTC: times that outlive the process."""

    @abstractmethod
    def announce(self, news: threading.Condition, due: float | None) -> None:
        """Note that `news` waits for `due`, on the scale of `now`; None: for nothing any more."""

    @abstractmethod
    def wait(self, news: threading.Condition, due: float) -> None:
        """Wait, with `news` held, until it is notified or `due` has come."""


class SystemClock(Clock):
    """The clock of this machine."""

    def now(self) -> float:
        """Return `time.monotonic()`."""
        return time.monotonic()

    def time(self) -> float:
        """Return `time.time()`."""
        return time.time()

    def announce(self, news: threading.Condition, due: float | None) -> None:
        """Do nothing: time passes by itself."""

    def wait(self, news: threading.Condition, due: float) -> None:
        """Wait, with `news` held, until it is notified or `due` has come."""
        news.wait(max(0.0, due - self.now()))
