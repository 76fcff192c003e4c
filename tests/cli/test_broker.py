"""`hubbub broker` as people run it: what it prints, how it ends, what it exits with."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chatlib import Client, Connection, Event, __version__
from chatlib.cli.log import Log
from chatlib.core.batch import Note
from chatlib.history.memory import MemoryStore
from chatlib.net.broker import Broker
from chatlib.protocol.links import Endpoint
from tests.support import PATIENCE, ROOT, RunningBroker, eventually

FREE = "tcp://127.0.0.1:0"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a broker that is expected to end by itself."""
    return subprocess.run(
        [sys.executable, "-m", "chatlib.cli", "broker", *arguments],
        cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE,
        check=False,
    )  # fmt: skip


def comings_and_goings(broker: RunningBroker) -> None:
    """Let ann come, go by another name, join and leave, and go."""
    with Client(broker.control, "ann") as ann:
        ann.join("lobby")
        ann.rename("annabel")
        ann.leave("lobby")
    with Client(broker.control, "bob"):
        pass


def lines(broker: RunningBroker, last: str) -> list[str]:
    """Return what it printed, once a line of it contains `last`."""
    eventually(f"it says {last}", lambda: last in broker.output())
    return broker.output().splitlines()


# -- what it prints ------------------------------------------------------------------------------


def test_start(broker: RunningBroker, runtime: str) -> None:
    told = re.sub(rf"{runtime}/hubbub-\w+", "RUNTIME", broker.output())
    assert told == (
        f"hubbub {__version__} is up. Who can reach it: programs on this machine.\n"
        f"  control  {broker.control}\n"
        f"  intake   {broker.intake}\n"
        f"  feed     {broker.feed}\n"
        f"  history  memory: this run, the newest 256 MiB\n"
        f"  operator hubbub top --data RUNTIME\n"
        f"Join with: hubbub chat {broker.control}      Stop with: Ctrl-C\n"
    )


def test_start_in_the_open(capsys: pytest.CaptureFixture[str]) -> None:
    """What the network can reach is said in capitals. (Nothing listens there for a test.)"""
    there = Endpoint("0.0.0.0", 5555)
    unbound: Any = SimpleNamespace(_security=None, _wanted=(there, there, there))
    broker: Any = SimpleNamespace(store=MemoryStore("epoch"), reach=lambda: Broker.reach(unbound))
    broker.encrypted = False
    Log("text", quiet=False).started(broker, (there, there, there), descriptors=20_000)
    told = capsys.readouterr().out
    assert "Who can reach it: EVERYONE ON THE NETWORK, in the clear." in told
    assert "NOTE" not in told


def test_few_descriptors(tmp_path: Path) -> None:
    command = f"ulimit -n 300; exec {sys.executable} -m chatlib.cli broker --listen {FREE}"
    process = subprocess.Popen(
        ["sh", "-c", command], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )  # fmt: skip
    assert process.stdout
    try:
        told = [process.stdout.readline() for _ in range(6)]
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)
    assert told[5] == "  NOTE     300 open files allowed: about 100 members (ulimit -n)\n"


def test_who_comes_and_goes(broker: RunningBroker) -> None:
    comings_and_goings(broker)
    told = lines(broker, "bob is gone")[7:]
    assert all(re.match(r"\d\d:\d\d:\d\d ", line) for line in told)
    assert [line[9:] for line in told] == [
        "ann connected from 127.0.0.1",
        "ann joined lobby",
        "annabel is the new name of ann",
        "annabel left lobby",
        "annabel is gone (left)",
        "bob connected from 127.0.0.1",
        "bob is gone (left)",
    ]


def test_timeout(tmp_path: Path) -> None:
    with RunningBroker(tmp_path, "--heartbeat", "0.2") as broker:
        client = Client(broker.control, "ann").start()
        client._line.close()  # type: ignore[union-attr] # as a crash would: no goodbye
        client._line.thread.join(PATIENCE)  # type: ignore[union-attr]
        told = lines(broker, "gone")
        client.close()
    assert told[-1].endswith("ann is gone (timeout)")


