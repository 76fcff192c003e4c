"""The index of words, a file of its own beside the history, built from it and at any time again.

It is behind the history by a moment, and has no fsync on the way of any message. Where it is
missing, damaged or of another life it is built anew. Of what was said it holds the words, the
sender and the place, not the text: lines are read from the history, and what retention took from
there, or was deleted or edited since, is not found any more.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import msgspec

from chatlib.core.questions import Find
from chatlib.core.streams import timestamp
from chatlib.errors import BadName
from chatlib.history.store import Found
from chatlib.names import nick_key
from chatlib.protocol import limits
from chatlib.protocol.topics import ROOMS

FILE = "search.sqlite3"
VERSION = 1  # of the index: another one is built again
STEP = 500  # events indexed in one transaction
PATIENCE_S = 1.0  # that one search may take
BITS = 24  # of a rowid, for the stream's number; above them the seq, so that its order is time's
SLACK = 10_000  # rows of events that are gone which the index may hold beside as many again

_SCHEMA = f"""
    CREATE TABLE meta (epoch TEXT NOT NULL) STRICT;
    CREATE TABLE progress (stream INTEGER PRIMARY KEY, seq INTEGER NOT NULL, words INTEGER NOT NULL)
        STRICT;
    CREATE VIRTUAL TABLE words USING fts5(
        text, who, place, content='', columnsize=0, tokenize="unicode61 remove_diacritics 2"
    );
    PRAGMA user_version = {VERSION};
"""
_NEWEST = """
    SELECT id, (SELECT max(seq) FROM history.events WHERE stream = id) FROM history.streams
"""
_EDIT = "SELECT max(seq) FROM history.edits WHERE stream = ? AND first = ?"
_EVENTS = """
    SELECT seq, line FROM history.events WHERE stream = ? AND seq > ? ORDER BY seq LIMIT ?
"""
_PROGRESS = """
    INSERT INTO progress VALUES (?, ?, ?) ON CONFLICT (stream)
    DO UPDATE SET seq = excluded.seq, words = words + excluded.words
