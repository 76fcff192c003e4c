"""Crashes, pauses and cut cables: nothing is lost, nothing is doubled, nobody waits for ever."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chatlib import Client, Connection, Event, Gap, Refused, TimedOut, Unreachable
from chatlib.protocol import limits
from tests.support import PATIENCE, RunningBroker, eventually, peers
from tests.system.people import (
    Member,
    assert_chained,
    clients,
    has_ipv6,
    kinds,
    texts,
    until,
    until_said,
)
from tests.system.proxy import Proxy

MANY = 20_000
EVERYTHING = ["control", "intake", "feed"]


def of(nick: str, kind: str) -> Any:
    """Return a test for an event."""
    return lambda told: isinstance(told, Event) and (told.kind, told.nick) == (kind, nick)


def said_by(ann: Client, count: int, last: str) -> list[str]:
    """Let ann say so many numbers and a last word; return all of it."""
    expected = [*map(str, range(count)), last]
    for text in expected:
        ann.say("lobby", text)
        if text.endswith("0000"):
            until_said(ann, text)  # she keeps up herself
    ann.flush(PATIENCE)
    return expected


# -- clients that crash or stand still -----------------------------------------------------------


def test_killed_client_times_out(tmp_path: Path) -> None:
    with (
        RunningBroker(tmp_path, "--heartbeat", "0.3") as broker,
        clients(broker.control, "ann") as (ann,),
        Member(tmp_path, broker.control, "bob") as bob,
    ):
        until(ann, of("bob", "join"))
        bob.process.kill()
        left = until(ann, of("bob", "leave"))[-1]
        assert left.reason == "timeout"
        with Client(broker.control, "Bob") as again:
            assert again.nick == "Bob"


def test_short_pause(tmp_path: Path) -> None:
    """A client that stood still for less than the session's timeout is not even missed."""
    with RunningBroker(tmp_path) as broker, clients(broker.control, "ann") as (ann,):
        with Member(tmp_path, broker.control, "bob") as bob:
            bob.stop()
            expected = said_by(ann, MANY, "the end")
            bob.go_on()
            told = bob.until_said("the end")
        assert [e["text"] for e in told if e.get("kind") == "say"] == expected
        assert not [t for t in told if t["told"] != "event" and t.get("state") != "online"]
        assert [e["kind"] for e in told if e.get("kind") in ("join", "leave")] == ["join"]


def test_long_pause(tmp_path: Path) -> None:
    """One whose session ended meanwhile rejoins, and has every message once."""
    with (
        RunningBroker(tmp_path, "--heartbeat", "0.5") as broker,
        clients(broker.control, "ann") as (ann,),
        Member(tmp_path, broker.control, "bob") as bob,
    ):
        bob.stop()
        expected = said_by(ann, MANY, "half")
        until(ann, of("bob", "leave"))
        bob.go_on()
        until(ann, of("bob", "join"))
        ann.say("lobby", "the end")
        told = bob.until_said("the end")
    assert [e["text"] for e in told if e.get("kind") == "say"] == [*expected, "the end"]
    assert [e["kind"] for e in told if e["told"] == "event" and e["nick"] == "bob"] == [
        "join",
        "leave",
        "join",
    ]
    assert not [t for t in told if t["told"] == "gap"]


def test_slow_reader(broker: RunningBroker) -> None:
    """Who takes nothing while every queue overflows has all of it later."""
    with clients(broker.control, "ann", "bob") as (ann, bob):
        expected = said_by(ann, 50_000, "the end")
        told = until_said(bob, "the end")
        assert texts(told) == expected
        assert_chained(told, "lobby")


# -- cables --------------------------------------------------------------------------------------


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[tuple[Proxy, RunningBroker]]:
    if not has_ipv6():
        pytest.skip("this machine has no ::1")
    with RunningBroker(tmp_path, "--heartbeat", "2") as broker, Proxy(broker) as proxy:
        yield proxy, broker


@pytest.mark.parametrize("fault", ["cut", "hold"])
@pytest.mark.parametrize(
    "names", [["control"], ["intake"], ["feed"], ["control", "intake", "feed"]]
)
def test_cable(proxy: tuple[Proxy, RunningBroker], names: list[str], fault: str) -> None:
    """A break that is shorter than the session's timeout is nothing that the room hears of."""
    cable, broker = proxy
    with clients(broker.control, "ann") as (ann,), clients(cable.address, "bob") as (bob,):
        expected = []

        def talk(word: str) -> None:
            for i in range(50):
                for person in (ann, bob):
                    expected.append(f"{person.nick} {word} {i}")
                    person.say("lobby", expected[-1])

        talk("before")
        getattr(cable, fault)(*names)
        talk("during")
        time.sleep(0.5)
        cable.mend(*names)
        talk("after")
        bob.flush(PATIENCE)
        ann.flush(PATIENCE)
        ann.say("lobby", "the end")
        heard = [until_said(person, "the end") for person in (ann, bob)]
    for told in heard:
        assert sorted(texts(told)[:-1]) == sorted(expected)
        assert_chained(told, "lobby")
        assert kinds(told, "join", "leave")[-1] == ("join", "bob")
        for nick in ("ann", "bob"):
            assert [t for t in texts(told) if t.startswith(nick)] == [
                t for t in expected if t.startswith(nick)
            ]
    assert texts(heard[0]) == texts(heard[1])


# -- a broker that crashes or stands still -------------------------------------------------------


