"""Where a broker that keeps its history in memory is asked: a directory as long-lived as it is."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def directory() -> Iterator[Path | None]:
    """Make it in $XDG_RUNTIME_DIR, else among temporary files, locked like that of a history.

    Nobody but this user can look into it. None where it can't be made: such a broker goes unasked.
    """
    base = Path(os.environ.get("XDG_RUNTIME_DIR", ""))  # without one this is where we are
    place = base if base.is_absolute() and base.is_dir() else None
    try:
        made = Path(tempfile.mkdtemp(prefix="hubbub-", dir=place))
    except OSError:
        yield None
        return
    try:
        lock = os.open(made / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)  # whoever drains the broker waits for it
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
