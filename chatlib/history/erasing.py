"""What was edited and what was deleted, in the transaction that stores the edit or the deletion.

The line goes from the file, not only from what is answered: SQLite overwrites with zeros what it
lets go of. What it moved from page to page before can have left traces in the file, which nothing
reads; `hubbub backup` copies what is there, not pages, and has none.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Container, Iterable, Iterator

from chatlib.protocol.codec import blank, undeleted

# FAST costs nothing, and zeroes what goes from the middle of a page. Only ON does so with the whole
# pages that a long text has for itself, and would write all that retention drops once more.
ALWAYS = "PRAGMA secure_delete = FAST"
_WHOLLY = "PRAGMA secure_delete = ON"
_LINES = """
    SELECT seq, line FROM events WHERE stream = :stream AND seq IN (
        SELECT :seq UNION ALL SELECT seq FROM edits WHERE stream = :stream AND first = :seq
    )
"""
_ASIDE = "INSERT OR IGNORE INTO erased (stream, seq, line) VALUES (?, ?, ?)"
Change = tuple[int, int, int]  # stream, what is changed, the seq of what changes it


def note_edits(db: sqlite3.Connection, edits: Iterable[Change]) -> None:
    """Remember which events are edits of which: they are blanked together."""
    db.executemany("INSERT INTO edits (stream, first, seq) VALUES (?, ?, ?)", edits)


def erased(db: sqlite3.Connection, stream: int | None, seq: int) -> bytes | None:
    """Return the line of what was deleted, where it was put aside."""
    found = db.execute("SELECT line FROM erased WHERE stream = ? AND seq = ?", (stream, seq))
    line = found.fetchone()
    return line[0] if line else None


def forget_edits(db: sqlite3.Connection, stream: int, last: int) -> None:
    """Forget the edits up to `last`, which retention has dropped, and what was put aside."""
    db.execute("DELETE FROM erased WHERE stream = ? AND seq <= ?", (stream, last))
    dropped = "DELETE FROM edits WHERE stream = ? AND first <= ? AND seq <= ?"
    db.execute(dropped, (stream, last, last))


def erase(
    db: sqlite3.Connection, deletions: Iterable[Change], kept: Container[int] = ()
) -> Iterator[bytes]:
    """Blank what was deleted and all edits of it; yield the lines as they were.

    Of the streams `kept` they are put aside, for who may still read them.
    """
    db.execute(_WHOLLY)
    try:
        for stream, erased, _ in deletions:
            found = db.execute(_LINES, {"stream": stream, "seq": erased}).fetchall()
            for seq, line in found:
                db.execute(
                    "UPDATE events SET line = ? WHERE stream = ? AND seq = ?",
                    (blank(line), stream, seq),
                )
                if stream in kept and blank(line) != line:
                    db.execute(_ASIDE, (stream, seq, undeleted(line)))
                yield line
    finally:
        db.execute(ALWAYS)