def test_what_does_nothing_in_memory_is_told(tmp_path: Path) -> None:
    with RunningBroker(tmp_path, "--keep-days", "3") as broker:
        assert "--keep-events do nothing with --memory" in broker.output()


def test_quiet(tmp_path: Path) -> None:
    with RunningBroker(tmp_path, "--quiet") as broker:
        comings_and_goings(broker)
        assert broker.stop() == 0
        assert len(broker.output().splitlines()) == 8
        assert broker.output().endswith("\nstopped: everyone was told\n")


def test_trouble_is_told_quiet_or_not(capfd: pytest.CaptureFixture[str]) -> None:
    log = Log("text", quiet=True)
    for what in ("failing", "storing", "undecided", "crowded", "greedy", "draining"):
        log.note(Note(what, "", "", reason="why"), "")
        assert re.match(r"\d\d:\d\d:\d\d \w", capfd.readouterr().out), what


@pytest.mark.parametrize(
    ("known", "told"),
    [
        ({"nick": "ann", "key": "abcd-efgh", "address": "10.0.0.1"},
         "ann (key abcd-efgh, 10.0.0.1) was slowed down, 7 times: why"),
        ({"nick": "ann"}, "ann was slowed down, 7 times: why"),
        ({"nick": "", "key": "abcd-efgh", "address": "10.0.0.1"},
         "key abcd-efgh, 10.0.0.1 was slowed down, 7 times: why"),
        ({"nick": "", "address": "10.0.0.1", "count": 1}, "10.0.0.1 was slowed down, once: why"),
    ],
)  # fmt: skip
def test_who_is_slowed(known: dict[str, Any], told: str, capfd: pytest.CaptureFixture[str]) -> None:
    note = Note("slowed", "s1", **{"reason": "why", "count": 7, **known})
    Log("text", quiet=False).note(note, "")
    assert capfd.readouterr().out[9:] == f"{told}\n"
    Log("json", quiet=False).note(note, "")
    line = json.loads(capfd.readouterr().out)
    expected = {"event": "slowed", "sid": "s1", "reason": "why", "count": 7, **known}
    assert {k: v for k, v in line.items() if k != "at"} == {k: v for k, v in expected.items() if v}


@pytest.mark.parametrize(
    ("note", "told"),
    [
        (Note("kicked", "s1", "mal", "ops", by="ann", reason="go\naway"),
         "mal was put out of ops by ann: go␊away"),
        (Note("kicked", "s1", "irc", "ops"), "irc was put out of ops"),
        (Note("muted", "", "mal", "ops", by="ann", until="2026-11-21T10:00:00.000Z"),
         "mal was muted in ops by ann until 2026-11-21 19:00:00+09:00"),
        (Note("muted", "", "mal", "ops", by="ann"),
         "mal was muted in ops by ann until somebody unmutes him"),
        (Note("unmuted", "", "mal", "ops", by="ann"), "mal was unmuted in ops by ann"),
        (Note("banned", "", "mal", "ops", by="ann", reason="no"),
         "mal is banned from ops by ann: no"),
        (Note("unbanned", "", "mal", "ops", by="ann"), "mal may come into ops again, says ann"),
        (Note("failing", "", "", reason="disk full"),
         "NOTHING IS STORED, so nothing is acknowledged: disk full"),
        (Note("draining", "", "", count=1),
         "DRAINING: nobody new comes in, and 1 session is told so"),
        (Note("linked", "", "ann", reason="x1"), "ann has a link for one more key now (x1)"),
        (Note("banned", "", "192.0.2.1"), "192.0.2.1 is banned, and was thrown out"),
    ],
)  # fmt: skip
def test_what_was_done(
    note: Note, told: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        Log("text", quiet=False).note(note, "")
    finally:
        monkeypatch.undo()
        time.tzset()
    assert capfd.readouterr().out[9:] == f"{told}\n"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--lan", "--listen", FREE), 2, "not allowed with argument"),
        (("--qr",), 2, "--qr draws the link of --lan"),
        (("--lan", "--qr", "--log-format", "json"), 2, "not into a log of JSON"),
        (("--lan", "--insecure"), 78, "--lan is encrypted"),
    ],
)
def test_lan_with_what_it_can_not_be_with(arguments: Any, code: int, said: str) -> None:
    ended = run("--memory", *arguments)
    assert (ended.returncode, ended.stdout) == (code, "") and said in ended.stderr


