"""`hubbub log` beside a real broker: its files, its pipes, and how it ends."""

from __future__ import annotations

import gzip
import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pexpect
import pytest

from chatlib import Client
from chatlib.security.keys import from_link
from tests.cli.follow_play import (
    ENVIRONMENT,
    HUBBUB,
    Logging,
    ann_in_rooms,
    events,
    hubbub,
    log,
    said,
    say,
)
from tests.net.encrypted import Encrypted
from tests.support import PATIENCE, ROOT, RunningBroker, eventually


@pytest.fixture
def ann(broker: RunningBroker) -> Iterator[Client]:
    with ann_in_rooms(broker) as client:
        yield client


# -- files ----------------------------------------------------------------------------------------


def test_files_by_room_and_day(broker: RunningBroker, ann: Client, tmp_path: Path) -> None:
    ann.join("..")
    for room in ("lobby", "ops-db", ".."):
        say(ann, room, f"in {room}")
    out = "logs/{room}/%Y-%m-%d.jsonl"
    assert log(broker, "--from-seq", "1", "--no-follow", "--out", tmp_path / out).stdout == ""
    day = datetime.now().strftime("%Y-%m-%d.jsonl")
    written = {
        str(path.parent.relative_to(tmp_path)): said(path.read_text())
        for path in tmp_path.rglob(day)
    }
    assert written == {
        "logs/lobby": ["in lobby"],
        "logs/ops-db": ["in ops-db"],
        "logs/ops-web": [],
        "logs/%2E.": ["in .."],
    }


@pytest.mark.parametrize("compress", [False, True])
def test_rotation(broker: RunningBroker, ann: Client, tmp_path: Path, compress: bool) -> None:
    say(ann, "lobby", *(f"{i:100}" for i in range(50)))
    arguments = ("-r", "lobby", "--no-follow", "--cursor", tmp_path / "cursor")
    arguments += ("--out", tmp_path / "x.jsonl", "--rotate", "4K", *["--compress"] * compress)
    assert log(broker, *arguments, "--count", "20").returncode == 0
    assert log(broker, *arguments).returncode == 0
    ending = ".gz" if compress else ""
    count = len(list(tmp_path.glob("x.jsonl.*")))
    names = [f"x.jsonl.{i}{ending}" for i in range(1, count + 1)] + ["x.jsonl"]
    texts = []
    for name in names:
        data = (tmp_path / name).read_bytes()
        text = (gzip.decompress(data) if name.endswith(".gz") else data).decode()
        assert len(text) <= 4096
        texts += said(text)
    assert texts == [f"{i:100}" for i in range(50)] and count >= 2


def test_files_are_opened_anew(broker: RunningBroker, ann: Client, tmp_path: Path) -> None:
    path, moved = tmp_path / "x.log", tmp_path / "moved.log"
    with Logging(broker, "-n0", "--out", path, "-o", "json") as running:

        def written(text: str, path: Path) -> bool:
            say(ann, "lobby", text)
            return path.exists() and text in path.read_text()

        eventually("it is live", lambda: written("before", path))
        path.rename(moved)
        eventually("the old file goes on", lambda: written("between", moved))
        running.process.send_signal(signal.SIGHUP)
        eventually("a new one was begun", lambda: written("after", path))
        running.process.send_signal(signal.SIGTERM)
        assert running.end() == 0


def test_half_a_line_is_mended(broker: RunningBroker, ann: Client, tmp_path: Path) -> None:
    """Cut off where it comes again, ended where it does not."""
    say(ann, "lobby", "hi")
    for cursor, kept in (((), ["whole", '{"half', "hi"]), (("--cursor", "c"), ["whole", "hi"])):
        path = tmp_path / f"x{len(kept)}.jsonl"
        path.write_text('{"kind":"say","text":"whole"}\n{"half')
        log(broker, "-n1", "--no-follow", "--out", path, *cursor, cwd=tmp_path)
        lines = path.read_text().splitlines()
        assert [json.loads(x)["text"] if x.endswith("}") else x for x in lines] == kept


