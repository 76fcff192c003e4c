"""How long a message takes to each of 50 receivers, at rates that keep no server busy."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from bench import machine, pace, servers
from bench.measures import Bench
from bench.report import Column, Row, Table, Turn

RECEIVERS = 50
RATES = (500, 2_000)
FACTOR = 2.0
COLUMNS = [
    Column("p99 ms", lambda t: t["p99_ms"], ".2f"),
    Column("p50 ms", lambda t: t["p50_ms"], ".2f"),
    Column("p90 ms", lambda t: t["p90_ms"], ".2f"),
    Column("max ms", lambda t: t["max_ms"], ".2f"),
    Column("lost, worst turn", lambda t: t["lost"], show=max),
    Column("fsync p50 ms", lambda t: t["fsync_p50_ms"], ".2f"),
    Column("fsync p99 ms", lambda t: t["fsync_p99_ms"], ".2f"),
    Column("server CPU %", lambda t: 100 * t["server_cpu_s"] / t["seconds"]),
    Column("load core busy %", lambda t: t["load_core_percent"]),
]
_SERVERS: dict[str, Callable[[Path], AbstractContextManager[servers.Server]]] = {
    "hubbub": servers.hubbub,
    "nats": servers.nats_server,
}


def measure(bench: Bench) -> Table:
    """Measure each rate beside nats-server core."""
    rows: list[Row] = []
    for rate in RATES:
        ours, theirs = bench.in_turns(
            f"{rate:,} msg/s to {RECEIVERS}",
            {name: _subject(bench, name, rate) for name in _SERVERS},
        ).values()
        rows += [
            _judged(ours, theirs, goal=rate == RATES[-1])._replace(server="**Hubbub**, fsynced"),
            theirs._replace(server="nats-server core, stores nothing"),
        ]
    return Table("latency", "Latency from send to receive", COLUMNS, rows)


def _subject(bench: Bench, name: str, rate: int) -> Callable[[Path], Turn]:
    def run(directory: Path) -> Turn:
        fsync = machine.fsync_ms(directory)
        with _SERVERS[name](directory) as server:
            found = pace.measure(name, server, rate, RECEIVERS, bench.seconds)
        fsync += machine.fsync_ms(directory)
        return found | {
            "fsync_p50_ms": machine.percentile(fsync, 0.5),
            "fsync_p99_ms": machine.percentile(fsync, 0.99),
        }

    return run


def _judged(ours: Row, theirs: Row, goal: bool) -> Row:
    """Return our row with the bound that the other one and the fsync beside it set."""
    bounds = [
        FACTOR * b["p99_ms"] + a["fsync_p99_ms"]
        for a, b in zip(ours.turns, theirs.turns, strict=False)
    ]
    if not goal or not bounds:
        return ours
    bound = statistics.median(bounds)
    met = statistics.median([turn["p99_ms"] for turn in ours.turns]) <= bound
    return ours._replace(goal=f"p99 ≤ 2 × nats + fsync p99 = {bound:.2f} ms", met=met)