def test_json(tmp_path: Path) -> None:
    with RunningBroker(tmp_path, "--log-format", "json") as broker:
        comings_and_goings(broker)
        assert broker.stop() == 0
        told = [json.loads(line) for line in broker.output().splitlines()]
    assert [line["event"] for line in told] == [
        "started", "opened", "joined", "renamed", "left", "ended", "opened", "ended", "stopped",
    ]  # fmt: skip
    started, opened, joined, renamed, _, ended, *_ = told
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z", line["at"]) for line in told)
    assert (started["control"], started["pid"]) == (broker.control, broker.process.pid)
    assert (started["version"], started["feed"]) == (__version__, broker.feed)
    assert (opened["nick"], opened["address"]) == ("ann", "127.0.0.1")
    assert (joined["nick"], joined["room"]) == ("ann", "lobby")
    assert (renamed["nick"], renamed["old"]) == ("annabel", "ann")
    assert (ended["nick"], ended["reason"]) == ("annabel", "left")


@pytest.mark.parametrize("close", [False, True])
def test_nobody_reads(tmp_path: Path, close: bool) -> None:
    """A pager that stands still, or has ended, is not the broker's end."""
    ready = tmp_path / "ready.json"
    process = subprocess.Popen(
        [sys.executable, "-m", "chatlib.cli", "broker", "--listen", FREE, "--ready-file", ready],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout
    try:
        eventually("it is ready", ready.exists)
        if close:
            process.stdout.close()
        with Client(json.loads(ready.read_text())["control"], "ann") as ann:
            for i in range(1_500):
                ann.rename(f"a{'n' * 25}{i}")
        process.terminate()
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


# -- what it can't do ----------------------------------------------------------------------------


def test_port_in_use(broker: RunningBroker) -> None:
    found = run("--listen", broker.control)
    assert found.returncode == 73
    assert found.stdout == ""
    assert found.stderr == (
        f"hubbub: cannot listen on {broker.control}: it is in use; is a broker running there "
        "already? Choose another address with --listen\n"
    )


@pytest.mark.parametrize("option", ["--intake", "--feed"])
def test_other_port_in_use(option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        found = run("--listen", FREE, option, place)
    assert (found.returncode, found.stderr.count("\n")) == (73, 1)
    assert f"cannot listen on {place}: it is in use" in found.stderr


def test_path_in_use() -> None:
    with tempfile.TemporaryDirectory(prefix="hub") as short:
        place = f"ipc://{short}/chat"
        with RunningBroker(Path(short), listen=place) as broker:
            found = run("--listen", place)
            assert (found.returncode, found.stderr.count("\n")) == (73, 1)
            with Client(broker.control):  # it was not taken away
                pass
            broker.kill()
        with RunningBroker(Path(short), listen=place) as broker, Client(broker.control):
            pass  # what a crash left behind is in nobody's way


@pytest.mark.parametrize(
    ("place", "cause"),
    [
        ("http://127.0.0.1", "is no address: give tcp://HOST:PORT or ipc://PATH"),
        ("tcp://127.0.0.1:99999", "is no address"),
        ("tcp://127.0.0.1:65534", "the next two ports are needed too; take one up to 65533"),
        ("", "is no address"),
        ("ipc://", "an ipc path has 1 to 100 bytes"),
        ("ipc:///tmp/" + "x" * 100, "an ipc path has 1 to 100 bytes"),
        ("tcp://192.0.2.1:0", "this machine has no such address"),
        ("tcp://no-such-interface:0", "this machine has no such address"),
    ],
)
def test_bad_endpoint(place: str, cause: str) -> None:
    found = run("--listen", place)
    assert (found.returncode, found.stdout) == (78, "")
    assert found.stderr.count("\n") == 1 and found.stderr.startswith("hubbub: ")
    assert cause in found.stderr


def test_ipc_directory_missing() -> None:
    found = run("--listen", "ipc:///no/such/directory/chat")
    assert (found.returncode, found.stderr.count("\n")) == (73, 1)
    assert "No such file or directory" in found.stderr


def test_ready_file_directory_missing(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "ready.json"
    found = run("--listen", FREE, "--ready-file", str(path))
    assert found.returncode == 73
    assert found.stderr == (
        f"hubbub: cannot write the ready file {path}: No such file or directory\n"
    )


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "often", "1e9"])
def test_bad_heartbeat(seconds: str) -> None:
    found = run("--heartbeat", seconds)
    assert found.returncode == 2
    assert "--heartbeat" in found.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("option", "cause"),
    [
        ("--keep-events=0", "'0' is no number above 0"),
        ("--keep-events=ops=-1", "'-1' is no number above 0"),
        ("--keep-events=1.5", "'1.5' is no number"),
        ("--keep-days=nan", "'nan' is no number"),
        ("--keep-days=a b=3", "a room name has no space"),
    ],
)
def test_bad_retention(option: str, cause: str) -> None:
    found = run("--listen", FREE, option)
    assert found.returncode == 2
    assert cause in found.stderr.splitlines()[-1]


