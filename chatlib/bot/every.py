"""Something that is done again and again, and never overlaps itself."""

from __future__ import annotations

import threading
from collections.abc import Callable

from chatlib.bot.clock import Clock


class Timer:
    """Calls `act` every `seconds` by `clock`, in a thread of its own, the first time after one.

    A call that takes longer than `seconds` skips the times that it missed.
    """

    def __init__(self, name: str, seconds: float, act: Callable[[], None], clock: Clock) -> None:
        self._seconds = seconds
        self._act = act
        self._clock = clock
        self._news = threading.Condition()
        self._stopped = False
        self._due = 0.0
        self.thread = threading.Thread(target=self._run, name=f"bot-every-{name}", daemon=True)

    def start(self) -> None:
        """Begin to count."""
        self._due = self._clock.now() + self._seconds
        self._clock.announce(self._news, self._due)
        self.thread.start()

    def stop(self) -> None:
        """Begin nothing more. What runs goes on to its end."""
        with self._news:
            self._stopped = True
            self._news.notify_all()

    def _run(self) -> None:
        while self._is_due():
            self._act()
            late = max(0.0, self._clock.now() - self._due)
            self._due += self._seconds * (1 + late // self._seconds)
            self._clock.announce(self._news, self._due)
        self._clock.announce(self._news, None)

    def _is_due(self) -> bool:
        """Wait until it is time; False when it was stopped."""
        with self._news:
            while not self._stopped and self._clock.now() < self._due:
                self._clock.wait(self._news, self._due)
            return not self._stopped
