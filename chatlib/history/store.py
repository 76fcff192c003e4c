"""What the broker needs of a store: it commits a pass's events at once, and reads them in pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from chatlib.core.batch import Entry
from chatlib.core.state import Changes, Saved
from chatlib.errors import HubbubError


class StoreFailed(HubbubError):
    """A commit did not happen: nothing of the batch is stored. The message is the cause."""

    exit_code = 74


class Page(NamedTuple):
    """Events of one stream in the order of their seq.

    `oldest` is the seq of the oldest event of the stream that can still be had, 0 for none; `more`
    says that there is more in the direction that was read.
    """

    lines: list[bytes]
    oldest: int
    more: bool


class Store(Protocol):
    """A history of events in streams. `epoch` names its life: another one, other cursors."""

    epoch: str

    def describe(self) -> str:
        """Return one line for whoever starts the broker: where events go and how long they stay."""

    def load(self) -> Saved | None:
        """Return the state as of the last commit; None for a store that keeps none."""

    def commit(self, entries: Sequence[Entry], changes: Changes) -> None:
        """Store the events of a pass and what they changed, all or nothing. Raises StoreFailed."""

    def trim(self, at: int) -> None:
        """Drop a little of what is beyond the retention; `at` is now. Raises StoreFailed."""

    def page(
        self,
        stream: str,
        *,
        after: int | None = None,
        before: int | None = None,
        limit: int,
        size: int,
        peer: str | None = None,
    ) -> Page:
        """Read at most `limit` events and `size` bytes, one event at least where there is one.

        With `after`, the oldest behind it; with `before`, the newest ahead of it; with neither,
        the newest. `peer` keeps those of one private conversation. Raises StoreFailed.
        """

    def close(self) -> None:
        """Let go of files."""
