"""`hubbub doctor`: what it finds well, and each fault with its fix."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq

from chatlib.cli import doctor
from chatlib.cli.main import main
from chatlib.history.schema import MIGRATIONS
from chatlib.net import probe
from chatlib.net.curve import make_pair
from chatlib.security.keys import to_link
from chatlib.security.pins import Pins
from tests.support import PATIENCE, ROOT, RunningBroker, eventually

QUICK = ("--heartbeat", "1")  # whoever waits for a beacon waits for so long
Run = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the doctor; return its exit code and its lines."""

    def ask(*arguments: str) -> tuple[int, list[str]]:
        code = main(["doctor", *arguments])
        return code, capsys.readouterr().out.splitlines()

    return ask


def faults(told: list[str]) -> list[str]:
    """Return what the faults are about; each has a fix in the line behind it."""
    for line, fix in zip(told, [*told[1:], ""], strict=True):
        assert line.startswith("FAULT") == fix.strip().startswith("fix: "), (line, fix)
    return [line[7:20].strip() for line in told if line.startswith("FAULT")]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RunningBroker]:
    with RunningBroker(tmp_path, *QUICK, data=tmp_path / "data") as running:
        yield running


def test_all_is_well(broker: RunningBroker, run: Run) -> None:
    code, told = run(broker.control, "--data", str(broker.data))
    assert (code, faults(told)) == (0, [])
    assert [line[7:20].strip() for line in told] == [
        "configuration", "versions", "open files", "disk", "history", "key", "address", "hello",
        "feed", "clock",
    ]  # fmt: skip


def test_it_leaves_nobody_behind(broker: RunningBroker, run: Run) -> None:
    run(broker.control)
    eventually("it goes", lambda: "guest1 is gone (left)" in broker.output())


def test_the_broker_of_the_configuration(
    broker: RunningBroker, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUBBUB_CHAT_ADDRESS", broker.control)
    code, told = run()
    assert code == 0 and f"something answers at {broker.control}" in "\n".join(told)


def test_nobody_there(run: Run) -> None:
    code, told = run("tcp://127.0.0.1:1")
    assert (code, faults(told)) == (69, ["address"])
    assert "cannot reach tcp://127.0.0.1:1 (connection refused)" in told[-2]
    assert "Start it with: hubbub broker" in told[-1]


@pytest.mark.parametrize("address", ["http://x", "hubbub://127.0.0.1:1/?t=x"])
def test_no_address(run: Run, address: str) -> None:
    code, told = run(address)
    assert code == 78 and len(faults(told)) == 1


def test_configuration(
    broker: RunningBroker, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "hubbub.toml"
    path.write_text("[broker]\nlisen = 1\n")
    monkeypatch.setenv("HUBBUB_CONFIG", str(path))
    code, told = run(broker.control)
    assert (code, faults(told)) == (78, ["configuration"])
    assert "did you mean 'listen'?" in told[0]


def test_a_small_history_is_not_nothing(run: Run, broker: RunningBroker) -> None:
    told = "\n".join(run(broker.control, "--data", str(broker.data))[1])
    assert re.search(r" \d+ MiB free, the history has [1-9]\d* KiB", told)


def test_disk(run: Run, broker: RunningBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "LITTLE_BYTES", 2**70)
    code, told = run(broker.control)
    assert (code, faults(told)) == (78, ["disk"])
    assert any("--keep-days" in line for line in told)


@pytest.mark.parametrize(
    ("damage", "text"),
    [("not a database" * 100, "not a database"), (None, "is of a newer Hubbub")],
)
def test_history(
    run: Run, broker: RunningBroker, tmp_path: Path, damage: str | None, text: str
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    file = other / "history.sqlite3"
    if damage is None:
        import sqlite3

        db = sqlite3.connect(file)
        db.execute("CREATE TABLE streams (id)")
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
        db.close()
    else:
        file.write_text(damage)
    code, told = run(broker.control, "--data", str(other))
    assert (code, faults(told)) == (78, ["history"])
    assert any(text in line for line in told)


def test_key(run: Run, broker: RunningBroker, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("nonsense\n")
    code, told = run("ipc:///nowhere", "--key", str(path))
    assert (code, faults(told)) == (69, ["key", "address"])


def test_another_key_than_before(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    Pins(tmp_path / "hubbub" / "known_brokers").check("tcp://127.0.0.1:1", make_pair().public)
    code, told = run(f"hubbub://127.0.0.1:1/lobby?k={to_link(make_pair().public)}")
    assert (code, faults(told)) == (78, ["known key"])
    assert not any("\u240a" in line for line in told) and "Ask whoever runs it" in told[-1]


def test_clock(run: Run, broker: RunningBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = probe.Seen(
        "hubbub 0.0.9", "tcp://127.0.0.1:1", -70.0, 1.0, ["cannot reach x (no answer)"]
    )
    monkeypatch.setattr(probe, "probe", lambda *_: seen)
    code, told = run(broker.control)
    assert (code, faults(told)) == (78, ["hello", "port", "clock"])
    assert any("70.0 s behind the broker's" in line for line in told)


def test_a_feed_that_brings_nothing(
    run: Run, broker: RunningBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "FEED_BEATS", 0.0)
    code, told = run(broker.control)
    assert (code, faults(told)) == (78, ["feed"])


def test_something_that_is_no_broker(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "ANSWER_S", 0.2)
    with zmq.Context() as context, context.socket(zmq.PULL) as socket:
        port = socket.bind_to_random_port("tcp://127.0.0.1")
        code, told = run(f"tcp://127.0.0.1:{port}")
    assert (code, faults(told)) == (78, ["hello"])


def test_versions(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "LIBZMQ", (9, 9, 9))
    assert "versions" in faults(run("ipc:///nowhere")[1])
    monkeypatch.setattr(doctor, "LIBZMQ", (4, 3, 0))
    monkeypatch.setattr(doctor, "SQLITE", (9, 9, 9))
    assert "versions" in faults(run("ipc:///nowhere")[1])


def test_few_descriptors() -> None:
    command = f"ulimit -n 300; exec {sys.executable} -m chatlib.cli doctor ipc:///nowhere"
    told = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE,
        check=False,
    )  # fmt: skip
    assert "FAULT  open files    300 allowed" in told.stdout


def test_an_encrypted_broker(tmp_path: Path, run: Run) -> None:
    """With its link it is known; who was not let in is told how to be."""
    with (
        tempfile.TemporaryDirectory(prefix="hub") as short,
        RunningBroker(tmp_path, "--access", "invite", *QUICK, data=Path(short) / "d"),
    ):
        link = subprocess.run(
            [sys.executable, "-m", "chatlib.cli", "invite", "--data", f"{short}/d"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        ).stdout.strip()  # fmt: skip
        code, told = run(link)
        assert (code, faults(told)) == (78, ["hello"])
        assert "ask its operator for a link" in told[-1]
        assert run("--key", f"{short}/d/operator.key", re.sub("&t=.*", "", link))[0] == 0
        wrong = re.sub("k=.*", "k=" + to_link(make_pair().public), link)
        probe.ANSWER_S, before = 0.5, probe.ANSWER_S
        code, told = run(wrong)
        probe.ANSWER_S = before
        assert (code, faults(told)) == (78, ["hello"]) and "another key" in told[-1]
