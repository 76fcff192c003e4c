"""web.db: who comes by the page, and what they said that the broker may not have yet.

What a person says is written here, with the number that it has in the session, before it goes to
the broker. So whoever asks again, page or page server, after whatever crash, asks the same again.
Writes are gathered, and done in the order in which they were given. Only the commit, which waits
for the disk, is a thread's: statements there would wait for the interpreter, each anew.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from asyncio import TimerHandle
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from chatlib.errors import BadConfiguration, CannotCreate

VERSION = 1
KEPT_S = 48 * 3600.0  # that what became of a message is known
PERSON_KEPT_S = 90 * 24 * 3600.0
AGAIN_S = 1.0
GATHER_S = 0.01  # from one commit to the next; after a rest it is made at once
LAZY_S = 0.25  # that a write waits for others where nobody waits for it

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
CREATE INDEX IF NOT EXISTS said_open ON said (person) WHERE outcome = '';
"""
_GONE = """
SELECT id FROM persons WHERE seen < ? UNION
SELECT id FROM (SELECT id FROM persons ORDER BY seen DESC LIMIT -1 OFFSET ?)
WHERE id NOT IN (SELECT person FROM said WHERE outcome = '')
"""
_OLD = "person = ? AND at < ? AND outcome != ''"
_LINES = f"""
SELECT key, n, line, outcome, message, seq FROM said WHERE person = ? AND NOT ({_OLD})
ORDER BY outcome = '', CASE outcome WHEN '' THEN n ELSE at END
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


class Loop(Protocol):
    """What a journal needs of the loop in which it is used; asyncio's has it."""

    def time(self) -> float:
        """Return the loop's clock, in seconds."""

    def call_at(self, when: float, callback: Callable[[], None]) -> TimerHandle:
        """Call back at a time of that clock."""

    def call_soon(self, callback: Callable[[], None]) -> object:
        """Call back once, soon."""

    def call_soon_threadsafe(self, callback: Callable[[], None]) -> object:
        """The same, asked by another thread."""


class Journal:
    """The file, and its writer. Raises CannotCreate, and BadConfiguration (damaged, or newer)."""

    def __init__(self, path: Path, loop: Loop) -> None:
        self._path = path
        self._loop = loop
        self._waiting: list[Write] = []
        self._batch: list[Write] = []  # what is being committed, or could not be
        self._began = 0.0
        self._timer: TimerHandle | None = None
        self._commit: Future[Any] | None = None
        self._closed = False
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

    # -- reading ------------------------------------------------------------------------------

    def persons(self, now: float, most: int) -> list[KeptPerson]:
        """Return who was here lately, before anything is written; the others are forgotten.

        `now` is Unix time. Of more than `most` those stay who were here last or have lines open.
        """
        gone = self._base.execute(_GONE, (now - PERSON_KEPT_S, most)).fetchall()
        self._base.execute("BEGIN IMMEDIATE")
        self._base.executemany("DELETE FROM said WHERE person = ?", gone)
        self._base.executemany("DELETE FROM persons WHERE id = ?", gone)
        self._base.execute("COMMIT")
        return [KeptPerson(*row) for row in self._base.execute("SELECT * FROM persons")]

    def unsaid(self) -> set[int]:
        """Return who has lines of which nothing became yet."""
        query = "SELECT DISTINCT person FROM said WHERE outcome = ''"
        return {person for (person,) in self._base.execute(query)}

    def lines(self, person: int, now: float) -> list[KeptLine]:
        """Return what a person said lately and was written: what is open last, as it is numbered.

        `now` is Unix time; what is older than KEPT_S and not open is forgotten.
        """
        old = (person, now - KEPT_S)
        found = [KeptLine(*row) for row in self._base.execute(_LINES, (person, *old))]
        self.write((f"DELETE FROM said WHERE {_OLD}", old))
        return found

    # -- writing ------------------------------------------------------------------------------

    def write(self, *statements: Statement, then: Callable[[], None] | None = None) -> None:
        """Have statements committed, all or none; `then` is called in the loop when they are."""
        self._waiting.append((statements, then))
        if then is None:
            self._want(self._loop.time() + LAZY_S)
        else:
            self._want(self._began + GATHER_S)

    def _want(self, at: float) -> None:
        if self._batch or self._closed:
            return
        if self._timer is not None:
            if self._timer.when() <= at:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(at, self._write)

    def _write(self) -> None:
        self._began, self._timer = self._loop.time(), None
        self._batch, self._waiting = self._batch + self._waiting, []
        try:
            self._execute()
        except sqlite3.Error as e:
            self._fail(e)
            return
        self._commit = self._thread.submit(self._base.execute, "COMMIT")
        self._commit.add_done_callback(lambda _: self._loop.call_soon_threadsafe(self._committed))

    def _execute(self) -> None:
        self._base.execute("BEGIN IMMEDIATE")
        for statements, _ in self._batch:
            for statement, values in statements:
                self._base.execute(statement, values)

    def _committed(self) -> None:
        if self._closed or self._commit is None:
            return
        fault, self._commit = self._commit.exception(), None
        if fault is not None:
            self._fail(fault)
            return
        for _, then in self._batch:
            if then is not None:
                self._loop.call_soon(then)
        self._batch = []
        if self._waiting:
            self._want(self._began + GATHER_S)

    def _fail(self, why: BaseException) -> None:
        log.error("cannot write %s (%s): what people say waits until it can", self._path, why)
        if self._base.in_transaction:
            self._base.execute("ROLLBACK")
        self._timer = self._loop.call_at(self._loop.time() + AGAIN_S, self._write)

    def close(self) -> None:
        """Write what waits, and close the file."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._thread.shutdown(wait=True)
        if self._commit is not None and self._commit.exception() is None:
            self._batch = []
        elif self._base.in_transaction:
            self._base.execute("ROLLBACK")
        self._batch += self._waiting
        try:
            self._execute()
            self._base.execute("COMMIT")
        except sqlite3.Error as e:
            log.error("cannot write %s (%s) at the end", self._path, e)
        self._base.close()
