"""`hubbub top` beside a real broker."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from chatlib import Client
from chatlib.cli.top import draw, rates
from chatlib.protocol.answers import BrokerStatus, RoomActivity, SessionActivity
from tests.support import PATIENCE, ROOT, RunningBroker


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RunningBroker]:
    with RunningBroker(tmp_path, data=tmp_path / "data") as running:
        yield running


def top(data: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "chatlib.cli", "top", "--data", str(data), *options]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def test_for_a_script(broker: RunningBroker) -> None:
    with Client(broker.control, "ann") as ann:
        ann.join("lobby")
        ann.create("den", private=True)
        ended = top(broker.data or Path(), "--once", "--json", "--interval", "0.1")
    assert ended.returncode == 0, ended.stderr
    (told,) = (json.loads(line) for line in ended.stdout.splitlines())
    assert told["activity"] == [
        {"room": room, "members": n, "events": n, "head": n, "private": not n, "closed": False}
        for room, n in (("lobby", 1), ("den", 0))
    ]
    assert told["sessions"][0]["slowed"] == 0
    assert told["sessions"][0]["nick"] == "ann" and told["rates"]["published"] == 0.0


def test_once(broker: RunningBroker) -> None:
    with Client(broker.control, "ann") as ann:
        ann.join("lobby")
        told = top(broker.data or Path(), "--once", "--interval", "0.1").stdout
    assert "\x1b" not in told
    assert "sessions 1  seq 1\n" in told and "fsynced" in told
    assert told.splitlines()[5].split() == ["lobby", "1", "0.0", "1", "1"]
    assert told.splitlines()[8].split()[:2] == ["ann", "127.0.0.1"]


def test_live(broker: RunningBroker) -> None:
    """It draws again and again, and Ctrl-C is no error."""
    command = ["-m", "chatlib.cli", "top", "--data", str(broker.data), "--interval", "0.1"]
    screen = pexpect.spawn(sys.executable, command, cwd=str(ROOT), timeout=PATIENCE)
    try:
        screen.expect("sessions 0")
        with Client(broker.control, "ann"):
            screen.expect("sessions 1")
        screen.kill(signal.SIGINT)
        screen.expect(pexpect.EOF)
        screen.close()
        assert screen.exitstatus == 0
    finally:
        screen.close(force=True)


def test_nobody_there(tmp_path: Path) -> None:
    ended = top(tmp_path)
    assert ended.returncode == 69 and "no broker runs on" in ended.stderr
    assert "One that keeps its history in memory has told its own" in ended.stderr


def test_nobody_there_any_more(tmp_path: Path) -> None:
    with RunningBroker(tmp_path, data=tmp_path / "data") as broker:
        assert top(broker.data or Path(), "--once", "--interval", "0.1").returncode == 0
    ended = top(tmp_path / "data", "--once")
    assert ended.returncode == 69 and "no broker runs on" in ended.stderr


def status(uptime: float, **more: object) -> BrokerStatus:
    names = ("accepted", "published", "refused", "slowed", "resends", "gaps")
    made = BrokerStatus(
        id=1, epoch="e", seq=7, at="", uptime=uptime, counts=dict.fromkeys(names, 0)
    )
    for name, value in more.items():
        setattr(made, name, value)
    return made


def test_rates() -> None:
    before, now = status(10.0), status(12.0)
    now.counts["accepted"] = 5
    assert rates(before, now)["accepted"] == 2.5
    assert rates(now, before)["accepted"] == 0  # another broker, started since


def test_what_is_drawn() -> None:
    before = status(1.0, activity=[RoomActivity("ops", 1, 10)])
    now = status(
        90_061.0,  # a day, an hour, a minute, a second
        failing="disk full", draining=True, more=True,
        activity=[RoomActivity("ops", 1, 20, 7), RoomActivity("new", 1, 4, 3)],
        sessions=[
            SessionActivity("bob\x1b[2J", "s", 1, 0.5, "10.0.0.1", lag=4, slowed=2, congested=True),
            SessionActivity("old", "t", 1, 0.5),
        ],
    )  # fmt: skip
    told = draw(before, now, 24)
    assert "up 1 d 1:01:01  rooms 2+  sessions 2+" in told[0]
    assert "NOTHING IS STORED: disk full" in told and "DRAINING: nobody new comes in" in told
    (bob,) = (line for line in told if line.startswith("bob"))
    assert "slowed 2 times, does not read control" in bob and "\x1b" not in bob
    assert any(line.startswith("old") and " ? " in line for line in told)


def test_it_fits_on_the_screen() -> None:
    rooms = [RoomActivity(str(n), 1, 0) for n in range(100)]
    sessions = [SessionActivity(str(n), "s", 1, 0.0) for n in range(100)]
    now = status(2.0, activity=rooms, sessions=sessions)
    assert len(draw(status(1.0), now, 30)) <= 30
