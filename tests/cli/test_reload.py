"""SIGHUP: what a running broker takes over from its file, and what it says it can't."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from chatlib import Client
from tests.support import ROOT, Peer, RunningBroker, eventually


class Reloaded:
    """A broker with a file."""

    def __init__(self, tmp_path: Path, first: str, *flags: str, data: Path | None = None) -> None:
        self.file = tmp_path / "hubbub.toml"
        self.file.write_text(f"[broker]\n{first}\n")
        self.broker = RunningBroker(tmp_path, "--config", str(self.file), *flags, data=data)

    def told(self, toml: str) -> list[str]:
        """Change the file, send SIGHUP, and return what the log says of it."""
        before = len(self.broker.output())
        self.file.write_text(f"[broker]\n{toml}\n")
        self.broker.process.send_signal(signal.SIGHUP)
        eventually("it is told", lambda: self.broker.output()[before:].endswith("\n"))
        # A line that says what takes a restart comes at once behind the first.
        self.broker.process.send_signal(signal.SIGHUP)
        eventually("and again", lambda: "changed: nothing" in self.broker.output()[before:]
                   or "NOT read" in self.broker.output()[before:]
                   or '"reloaded"' in self.broker.output()[before:])  # fmt: skip
        return [line[9:] for line in self.broker.output()[before:].splitlines()]


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Reloaded]:
    made = Reloaded(tmp_path, "")
    with made.broker:
        yield made


def lines_taken(broker: RunningBroker, nick: str, count: int = 30) -> int:
    """Return how many of so many lines at once a broker takes."""
    peer = Peer(broker)
    try:
        peer.hello(nick)
        peer.ask(op="join", room="lobby")
        peer.send(*({"n": n, "room": "lobby", "text": "x"} for n in range(1, count + 1)))
        before = -1
        while (accepted := peer.ask(op="ping")["accepted"]) == 0 or accepted != before:
            before = accepted
        return int(accepted)
    finally:
        peer.close()


def test_limits(plain: Reloaded) -> None:
    assert lines_taken(plain.broker, "ann") == 30
    assert plain.told('limit = ["messages=1/min,burst=5"]')[0] == (
        "read the configuration again; changed: --limit"
    )
    assert lines_taken(plain.broker, "bob") == 5
    plain.told("")
    assert lines_taken(plain.broker, "eve") == 30


def test_limits_of_addresses(plain: Reloaded) -> None:
    """Before, nobody had to know from where a line came."""
    plain.told('limit = ["addresses:messages=1/min,burst=5"]')
    assert lines_taken(plain.broker, "ann") == 5


def test_where_it_listens_is_still_what_was_started(plain: Reloaded) -> None:
    """On loopback nobody is limited without being asked for, whatever the file says of later."""
    plain.told('feed = "tcp://192.0.2.1:5557"\nlimit = ["bots:messages=1/s"]')
    assert lines_taken(plain.broker, "ann", 300) == 300


def test_retention(tmp_path: Path) -> None:
    made = Reloaded(tmp_path, "heartbeat = 0.2", data=tmp_path / "data")
    with made.broker:
        peer = Peer(made.broker)
        peer.hello("ann")
        peer.ask(op="join", room="lobby")
        peer.send(*({"n": n, "room": "lobby", "text": "x"} for n in range(1, 31)))
        eventually("they are stored", lambda: peer.ask(op="ping")["accepted"] == 30)
        made.told("heartbeat = 0.2\nkeep-events = [3]")
        asked = {"op": "history", "room": "lobby"}
        eventually("the old ones go", lambda: len(peer.ask(**asked)["events"]) == 3)
        peer.close()


def test_the_log(plain: Reloaded) -> None:
    assert "read the configuration again; changed: --quiet" in plain.told("quiet = true")
    lines_taken(plain.broker, "ann")
    assert "ann" not in plain.broker.output()
    plain.told('log-format = "json"')
    last = json.loads(plain.broker.output().splitlines()[-1])
    assert last["event"] == "reloaded"


def test_what_takes_a_restart_is_told(plain: Reloaded) -> None:
    told = plain.told('heartbeat = 3\nintake = "ipc://x"\nquiet = true')
    assert told[:2] == [
        "read the configuration again; changed: --quiet",
        "--heartbeat, --intake: changed there, but this takes a restart",
    ]


@pytest.mark.parametrize(
    ("toml", "text"),
    [
        ("lisen = 1", "did you mean 'listen'?"),
        ("limit = 1", "is none: give such as"),
        ('limit = ["abcd-efgh-ijkl-mnop:messages=1/s"]', ""),
        ("=", "is not TOML"),
    ],
)
def test_a_file_that_is_wrong_changes_nothing(plain: Reloaded, toml: str, text: str) -> None:
    told = plain.told(f"quiet = true\n{toml}")
    assert told[0].startswith("the configuration was NOT read again: ") and text in told[0]
    lines_taken(plain.broker, "ann")
    eventually("the log is as it was", lambda: "ann connected" in plain.broker.output())


def test_a_flag_still_counts_more(tmp_path: Path) -> None:
    made = Reloaded(tmp_path, "", "--limit", "messages=1/min,burst=5")
    with made.broker:
        assert made.told('limit = ["messages=1/min,burst=9"]')[0].endswith("changed: nothing")
        assert lines_taken(made.broker, "ann") == 5


def hang_up(terminal: pexpect.spawn) -> None:
    """Close a terminal, and let nobody close its descriptor again: that is another's then."""
    terminal.ptyproc.fileobj.close()
    terminal.ptyproc.closed = True
    terminal.child_fd = -1


@pytest.mark.parametrize("nohup", [False, True])
def test_a_terminal_that_is_closed(tmp_path: Path, nohup: bool) -> None:
    """It ends the broker that was started in it, unless that was started to stay."""
    ready = tmp_path / "ready.json"
    command = f"{sys.executable} -m chatlib.cli broker --memory --listen tcp://127.0.0.1:0"
    command = f"{'nohup ' * nohup}{command} --ready-file {ready}"
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    terminal = pexpect.spawn("sh", ["-c", f"exec {command}"], cwd=str(tmp_path), env=environ)
    try:
        eventually("it is ready", ready.exists)
        assert terminal.isalive()
        os.kill(terminal.pid, signal.SIGHUP)  # the terminal is there: it reloads
        place = json.loads(ready.read_text())["control"]
        with Client(place, "ann") as ann:
            assert ann.who()
            hang_up(terminal)
            if not nohup:
                eventually("it ends", lambda: not terminal.isalive())
                assert terminal.exitstatus == 0
                return
            assert ann.who()
    finally:
        if terminal.isalive():
            os.kill(terminal.pid, signal.SIGTERM)
            eventually("it ends", lambda: not terminal.isalive())


def test_a_log_that_went_with_its_terminal(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    command = f"{sys.executable} -m chatlib.cli broker --memory --listen tcp://127.0.0.1:0"
    kept = f"trap '' HUP; exec {command} --ready-file {ready}"  # nohup would give it a file
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    terminal = pexpect.spawn("sh", ["-c", kept], cwd=str(tmp_path), env=environ)
    try:
        eventually("it is ready", ready.exists)
        hang_up(terminal)
        with Client(json.loads(ready.read_text())["control"], "ann") as ann:
            assert ann.who()
    finally:
        os.kill(terminal.pid, signal.SIGTERM)
        eventually("it ends", lambda: not terminal.isalive())
    assert terminal.exitstatus == 0
