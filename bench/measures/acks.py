"""Acknowledged messages a second: what counts is that the server said it is stored."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from bench import load, servers
from bench.measures import Bench, compare
from bench.report import LOAD, OTHERS, Column, Table, Turn

SENDERS = 10
WINDOW = 200  # messages that a sender sends ahead of its acknowledgements
GOAL = 10.0
RATE = Column("acknowledged/s", lambda t: t["acknowledged"] / t["seconds"])
COLUMNS = [
    RATE,
    Column("server CPU µs each", lambda t: t["server_cpu_s"] / t["acknowledged"] * 1e6, ".1f"),
    Column("server peak MB", lambda t: t["peak_mb"]),
    LOAD,
    OTHERS,
]
SUBJECTS: dict[str, tuple[str, Callable[[Path], AbstractContextManager[servers.Server]]]] = {
    "**Hubbub**, --durability disk": ("hubbub", servers.hubbub),
    "JetStream, sync_interval: always": ("jetstream", lambda d: servers.nats_server(d, "always")),
    "**Hubbub**, --durability os": ("hubbub", lambda d: servers.hubbub(d, "--durability", "os")),
    "JetStream, sync every 2 min": ("jetstream", lambda d: servers.nats_server(d, "2m")),
}


def measure(bench: Bench) -> Table:
    """Measure both durabilities beside JetStream's counterparts."""

    def subject(name: str) -> Callable[[Path], Turn]:
        wire, serve = SUBJECTS[name]

        def run(directory: Path) -> Turn:
            with serve(directory) as server:
                running = load.Running(
                    load.acknowledge, wire, server, SENDERS, bench.seconds, WINDOW
                )
                found: Turn = running.result(bench.seconds + 60)
            if not 0 < found["acknowledged"] <= found["stored"]:
                raise RuntimeError(f"acknowledged is not what is stored: {found}")
            return found

        return run

    case = f"{SENDERS} senders, window {WINDOW:,}"
    disk, always, system, lazily = bench.in_turns(case, {n: subject(n) for n in SUBJECTS}).values()
    rows = [disk, compare(disk, always, RATE, GOAL), system, compare(system, lazily, RATE)]
    return Table("acks", "Acknowledged messages a second", COLUMNS, rows)
