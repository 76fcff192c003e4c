"""What systemd is told: by datagrams to a real socket, from a real loop."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from chatlib.core.batch import Entry
from chatlib.core.state import Changes
from chatlib.history.memory import MemoryStore
from chatlib.net.broker import Broker
from chatlib.net.supervision import Supervisor, supervisor_of
from tests.support import PATIENCE, ROOT, Peer, eventually

FREE = "tcp://127.0.0.1:0"


class Systemd:
    """The socket that a unit's processes tell how they do."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + address[1:] if address[0] == "@" else address)
        self.address = address

    def hears(self, patience: float = PATIENCE) -> str:
        self.socket.settimeout(patience)
        return self.socket.recv(4096).decode()

    def empty(self) -> None:
        self.socket.settimeout(0)
        while True:
            try:
                self.socket.recv(4096)
            except BlockingIOError:
                return


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest) -> Iterator[Systemd]:
    with tempfile.TemporaryDirectory(prefix="hub") as short:
        path = f"{short}/notify"
        made = Systemd(f"@{path}" if request.param == "abstract" else path)
        yield made
        made.socket.close()


def test_a_broker_of_a_unit(systemd: Systemd, tmp_path: Path) -> None:
    """Ready when all is bound; signs of life; a reload and the end are told, too."""
    told = {"NOTIFY_SOCKET": systemd.address, "WATCHDOG_USEC": "400000"}
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "chatlib.cli", "broker", "--listen", FREE, "--memory"],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=os.environ | told,
        )  # fmt: skip
    try:
        assert systemd.hears() == "READY=1"
        assert [systemd.hears() for _ in range(3)] == ["WATCHDOG=1"] * 3
        process.send_signal(signal.SIGHUP)
        eventually("it reloads", lambda: systemd.hears().startswith("RELOADING=1\nMONOTONIC_USEC="))
        eventually("it is ready again", lambda: systemd.hears() == "READY=1")
        process.terminate()
        eventually("it stops", lambda: systemd.hears() == "STOPPING=1")
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait()


class StuckStore(MemoryStore):
    """A disk that does not come back."""

    def __init__(self) -> None:
        super().__init__("epoch")
        self.stuck = threading.Event()
        self.freed = threading.Event()

    def commit(self, entries: Sequence[Entry], changes: Changes | None = None) -> None:
        if entries:
            self.stuck.set()
            assert self.freed.wait(PATIENCE)
        super().commit(entries, changes)


def test_a_loop_that_is_stuck_gives_no_sign_of_life(systemd: Systemd) -> None:
    store = StuckStore()
    broker = Broker(FREE, store=store, supervisor=Supervisor(systemd.address, 0.2))
    broker.control, broker.intake, broker.feed = map(str, broker.bind())  # type: ignore[attr-defined]
    thread = threading.Thread(target=broker.run)
    thread.start()
    peer = Peer(broker)  # type: ignore[arg-type]
    try:
        assert systemd.hears() == "WATCHDOG=1"
        assert peer.hello("ann")["ok"]
        peer.dealer.send(b'{"op":"join","room":"lobby"}')
        assert store.stuck.wait(PATIENCE)
        systemd.empty()
        with pytest.raises(TimeoutError):
            systemd.hears(0.6)
        with pytest.raises(TimeoutError):
            broker.call(lambda: None, 0.1)
        store.freed.set()
        assert systemd.hears() == "WATCHDOG=1"
        assert broker.call(lambda: 7, PATIENCE) == 7
    finally:
        store.freed.set()
        peer.close()
        broker.stop()
        thread.join(PATIENCE)


def test_nobody_asks() -> None:
    supervisor = supervisor_of({}, 7)
    supervisor.ready()
    supervisor.alive(1.0)
    assert supervisor.patience(1.0) == float("inf")


@pytest.mark.parametrize(
    ("environ", "patience"),
    [
        ({"WATCHDOG_USEC": "2000000"}, 1.0),
        ({"WATCHDOG_USEC": "2000000", "WATCHDOG_PID": "7"}, 1.0),
        ({"WATCHDOG_USEC": "2000000", "WATCHDOG_PID": "8"}, float("inf")),
        ({"WATCHDOG_USEC": "0"}, float("inf")),
        ({"WATCHDOG_USEC": "soon"}, float("inf")),
    ],
)
def test_whose_watchdog(environ: dict[str, str], patience: float) -> None:
    supervisor = supervisor_of({"NOTIFY_SOCKET": "/nowhere"} | environ, 7)
    supervisor.alive(100.0)  # nobody listens: no harm
    assert supervisor.patience(100.0) == patience


def test_an_error_in_the_loop_is_raised_where_it_was_asked_for() -> None:
    broker = Broker(FREE)
    broker.bind()
    thread = threading.Thread(target=broker.run)
    thread.start()
    try:
        with pytest.raises(ZeroDivisionError):
            broker.call(lambda: 1 // 0, PATIENCE)
        assert broker.call(lambda: 7, PATIENCE) == 7
    finally:
        broker.stop()
        thread.join(PATIENCE)
