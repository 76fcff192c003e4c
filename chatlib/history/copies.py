"""How a history lies on its disk, and of its copies a note of the last one that was made."""

from __future__ import annotations

import contextlib
import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from chatlib.history.store import Condition, Copy

NOTE = "backup.json"
COPIES = "backups"  # the directory of those that are asked for over the wire


def condition(path: Path, durability: str) -> Condition:
    """Return how much a history takes and its disk has left; what can't be looked at is 0."""
    size, free = 0, None
    for suffix in ("", "-wal"):
        with contextlib.suppress(OSError):
            size += path.with_name(path.name + suffix).stat().st_size
    with contextlib.suppress(OSError):
        disk = os.statvfs(path.parent)
        free = disk.f_bavail * disk.f_frsize
    return Condition(durability, size, free, path.parent, last_copy(path.parent))


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