def test_restart(broker: RunningBroker) -> None:
    """Clients come back by themselves; what was not acknowledged gets through."""
    with clients(broker.control, "ann", "bob") as (ann, bob):
        ann.say("lobby", "before")
        until_said(bob, "before")
        until_said(ann, "before")
        broker.kill()
        for client in (ann, bob):
            until(client, lambda t: isinstance(t, Connection) and t.state == "offline")
        for i in range(10):
            ann.say("lobby", f"ann {i}")
            bob.say("lobby", f"bob {i}")
        with broker.again() as second:
            assert second.epoch != broker.epoch
            for client in (ann, bob):
                client.flush(PATIENCE)
            until(ann, lambda t: "bob" in {m.nick for m in ann.who("lobby")})
            ann.say("lobby", "the end")
            heard = [until_said(bob, "the end"), until_said(ann, "the end")]
            assert sorted(m.nick for m in ann.who("lobby")) == ["ann", "bob"]
    back = [t for t in heard[0] if isinstance(t, Connection) and t.state == "online"]
    assert [(t.new_history, t.resumed) for t in back] == [(True, False)]
    for nick in ("ann", "bob"):
        expected = [f"{nick} {i}" for i in range(10)]
        assert [t for t in texts(heard[0]) if t.startswith(nick)] == expected
    assert_chained(heard[0], "lobby")


def test_restart_noticed_late(broker: RunningBroker, tmp_path: Path) -> None:
    """Who comes back after the others have long been talking again has all that they said."""
    member = Member(tmp_path, broker.control, "bob")
    with member as bob, clients(broker.control, "ann") as (ann,):
        ann.say("lobby", "before")
        bob.until_said("before")
        bob.stop()
        broker.kill()
        with broker.again():
            expected = said_by(ann, 100, "half")
            bob.go_on()
            eventually("bob is back", lambda: "bob" in {m.nick for m in ann.who("lobby")})
            ann.say("lobby", "the end")
            told = bob.until_said("the end")
    assert [e["text"] for e in told if e.get("kind") == "say"] == ["before", *expected, "the end"]
    assert not [t for t in told if t["told"] == "gap"]


def test_paused_broker(tmp_path: Path) -> None:
    """A broker that stood still for longer than the timeout does not blame its clients."""
    with (
        RunningBroker(tmp_path, "--heartbeat", "1") as broker,
        clients(broker.control, "ann", "bob") as (ann, bob),
        peers(broker, 1) as (silent,),
    ):
        silent.hello("silent")
        os.kill(broker.process.pid, signal.SIGSTOP)
        ann.say("lobby", "anybody?")
        time.sleep(4)
        os.kill(broker.process.pid, signal.SIGCONT)
        assert silent.ask(op="ping", id=1)["ok"]
        bob.say("lobby", "here")
        for client in (ann, bob):
            client.flush(PATIENCE)
        ann.say("lobby", "the end")
        told = until_said(bob, "the end")
    assert sorted(texts(told)) == ["anybody?", "here", "the end"]
    assert kinds(told, "leave", "join") == [("join", "ann"), ("join", "bob")]


# -- ends ----------------------------------------------------------------------------------------


def closes_soon(client: Client) -> bool:
    """Close; tell whether that took a time that a person would not notice as a hang."""
    began = time.monotonic()
    client.close()
    return time.monotonic() - began < 5


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
@pytest.mark.parametrize("pause", [0, 0.5])
def test_close_without_broker(broker: RunningBroker, number: int, pause: float) -> None:
    client = Client(broker.control, "ann").start()
    client.join("lobby")
    os.kill(broker.process.pid, number)
    client.say("lobby", "anybody?")
    time.sleep(pause)
    assert closes_soon(client)
    assert client.state == "closed"


def test_close_while_dialling() -> None:
    """Nobody listens there, or somebody who is no broker."""
    with socket.create_server(("127.0.0.1", 0)) as dumb:
        for port in (dumb.getsockname()[1], 1):
            client = Client(f"tcp://127.0.0.1:{port}", "ann").start(wait=None)
            time.sleep(0.1)
            assert closes_soon(client)


def test_close_ends_whoever_waits(broker: RunningBroker) -> None:
    client = Client(broker.control, "ann").start()
    client.join("lobby")
    broker.kill()
    client.close()
    told = list(client.events())
    assert told[-1] == Connection("closed")


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Unreachable, match=f"127.0.0.1:{port} .connection refused.*hubbub broker"):
        Client(f"tcp://127.0.0.1:{port}").start()


def test_no_broker_there() -> None:
    """Something listens, and says nothing."""
    with (
        socket.create_server(("127.0.0.1", 0)) as dumb,
        pytest.raises(Unreachable, match="does not answer"),
    ):
        Client(f"tcp://127.0.0.1:{dumb.getsockname()[1]}").start(wait=0.5)


def test_wrong_version(broker: RunningBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    with peers(broker, 1) as (peer,):
        answer = peer.ask(op="hello", id="x", v=2, unknown="field")
        assert (answer["id"], answer["error"]["code"]) == ("x", "wrong_version")
    for version, side in ((limits.WIRE_VERSION - 1, "client"), (limits.WIRE_VERSION + 1, "broker")):
        monkeypatch.setattr(limits, "WIRE_VERSION", version)
        with pytest.raises(Refused, match=f"upgrade the {side}") as refused:
            Client(broker.control, "ann").start()
        assert "\n" not in str(refused.value)


def test_outbox_waits_for_the_broker(broker: RunningBroker) -> None:
    with clients(broker.control, "ann") as (ann,):
        broker.kill()
        until(ann, lambda t: isinstance(t, Connection) and t.state == "offline")
        ann.say("lobby", "patience")
        with pytest.raises(TimedOut, match="1 message is not acknowledged"):
            ann.flush(0.1)
        assert [p.text for p in ann.pending()] == ["patience"]
        with broker.again():
            eventually("it was acknowledged", lambda: not ann.pending())
            assert not [t for t in until_said(ann, "patience") if isinstance(t, Gap)]
