"""`hubbub backup`, `export`, `import`, `check`, beside a broker that runs."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatlib import Client
from chatlib.history import index
from chatlib.history.care import check
from chatlib.history.sqlite import FILE
from tests.support import ROOT, RunningBroker, eventually
from tests.system.people import clients


def hubbub(*arguments: str | Path, text: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "chatlib.cli", *map(str, arguments)]
    return subprocess.run(
        command, input=text, capture_output=True, text=True, timeout=60, cwd=ROOT, check=False
    )


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[RunningBroker]:
    """A broker with a history, which is still being written."""
    with (
        RunningBroker(tmp_path, data=tmp_path / "data") as broker,
        Client(broker.control, "ann") as ann,
        Client(broker.control, "bob") as bob,
    ):
        for room in ("lobby", "ops"):
            ann.join(room)
            bob.join(room)
        ann.topic("ops", "all is well")
        for i in range(100):
            ann.say("lobby" if i % 3 else "ops", f"message {i}")
        ann.tell("bob", "for you alone")
        ann.flush(30)
        yield broker


def test_a_backup_is_a_history_that_a_broker_goes_on_with(
    busy: RunningBroker, tmp_path: Path
) -> None:
    assert busy.data is not None
    copy = tmp_path / "copy" / FILE
    copy.parent.mkdir()
    done = hubbub("backup", copy, "--data", busy.data)
    assert (done.returncode, done.stdout) == (0, f"{copy}: {copy.stat().st_size} bytes\n")
    assert hubbub("check", "--data", copy.parent).stdout == "the history is whole\n"
    with RunningBroker(tmp_path, data=copy.parent) as other, Client(other.control, "cyd") as cyd:
        assert other.epoch == busy.epoch
        texts = [e.text for e in cyd.history("lobby", after=0, limit=1000) if e.kind == "say"]
        assert texts == [f"message {i}" for i in range(100) if i % 3]
        assert cyd.topic("ops") == "all is well"


def test_a_backup_overwrites_nothing(busy: RunningBroker, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    done = hubbub("backup", tmp_path / "precious", "--data", busy.data or "")
    assert done.returncode == 73
    assert "is there already" in done.stderr and done.stderr.count("\n") == 1
    assert (tmp_path / "precious").read_text() == "mine"


def test_what_is_exported_can_be_imported(busy: RunningBroker, tmp_path: Path) -> None:
    exported = hubbub("export", "--data", busy.data or "").stdout
    events = [json.loads(line) for line in exported.splitlines()]
    assert [e["seq"] for e in events] == sorted(e["seq"] for e in events)
    assert len([e for e in events if e["kind"] == "say"]) == 100
    assert "for you alone" not in exported
    done = hubbub("import", "--data", tmp_path / "new", text=exported)
    assert (done.returncode, done.stdout) == (0, f"{len(events)} events imported\n")
    assert hubbub("export", "--data", tmp_path / "new").stdout == exported
    assert hubbub("check", "--data", tmp_path / "new").returncode == 0
    with RunningBroker(tmp_path, data=tmp_path / "new") as other:
        assert other.epoch != busy.epoch
        with Client(other.control, "cyd") as cyd:
            assert cyd.topic("ops") == "all is well"
            cyd.join("lobby")
            cyd.say("lobby", "and on it goes")
            cyd.flush(30)
    assert hubbub("check", "--data", tmp_path / "new").returncode == 0


def test_one_room_can_be_exported(busy: RunningBroker) -> None:
    exported = hubbub("export", "--room", "#OPS", "--data", busy.data or "").stdout
    assert {json.loads(line)["room"] for line in exported.splitlines()} == {"ops"}
    done = hubbub("export", "--room", "opps", "--data", busy.data or "")
    assert (done.returncode, done.stdout) == (2, "") and "no room opps" in done.stderr


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("nonsense\n", "line 1 is no event"),
        ('{"kind":"say","text":"x"}\n', "line 1 is no event of a room"),
        (
            '{"seq":2,"prev":0,"kind":"say","room":"lobby"}\n'
            '{"seq":1,"prev":0,"kind":"say","room":"lobby"}\n',
            "line 2 has seq 1 behind 2",
        ),
    ],
)
def test_bad_lines_are_named(tmp_path: Path, text: str, part: str) -> None:
    done = hubbub("import", "--data", tmp_path / "new", text=text)
    assert done.returncode == 2
    assert part in done.stderr and done.stderr.count("\n") == 1


def test_importing_into_a_history_is_refused(busy: RunningBroker, tmp_path: Path) -> None:
    line = '{"seq":1,"prev":0,"at":"2026-11-21T09:30:00.123Z","kind":"join","room":"lobby"}\n'
    assert hubbub("import", "--data", busy.data or "", text=line).returncode == 73  # in use
    assert hubbub("import", "--data", tmp_path / "new", text=line).returncode == 0
    done = hubbub("import", "--data", tmp_path / "new", text=line)
    assert done.returncode == 2 and "has a history already" in done.stderr


@pytest.mark.parametrize(
    ("damage", "part"),
    [
        ("DELETE FROM events WHERE seq = 20", "stands before it"),
        ("UPDATE rooms SET head = 7 WHERE name = 'ops'", "the head 7"),
        ("UPDATE meta SET value = 3 WHERE name = 'seq'", "the counter stands at 3"),
        ("UPDATE events SET line = x'00' WHERE seq = 20", "can't be read"),
        ("UPDATE events SET seq = 100000 WHERE seq = 20", "calls itself 20"),
        ("UPDATE streams SET count = 5", "are there, 5 are counted"),
    ],
)
def test_damage_is_found(busy: RunningBroker, tmp_path: Path, damage: str, part: str) -> None:
    copy = tmp_path / "copy" / FILE
    copy.parent.mkdir()
    hubbub("backup", copy, "--data", busy.data or "")
    with sqlite3.connect(copy) as db:
        db.execute(damage)
    db.close()
    done = hubbub("check", "--data", copy.parent)
    assert done.returncode == 65
    assert part in done.stdout


def test_a_broken_index_is_found(busy: RunningBroker) -> None:
    path = (busy.data or Path()) / index.FILE
    busy.stop()
    assert hubbub("check", "--data", busy.data or "").returncode == 0
    path.write_bytes(path.read_bytes()[:5_000] + b"x" * 9_000)
    done = hubbub("check", "--data", busy.data or "")
    assert done.returncode == 65 and f"remove {path}" in done.stdout


def test_checking_beside_a_broker_finds_nothing(busy: RunningBroker) -> None:
    said = 0
    done = threading.Event()

    def talk() -> None:
        nonlocal said
        with clients(busy.control, "talker") as (talker,):
            talker.join("ops")
            while not done.is_set():
                talker.say("ops", "x")
                said += 1

    thread = threading.Thread(target=talk)
    thread.start()
    try:
        eventually("the talker talks", lambda: said > 1_000)
        while said < 40_000:
            assert check(busy.data or Path()) == []
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("command", ["export", "check"])
def test_no_history_is_one_clear_line(tmp_path: Path, command: str) -> None:
    done = hubbub(command, "--data", tmp_path)
    assert done.returncode == 78
    assert done.stderr == f"hubbub: there is no history in {tmp_path}: name another with --data\n"