def test_retention_by_room(tmp_path: Path) -> None:
    options = ("--keep-events", "1000", "--keep-events", "#Ops=all", "--keep-days=logs=7")
    with RunningBroker(tmp_path, *options, data=tmp_path / "data") as broker:
        told = "keeps 1000 events of each room, 7 days and 1000 events of logs, everything of ops"
        assert told in broker.output()


# -- how it ends ---------------------------------------------------------------------------------


def up_to_offline(client: Client) -> list[Any]:
    """Return what a client is told until the broker is gone; all that it had sent comes before."""
    found: list[Any] = []
    for told in client.events(timeout=PATIENCE):
        found.append(told)
        if isinstance(told, Connection) and told.state == "offline":
            return found
    raise AssertionError(f"never offline: {found}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stop(broker: RunningBroker, number: int) -> None:
    """Everyone is told, and the code is 0: it did what it was asked."""
    with Client(broker.control, "ann") as ann:
        ann.join("lobby")
        ann.say("lobby", "last")
        ann.flush(PATIENCE)
        broker.process.send_signal(number)
        assert broker.process.wait(PATIENCE) == 0
        *_, offline = up_to_offline(ann)
    assert offline.detail == "the broker was stopped"
    assert broker.output().endswith("\nstopped: everyone was told\n")


def test_stop_in_the_middle(broker: RunningBroker) -> None:
    """What is heard of a flood that a stop cut off is its beginning, without holes."""
    with Client(broker.control, "ann") as ann, Client(broker.control, "bob") as bob:
        for client in (ann, bob):
            client.join("lobby")
        for i in range(1_000):
            ann.say("lobby", str(i))
        eventually("some are acknowledged", lambda: len(ann.pending()) < 900)
        assert broker.stop() == 0
        told = [t.text for t in up_to_offline(bob) if isinstance(t, Event) and t.n]
    assert told and told == [str(i) for i in range(len(told))]


def test_second_signal(broker: RunningBroker) -> None:
    """While it stops, another signal ends it at once: two at the same time, nothing to wait for."""
    os.kill(broker.process.pid, signal.SIGSTOP)
    broker.process.send_signal(signal.SIGINT)
    broker.process.send_signal(signal.SIGTERM)
    os.kill(broker.process.pid, signal.SIGCONT)
    assert broker.process.wait(PATIENCE) in (128 + signal.SIGINT, 128 + signal.SIGTERM)


def test_script_from_another_directory(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "broker.py"), "--listen", FREE, "--ready-file", str(ready)],
        cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        eventually("it is ready", ready.exists)
        with Client(json.loads(ready.read_text())["control"], "ann") as ann:
            assert ann.who()
    finally:
        process.terminate()
        assert process.wait(PATIENCE) == 0
