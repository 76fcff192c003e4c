"""What the broker needs of a store: it commits a pass's events at once, and reads them in pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from msgspec import Struct

from chatlib.core.batch import Entry
from chatlib.core.commands import Origin
from chatlib.core.questions import Find
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


class Condition(NamedTuple):
    """How a store does. `durability` is what acknowledged means: `disk`, `os` or `memory`.

    `size` are the bytes that it takes, `free` those that its disk has left. What is in no
    `directory` can't be copied; `copy` is the last copy that was made of it.
    """

    durability: str
    size: int
    free: int | None = None
    directory: Path | None = None
    copy: Copy | None = None


class Copy(Struct, frozen=True):
    """A copy of a history: when it was made, where it was put, its size in bytes."""

    at: str
    file: str
    bytes: int


class Found(NamedTuple):
    """What a search found, in the order of seq; `fault` says why it found nothing.

    `more` tells that there are older ones, `complete` that nothing stored was still to be indexed.
    """

    origin: Origin
    lines: Sequence[bytes] = ()
    more: bool = False
    complete: bool = False
    fault: str = ""


class Search(Protocol):
    """What a store has that can be searched: it answers when it has found something."""

    def start(self, wake: Callable[[], None]) -> None:
        """Begin to work; `wake` is called, from another thread, when there is something found."""

    def ask(self, wanted: Find) -> bool:
        """Take a search in; False when too many wait."""

    def found(self) -> list[Found]:
        """Return what was found since this was called last."""


class Store(Protocol):
    """A history of events in streams. `epoch` names its life: another one, other cursors."""

    epoch: str

    @property
    def search(self) -> Search | None:
        """What searches it; None for a store that can't be searched."""

    def describe(self) -> str:
        """Return one line for whoever starts the broker: where events go and how long they stay."""

    def condition(self) -> Condition:
        """Tell how much there is, and how safe it is."""

    def load(self) -> Saved | None:
        """Return the state as of the last commit; None for a store that keeps none."""

    def commit(self, entries: Sequence[Entry], changes: Changes) -> None:
        """Store the events of a pass and what they changed, all or nothing. Raises StoreFailed.

        What an entry erases, and each edit of that, is blanked in the same commit.
        """

    def event(self, stream: str, seq: int) -> bytes | None:
        """Return one event's line; None when it is not there (any more). Raises StoreFailed."""

    def erased(self, stream: str, seq: int) -> bytes | None:
        """Return a deleted event's line with its text, as long as the event is kept.

        None where it is not deleted, and for what was said privately: of that nothing is kept.
        Raises StoreFailed.
        """

    def trim(self, at: int) -> bool:
        """Drop a little of what is beyond the retention; `at` is now. Raises StoreFailed.

        Tells whether there may be more to drop at once.
        """

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
