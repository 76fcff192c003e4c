"""web.db: who comes by the page, and what they said that the broker may not have yet.

What a person says is written here, with the number that it has in the session, before it goes to
the broker. So whoever asks again, page or page server, after whatever crash, asks the same again.
Writes are gathered and committed by a thread of their own, in the order in which they were given.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from chatlib.errors import BadConfiguration, CannotCreate

VERSION = 1
KEPT_S = 48 * 3600.0  # that what became of a message is known
PERSON_KEPT_S = 90 * 24 * 3600.0
AGAIN_S = 1.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS persons (
    id INTEGER PRIMARY KEY, cookie TEXT NOT NULL UNIQUE, nick TEXT NOT NULL,
    token TEXT NOT NULL DEFAULT '', epoch TEXT NOT NULL DEFAULT '',
    inbox INTEGER NOT NULL DEFAULT 0, rooms TEXT NOT NULL DEFAULT '',
    accepted INTEGER NOT NULL DEFAULT 0, seen REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS said (
    person INTEGER NOT NULL, key TEXT NOT NULL, n INTEGER NOT NULL, line BLOB NOT NULL,
    outcome TEXT NOT NULL DEFAULT '', message TEXT NOT NULL DEFAULT '',
    seq INTEGER NOT NULL DEFAULT 0, at REAL NOT NULL, PRIMARY KEY (person, key)
) WITHOUT ROWID;
"""

log = logging.getLogger("hubbub.web")


class KeptPerson(NamedTuple):
    """A person as of the last time: `rooms` are the public ones, parted by spaces."""

    id: int
    cookie: str
    nick: str
    token: str
    epoch: str
    inbox: int
    rooms: str
    accepted: int
    seen: float


class KeptLine(NamedTuple):
    """A message of a person: `outcome` is empty, `ok`, or the code of its refusal."""

    key: str
    n: int
    line: bytes
    outcome: str
    message: str
    seq: int


Statement = tuple[str, Sequence[Any]]
Write = tuple[Sequence[Statement], Callable[[], None] | None]


class Journal:
    """The file, its writer, and `soon`: how to call back in the loop when a write is on disk.

    Raises CannotCreate, BadConfiguration (it was written by a newer Hubbub, or is damaged).
    """

    def __init__(self, path: Path, soon: Callable[[Callable[[], None]], Any]) -> None:
        self._path = path
        self._soon = soon
        self._lock = threading.Lock()
        self._waiting: list[Write] = []
        self._writing = False
        self._closed = threading.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="web-journal")
        try:
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            path.chmod(0o600)
            self._base = sqlite3.connect(
                path, timeout=1.0, check_same_thread=False, isolation_level=None
            )
            self._open()
        except OSError as e:
            raise CannotCreate(f"cannot write {path}: {e.strerror}") from e
        except sqlite3.Error as e:
            if "locked" in str(e):
                raise CannotCreate(
                    f"another page server uses {path}: give this one another --data"
                ) from e
            raise BadConfiguration(
                f"{path} can't be used ({e}): move it away, and everybody chooses a nickname anew"
            ) from e

    def _open(self) -> None:
        self._base.execute("PRAGMA locking_mode = EXCLUSIVE")  # two would say everything twice
        self._base.execute("PRAGMA journal_mode = WAL")
        self._base.execute("PRAGMA synchronous = FULL")
        self._base.execute("BEGIN EXCLUSIVE")
        self._base.execute("COMMIT")
        found = self._base.execute("PRAGMA user_version").fetchone()[0]
        if found > VERSION:
            raise BadConfiguration(f"{self._path} was written by a newer Hubbub: upgrade this one")
        self._base.executescript(_SCHEMA)
        self._base.execute(f"PRAGMA user_version = {VERSION}")

    # -- reading, before anything is written ---------------------------------------------------

    def persons(self, now: float) -> list[KeptPerson]:
        """Return everybody who was here lately; the others are forgotten. `now` is Unix time."""
        self._base.execute("DELETE FROM persons WHERE seen < ?", (now - PERSON_KEPT_S,))
        self._base.execute(
            "DELETE FROM said WHERE at < ? AND outcome != '' OR person NOT IN "
            "(SELECT id FROM persons)",
            (now - KEPT_S,),
        )
        return [KeptPerson(*row) for row in self._base.execute("SELECT * FROM persons")]

    def lines(self, person: int) -> list[KeptLine]:
        """Return what a person said, in the order of its numbers."""
        query = "SELECT key, n, line, outcome, message, seq FROM said WHERE person = ? ORDER BY n"
        return [KeptLine(*row) for row in self._base.execute(query, (person,))]

    # -- writing ------------------------------------------------------------------------------

    def write(self, *statements: Statement, then: Callable[[], None] | None = None) -> None:
        """Have statements committed, all or none; `then` is called in the loop when they are."""
        with self._lock:
            self._waiting.append((statements, then))
            if self._writing:
                return
            self._writing = True
        self._thread.submit(self._commit)

    def _commit(self) -> None:
        while True:
            with self._lock:
                batch, self._waiting = self._waiting, []
                if not batch:
                    self._writing = False
                    return
            while not self._try(batch):
                if self._closed.wait(AGAIN_S):
                    return
            for _, then in batch:
                if then is not None:
                    self._soon(then)

    def _try(self, batch: list[Write]) -> bool:
        try:
            self._base.execute("BEGIN IMMEDIATE")
            for statements, _ in batch:
                for statement, values in statements:
                    self._base.execute(statement, values)
            self._base.execute("COMMIT")
        except sqlite3.Error as e:
            log.error("cannot write %s (%s): what people say waits until it can", self._path, e)
            if self._base.in_transaction:
                self._base.execute("ROLLBACK")
            return False
        return True

    def close(self) -> None:
        """Write what waits, and close the file."""
        self._closed.set()
        self._thread.shutdown(wait=True)
        self._base.close()
