"""A script that floods a broker which limits it: it is slowed, loses nothing, and harms nobody."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from chatlib import Client, Event
from chatlib.net.broker import usual_limits
from chatlib.protocol.links import parse_endpoint
from tests.support import PATIENCE, RunningBroker, eventually, peers

RATE, BURST, FLOOD = 100, 50, 400
LIMIT = ("--limit", f"messages={RATE}/s,burst={BURST}")


def heard(client: Client, count: int) -> list[str]:
    """Return the texts of the first `count` messages."""
    texts: list[str] = []
    for event in client.events(timeout=PATIENCE):
        if isinstance(event, Event) and event.kind == "say":
            texts.append(event.text or "")
            if len(texts) == count:
                break
    return texts


def test_a_script_floods_beside_two_who_talk(tmp_path: Path) -> None:
    with (
        RunningBroker(tmp_path, *LIMIT) as broker,
        Client(broker.control, "script", bot=False) as script,
        Client(broker.control, "ann") as ann,
        Client(broker.control, "bob") as bob,
    ):
        for client in (ann, bob, script):
            client.join("lobby", history=0)
        began = time.monotonic()
        flood = [f"flood {i}" for i in range(FLOOD)]
        for text in flood:
            script.say("lobby", text)
        said = []
        for i in range(5):
            for client in (ann, bob):
                said.append(f"{client.nick} {i}")
                client.say("lobby", said[-1])
                client.flush(PATIENCE)
        assert script.pending(), "the flood was over before the two had talked"
        script.flush(PATIENCE)
        took = time.monotonic() - began
        told = heard(ann, FLOOD + len(said))
        assert told == heard(bob, FLOOD + len(said)) == heard(script, FLOOD + len(said))
        assert [text for text in told if text.startswith("flood")] == flood
        assert [text for text in told if not text.startswith("flood")] == said
        assert took >= (FLOOD - BURST) / RATE
        eventually("it is told", lambda: "script (127.0.0.1) was slowed down" in broker.output())
        assert "ann (127.0.0.1) was slowed" not in broker.output()
        assert "bob (127.0.0.1) was slowed" not in broker.output()
        stored = [e.text for e in script.history("lobby", after=0, limit=1000) if e.kind == "say"]
        assert stored == told


def test_what_comes_from_one_address_has_a_rate(tmp_path: Path) -> None:
    with (
        RunningBroker(tmp_path, "--limit", "addresses:messages=200/s,burst=1") as broker,
        Client(broker.control, "ann") as ann,
        Client(broker.control, "bob") as bob,
    ):
        for client in (ann, bob):
            client.join("lobby", history=0)
        began = time.monotonic()
        for i in range(100):
            ann.say("lobby", f"{i}")
            bob.say("lobby", f"{i}")
        ann.flush(PATIENCE)
        bob.flush(PATIENCE)
        assert time.monotonic() - began >= 199 / 200
        assert sorted(heard(ann, 200)) == sorted([f"{i}" for i in range(100)] * 2)
        eventually("it is told", lambda: "a second from its address" in broker.output())


def test_bots_may_be_given_more(tmp_path: Path) -> None:
    limits = ("--limit", "messages=1/s,burst=1", "--limit", "bots:messages=1000/s,burst=1000")
    with (
        RunningBroker(tmp_path, *limits) as broker,
        Client(broker.control, "ci", bot=True) as ci,
    ):
        ci.join("lobby")
        for i in range(500):
            ci.say("lobby", f"{i}")
        ci.flush(PATIENCE)
        assert "slowed" not in broker.output()


def test_requests_that_come_too_fast_are_asked_again(tmp_path: Path) -> None:
    with (
        RunningBroker(tmp_path, "--limit", "changes=20/s,burst=5") as broker,
        Client(broker.control, "script") as script,
    ):
        threads = [
            threading.Thread(target=script.join, args=(f"room{i}",), daemon=True) for i in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        assert sorted(script.joined) == sorted(f"room{i}" for i in range(20))
        eventually("it is told", lambda: "script (127.0.0.1) was slowed down" in broker.output())


def test_one_that_obeys_nothing_gets_no_more_and_harms_nobody(tmp_path: Path) -> None:
    with (
        RunningBroker(tmp_path, *LIMIT) as broker,
        Client(broker.control, "ann") as ann,
        peers(broker, 1) as (peer,),
    ):
        ann.join("lobby", history=0)
        peer.hello("mallory")
        peer.ask(op="join", room="lobby")
        began, accepted = time.monotonic(), 0
        while time.monotonic() - began < 2:
            peer.send(*({"n": accepted + i, "room": "lobby", "text": "x"} for i in range(1, 201)))
            accepted = peer.ask(op="ping")["accepted"]
        took = time.monotonic() - began
        assert accepted <= BURST + RATE * took
        ann.say("lobby", "still here")
        ann.flush(PATIENCE)
        assert heard(ann, accepted + 1) == ["x"] * accepted + ["still here"]


def test_too_many_sessions_from_one_address(tmp_path: Path) -> None:
    with (
        RunningBroker(tmp_path, "--limit", "addresses:sessions=100/s,most=2") as broker,
        peers(broker, 3) as (ann, bob, cyd),
    ):
        assert ann.hello("ann")["ok"]
        assert bob.hello("bob")["ok"]
        assert cyd.hello("cyd")["error"]["code"] == "too_many_sessions"
        ann.ask(op="bye")
        assert cyd.hello("cyd")["ok"]


def test_only_what_others_can_reach_is_limited_unless_told() -> None:
    there, home = parse_endpoint("tcp://0.0.0.0:5555"), parse_endpoint("tcp://127.0.0.1:5555")
    assert not usual_limits(home, parse_endpoint("ipc:///tmp/x"), parse_endpoint("[::1]")).any
    assert usual_limits(there).any
    assert usual_limits(home, home, there).any
