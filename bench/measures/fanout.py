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
        why = "skipped: the raw load does not speak CURVE"
        rows.append(Row("10 → 100, CURVE", NAMES["hubbub"], [], goal="≥ 1 × plain proxy", note=why))
    return Table("fanout", "Fan-out: deliveries a second, saturated", COLUMNS, rows)


def _case(bench: Bench, case: tuple[int, int], names: list[str], libzmq: bool) -> list[Row]:
    title = f"{case[0]} → {case[1]}" + ", SUB sockets" * libzmq

    def subject(name: str) -> Callable[[Path], Turn]:
        def run(directory: Path) -> Turn:
            with _SERVERS[name](directory) as server:
                running = load.Running(load.saturate, name, server, case, bench.seconds, libzmq)
                found: Turn = running.result(bench.seconds + 60 + load.DRAIN)
                return found

        return run

    rows = bench.in_turns(title, {name: subject(name) for name in names})
    goals = {"proxy": PROXY_GOALS.get(case), "threaded": THREADED_GOALS.get(case)}
    judged = [rows["hubbub"]] + [
        compare(rows["hubbub"], rows[name], RATE, goals.get(name)) for name in names[1:]
    ]
    return [row._replace(server=NAMES[row.server]) for row in judged]
