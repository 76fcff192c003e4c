"""A team's conversation of two days, as a history that a broker can be given."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import zlib
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from tests.support import ROOT

PEOPLE = {
    "mira": "aaaaaaa",
    "jonas": "bbbbbbb",
    "Юлия": "ccccccc",
    "sam": "ddddddd",
    "ci": "eeeeeee",
}
LOGGED = "```\n08:02:11 logger2: no beat for 30 s\n08:02:12 logger2: restarting\n```"
HILLS = (
    (0.45, (132, 156, 178)), (0.58, (92, 124, 140)), (0.72, (52, 88, 92)), (0.86, (24, 52, 50)),
)  # fmt: skip
BUILD = "https://ci.example.org/builds/4182"


def write_scene(data: Path, picture: str) -> None:
    """Make a history of the conversation; `picture` is a line about a file."""
    write_history(data, _events(picture))


def many(texts: list[str]) -> list[dict[str, Any]]:
    """Return events in which one person says all that in the lobby, a second after the other."""
    begin = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=len(texts))
    return [
        {
            "seq": n, "prev": n - 1, "kind": "say", "room": "lobby", "nick": "mira",
            "at": (begin + timedelta(seconds=n)).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "sid": PEOPLE["mira"], "n": n, "text": text,
        }
        for n, text in enumerate(texts, 1)
    ]  # fmt: skip


def write_history(data: Path, events: list[dict[str, Any]]) -> None:
    """Put events into a directory without a history."""
    lines = "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in events)
    command = [sys.executable, "-m", "chatlib.cli", "import", "--data", str(data)]
    done = subprocess.run(command, input=lines.encode(), cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def _events(picture: str) -> list[dict[str, Any]]:
    seqs = count(1)
    tails: dict[str, int] = {}
    found: list[dict[str, Any]] = []
    noon = datetime.now(UTC).replace(hour=8, minute=2, second=0, microsecond=0)
    now = noon - timedelta(days=1)
    if noon > datetime.now(UTC):
        now -= timedelta(days=1)

    def add(room: str, nick: str, kind: str = "say", after: float = 1, **more: Any) -> int:
        nonlocal now
        now += timedelta(minutes=after)
        seq = next(seqs)
        at = now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{seq % 1000:03}Z"
        event = {"seq": seq, "prev": tails.get(room, 0), "at": at, "kind": kind, "room": room}
        event |= {"nick": nick, "sid": PEOPLE[nick], **more}
        if kind in ("say", "act", "react", "edit"):
            event["n"] = seq
        if nick == "ci":
            event["bot"] = True
        tails[room] = seq
        found.append(event)
        return seq

    for nick in ("mira", "jonas", "Юлия", "sam", "ci"):
        add("lobby", nick, "join", 0)
    add("lobby", "mira", "topic", 0, text="Field station 4 · who is where, what is broken")
    for room in ("ci", "ops", "reading-club", "sensors"):
        add(room, "mira", "join", 0)
        add(room, "mira", "say", 0, text="A room for it.")
    add("lobby", "jonas", text="Morning all. The night run finished, no gaps in the data.")
    good = add("lobby", "jonas", after=0.2, text="Plots are on the wall display.")
    add("lobby", "Юлия", "react", text="🎉", re=good)
    add("lobby", "sam", "react", text="🎉", re=good)
    add("lobby", "mira", "react", text="👀", re=good)
    add("lobby", "Юлия", after=3, text="Доброе утро! Датчик 7 снова молчит, схожу посмотрю.")
    add("lobby", "sam", after=2, text="Take the spare battery, it is in the second drawer.")
    add("lobby", "Юлия", "act", after=38, text="is back, with wet boots and a working sensor")
    now = noon if noon < datetime.now(UTC) else noon - timedelta(days=1)
    add("lobby", "ci", text=f"Build 4182 of collector passed in 3 min 12 s: {BUILD}", after=1)
    ask = add("lobby", "jonas", after=4, text=f"Does anybody know why logger 2 restarts?\n{LOGGED}")
    add("lobby", "mira", after=2, re=ask, text="The disk was full. I moved the raw files to "
        "`/archive/2026-11` and set a limit, so it should stay up now.")  # fmt: skip
    add("lobby", "jonas", after=0.5, text="That was it. Thank you!")
    add("lobby", "sam", after=6, text="New view of the valley from mast B, first light:")
    shown = add("lobby", "sam", after=0.1, text=picture)
    add("lobby", "jonas", "react", text="❤️", re=shown)
    add("lobby", "mira", "react", text="❤️", re=shown)
    add("lobby", "Юлия", after=3, text="Красиво. Снег до пятницы не растает.")
    add("lobby", "sam", after=1, text="@nora welcome! Ask anything, here or to me alone.")
    return found


def valley(width: int, height: int) -> bytes:
    """Return a drawn picture of hills, as a PNG."""

    def pixel(x: int, y: int) -> bytes:
        u, v = x / width, y / height
        color = None
        for depth, (base, hill) in enumerate(HILLS):
            bend = abs(((u * (1.7 + depth * 0.6) + depth * 0.37) % 1) - 0.5)
            if v > base + (bend - 0.25) * (0.34 - depth * 0.05):
                color = hill
        if color is not None:
            return bytes(color)
        glow = max(0.0, 1 - ((u - 0.68) ** 2 * 5 + (v - 0.36) ** 2 * 9))
        return bytes(int(a + (b - a) * glow) for a, b in ((168, 255), (190, 226), (214, 178)))

    rows = b"".join(b"\0" + b"".join(pixel(x, y) for x in range(width)) for y in range(height))

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in chunks)
