"""Copying the history while the broker goes on: in a thread of its own, one copy at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

from chatlib.errors import HubbubError
from chatlib.history.care import backup
from chatlib.history.copies import COPIES
from chatlib.protocol.fields import Error

COPYING = Error("busy", "a copy is being made already: wait until it is there")


class Copying:
    """Makes copies of the history in `directory`; without one there is nothing to copy."""

    def __init__(self, directory: Path | None) -> None:
        self.directory = directory
        self.fault = ""  # why the last one that was asked for was not made
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """Whether one is being made."""
        return self._thread is not None and self._thread.is_alive()

    def begin(self, names: Iterable[str]) -> None:
        """Begin to make a copy under the first of the names, where none is being made."""
        for name in names:
            if self.directory is not None and not self.busy:
                # A daemon: whoever stops the broker does not wait for it. Half a copy is a `.new`.
                self._thread = threading.Thread(target=self._copy, args=(name,), daemon=True)
                self._thread.start()

    def wait(self, seconds: float) -> None:
        """Wait for the one that is being made."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _copy(self, name: str) -> None:
        assert self.directory is not None
        target = self.directory / COPIES / name
        try:
            target.parent.mkdir(mode=0o700, exist_ok=True)
            backup(self.directory, target)
            self.fault = ""
        except (HubbubError, OSError) as e:
            self.fault = str(e)
