"""How long a person waits: for the help, and for the client's first paint."""

from __future__ import annotations

import os
import pty
import select
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench import machine, servers
from bench.measures import Bench
from bench.report import Column, Row, Table, Turn

COMMAND = [sys.executable, "-m", "chatlib.cli", "chat"]
PAINTED = b"lobby"
GOALS = {"hubbub chat --help": 0.15, "hubbub chat, first paint": 0.4}
COLUMNS = [Column("seconds", lambda t: t["seconds"], ".3f")]


def measure(bench: Bench) -> Table:
    """Measure both, on the load's core, beside a broker on its own."""
    subjects: dict[str, Callable[[Path], Turn]] = {
        "hubbub chat --help": _help,
        "hubbub chat, first paint": _first_paint,
    }
    rows = bench.in_turns("start", subjects, turns=bench.turns if bench.quick else 7).values()
    judged = [_judged(row, GOALS[row.server]) for row in rows]
    return Table("start", "Start of the client", COLUMNS, judged)


def _judged(row: Row, most: float) -> Row:
    row = row._replace(case=row.server, server="**Hubbub**")
    if not row.turns:
        return row
    met = statistics.median([turn["seconds"] for turn in row.turns]) < most
    return row._replace(goal=f"< {most:g} s", met=met)


def _help(_: Path) -> Turn:
    with machine.pinned(machine.LOAD_CORE):
        start = time.perf_counter()
        subprocess.run(
            [*COMMAND, "--help"], cwd=servers.ROOT, stdout=subprocess.DEVNULL, check=True
        )
        return {"seconds": time.perf_counter() - start}


def _first_paint(directory: Path) -> Turn:
    with servers.hubbub(directory, "--memory") as server:
        ours, theirs = pty.openpty()
        address = f"tcp://127.0.0.1:{server.ports['control']}"
        environment = os.environ | {"TERM": "xterm-256color", "HOME": str(directory)}
        with machine.pinned(machine.LOAD_CORE):
            start = time.perf_counter()
            client = subprocess.Popen(
                [*COMMAND, address, "--nick", "ann"],
                cwd=servers.ROOT, stdin=theirs, stdout=theirs, stderr=theirs, env=environment,
            )  # fmt: skip
        try:
            return {"seconds": _painted(ours, client) - start}
        finally:
            client.kill()
            client.wait()
            os.close(ours)
            os.close(theirs)


def _painted(terminal: int, client: subprocess.Popen[bytes]) -> float:
    """Return when the room's name stood on the terminal. Raises RuntimeError if it never does."""
    shown = b""
    deadline = time.perf_counter() + 20
    while time.perf_counter() < deadline and client.poll() is None:
        if select.select([terminal], [], [], 0.1)[0]:
            shown += os.read(terminal, 65536)
            if PAINTED in shown:
                return time.perf_counter()
    raise RuntimeError(f"the client did not paint: {shown!r}")
