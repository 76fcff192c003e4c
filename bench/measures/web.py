"""How long a message takes to each of 500 pages that one page server serves, beside an idle run."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path

from bench import pace, pages, servers
from bench.load import Running, make_event
from bench.measures import Bench
from bench.report import Column, Row, Table, Turn

PAGES, FEW = 500, 20
RATE, IDLE_RATE = 1_000, 2
GOAL_MS = 100.0
SECONDS = 8.0
COLUMNS = [
    Column("p99 ms", lambda t: t["p99_ms"], ".1f"),
    Column("p50 ms", lambda t: t["p50_ms"], ".1f"),
    Column("p90 ms", lambda t: t["p90_ms"], ".1f"),
    Column("max ms", lambda t: t["max_ms"], ".1f"),
    Column("deliveries/s", lambda t: t["received"] / t["seconds"]),
    Column("lost, worst turn", lambda t: t["lost"] + t["gone"], show=max),
    Column("page server CPU %", lambda t: 100 * t["server_cpu_s"] / t["seconds"]),
    Column("broker CPU %", lambda t: 100 * t["broker_cpu_s"] / t["seconds"]),
    Column("load CPU %", lambda t: 100 * t["load_cpu_s"] / t["seconds"]),
]


def measure(bench: Bench) -> Table:
    """Measure the idle run, then what programs say to the pages, then what the pages say."""
    crowd = FEW if bench.quick else PAGES
    rate = RATE // 10 if bench.quick else RATE
    rows = bench.in_turns(
        f"{crowd} pages in one room",
        {
            f"nearly idle: {IDLE_RATE} msg/s": _subject(bench, crowd, IDLE_RATE, in_pages=True),
            f"{rate:,} msg/s said by programs": _subject(bench, crowd, rate, in_pages=False),
            f"{rate:,} msg/s said in pages": _subject(bench, crowd, rate, in_pages=True),
        },
    )
    idle, *busy = rows.values()
    note = "The page server and the broker share a core; the load has the other one."
    return Table(
        "web", "The page: from saying to reading", COLUMNS, [idle, *map(_judged, busy)], note
    )


def _subject(bench: Bench, crowd: int, rate: int, *, in_pages: bool) -> Callable[[Path], Turn]:
    def run(directory: Path) -> Turn:
        seconds = max(bench.seconds, 0.0 if bench.quick else SECONDS)
        count = max(4, int(rate * seconds))
        with servers.hubbub(directory) as broker, servers.page(directory, broker) as page:
            if in_pages:
                found = _in_pages([page, broker], crowd, rate, count)
            else:
                found = _by_programs([page, broker], crowd, rate, count)
        return found | {"lost": count * crowd - found["received"]}

    return run


def _in_pages(both: list[servers.Server], crowd: int, rate: int, count: int) -> Turn:
    talking = Running(pages.talk, both, crowd, rate, count)
    found: Turn = talking.result(count / rate + 120)
    return found


def _by_programs(both: list[servers.Server], crowd: int, rate: int, count: int) -> Turn:
    ready = make_event()
    listening = Running(pages.listen, ready, both, crowd, count)
    if not ready.wait(90):
        listening.result(0)  # tells why
        raise RuntimeError("the pages did not come in within 90 s")
    sending = Running(pace.send, "hubbub", both[1], rate, count)
    sending.result(count / rate + 60)
    found: Turn = listening.result(60)
    return found


def _judged(row: Row) -> Row:
    if not row.turns:
        return row
    met = statistics.median([turn["p99_ms"] for turn in row.turns]) <= GOAL_MS
    met = met and not any(turn["lost"] or turn["gone"] for turn in row.turns)
    return row._replace(goal=f"p99 ≤ {GOAL_MS:.0f} ms, none lost", met=met)
