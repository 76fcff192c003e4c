"""The one clock of a simulation, and what is due on it."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any


class Clock:
    """Time that passes only when it is told to; `now` is in seconds.

    What is due at the same instant is done in the order in which it was put there, so that a run
    is the same each time.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._count = 0

    def after(self, seconds: float, do: Callable[..., None], *arguments: Any) -> None:
        """Do something when `seconds` have passed."""
        self._count += 1
        heapq.heappush(self._due, (self.now + seconds, self._count, do, arguments))

    def run_until(self, end: float) -> None:
        """Let time pass until `end`."""
        due = self._due
        while due and due[0][0] <= end:
            self.now, _, do, arguments = heapq.heappop(due)
            do(*arguments)
        self.now = end
