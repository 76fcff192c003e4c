"""What two honest members notice of an attack: how long their messages take, quiet and under it.

The broker is encrypted and limits rates, as one that others can reach. The two are bots at half of
what bots may say; the attacker has a key, and is a process of the load's core that gets what they
leave (it is niced). All come from one address, so addresses have no rates here.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import load, machine, servers
from bench.attackers import Attack, Order
from bench.measures import Bench
from bench.report import Column, Row, Table, Turn
from bench.servers import Server
from bench.zmtp import HOST, PATIENCE
from chatlib import Client, Event
from chatlib.net.curve import make_pair

EACH = 25  # messages a second of each of the two
GOAL = 3.0  # times the p99 when it is quiet
NICE = 10
SECONDS = 30.0  # what happens once, a cut-off or a crowd, counts as much as it can in that time
ROOM = "lobby"
FLAGS = ("--access", "open", "--limit", "on", *(
    f"--limit=addresses:{kind}=off" for kind in ("messages", "bytes", "requests", "sessions")
))  # fmt: skip
CASES = {  # attacks of bench.attackers, and how much of each
    "quiet": ("", 0),
    # Until it is cut off, with everybody for a moment; it can do that once in ten minutes.
    "subscribes to all, and to ever new topics": ("subscriptions", 200),
    "opens 2,000 connections at once": ("crowd", 2_000),
    "holds 2,000, and makes new ones without a pause": ("connections", 2_000),
    "reads nothing that it asked for": ("deaf", 5),
    "sends messages without a pause": ("lines", 0),
    "sends garbage without a pause": ("garbage", 0),
}
COLUMNS = [
    Column("p99 ms", lambda t: t["p99_ms"], ".2f"),
    Column("p50 ms", lambda t: t["p50_ms"], ".2f"),
    Column("max ms", lambda t: t["max_ms"], ".2f"),
    Column("p99 / quiet", lambda t: t["p99_ms"] / t["quiet_p99_ms"], ".2f"),
    Column("lost, worst turn", lambda t: t["lost"], show=max),
    Column("attack: sent or opened/s", lambda t: t["done"] / t["attacked_s"]),
    Column("server CPU %", lambda t: 100 * t["server_cpu_s"] / t["seconds"]),
    Column("server peak MB", lambda t: t["peak_mb"]),
]


def measure(bench: Bench) -> Table:
    """Measure the two when it is quiet and under each attack, one after the other."""
    subjects = {name: _subject(bench, *case) for name, case in CASES.items()}
    rows = bench.in_turns(f"2 × {EACH} msg/s", subjects)
    quiet = rows["quiet"]
    judged = [_judged(row, quiet) for row in rows.values()]
    return Table("attack", "Two honest members under attack", COLUMNS, judged)


def _judged(row: Row, quiet: Row) -> Row:
    """Return the row with each turn beside the quiet one of the same minute."""
    beside = zip(row.turns, quiet.turns, strict=False)
    turns = [turn | {"quiet_p99_ms": calm["p99_ms"]} for turn, calm in beside]
    row = row._replace(turns=turns)
    if row.server == quiet.server or not turns:
        return row
    ratio = statistics.median([turn["p99_ms"] / turn["quiet_p99_ms"] for turn in turns])
    return row._replace(goal=f"p99 < {GOAL:g} × quiet", met=ratio < GOAL)


def _subject(bench: Bench, kind: str, count: int) -> Callable[[Path], Turn]:
    seconds = 2 * bench.seconds if bench.quick else max(SECONDS, 2 * bench.seconds)

    def run(directory: Path) -> Turn:
        with servers.hubbub(directory, *FLAGS) as server:
            ready, go = load.make_event(), load.make_event()
            talking = load.Running(converse, server, ready, go, seconds)
            if not ready.wait(PATIENCE):
                talking.result(0)
            if not kind:
                go.set()
                found: Turn = talking.result(seconds + 60)
                return found | {"done": 0, "attacked_s": 1}
            began = time.monotonic()
            with machine.pinned(machine.LOAD_CORE), _attack(kind, count, server) as attack:
                go.set()
                found = talking.result(seconds + 60)
                told = attack.stop()
            done = told.get("sent", 0) + told.get("connections", 0)
            return found | {"done": done, "attacked_s": time.monotonic() - began}

    return run


def _attack(kind: str, count: int, server: Server) -> Attack:
    """Return an attack, not started, with a key that is let in."""
    places = [f"tcp://{HOST}:{server.ports[name]}" for name in ("control", "intake", "feed")]
    pair = make_pair()
    keys = server.key, pair.public.decode(), pair.secret.decode()
    return Attack(Order(kind, count, *places, *keys, nice=NICE))


def converse(server: Server, ready: Any, go: Any, seconds: float) -> dict[str, float]:
    """Let two talk by the clock; return how long each message took to the other one."""
    address = f"tcp://{HOST}:{server.ports['control']}"
    took: list[int] = []
    people = [Client(address, nick, server_key=server.key.encode(), bot=True) for nick in "ab"]
    for client in people:
        client.start(PATIENCE)
        client.join(ROOM, history=0)
    listeners = [threading.Thread(target=_listen, args=(client, took)) for client in people]
    for listener in listeners:
        listener.start()
    warmed_up = _talk(people, 1.0)
    _await(took, warmed_up)
    ready.set()
    go.wait(10 * PATIENCE)
    took.clear()
    usage = machine.Usage(server.pid)
    count = _talk(people, seconds)
    figures = usage.so_far()
    _await(took, count)
    time.sleep(load.SETTLE)  # one that comes twice would come now
    for client in people:
        client.close()
    for listener in listeners:
        listener.join()
    times = [nanoseconds / 1e6 for nanoseconds in took]
    return figures | {
        "sent": count,
        "lost": count - len(took),
        "p50_ms": machine.percentile(times, 0.5),
        "p99_ms": machine.percentile(times, 0.99),
        "max_ms": max(times),
        "peak_mb": machine.memory_mb(server.pid, peak=True),
    }


def _await(took: list[int], count: int) -> None:
    """Wait until so much came, or nothing more will."""
    deadline = time.monotonic() + PATIENCE
    while len(took) < count and time.monotonic() < deadline:
        time.sleep(0.01)


def _talk(people: list[Client], seconds: float) -> int:
    """Let each say when its message is due, in turns; return how many they said."""
    every = 1_000_000_000 // (len(people) * EACH)
    count = int(seconds * 1e9) // every
    first = time.monotonic_ns()
    for i in range(count):
        due = first + i * every
        if (early := due - time.monotonic_ns()) > 0:
            time.sleep(early / 1e9)
        people[i % len(people)].say(ROOM, str(due))
    return count


def _listen(client: Client, took: list[int]) -> None:
    """Note how long what the other one said was on its way."""
    for told in client.events():
        if isinstance(told, Event) and told.kind == "say" and told.nick != client.nick:
            took.append(time.monotonic_ns() - int(told.text or 0))
