"""What a pass counts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatlib.core.buckets import NO_LIMITS, Rate, Rates
from chatlib.core.commands import NOBODY, Peer
from chatlib.history.memory import MemoryStore
from chatlib.history.store import StoreFailed
from chatlib.net import status
from chatlib.net.pipeline import Pipeline, Place
from chatlib.net.statistics import Histogram, Statistics

SOMEWHERE = Peer("", "10.0.0.9")
ANN, BOB, OPERATOR = b"\0aaaa", b"\0bbbb", b"\0oooo"


class Play:
    """A pipeline with ann and bob in the lobby; its clock is that of the test."""

    def __init__(self, **more: Any) -> None:
        self.time = 0.0
        self.numbers = iter(range(10_000))
        self.store = MemoryStore("epoch")
        self.pipeline = Pipeline(
            self.store, Place("", "", "hubbub test"),
            fresh=lambda size: f"fresh{next(self.numbers)}",
            statistics=Statistics(lambda: self.time), operators=(7,), **more,
        )  # fmt: skip
        self.tokens = {}
        for who, nick in ((ANN, "ann"), (BOB, "bob")):
            self.tokens[who] = self.ask(who, op="hello", v=1, nick=nick)["session"].encode()
            self.ask(who, op="join", room="lobby")

    @property
    def counted(self) -> Statistics:
        return self.pipeline.statistics

    def ask(self, who: bytes, peer: Peer = SOMEWHERE, **request: Any) -> Any:
        frame = json.dumps(request).encode()
        self.pipeline.run([], [([who, frame], peer)], [], self.time, 0)
        return next(
            answer
            for answer in (json.loads(f[-1]) for f in self.pipeline.control)
            if "ok" in answer
        )

    def status(self) -> Any:
        return self.ask(OPERATOR, Peer(uid=7), op="status")

    def say(self, who: bytes, *lines: dict[str, Any]) -> None:
        body = b"\n".join(json.dumps(line).encode() for line in lines)
        self.pipeline.run([([self.tokens[who], body], NOBODY)], [], [], self.time, 0)


@pytest.fixture
def play() -> Play:
    return Play()


def hi(n: int, **more: Any) -> dict[str, Any]:
    return {"n": n, "room": "lobby", "text": "hi"} | more


def test_lines(play: Play) -> None:
    play.say(ANN, hi(1), hi(2), hi(3, room="nix"), hi(4, to="bob", room=None), hi(9))
    play.say(ANN, hi(1), hi(5, text=""))
    counted = play.counted
    assert (counted.accepted, counted.repeats, counted.resends) == (3, 1, 1)
    assert counted.refused == {"no_such_room": 1, "empty_text": 1}
    assert counted.published == 4  # two joins, two lines
    assert counted.rooms == {"room/lobby/": 4}
    assert counted.batches.sum == 2 + 2 + 2  # a private one lies in two inboxes


def test_how_long_lines_take_is_told_of_those_that_were_accepted(play: Play) -> None:
    play.say(ANN, hi(1), hi(2), hi(3, room="nix"))
    play.counted.sent(0.003)
    play.counted.sent(2.0)  # a turn without a line
    play.say(ANN, hi(1))
    play.counted.sent(2.0)
    told = play.status()["times"]["messages"]
    assert (sum(told["counts"]), told["sum"]) == (2, 0.006)


def test_what_a_failed_commit_does_not_count(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise StoreFailed("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(play.store, "commit", fail)
        play.say(ANN, hi(1))
        assert play.status()["failing"] == "disk full"
    assert (play.counted.accepted, play.counted.slow) == (0, 1)
    play.say(ANN, hi(1))
    assert (play.counted.accepted, play.status()["failing"]) == (1, "")


def test_requests(play: Play) -> None:
    before = play.counted.answered
    play.ask(ANN, op="dance")
    play.ask(ANN, op="history", room="lobby", after=1)
    play.ask(ANN, op="history", room="lobby")
    assert play.counted.answered - before == 3
    assert (play.counted.refused["unknown_op"], play.counted.gaps) == (1, 1)


def test_how_long_a_commit_takes(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = play.store.commit

    def slowly(*stored: Any) -> None:
        play.time += 0.3
        commit(*stored)

    monkeypatch.setattr(play.store, "commit", slowly)
    play.say(ANN, hi(1))
    assert play.counted.commits.sum == pytest.approx(0.3)


def test_how_far_sessions_are_behind(play: Play) -> None:
    assert [s.get("lag") for s in play.status()["sessions"]] == [None, None]
    play.ask(ANN, op="ping", cursors={"lobby": 2, "elsewhere": 1})
    play.ask(BOB, op="ping", cursors={"lobby": 1})
    play.say(ANN, hi(1), hi(2), hi(3))
    sessions = {s["nick"]: s for s in play.status()["sessions"]}
    assert (sessions["ann"]["lag"], sessions["bob"]["lag"]) == (3, 4)
    assert list(sessions) == ["bob", "ann"]
    assert sessions["ann"]["address"] == "10.0.0.9" and sessions["ann"]["rooms"] == 1
    play.ask(BOB, op="leave", room="lobby")
    assert "lag" not in play.status()["sessions"][1] or not play.status()["sessions"][1]["lag"]
    play.ask(ANN, op="bye")
    assert list(play.counted._cursors) == [
        sid for sid, s in play.pipeline.state.sessions.items() if s.nick == "bob"
    ]


def test_a_cursor_from_the_future_is_not_behind(play: Play) -> None:
    play.ask(ANN, op="ping", cursors={"lobby": 2**50})
    assert {s.get("lag") for s in play.status()["sessions"]} == {0, None}


def test_status(play: Play) -> None:
    play.time = 5.0
    play.say(ANN, hi(1))
    told = play.status()
    assert told["activity"] == [{"room": "lobby", "members": 2, "events": 3, "head": 3}]
    assert (told["server"], told["uptime"], told["draining"]) == ("hubbub test", 5.0, False)
    assert told["counts"]["accepted"] == 1 and told["seq"] == 3
    assert {s["silent"] for s in told["sessions"]} == {0.0, 5.0}


def test_who_was_refused_what(play: Play) -> None:
    play.say(ANN, hi(1, room="nix"))
    play.time = 3.0
    play.ask(BOB, op="leave", room="nix")
    play.ask(OPERATOR, Peer(uid=7), op="whereis", nick="nobody")
    assert play.status()["refused"] == [
        {"code": "no_such_room", "count": 1, "ago": 0.0, "address": "10.0.0.9"},
        {"code": "no_such_room", "count": 1, "ago": 3.0, "address": "10.0.0.9", "nick": "ann"},
    ]


def test_who_is_slowed_and_who_does_not_read() -> None:
    play = Play(limits=NO_LIMITS._replace(person=Rates(messages=Rate(1, 1))))
    play.say(ANN, hi(1), hi(2))
    play.pipeline.congested = {BOB}
    told = {s["nick"]: s for s in play.status()["sessions"]}
    assert told["ann"]["slowed"] == 1 and "congested" not in told["ann"]
    assert told["bob"]["congested"] and "slowed" not in told["bob"]


def test_of_many_those_are_told_that_are_furthest_behind(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "MOST_SHOWN", 1)
    for i, nick in enumerate(("cyd", "dee", "eva")):
        play.ask(nick.encode().rjust(5, b"\0"), op="hello", v=1, nick=nick)
        assert play.status()["sessions"][0]["nick"] == "ann", i
    play.ask(BOB, op="ping", cursors={"lobby": 0})
    told = play.status()
    assert told["more"] and [s["nick"] for s in told["sessions"]] == ["bob"]
    assert told["sessions"][0]["lag"] == 2


def test_other_limits_from_now_on(play: Play) -> None:
    """Who is here stays counted, and can be slowed from now on; then no more."""
    play.pipeline.limit(NO_LIMITS._replace(person=Rates(messages=Rate(1, 1))))
    play.say(ANN, hi(1), hi(2))
    assert (play.counted.accepted, play.counted.slow) == (1, 1)
    play.pipeline.limit(NO_LIMITS)
    play.say(ANN, hi(2), hi(3))
    assert (play.counted.accepted, play.counted.slow) == (3, 1)
    play.pipeline.limit(NO_LIMITS._replace(address=Rates(most_sessions=2)))
    refused = play.ask(OPERATOR, op="hello", v=1)["error"]
    assert refused["code"] == "too_many_sessions"


@pytest.mark.parametrize(("value", "place"), [(0.5, 0), (1, 0), (1.5, 1), (2, 1), (3, 2)])
def test_histogram(value: float, place: int) -> None:
    found = Histogram((1, 2))
    found.observe(value)
    assert found.counts.index(1) == place and found.sum == value
