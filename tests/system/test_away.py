"""Private messages to somebody who is away: they wait for that session, and for no other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import Peer, RunningBroker, eventually, peers


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RunningBroker]:
    """A broker that keeps its history on disk."""
    with RunningBroker(tmp_path, data=tmp_path / "data") as running:
        yield running


def letters(peer: Peer, nick: str, *texts: str, first: int = 1) -> None:
    """Send private messages, and wait until they are accepted."""
    peer.send(*({"n": n, "to": nick, "text": text} for n, text in enumerate(texts, first)))
    last = first + len(texts) - 1
    eventually(f"{last} are accepted", lambda: peer.ask(op="ping")["accepted"] == last)


def inbox(whose: Peer, **place: Any) -> list[dict[str, Any]]:
    """Read one's inbox, or a part of it."""
    answer = whose.ask(op="history", **(place or {"inbox": True}))
    assert answer["ok"]
    found: list[dict[str, Any]] = answer["events"]
    return found


def texts(events: list[dict[str, Any]]) -> list[str]:
    return [event["text"] for event in events]


def assert_chained(events: list[dict[str, Any]], before: int = 0) -> None:
    for event in events:
        assert event["prev"] == before
        before = event["seq"]


def restarted(broker: RunningBroker) -> RunningBroker:
    broker.kill()
    return broker.again().__enter__()


@pytest.mark.parametrize("crashes", [False, True], ids=["alone", "restart"])
def test_letters_wait_for_who_comes_back(broker: RunningBroker, crashes: bool) -> None:
    """Ann's process dies without a word, and another one comes with her token."""
    with peers(broker, 2) as (ann, bob):
        sid = ann.hello("ann")["sid"]
        bob.hello("bob")
        letters(bob, "ann", "while she is here")
        (seen,) = inbox(ann)
        ann.close()
        letters(bob, "Ann", *(f"while she is away {i}" for i in range(20)), first=2)
        last = inbox(bob)[-1]["seq"]
    again = restarted(broker) if crashes else broker
    try:
        with peers(again, 2) as (back, bob_again):
            welcome = back.ask(op="hello", v=1, session=ann.token.decode())
            assert (welcome["resumed"], welcome["sid"], welcome["nick"]) == (True, sid, "ann")
            assert welcome["inbox"] == last
            missed = inbox(back, inbox=True, after=seen["seq"])
            assert texts(missed) == [f"while she is away {i}" for i in range(20)]
            assert_chained([seen, *missed])
            assert inbox(back) == inbox(back, peer="bob") == [seen, *missed]
            assert bob_again.ask(op="hello", v=1, session=bob.token.decode())["resumed"]
            bob_again.token = bob.token
            letters(bob_again, "ann", "now that she is back", first=22)
            told = back.delivery()  # nothing that came by history comes once more
            assert (told["text"], told["prev"]) == ("now that she is back", last)
            assert [told] == inbox(back, inbox=True, after=last)
    finally:
        again.__exit__()


@pytest.mark.parametrize("ends", ["bye", "timeout"])
@pytest.mark.parametrize("crashes", [False, True], ids=["alone", "restart"])
def test_the_next_of_that_name_sees_none_of_it(tmp_path: Path, ends: str, crashes: bool) -> None:
    heartbeat = ("--heartbeat", "0.4") if ends == "timeout" else ()
    broker = RunningBroker(tmp_path, *heartbeat, data=tmp_path / "data").__enter__()
    try:
        with peers(broker, 2) as (ann, bob):
            old = ann.hello("ann")["sid"]
            bob.hello("bob")
            letters(bob, "ann", "for the first ann", "and only her")
            letters(ann, "bob", "from the first ann")
            if ends == "bye":
                assert ann.ask(op="bye")["ok"]
            ann.close()
            eventually("ann is gone", lambda: len(bob.ask(op="who")["members"]) == 1)
            assert texts(inbox(bob, peer="ann"))[-1] == "from the first ann"
            bob.ask(op="bye")
        if crashes:
            broker = restarted(broker)
        with peers(broker, 2) as (other, bob):
            welcome = other.ask(op="hello", v=1, nick="ANN", session=ann.token.decode())
            other.token = welcome["session"].encode()
            assert (welcome["resumed"], welcome["inbox"]) == (False, 0)
            assert welcome["sid"] != old
            for place in ({"inbox": True}, {"peer": "bob"}, {"peer": "ann"}, {"peer": "ANN"}):
                for where in ({}, {"after": 0}, {"before": 2**53}):
                    answer = other.ask(op="history", **place, **where)
                    assert (answer["events"], answer["oldest"]) == ([], 0), (place, where)
                    assert (answer["head"], answer["more"]) == (0, False)
            bob.hello("bob")
            letters(bob, "ann", "for the second ann")
            assert texts(inbox(other)) == texts(inbox(other, peer="bob")) == ["for the second ann"]
            assert_chained(inbox(other))
    finally:
        broker.__exit__()


def test_a_letter_to_nobody_is_refused(tmp_path: Path) -> None:
    """To a name that nobody ever had, one that was given up, and one whose session timed out."""
    with (
        RunningBroker(tmp_path, "--heartbeat", "0.4", data=tmp_path / "data") as broker,
        peers(broker, 3) as (bob, left, lost),
    ):
        bob.hello("bob")
        left.hello("left")
        lost.hello("lost")
        left.ask(op="bye")
        lost.close()
        eventually("only bob is here", lambda: len(bob.ask(op="who")["members"]) == 1)
        for n, nick in enumerate(("nobody", "left", "lost"), 1):
            bob.send({"n": n, "to": nick, "text": "anybody?"})
            told = bob.delivery()
            assert (told["kind"], told["n"]) == ("refused", n)
            assert told["error"]["code"] == "no_such_nick"
        assert bob.ask(op="ping")["accepted"] == 3
        assert inbox(bob) == []
