"""Deliveries a second, saturated, and what each delivery costs the server."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from bench import load, servers
from bench.measures import Bench, compare
from bench.report import LOAD, OTHERS, Column, Row, Table, Turn

CASES = [(1, 1), (10, 10), (10, 100), (50, 500)]
NATS_CASE = (10, 100)
PROXY_GOALS = {(1, 1): 0.6, (10, 100): 3.0, (50, 500): 5.0}
CURVE_CASE, CURVE_GOAL = (10, 100), 1.0
THREADED_GOALS = {(10, 100): 25.0}
RATE = Column("deliveries/s", lambda t: t["deliveries"] / t["seconds"])
COLUMNS = [
    RATE,
    Column("accepted msg", lambda t: t["accepted"]),
    Column("lost, worst turn", lambda t: t["lost"], show=max),
    Column("server CPU s per 1 M", lambda t: t["server_cpu_s"] / t["deliveries"] * 1e6, ".3f"),
    Column("server peak MB", lambda t: t["peak_mb"]),
    LOAD,
    OTHERS,
]
_SERVERS: dict[str, Callable[[Path], AbstractContextManager[servers.Server]]] = {
    "hubbub": servers.hubbub,
    "encrypted": lambda directory: servers.hubbub(directory, "--access", "open"),
    "proxy": lambda directory: servers.python_peer(directory, "proxy"),
    "threaded": lambda directory: servers.python_peer(directory, "threaded"),
    "nats": servers.nats_server,
}
NAMES = {
    "hubbub": "**Hubbub**, fsynced",
    "proxy": "zmq_proxy, stores nothing",
    "threaded": "threaded sockets, stores nothing",
    "nats": "nats-server core, stores nothing",
}


def measure(bench: Bench) -> Table:
    """Measure every case with the cheap receivers, and the goals' cases with libzmq's."""
    rows: list[Row] = []
    for case in bench.cases or CASES:
        names = ["hubbub", "proxy", "threaded"] + ["nats"] * (case == NATS_CASE)
        rows += _case(bench, case, names, libzmq=False)
    if bench.cases is None and not bench.quick:
        for case in PROXY_GOALS:
            rows += _case(bench, case, ["hubbub", "proxy"], libzmq=True)
    if bench.cases is None:
        rows += _curve(bench)
    return Table("fanout", "Fan-out: deliveries a second, saturated", COLUMNS, rows)


def _curve(bench: Bench) -> list[Row]:
    """Measure the broker encrypted beside the proxy in the clear, with both kinds of receivers."""
    subjects = {
        "**Hubbub**, fsynced, encrypted": _subject(bench, "encrypted", CURVE_CASE, libzmq=True),
        f"{NAMES['proxy']}, SUB sockets": _subject(bench, "proxy", CURVE_CASE, libzmq=True),
        f"{NAMES['proxy']}, plain sockets": _subject(bench, "proxy", CURVE_CASE, libzmq=False),
    }
    title = f"{CURVE_CASE[0]} → {CURVE_CASE[1]}, CURVE"
    ours, *theirs = bench.in_turns(title, subjects).values()
    return [ours, *(compare(ours, row, RATE, CURVE_GOAL) for row in theirs)]


def _subject(
    bench: Bench, name: str, case: tuple[int, int], libzmq: bool
) -> Callable[[Path], Turn]:
    def run(directory: Path) -> Turn:
        with _SERVERS[name](directory) as server:
            running = load.Running(load.saturate, name, server, case, bench.seconds, libzmq)
            found: Turn = running.result(bench.seconds + 60 + load.DRAIN)
            return found

    return run


def _case(bench: Bench, case: tuple[int, int], names: list[str], libzmq: bool) -> list[Row]:
    title = f"{case[0]} → {case[1]}" + ", SUB sockets" * libzmq

    subjects = {name: _subject(bench, name, case, libzmq) for name in names}
    rows = bench.in_turns(title, subjects)
    goals = {"proxy": PROXY_GOALS.get(case), "threaded": THREADED_GOALS.get(case)}
    judged = [rows["hubbub"]] + [
        compare(rows["hubbub"], rows[name], RATE, goals.get(name)) for name in names[1:]
    ]
    return [row._replace(server=NAMES[row.server]) for row in judged]
