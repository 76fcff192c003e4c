"""`hubbub top`: asks the broker how it does, again and again, and draws what it answers."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Iterator
from typing import Any

from msgspec.structs import asdict

from chatlib.net.operator import Operator
from chatlib.protocol import answers, requests
from chatlib.protocol.answers import BrokerStatus
from chatlib.protocol.codec import encode
from chatlib.sanitize import sanitize

RATES = ("accepted", "published", "refused", "slowed", "resends", "gaps")
CLEAR = "\x1b[H\x1b[J"
SHOWN = 20  # rooms, where the terminal does not say how many
HEAD_LINES = 6  # what is drawn beside rooms and sessions


def run(args: argparse.Namespace) -> int:
    """Watch until Ctrl-C, or look once. Raises Unreachable, Refused, TimedOut."""
    from chatlib.cli.broker import data_directory

    live = sys.stdout.isatty() and not (args.once or args.json)
    with Operator(args.data or data_directory()) as broker:
        try:
            for before, now in _looks(broker, args.interval):
                if args.json:
                    print(json.dumps(as_json(before, now), ensure_ascii=False), flush=True)
                else:
                    rows = shutil.get_terminal_size().lines if live else SHOWN * 2
                    text = "\n".join(draw(before, now, rows))
                    print((CLEAR if live else "") + text, flush=True)
                if args.once:
                    break
        except KeyboardInterrupt:  # it is how one leaves
            return 0
    return 0


def as_json(before: BrokerStatus, now: BrokerStatus) -> dict[str, Any]:
    """Return a look as a script has it: what the wire leaves out for brevity is there, too."""
    told: dict[str, Any] = json.loads(encode(now)) | {"rates": rates(before, now)}
    told["activity"] = [asdict(room) for room in now.activity]
    told["sessions"] = [asdict(session) for session in now.sessions]
    return told


def _looks(broker: Operator, interval: float) -> Iterator[tuple[BrokerStatus, BrokerStatus]]:
    before = broker.ask(requests.Status(), answers.BrokerStatus)
    while True:
        time.sleep(interval)
        now = broker.ask(requests.Status(), answers.BrokerStatus)
        yield before, now
        before = now


def rates(before: BrokerStatus, now: BrokerStatus) -> dict[str, float]:
    """Return how much of what is counted there was in each second between two looks."""
    seconds = max(now.uptime - before.uptime, 0.001)
    return {
        name: round(max(0, now.counts[name] - before.counts.get(name, 0)) / seconds, 1)
        for name in now.counts
    }


def draw(before: BrokerStatus, now: BrokerStatus, rows: int) -> list[str]:
    """Return what is shown, in lines; at most `rows` of them, as far as that is possible."""
    perhaps = "+" if now.more else ""
    rate = rates(before, now)
    lines = [
        f"{now.server}  up {_duration(now.uptime)}  rooms {len(now.activity)}{perhaps}  "
        f"sessions {len(now.sessions)}{perhaps}  seq {now.seq}",
        f"history {now.history}",
        "  ".join(f"{name} {rate[name]:g}/s" for name in RATES),
    ]
    if now.failing:
        lines.append(f"NOTHING IS STORED: {now.failing}")
    if now.draining:
        lines.append("DRAINING: nobody new comes in")
    half = max(3, (rows - len(lines) - HEAD_LINES) // 2)
    seconds = max(now.uptime - before.uptime, 0.001)
    known = {room.room: room.events for room in before.activity}
    lines += ["", f"{'ROOM':24} {'MEMBERS':>8} {'EVENTS/S':>9} {'EVENTS':>10} {'HEAD':>10}"]
    for room in now.activity[:half]:
        each = max(0, room.events - known.get(room.room, 0)) / seconds
        name = sanitize(room.room)[:24]
        lines.append(f"{name:24} {room.members:8} {each:9.1f} {room.events:10} {room.head:10}")
    lines += ["", f"{'SESSION':24} {'ADDRESS':20} {'ROOMS':>5} {'LAG':>8} {'SILENT':>7}  SLOW"]
    lines += [_session(session) for session in now.sessions[:half]]
    return lines


def _session(session: answers.SessionActivity) -> str:
    slow = [f"slowed {session.slowed} times"] if session.slowed else []
    slow += ["does not read control"] if session.congested else []
    lag = "?" if session.lag is None else str(session.lag)
    name = sanitize(session.nick)[:24]
    return (
        f"{name:24} {session.address[:20]:20} {session.rooms:5} {lag:>8} {session.silent:6.1f}s  "
        f"{', '.join(slow)}"
    ).rstrip()


def _duration(seconds: float) -> str:
    minutes, s = divmod(int(seconds), 60)
    hours, m = divmod(minutes, 60)
    days, h = divmod(hours, 24)
    return (f"{days} d " if days else "") + f"{h}:{m:02}:{s:02}"
