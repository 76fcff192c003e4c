"""Starting with a long history: until the first message is accepted, and the memory it takes."""

from __future__ import annotations

import os
import shutil
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from bench import machine, servers, zmtp
from bench.measures import Bench
from bench.report import Column, Row, Table, Turn
from bench.wires import TEXT, Member
from chatlib.core.batch import Entry
from chatlib.core.state import Changes, new_room
from chatlib.core.streams import timestamp
from chatlib.history.sqlite import SqliteStore

MILLION = 1_000_000
ROOMS = 100
BATCH = 10_000
BYTES_EACH = 300  # on the disk, generously
COLUMNS = [
    Column("ms to the first accepted message", lambda t: t["first_ms"]),
    Column("ms until it listens", lambda t: t["ready_ms"]),
    Column("MB after it", lambda t: t["mb"], ",.1f"),
    Column("peak MB", lambda t: t["peak_mb"], ",.1f"),
    Column("history on disk, MB", lambda t: t["disk_mb"]),
]


def measure(bench: Bench) -> Table:
    """Measure starts with an empty history and with long ones, not in the page cache."""
    rows: list[Row] = []
    for events in (0, MILLION) if bench.quick else (0, MILLION, 10 * MILLION):
        case = f"{events:,} events in {ROOMS} rooms" if events else "an empty history"
        free = shutil.disk_usage(bench.directory).free
        if free < 2 * events * BYTES_EACH:
            rows.append(Row(case, "**Hubbub**", [], note=f"skipped: {free // 2**20} MB are free"))
            continue
        with bench.scratch() as history:
            if events:
                bench.say(f"writing {case}")
                fill(history / "data", events)
            row = bench.in_turns(case, {"**Hubbub**": _subject(history)})["**Hubbub**"]
        rows.append(row)
    return Table("restart", "Start with a long history", COLUMNS, _judged(rows))


def _judged(rows: list[Row]) -> list[Row]:
    """Return the rows with the goal: memory does not grow with history."""
    if not rows[0].turns:
        return rows
    empty = statistics.median([turn["mb"] for turn in rows[0].turns])
    judged = rows[:1]
    for row in rows[1:]:
        more = [turn["mb"] - empty for turn in row.turns]
        met = statistics.median(more) < empty / 10 if more else None
        judged.append(row._replace(goal="memory as when empty (within 10 %)", met=met))
    return judged


def fill(directory: Path, events: int) -> None:
    """Store a history as a broker would have left it, room after room."""
    store = SqliteStore(directory, "bench", "os")
    at = time.time_ns() // 1_000_000 - events
    for number in range(ROOMS):
        room = new_room(f"room{number}")
        for start in range(0, events // ROOMS, BATCH):
            entries = [
                _entry(room.name, room.stream, number, i, at)
                for i in range(start, min(start + BATCH, events // ROOMS))
            ]
            room.head = entries[-1].seq
            store.commit(entries, Changes(events, at + events, 0, [room], [], [], [], []))
    store.close()


def _entry(name: str, stream: str, number: int, i: int, at: int) -> Entry:
    """Return the i-th event of a room; rooms take turns in seq."""
    seq = i * ROOMS + number + 1
    line = b'{"seq":%d,"prev":%d,"at":"%s","kind":"say","room":"%s",' % (
        seq, max(0, seq - ROOMS) if i else 0, timestamp(at + seq // 1000 * 1000).encode(),
        name.encode(),
    )  # fmt: skip
    return Entry(
        stream, seq, line + b'"nick":"ann","sid":"k3f9abc","n":%d,"text":"%s"}' % (i, TEXT)
    )


def _subject(history: Path) -> Callable[[Path], Turn]:
    def run(_: Path) -> Turn:
        data = history / "data"
        size = sum(f.stat().st_size for f in data.glob("*")) if data.exists() else 0
        _forget(data)
        start = time.perf_counter()
        with servers.hubbub(history) as server:
            ready = time.perf_counter()
            member = Member(server.ports, f"first{time.time_ns()}")  # earlier ones are still there
            line = b'{"n":1,"room":"lobby","text":"%s"}' % TEXT
            with zmtp.dial(server.ports["intake"], "PUSH") as push, member.control:
                push.sendall(zmtp.frame(member.token, more=True) + zmtp.frame(line))
                while not member.accepted():
                    time.sleep(0.0005)
            first = time.perf_counter()
            return {
                "first_ms": 1000 * (first - start),
                "ready_ms": 1000 * (ready - start),
                "mb": machine.memory_mb(server.pid),
                "peak_mb": machine.memory_mb(server.pid, peak=True),
                "disk_mb": size / 2**20,
            }

    return run


def _forget(data: Path) -> None:
    """Ask the kernel to drop the files from its page cache, as after a boot."""
    if not hasattr(os, "posix_fadvise") or not data.exists():
        return
    os.sync()
    for path in data.glob("history*"):
        descriptor = os.open(path, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)
