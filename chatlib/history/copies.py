"""What is known of copies of a history: a note beside it of the last one that was made."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from chatlib.history.store import Copy

NOTE = "backup.json"
COPIES = "backups"  # the directory of those that are asked for over the wire


def last_copy(directory: Path) -> Copy | None:
    """Return what is noted of the last copy; None where none was made, or nothing can be read."""
    try:
        return msgspec.json.decode((directory / NOTE).read_bytes(), type=Copy)
    except (OSError, msgspec.MsgspecError):
        return None


def note_copy(directory: Path, target: Path, size: int) -> None:
    """Note that a copy was made; where that can't be written the copy is good all the same."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
    new = directory / f"{NOTE}.new"
    with contextlib.suppress(OSError):
        new.write_bytes(msgspec.json.encode(Copy(at, str(target.absolute()), size)))
        new.replace(directory / NOTE)
