"""What a thousand members cost who say nothing: each a DEALER, a SUB, and its pings.

Like chatlib's client they open a PUSH when they first say something.
"""

from __future__ import annotations

import selectors
import socket
import statistics
import time
from pathlib import Path

from bench import load, machine, servers, zmtp
from bench.measures import Bench
from bench.report import Column, Row, Table, Turn
from bench.servers import Server
from bench.wires import TOPIC, Member

MEMBERS, FEW = 1_000, 200
HEARTBEAT = 10.0  # seconds: the broker's default
_PING = zmtp.frame(b'{"op":"ping","id":1}')
MOST_MB, MOST_PERCENT = 100, 2.0
COLUMNS = [
    Column("CPU % of a core", lambda t: t["cpu_percent"], ".2f"),
    Column("broker MB", lambda t: t["mb"]),
    Column("grown by MB", lambda t: t["mb"] - t["empty_mb"]),
    Column("peak MB", lambda t: t["peak_mb"]),
    Column("KiB a member", lambda t: (t["mb"] - t["empty_mb"]) * 1024 / t["members"]),
    Column("pings answered/s", lambda t: t["answered"] / t["seconds"]),
    Column("seconds", lambda t: t["seconds"]),
]


def measure(bench: Bench) -> Table:
    """Measure the broker with a lobby full of members who are idle."""
    count, seconds = (FEW, HEARTBEAT / 2) if bench.quick else (MEMBERS, 2 * HEARTBEAT)

    def subject(directory: Path) -> Turn:
        with servers.hubbub(directory) as server:
            empty = machine.memory_mb(server.pid)
            found: Turn = load.Running(stay, server, count, seconds).result(seconds + 120)
            return found | {"empty_mb": empty, "members": count}

    row = bench.in_turns(f"{count:,} idle members in one room", {"hubbub": subject})["hubbub"]
    return Table("idle", "Idle members", COLUMNS, [_judged(row)._replace(server="**Hubbub**")])


def _judged(row: Row) -> Row:
    if not row.turns or row.turns[0]["members"] < MEMBERS:
        return row
    megabytes = statistics.median([turn["mb"] for turn in row.turns])
    percent = statistics.median([turn["cpu_percent"] for turn in row.turns])
    met = megabytes < MOST_MB and percent < MOST_PERCENT
    return row._replace(goal=f"< {MOST_MB} MB, < {MOST_PERCENT:g} % of a core", met=met)


def stay(server: Server, count: int, seconds: float) -> dict[str, float]:
    """Join members, let all become quiet, and see what the broker needs to keep them."""
    crowd = _Idlers()
    for i in range(count):
        crowd.add(server, f"member{i}")
    crowd.run(2.0)
    usage = machine.Usage(server.pid)
    before = crowd.answered
    crowd.run(seconds)
    figures = usage.so_far()
    return figures | {
        "answered": crowd.answered - before,
        "cpu_percent": 100 * figures["server_cpu_s"] / figures["seconds"],
        "mb": machine.memory_mb(server.pid),
        "peak_mb": machine.memory_mb(server.pid, peak=True),
    }


class _Idlers:
    """Members that ping once a heartbeat, evenly spread, and read what they are sent."""

    def __init__(self) -> None:
        self._members: list[Member] = []
        self._selector = selectors.DefaultSelector()
        self._next = 0
        self._pinged = time.perf_counter()  # when the last one did
        self.answered = 0

    def add(self, server: Server, nick: str) -> None:
        """Bring in one more, and read what its coming made the others hear."""
        feed = zmtp.dial(server.ports["feed"], "SUB", TOPIC)
        member = Member(server.ports, nick)
        self._members.append(member)
        for link, answers in ((feed, False), (member.control, True)):
            link.setblocking(False)
            self._selector.register(link, selectors.EVENT_READ, member if answers else None)
        self._ping()
        self._read(0)

    def run(self, seconds: float) -> None:
        """Ping and read for a while."""
        end = time.perf_counter() + seconds
        while (now := time.perf_counter()) < end:
            self._ping()
            self._read(max(0.0, min(self._pinged + self._every(), end) - now))

    def _ping(self) -> None:
        """Let those ping whose turn it is."""
        while self._pinged + self._every() <= time.perf_counter():
            member = self._members[self._next % len(self._members)]
            member.control.send(_PING)
            self._next += 1
            self._pinged += self._every()

    def _every(self) -> float:
        return HEARTBEAT / len(self._members)

    def _read(self, patience: float) -> None:
        for key, _ in self._selector.select(patience):
            assert isinstance(key.fileobj, socket.socket)
            data = key.fileobj.recv(load.BUFFER)
            if not data:
                raise ConnectionError("the broker closed a member's connection")
            if key.data is not None and key.data.acknowledged(data) >= 0:
                self.answered += 1
