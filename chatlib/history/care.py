"""Looking after a history on disk: copying, exporting, importing, checking.

Reading needs no stopped broker: WAL gives each reader one consistent view. Importing does.
"""

from __future__ import annotations

import contextlib
import fcntl
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import msgspec

from chatlib.core.batch import INBOX, Entry
from chatlib.core.grants import Head, RoomRights
from chatlib.core.state import Changes, new_room
from chatlib.core.streams import changing
from chatlib.errors import BadConfiguration, CannotCreate, Misuse, ProtocolViolation
from chatlib.history import index
from chatlib.history.copies import note_copy
from chatlib.history.schema import APPLICATION_ID
from chatlib.history.sqlite import FILE, SqliteStore
from chatlib.names import LOBBY, room_name
from chatlib.protocol.codec import decode_event
from chatlib.protocol.events import Event
from chatlib.protocol.topics import room_topic

IMPORTED = 1_000  # events in one transaction of an import


def open_history(directory: Path) -> sqlite3.Connection:
    """Return a connection that only reads. Raises BadConfiguration when there is no history."""
    path = directory / FILE
    if not path.exists():
        raise BadConfiguration(f"there is no history in {directory}: name another with --data")
    try:
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise BadConfiguration(f"{path} is a database, but not one of Hubbub's")
    except sqlite3.Error as e:
        raise BadConfiguration(f"cannot read the history {path}: {e}") from e
    return db


def backup(directory: Path, target: Path) -> int:
    """Copy the history as of this instant to the file `target`; return its size in bytes.

    Raises CannotCreate when `target` is there already, or can't be written.
    """
    if target.exists():
        raise CannotCreate(f"{target} is there already: name a new file")
    new = target.with_name(target.name + ".new")  # so that half a copy never looks like a whole one
    with closing(open_history(directory)) as db:
        try:
            new.unlink(missing_ok=True)
            # Not page by page: in those are traces of what was deleted.
            db.execute("VACUUM INTO ?", (str(new),))
            _forget_erased(new)
            new.replace(target)
        except (sqlite3.Error, OSError) as e:
            raise CannotCreate(f"cannot write the backup {target}: {e}") from e
    size = target.stat().st_size
    note_copy(directory, target, size)
    return size


def _forget_erased(copy: Path) -> None:
    """Drop from a copy what was deleted: moderators read it, and copies go astray."""
    with closing(sqlite3.connect(copy, isolation_level=None)) as db:
        (there,) = db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'erased'").fetchone()
        if there and db.execute("SELECT EXISTS (SELECT 1 FROM erased)").fetchone()[0]:
            db.execute("DELETE FROM erased")
            db.execute("VACUUM")


def export(directory: Path, room: str | None = None) -> Iterator[bytes]:
    """Yield the events of all rooms, or of one, as their JSON lines, in the order of seq.

    What was said privately, or in private rooms, is not exported: a line does not tell who may
    read it. Raises Misuse where such a room is named, or one that is not there.
    """
    where, values = "name LIKE 'room/%'", []
    if room is not None:
        where, values = "name = ?", [room_topic(room_name(room)).decode()]
    with closing(open_history(directory)) as db:
        if room is not None and stream_of(db, room_name(room)) != values[0]:
            text = "a line does not tell who may read it, and imported it would be public"
            raise Misuse(f"{room} is a private room: {text}. Use hubbub backup")
        known = db.execute(f"SELECT 1 FROM streams WHERE {where}", values)
        if room is not None and known.fetchone() is None and room_name(room) != LOBBY:
            raise Misuse(f"there is no room {room} in this history")
        rows = db.execute(
            f"SELECT line FROM events JOIN streams ON id = stream WHERE {where} ORDER BY seq",
            values,
        )
        for (line,) in rows:
            yield line


def stream_of(db: sqlite3.Connection, room: str) -> str:
    """Return the stream of a room, by what is kept of its rights."""
    rights = None
    with contextlib.suppress(sqlite3.OperationalError):  # of a version that knew no rights yet
        asked = db.execute("SELECT value FROM records WHERE kind = 'room' AND id = ?", (room,))
        rights = asked.fetchone()
    private = rights is not None and msgspec.json.decode(rights[0], type=RoomRights).private
    return new_room(room, private).stream


def load(directory: Path, epoch: str, lines: Iterable[bytes]) -> int:
    """Make a history of exported lines; return how many. Raises Misuse where there is one already.

    The lines stay what they are; a room's topic is its last one.
    """
    store = SqliteStore(directory, epoch)
    try:
        if store.load().seq:
            raise Misuse(f"{directory} has a history already: import into an empty directory")
        count = last = 0
        rooms: dict[str, Event] = {}
        topics: dict[str, str] = {}
        entries: list[Entry] = []
        for number, line in enumerate(lines, 1):
            event = _imported(number, line, last)
            last = event.seq
            name = event.room or ""
            rooms[name] = event
            if event.kind == "topic":
                topics[name] = event.text or ""
            entry = Entry(room_topic(name).decode(), event.seq, line)
            entries.append(changing(entry, event.kind, event.re))
            count += 1
            if len(entries) == IMPORTED:
                _store(store, entries, rooms, topics)
                entries = []
        _store(store, entries, rooms, topics)
        return count
    finally:
        store.close()