"""
_word = re.compile(r'"([^"]*)"|(\S+)')


Row = tuple[int, str, str, str]  # rowid, text, who, place


class _Said(msgspec.Struct):
    """What the index needs of a line."""

    kind: str
    at: str = ""
    nick: str = ""
    text: str = ""
    re: int | None = None
    deleted: bool = False


_said = msgspec.json.Decoder(_Said).decode


class Stale(Exception):
    """The index is not of the history as it is now."""


class WordIndex:
    """The index of the history in the file `history`, whose life is `epoch`.

    `behind` holds the streams that have grown since they were indexed; whoever knows of more adds
    them. All methods raise sqlite3.Error, and are for one thread.
    """

    def __init__(self, history: Path, epoch: str) -> None:
        self._history = history
        self._path = history.with_name(FILE)
        self._epoch = epoch
        self._progress: dict[int, int] = {}
        self.behind: set[int] = set()
        try:
            self._db = self._open()
        except (sqlite3.DatabaseError, Stale):
            for suffix in ("", "-wal", "-shm"):
                self._path.with_name(FILE + suffix).unlink(missing_ok=True)
            self._db = self._open()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path.absolute().as_uri(), uri=True, isolation_level=None)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute("ATTACH ? AS history", (f"{self._history.absolute().as_uri()}?mode=ro",))
            if not db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
                db.executescript(f"BEGIN; {_SCHEMA} COMMIT;")
                db.execute("INSERT INTO meta VALUES (?)", (self._epoch,))
            self._check(db)
        except BaseException:
            db.close()
            raise
        return db

    def _check(self, db: sqlite3.Connection) -> None:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        epochs = db.execute("SELECT epoch FROM meta").fetchall()
        if version != VERSION or epochs != [(self._epoch,)]:
            raise Stale
        self._progress = dict(db.execute("SELECT stream, seq FROM progress"))
        for stream, newest in db.execute(_NEWEST):
            done = self._progress.get(stream, 0)
            if newest is not None and done > newest:  # the history lost what had been indexed
                raise Stale
            if newest is not None and done < newest:
                self.behind.add(stream)
        stored = db.execute("SELECT sum(count) FROM history.streams").fetchone()[0] or 0
        rows = db.execute("SELECT sum(words) FROM progress").fetchone()[0] or 0
        if rows > 2 * stored + SLACK:
            raise Stale

    # -- indexing -----------------------------------------------------------------------------

    def step(self) -> bool:
        """Index at most STEP events of the streams that are behind; return whether more are."""
        left = STEP
        rows: list[Row] = []
        progress: list[tuple[int, int, int]] = []
        for stream in list(self.behind):
            seqs, words = self._read(stream, left)
            if seqs:
                progress.append((stream, seqs[-1], len(words)))
            rows += words
            left -= len(seqs)
            if not left:
                break
            self.behind.discard(stream)  # should the writing fail, the next opening finds it
        if progress:
            self._write(rows, progress)
        return bool(self.behind)

    def _read(self, stream: int, most: int) -> tuple[list[int], list[Row]]:
        """Return the seqs of a stream's next events, and the index's rows of what was said."""
        number = (stream,)
        name = self._db.execute("SELECT name FROM history.streams WHERE id = ?", number).fetchone()
        place = f"s{stream} public" if name[0].startswith(ROOMS.decode()) else f"s{stream}"
        seqs, rows = [], []
        next_ones = (stream, self._progress.get(stream, 0), most)
        for seq, line in self._db.execute(_EVENTS, next_ones):
            seqs.append(seq)
            if stream >= 1 << BITS or seq >= 1 << (62 - BITS):
                continue
            # An import brings what no broker would have stored: it is not found, and harms nobody.
            with suppress(BadName, msgspec.DecodeError):
                said = _said(line)
                if said.kind in ("say", "act", "edit") and not said.deleted:
                    rows.append((seq << BITS | stream, said.text, _who(nick_key(said.nick)), place))
        return seqs, rows

    def _write(self, rows: list[Row], progress: list[tuple[int, int, int]]) -> None:
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        try:
            db.executemany("INSERT INTO words (rowid, text, who, place) VALUES (?, ?, ?, ?)", rows)
            db.executemany(_PROGRESS, progress)
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        self._progress.update({stream: seq for stream, seq, _ in progress})

    # -- searching ----------------------------------------------------------------------------

    def find(self, wanted: Find, stopped: Callable[[], bool]) -> Found:
        """Search, for PATIENCE_S at most and until `stopped` says so."""
        deadline = time.monotonic() + PATIENCE_S
        self._db.set_progress_handler(lambda: stopped() or time.monotonic() > deadline, 10_000)
        lines: list[bytes] = []
        try:
            more = self._collect(wanted, lines)
        except sqlite3.OperationalError as e:
            if "interrupted" not in str(e):
                raise
            more = True
            if not lines:
                fault = "it took too long: name a room, a nickname, a time or more words"
                return Found(wanted.origin, fault=fault)
        finally:
            self._db.set_progress_handler(None, 0)
        return Found(wanted.origin, lines[::-1], more, complete=not self.behind)

    def _collect(self, wanted: Find, lines: list[bytes]) -> bool:
        """Collect lines, the newest first; return whether there are more."""
        low, high = self._bounds(wanted)
        numbers = [number for name in wanted.streams for number in self._number(name)]
        if not numbers and not wanted.public:
            return False
        hits = "SELECT rowid FROM words WHERE words MATCH ? AND rowid >= ? AND rowid < ?"
        hits += " ORDER BY rowid DESC"
        values = (expression(wanted, numbers), low << BITS, high << BITS)
        since = timestamp(wanted.since) if wanted.since is not None else ""
        before = timestamp(wanted.before) if wanted.before is not None else "~"
        size = 0
        for (rowid,) in self._db.execute(hits, values):
            line = self._line(rowid)
            if line is None or not since <= (said := _said(line)).at < before:
                continue
            if said.deleted or self._outdated(rowid, said):
                continue
            size += len(line)
            if len(lines) == wanted.limit or (lines and size > limits.ANSWER_BYTES):
                return True
            lines.append(line)
        return False

    def _number(self, stream: str) -> list[int]:
        found = self._db.execute("SELECT id FROM history.streams WHERE name = ?", (stream,))
        return [number for (number,) in found]

    def _line(self, rowid: int) -> bytes | None:
        found = self._db.execute(
            "SELECT line FROM history.events WHERE stream = ? AND seq = ?",
            (rowid & ((1 << BITS) - 1), rowid >> BITS),
        ).fetchone()
        return found[0] if found else None

    def _outdated(self, rowid: int, said: _Said) -> bool:
        """Tell whether a text is not what is read now: another edit has taken its place."""
        seq = rowid >> BITS
        first = said.re if said.kind == "edit" else seq
        (newest,) = self._db.execute(_EDIT, (rowid & ((1 << BITS) - 1), first)).fetchone()
        return newest is not None and newest != seq

    def _bounds(self, wanted: Find) -> tuple[int, int]:
        """Return between which seqs the times wanted can lie, by the history's marks."""
        low, high = 0, 1 << (62 - BITS)
        if wanted.since is not None:
            mark = "SELECT max(seq) FROM history.marks WHERE at < ?"
            low = self._db.execute(mark, (wanted.since,)).fetchone()[0] or 0
        if wanted.before is not None:
            mark = "SELECT min(seq) FROM history.marks WHERE at >= ?"
            high = self._db.execute(mark, (wanted.before,)).fetchone()[0] or high
        return low, min(high, wanted.below if wanted.below is not None else high)


def _who(key: str) -> str:
    """Return a nick key as one word of the index, whatever characters it has."""
    return "n" + key.encode().hex()


def expression(wanted: Find, streams: Iterable[int]) -> str:
    """Return the search as FTS5 wants it. Every word is quoted: nobody writes operators here."""
    words = [_quoted(*found) for found in _word.findall(wanted.words)]
    parts = []
    if any(words):
        parts.append(f"text : ({' AND '.join(filter(None, words))})")
    if wanted.who is not None:
        parts.append(f'who : "{_who(wanted.who)}"')
    places = [f'"s{number}"' for number in streams] + ['"public"'] * wanted.public
    parts.append(f"place : ({' OR '.join(places)})")
    return " AND ".join(parts)


def _quoted(phrase: str, word: str) -> str:
    text = (phrase or word).replace('"', '""').replace("\0", " ")
    if not any(c.isalnum() for c in text):  # to FTS5 it would be a word that nobody ever said
        return ""
    return f'"{text}" *' if word.endswith("*") else f'"{text}"'