def test_a_file_that_can_not_be_written(broker: RunningBroker, ann: Client, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = log(broker, "-n1", "--out", tmp_path / "file" / "x.log")
    assert done.returncode == 73 and done.stderr.startswith("hubbub: cannot write ")
    done = log(broker, "-n1", "--out", "/dev/full")
    assert done.returncode == 73
    assert done.stderr == "hubbub: cannot write /dev/full: No space left on device\n"
    done = log(broker, "-n1", "--no-follow", "--cursor", tmp_path / "file" / "cursor")
    assert done.returncode in (73, 78) and "cursor" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--rotate", "1M"), ("--compress",), ("--out", "x", "--compress"), ("--out", "{nix}"),
        ("--rotate", "1M", "--compress"), ("--from-seq", "1", "-n", "1"),
        ("-i", "("), ("--since", "soon"), ("-n", "-1"), ("--rotate", "1X"), ("--idle", "x"),
        ("-r", "a b"), ("-u", ""), ("-o", "json", "-f", "{text}"),
    ],
)  # fmt: skip
def test_misuse(broker: RunningBroker, arguments: tuple[str, ...]) -> None:
    done = log(broker, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.strip() and "Traceback" not in done.stderr


# -- pipes and ends -------------------------------------------------------------------------------


def test_it_ends_in_a_quiet_room_when_nobody_reads(broker: RunningBroker, ann: Client) -> None:
    say(ann, "lobby", "one", "two")
    command = [*HUBBUB, "log", broker.control, "--feed", broker.feed, "-n1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=ENVIRONMENT) as running:
        assert running.stdout is not None
        assert b"two" in running.stdout.readline()
        running.stdout.close()
        assert running.wait(PATIENCE) == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_signals(broker: RunningBroker, ann: Client, number: int, code: int) -> None:
    say(ann, "lobby", "one")
    with Logging(broker, "-n1") as running:
        running.until("one")
        running.process.send_signal(number)
        assert running.end() == code and not running.errors


def test_ctrl_c_ends_its_line(broker: RunningBroker, ann: Client) -> None:
    say(ann, "lobby", "one")
    command = [*HUBBUB, "log", broker.control, "--feed", broker.feed]
    terminal = pexpect.spawn(command[0], command[1:], cwd=str(ROOT), timeout=PATIENCE)
    try:
        terminal.expect("one")
        terminal.sendintr()
        terminal.expect(pexpect.EOF)
        assert terminal.before.endswith(b"^C\r\n"), terminal.before
        terminal.close()
        assert terminal.exitstatus == 130
    finally:
        terminal.close(force=True)


def test_it_can_be_ended_while_nobody_reads(broker: RunningBroker, ann: Client) -> None:
    for n in range(300):
        ann.say("lobby", f"{n:1000}")
    ann.flush(PATIENCE)
    command = [*HUBBUB, "log", broker.control, "--feed", broker.feed, "--from-seq", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=ENVIRONMENT) as running:
        assert running.stdout is not None
        running.stdout.read(1)
        running.terminate()
        assert running.wait(PATIENCE) == 0


def test_live_lines_come_at_once(broker: RunningBroker, ann: Client) -> None:
    with Logging(broker, "-n1", "-o", "json") as running:
        say(ann, "lobby", "first")
        running.until("first")
        for i in range(20):
            say(ann, "lobby", f"live {i}")
            running.until(f"live {i}")


def test_a_broker_that_comes_back(tmp_path: Path) -> None:
    with RunningBroker(tmp_path, data=tmp_path / "data") as broker:
        with Client(broker.control, "ann") as ann:
            ann.join("lobby")
            say(ann, "lobby", "before")
        with Logging(broker, "-o", "json") as running:
            running.until("before")
            broker.kill()
            eventually("it was noticed", lambda: "the broker is gone" in running.errors)
            with broker.again() as again, Client(again.control, "bob") as bob:
                bob.join("lobby")
                say(bob, "lobby", "after")
                running.until("after")
    found = [e["seq"] for e in events("".join(running.lines))]
    assert found == list(range(found[0], found[0] + len(found)))
    assert "the broker is there again" in running.errors


def test_a_broker_that_goes_before_all_is_read(tmp_path: Path) -> None:
    with RunningBroker(tmp_path) as broker:
        broker.process.send_signal(signal.SIGSTOP)
        with Logging(broker, "--no-follow") as running:
            time.sleep(1)  # it has dialled
            broker.kill()
            assert running.end() == 69
            assert running.errors.count("\n") == 1


def test_no_broker() -> None:
    """What was typed is named: its control address, unless it was the feed's."""
    done = hubbub("log", "tcp://127.0.0.1:1")
    assert (done.returncode, done.stderr.count("\n")) == (69, 1)
    assert "cannot reach tcp://127.0.0.1:1 (" in done.stderr and "--feed" not in done.stderr
    done = hubbub("log", "tcp://127.0.0.1:1", "--feed", "tcp://127.0.0.1:9")
    assert done.returncode == 69 and "cannot reach tcp://127.0.0.1:9 (" in done.stderr


def test_a_feed_that_is_elsewhere(tmp_path: Path) -> None:
    elsewhere = f"ipc://{tmp_path}/feed"
    with RunningBroker(tmp_path, "--feed", elsewhere) as broker:
        done = hubbub("log", broker.control)
        assert done.returncode == 69 and "is its feed elsewhere? Say --feed" in done.stderr


# -- encrypted ------------------------------------------------------------------------------------


def test_an_admitted_key_reads_and_another_does_not(tmp_path: Path) -> None:
    with Encrypted() as house:
        with house.client("ann") as ann:
            ann.join("lobby")
            say(ann, "lobby", "for members")
        feed = house._places[2]
        arguments = (house.link(), "--feed", feed, "--no-follow", "-n2", "-o", "json")
        refused = hubbub("log", *arguments)
        assert refused.returncode == 77 and "refuses your key" in refused.stderr
        shown = hubbub("key").stdout
        key = re.search(r"^key +(\S+)$", shown, re.MULTILINE)
        assert key
        house.admitted.add(from_link(key[1]))
        done = hubbub("log", *arguments)
        assert (done.returncode, said(done.stdout)) == (0, ["for members"])
        plain = hubbub("log", house.address, "--feed", feed)
        assert plain.returncode == 77 and "encrypted" in plain.stderr


def test_what_is_not_a_feed(broker: RunningBroker) -> None:
    done = hubbub("log", broker.control, "--feed", broker.intake, "--timeout", "3")
    assert done.returncode in (69, 75) and done.stderr.count("\n") == 1