def _imported(number: int, line: bytes, last: int) -> Event:
    try:
        event = decode_event(line)
    except ProtocolViolation as e:
        raise Misuse(f"line {number} is no event: {e}") from e
    if not event.room or event.seq < 1 or event.room != room_name(event.room):
        raise Misuse(f"line {number} is no event of a room")
    if event.seq <= last:
        raise Misuse(f"line {number} has seq {event.seq} behind {last}: lines come in order of seq")
    return event


def _store(
    store: SqliteStore, entries: list[Entry], rooms: dict[str, Event], topics: dict[str, str]
) -> None:
    if not entries:
        return
    made = []
    for name, event in rooms.items():
        room = new_room(name)
        room.head, room.topic = event.seq, topics.get(name, "")
        made.append(room)
    at = max(_milliseconds(event.at) for event in rooms.values())
    seq = max(event.seq for event in rooms.values())
    store.commit(entries, Changes(seq, at, 0, made, [], [], [], []))


def _milliseconds(at: str) -> int:
    try:
        return int(datetime.fromisoformat(at).timestamp() * 1000)
    except ValueError:
        return 0


def check(directory: Path) -> list[str]:
    """Return what is wrong with a history: nothing, in most of them.

    Each stream must be a chain of `prev` (a chain that begins later has lost its beginning to
    retention), be as long as it is counted, end at the head that is told, and lie below the
    broker's seq. The index of words may be behind, but not broken.
    """
    with closing(open_history(directory)) as db:
        db.execute("BEGIN")  # one view of it all, whatever a broker commits meanwhile
        faults = [row[0] for row in db.execute("PRAGMA integrity_check") if row[0] != "ok"]
        heads = {stream_of(db, n): h for n, h in db.execute("SELECT name, head FROM rooms")}
        heads |= _audit_head(db)
        heads |= {INBOX + id: h for id, h in db.execute(_INBOXES[_has_users(db)])}
        (top,) = db.execute("SELECT max(seq) FROM events").fetchone()
        known = db.execute("SELECT value FROM meta WHERE name = 'seq'").fetchone()
        if (top or 0) > (known[0] if known else 0):
            faults.append(f"events reach seq {top}, the counter stands at {known and known[0]}")
        counted = "SELECT id, name, count, (SELECT count(*) FROM events WHERE stream = id)"
        for number, name, count, there in db.execute(f"{counted} FROM streams").fetchall():
            if count != there:
                faults.append(f"{name}: {there} events are there, {count} are counted")
            faults += _check_stream(db, number, name, heads.get(name))
    return faults + list(_check_index(directory))


# Until somebody starts a broker on it, a history is as the last one left it.
_INBOXES = {True: "SELECT id, inbox FROM users", False: "SELECT sid, inbox FROM sessions"}


def _has_users(db: sqlite3.Connection) -> bool:
    found = db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'users'")
    return bool(found.fetchone()[0])


def _audit_head(db: sqlite3.Connection) -> dict[str, int]:
    with contextlib.suppress(sqlite3.OperationalError):
        for name, value in db.execute("SELECT id, value FROM records WHERE kind = 'audit'"):
            return {name: msgspec.json.decode(value, type=Head).seq}
    return {}


def _check_index(directory: Path) -> Iterator[str]:
    path = directory / index.FILE
    if not path.exists():
        return
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            faults = [row[0] for row in db.execute("PRAGMA integrity_check") if row[0] != "ok"]
    except sqlite3.Error as e:
        faults = [str(e)]
    for fault in faults:
        yield f"the index of words: {fault}: remove {path}, and it is built again"


def _check_stream(
    db: sqlite3.Connection, number: int, name: str, head: int | None
) -> Iterator[str]:
    last = None
    for seq, line in db.execute(
        "SELECT seq, line FROM events WHERE stream = ? ORDER BY seq", (number,)
    ):
        try:
            event = decode_event(line)
        except ProtocolViolation as e:
            yield f"{name}: the event {seq} can't be read: {e}"
            continue
        if event.seq != seq:
            yield f"{name}: the event {seq} calls itself {event.seq}"
        if last is not None and event.prev != last:
            yield f"{name}: the event {seq} follows {event.prev}, but {last} stands before it"
        last = seq
    if head is not None and last is not None and last != head:
        yield f"{name}: the last event is {last}, the head {head}"


def in_use(directory: Path) -> bool:
    """Tell whether a broker keeps its history in `directory` now."""
    try:
        with (directory / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
