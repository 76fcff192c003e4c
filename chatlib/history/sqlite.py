"""A history in one SQLite file, fsynced before anything is acknowledged.

One transaction a pass: the events, and with them the state that they left behind, so that a broker
that was killed at any instant goes on where its last commit was. What is stored of an event is the
very line that was emitted. Streams have numbers here; a stream's events lie side by side.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from chatlib.core.batch import INBOX, Entry
from chatlib.core.state import (
    RECORDS,
    Changes,
    Ended,
    Saved,
    SavedRoom,
    SavedSession,
    SavedUser,
    User,
)
from chatlib.errors import BadConfiguration, CannotCreate
from chatlib.history import erasing
from chatlib.history.copies import condition
from chatlib.history.retention import EVERYTHING, Keep, Retention, last_to_go, too_old
from chatlib.history.schema import APPLICATION_ID, MIGRATIONS
from chatlib.history.search import Searcher
from chatlib.history.store import Condition, Page, StoreFailed

Durability = Literal["disk", "os"]

FILE = "history.sqlite3"
MARK = 3600 * 1000  # milliseconds between two marks of what seq came when
TRIM = 500  # events dropped in one step
LEAST_BYTES = 128 * 1024  # of free disk: with less SQLite can't begin
LOOKS = 50  # streams looked at in one step
_GROW = "UPDATE streams SET count = count + ? WHERE id = ?"
_SYNCHRONOUS: dict[str, str] = {"disk": "FULL", "os": "NORMAL"}


class SqliteStore:
    """The history in `directory`, made where it is not there.

    `epoch` names a history that begins now. `durability` "disk" fsyncs each commit; "os" survives
    the death of the process, not of the power. Raises CannotCreate (not writable, in use by
    another broker), BadConfiguration (not ours, or of a newer version).
    """

    def __init__(
        self,
        directory: Path,
        epoch: str,
        durability: Durability = "disk",
        retention: Retention = EVERYTHING,
    ) -> None:
        self._path = directory / FILE
        self._durability = durability
        self._retention = retention
        self._streams: dict[str, int] = {}
        self._marked = 0  # when the last mark was set
        self._untrimmed: list[tuple[str, int]] = []  # streams that this round has yet to look at
        self._rounded = -MARK  # when the last round began
        self._grown = 0  # events since the last step of trimming
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as e:
            raise CannotCreate(f"cannot write {directory}: {e.strerror}; use another --data") from e
        try:
            self._take_lock(directory)
            self._db = self._open(epoch)
        except BaseException:
            os.close(self._lock)
            raise
        self.search = Searcher(self._path, self.epoch)

    def _take_lock(self, directory: Path) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as e:
            owner = os.pread(self._lock, 20, 0).decode("ascii", "replace").strip()
            raise CannotCreate(
                f"another broker (pid {owner}) keeps its history in {directory}: "
                "stop it, or give this one another --data, or --memory"
            ) from e
        try:
            os.ftruncate(self._lock, 0)
            os.pwrite(self._lock, b"%d\n" % os.getpid(), 0)
        except OSError as e:
            raise CannotCreate(f"cannot keep a history in {directory}: {self._why(e)}") from e

    def _open(self, epoch: str) -> sqlite3.Connection:
        try:
            db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            try:
                self._prepare(db, epoch)
            except BaseException:
                db.close()
                raise
        except sqlite3.Error as e:
            raise CannotCreate(f"cannot use the history {self._path}: {self._why(e)}") from e
        return db

    def _why(self, fault: sqlite3.Error | OSError) -> str:
        # On a full disk SQLite says "disk I/O error", too: its shared memory finds no place.
        disk = os.statvfs(self._path.parent)
        if disk.f_bavail * disk.f_frsize >= LEAST_BYTES:
            return getattr(fault, "strerror", None) or str(fault)
        return "the disk is full; make room on it, or choose another place with --data"

    def _prepare(self, db: sqlite3.Connection, epoch: str) -> None:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        (owner,) = db.execute("PRAGMA application_id").fetchone()
        (tables,) = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if tables and owner != APPLICATION_ID:
            raise BadConfiguration(f"{self._path} is a database, but not one of Hubbub's")
        if version > len(MIGRATIONS):
            raise BadConfiguration(
                f"{self._path} was written by a newer Hubbub (schema {version}, this one knows "
                f"{len(MIGRATIONS)}): upgrade this one"
            )
        if not tables:
            db.execute("PRAGMA page_size = 8192")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(f"PRAGMA synchronous = {_SYNCHRONOUS[self._durability]}")
        db.execute(erasing.ALWAYS)
        for number, step in enumerate(MIGRATIONS[version:], version + 1):
            db.executescript(
                f"BEGIN IMMEDIATE; {step} PRAGMA application_id = {APPLICATION_ID};"
                f"PRAGMA user_version = {number}; COMMIT;"
            )
        db.execute("INSERT OR IGNORE INTO meta VALUES ('epoch', ?)", (epoch,))
        self.epoch = db.execute("SELECT value FROM meta WHERE name = 'epoch'").fetchone()[0]
        self._streams = dict(db.execute("SELECT name, id FROM streams"))
        self._counts = Counter(dict(db.execute("SELECT id, count FROM streams")))

    def describe(self) -> str:
        """Say where events go and how long they stay."""
        kept = "fsynced" if self._durability == "disk" else "written, NOT fsynced"
        whole = f"; keeps {told}" if (told := self._retention.describe()) else ""
        return f"{self._path}, {kept} before it is acknowledged{whole}"

    def condition(self) -> Condition:
        """Tell how much there is, on the disk and in copies; what can't be looked at is 0."""
        return condition(self._path, self._durability)

    def retain(self, retention: Retention) -> None:
        """Keep so much from now on; what is beyond it goes in small steps, as ever."""
        self._retention = retention
        self._rounded = -MARK  # look at all streams again, soon

    # -- the state ----------------------------------------------------------------------------

    def load(self) -> Saved:
        """Return the state as of the last commit."""
        db = self._db
        meta = dict(db.execute("SELECT name, value FROM meta"))
        return Saved(
            seq=meta.get("seq", 0),
            at=meta.get("at", 0),
            guests=meta.get("guests", 0),
            rooms=[SavedRoom(*row) for row in db.execute("SELECT name, topic, head FROM rooms")],
            users=[
                SavedUser(row[0], row[1], row[2], _decode(row[3]), _decode(row[4]), row[5])
                for row in db.execute("SELECT id, nick, inbox, rooms, read, identity FROM users")
            ],
            sessions=[
                SavedSession(row[0], row[1], row[2], bool(row[3]), row[4], row[5], row[6])
                for row in db.execute(
                    "SELECT sid, digest, user, bot, accepted, owner, since FROM sessions"
                )
            ],
            ended={
                digest: Ended(accepted, at)
                for digest, accepted, at in db.execute(
                    "SELECT digest, accepted, at FROM ended ORDER BY at"
                )
            },
            records=_records(db),
        )

    def commit(self, entries: Sequence[Entry], changes: Changes) -> None:
        """Store a pass's events and what they changed, all or nothing. Raises StoreFailed."""
        db = self._db
        known = len(self._streams)
        try:
            db.execute("BEGIN IMMEDIATE")
            rows = [(self._stream(e.stream), e.seq, e.line, e.peer) for e in entries]
            db.executemany("INSERT INTO events (stream, seq, line, peer) VALUES (?, ?, ?, ?)", rows)
            more = Counter([row[0] for row in rows])
            db.executemany(_GROW, [(count, stream) for stream, count in more.items()])
            changing = [e for e in entries if e.changes is not None]
            gone = self._change(changing) if changing else []
            self._save(changes)
            if entries and changes.at - self._marked >= MARK:
                db.execute(
                    "INSERT OR IGNORE INTO marks VALUES (?, ?)", (changes.at, entries[0].seq)
                )
                self._marked = changes.at
            db.execute("COMMIT")
        except sqlite3.Error as e:
            if db.in_transaction:
                db.execute("ROLLBACK")
            self._streams = dict(list(self._streams.items())[:known])
            raise StoreFailed(str(e)) from e
        self._counts.update(more)
        self._grown += len(rows)
        self.search.note(more)
        if gone:
            self.search.forget(gone)

    def _change(self, entries: Sequence[Entry]) -> list[bytes]:
        """Note edits, blank what is deleted; return the lines that were blanked."""
        made = [(e.erases, (self._stream(e.stream), e.changes or 0, e.seq)) for e in entries]
        erasing.note_edits(self._db, [change for erases, change in made if not erases])
        kept = {self._stream(e.stream) for e in entries if not e.stream.startswith(INBOX)}
        return list(erasing.erase(self._db, [change for erases, change in made if erases], kept))

    def _stream(self, name: str) -> int:
        number = self._streams.get(name)
        if number is None:
            cursor = self._db.execute("INSERT INTO streams (name) VALUES (?)", (name,))
            number = self._streams[name] = cursor.lastrowid or 0
        return number

    def _save(self, changes: Changes) -> None:
        db = self._db
        db.executemany(
            "INSERT OR REPLACE INTO meta VALUES (?, ?)",
            (("seq", changes.seq), ("at", changes.at), ("guests", changes.guests)),
        )
        db.executemany(
            "INSERT OR REPLACE INTO rooms VALUES (?, ?, ?)",
            [(room.name, room.topic, room.head) for room in changes.rooms],
        )
        db.executemany(
            "INSERT OR REPLACE INTO users VALUES (?, ?, ?, ?, ?, ?)",
            [
                (u.id, u.nick, u.inbox, _joins(u), _encode(u.read), u.identity)
                for u in changes.users
            ],
        )
        db.executemany("DELETE FROM users WHERE id = ?", [(id,) for id in changes.departed])
        db.executemany(
            "INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (s.sid, s.digest, s.user.id, s.bot, s.accepted, s.owner, s.since)
                for s in changes.sessions
            ],
        )
        db.executemany("DELETE FROM sessions WHERE sid = ?", [(sid,) for sid in changes.gone])
        db.executemany(
            "INSERT OR REPLACE INTO ended VALUES (?, ?, ?)",
            [(digest, e.accepted, e.at) for digest, e in changes.ended],
        )
        db.executemany("DELETE FROM ended WHERE digest = ?", [(d,) for d in changes.forgotten])
        for kind, name, record in changes.records:
            if record is None:
                db.execute("DELETE FROM records WHERE kind = ? AND id = ?", (kind, name))
            else:
                value = msgspec.json.encode(record)
                db.execute("INSERT OR REPLACE INTO records VALUES (?, ?, ?)", (kind, name, value))

    # -- retention ----------------------------------------------------------------------------

    def trim(self, at: int) -> bool:
        """Drop a little of what is beyond the retention, and tell whether that was all for now.

        One call looks at LOOKS streams and drops at most TRIM events, or twice what came since the
        last call: so it never stalls the loop, and never falls behind. Raises StoreFailed.
        """
        if self._retention.everything:
            return False
        if not self._untrimmed and (self._grown or at - self._rounded >= MARK // 4):
            self._untrimmed = list(self._streams.items())
            self._rounded = at
        left, self._grown = max(TRIM, 2 * self._grown), 0
        try:
            for name, stream in self._untrimmed[-LOOKS:][::-1]:
                left -= self._trim(stream, self._retention.of(name), at, left)
                if left <= 0:
                    break
                self._untrimmed.pop()
        except sqlite3.Error as e:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise StoreFailed(str(e)) from e
        return bool(self._untrimmed)

    def _trim(self, stream: int, keep: Keep, at: int, most: int) -> int:
        """Drop at most `most` events of one stream; return how many."""
        db = self._db
        excess = self._counts[stream] - keep.events if keep.events is not None else 0
        gone, last = last_to_go(db, stream, excess, too_old(db, keep, at), most)
        if gone:
            db.execute("BEGIN IMMEDIATE")
            db.execute("DELETE FROM events WHERE stream = ? AND seq <= ?", (stream, last))
            erasing.forget_edits(db, stream, last)
            db.execute(_GROW, (-gone, stream))
            db.execute("COMMIT")
            self._counts[stream] -= gone
        return gone

    # -- events -------------------------------------------------------------------------------

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
        """Read a page; see Store. Raises StoreFailed."""
        if (number := self._streams.get(stream)) is None:
            return Page([], 0, False)
        where, values = "stream = ?", [number]
        if peer is not None:
            where, values = f"{where} AND peer = ?", [*values, peer]  # type: ignore[list-item]
        order = "ASC" if after is not None else "DESC"
        try:
            oldest = self._db.execute(
                f"SELECT seq FROM events WHERE {where} ORDER BY seq LIMIT 1", values
            ).fetchone()
            if after is not None:
                where, values = f"{where} AND seq > ?", [*values, after]
            elif before is not None:
                where, values = f"{where} AND seq < ?", [*values, before]
            rows = self._db.execute(
                f"SELECT line FROM events WHERE {where} ORDER BY seq {order} LIMIT ?",
                [*values, limit + 1],
            )
            lines, more = _within(rows, limit, size)
        except sqlite3.Error as e:
            raise StoreFailed(str(e)) from e
        return Page(lines if after is not None else lines[::-1], oldest[0] if oldest else 0, more)

    def event(self, stream: str, seq: int) -> bytes | None:
        """Return one event's line; None when it is not there (any more). Raises StoreFailed."""
        try:
            found = self._db.execute(
                "SELECT line FROM events WHERE stream = ? AND seq = ?",
                (self._streams.get(stream), seq),
            ).fetchone()
        except sqlite3.Error as e:
            raise StoreFailed(str(e)) from e
        return found[0] if found else None

    def erased(self, stream: str, seq: int) -> bytes | None:
        """Return a deleted event's line with its text; see Store. Raises StoreFailed."""
        try:
            return erasing.erased(self._db, self._streams.get(stream), seq)
        except sqlite3.Error as e:
            raise StoreFailed(str(e)) from e

    def close(self) -> None:
        """Close the file and let another broker have it."""
        self.search.close()
        self._db.close()
        os.close(self._lock)


def _records(db: sqlite3.Connection) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {kind: {} for kind in RECORDS}
    for kind, name, value in db.execute("SELECT kind, id, value FROM records"):
        found[kind][name] = msgspec.json.decode(value, type=RECORDS[kind])
    return found


_decode = msgspec.json.Decoder(dict[str, int]).decode


def _encode(seqs: dict[str, int]) -> str:
    return msgspec.json.encode(seqs).decode()


def _joins(user: User) -> str:
    return _encode({name: room.members.get(user.id, 0) for name, room in user.rooms.items()})


def _within(rows: sqlite3.Cursor, limit: int, size: int) -> tuple[list[bytes], bool]:
    """Return lines up to the limits, one at least, and whether there are more."""
    lines: list[bytes] = []
    for (line,) in rows:
        size -= len(line)
        if len(lines) == limit or (lines and size < 0):
            return lines, True
        lines.append(line)
    return lines, False
