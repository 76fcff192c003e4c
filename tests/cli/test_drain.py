"""`hubbub drain`: who is here gets through, nobody new comes in, and clients come back."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatlib import Client, Connection, Event
from chatlib.net.operator import Operator
from chatlib.protocol import answers, requests
from tests.support import PATIENCE, ROOT, Peer, RunningBroker, eventually


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RunningBroker]:
    with RunningBroker(tmp_path, data=tmp_path / "data") as running:
        yield running


def drain(broker: RunningBroker, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "chatlib.cli", "drain", "--data", str(broker.data), *options]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def begin(broker: RunningBroker, seconds: int = 20) -> int:
    with Operator(broker.data or Path()) as operator:
        return operator.ask(requests.Drain(seconds=seconds), answers.Draining).told


def test_clients_come_back_and_nothing_is_lost(broker: RunningBroker) -> None:
    with Client(broker.control, "ann") as ann, Client(broker.control, "bob") as bob:
        for client in (ann, bob):
            client.join("lobby")
        for i in range(200):
            ann.say("lobby", str(i))
        ended = drain(broker)
        told, _ = ended.communicate(timeout=PATIENCE)
        assert ended.returncode == 0 and told.startswith("2 sessions are told")
        assert broker.process.wait(PATIENCE) == 0
        ends = broker.output().partition("DRAINING: nobody new comes in, and 2 sessions")[2]
        assert "stopped: everyone was told" in ends
        ann.say("lobby", "200")
        with broker.again():
            ann.flush(PATIENCE)
            heard: list[object] = []
            eventually(
                "bob has all",
                lambda: (
                    heard.extend(bob.events(timeout=0.1))
                    or sum(isinstance(e, Event) and e.kind == "say" for e in heard) == 201
                ),
            )
            said = [e.text for e in heard if isinstance(e, Event) and e.kind == "say"]
            assert said == [str(i) for i in range(201)]
            away = [e.detail for e in heard if isinstance(e, Connection) and e.state == "offline"]
            assert (
                away[0] == "the broker is being drained: it takes nobody until it is started again"
            )
            assert not any(isinstance(e, Event) and e.kind == "leave" for e in heard)


def test_who_still_sends_gets_through(broker: RunningBroker) -> None:
    peer = Peer(broker)
    peer.hello("ann")
    peer.ask(op="join", room="lobby")
    assert begin(broker) == 1
    assert peer.delivery()["kind"] == "closing"
    for n in range(1, 6):  # longer than it would wait for somebody who is silent
        peer.send({"n": n, "room": "lobby", "text": "x"})
        threading.Event().wait(0.3)
        assert peer.ask(op="ping")["accepted"] == n
    peer.close()
    assert broker.process.wait(PATIENCE) == 0


def test_nobody_new_comes_in(broker: RunningBroker) -> None:
    with Client(broker.control, "ann") as ann:
        ann.join("lobby")
        peer, new = Peer(broker), Peer(broker)
        peer.hello("bob")
        sending = threading.Event()
        begin(broker)

        def chatter() -> None:
            while not sending.wait(0.2):
                ann.say("lobby", "x")

        thread = threading.Thread(target=chatter)
        thread.start()
        try:
            error = new.hello("eve")["error"]
            assert error["code"] == "draining" and error["after_ms"] > 0
            assert peer.ask(op="join", room="lobby")["error"]["code"] == "draining"
            assert peer.ask(op="rooms")["ok"]
            assert new.ask(op="hello", id=1, v=1, session=peer.token.decode())["resumed"]
            assert begin(broker) == 2  # asked again, it changes nothing
        finally:
            sending.set()
            thread.join()
            peer.close()
            new.close()
        assert broker.process.wait(PATIENCE) == 0


def test_a_client_that_is_told_so_waits_and_comes_in_later(broker: RunningBroker) -> None:
    """Neither a hello nor a join that met a drain is given up."""
    with Client(broker.control, "ann") as ann:
        ann.join("lobby")
        sending = threading.Event()
        begin(broker)

        def chatter() -> None:
            while not sending.wait(0.2):
                ann.say("lobby", "x")

        thread = threading.Thread(target=chatter)
        thread.start()
        joining = threading.Thread(target=lambda: ann.join("den", timeout=60))
        joining.start()
        late = Client(broker.control, "late").start(wait=None)
        threading.Event().wait(1.0)
        sending.set()
        thread.join()
        assert broker.process.wait(PATIENCE) == 0
        with broker.again():
            joining.join(PATIENCE)
            assert ann.joined == ["lobby", "den"]
            eventually("the late one is in", lambda: any(m.nick == "late" for m in ann.who()))
        late.close()


def test_it_does_not_wait_for_ever(broker: RunningBroker) -> None:
    with Client(broker.control, "ann") as ann:
        ann.join("lobby")
        sending = threading.Event()

        def chatter() -> None:
            while not sending.wait(0.2):
                ann.say("lobby", "x")

        thread = threading.Thread(target=chatter)
        thread.start()
        try:
            begin(broker, seconds=2)
            assert broker.process.wait(PATIENCE) == 0
        finally:
            sending.set()
            thread.join()


def test_nobody_there(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "chatlib.cli", "drain", "--data", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert ended.returncode == 69 and "no broker runs on" in ended.stderr
    assert "One that keeps its history in memory has told its own" in ended.stderr
