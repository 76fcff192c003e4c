"""Every error code of docs/protocol.md is really told, by one pass of the broker's pipeline."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import Any

import pytest

from chatlib.core import sessions
from chatlib.core.batch import Entry
from chatlib.core.state import Changes
from chatlib.history.memory import MemoryStore
from chatlib.history.store import StoreFailed
from chatlib.net import reads
from chatlib.net.pipeline import Pipeline, Place
from tests.conformance.document import names, table

ANN, BOB = b"\0\0\0\0\1", b"\0\0\0\0\2"

# What ann, a member of the lobby and of nothing else, asks or says; bob is in `den`.
ASKED: list[tuple[str, str, Any]] = [
    ("bad_search", "search", {"op": "search", "words": "!?"}),
    ("bad_search", "search", {"op": "search", "words": "x", "since": "yesterday"}),
    ("bad_search", "search", {"op": "search", "words": "x", "before": "2026-11-21T09:30:00"}),
    ("no_search", "search", {"op": "search", "words": "x"}),
    ("bad_nick", "search", {"op": "search", "from": "a b"}),
    ("bad_room", "search", {"op": "search", "words": "x", "room": "a b"}),
    ("no_such_room", "search", {"op": "search", "words": "x", "room": "nix"}),
    ("bad_json", "any", b"{"),
    ("bad_request", "join", {"op": "join", "room": 5}),
    ("unknown_op", "any", {"op": "dance"}),
    ("too_big", "any", {"op": "ping", "client": "x" * 70_000}),
    ("wrong_version", "hello", {"op": "hello", "v": 2}),
    ("bad_nick", "hello", {"op": "hello", "v": 1, "nick": "a b"}),
    ("bad_nick", "nick", {"op": "nick", "nick": "a b"}),
    ("bad_nick", "read", {"op": "read", "peer": "a b"}),
    ("bad_nick", "history", {"op": "history", "peer": "a b"}),
    ("nick_taken", "hello", {"op": "hello", "v": 1, "nick": "BOB"}),
    ("nick_taken", "nick", {"op": "nick", "nick": "BOB"}),
    ("bad_room", "join", {"op": "join", "room": "a b"}),
    ("bad_room", "leave", {"op": "leave", "room": "a b"}),
    ("bad_room", "read", {"op": "read", "room": "a b"}),
    ("bad_room", "history", {"op": "history", "room": "a b"}),
    ("bad_room", "who", {"op": "who", "room": "a b"}),
    ("bad_room", "topic", {"op": "topic", "room": "a b"}),
    ("no_such_room", "leave", {"op": "leave", "room": "nix"}),
    ("no_such_room", "read", {"op": "read", "room": "nix"}),
    ("no_such_room", "history", {"op": "history", "room": "nix"}),
    ("no_such_room", "who", {"op": "who", "room": "nix"}),
    ("no_such_room", "topic", {"op": "topic", "room": "nix"}),
    ("not_joined", "leave", {"op": "leave", "room": "den"}),
    ("not_joined", "read", {"op": "read", "room": "den", "seq": 1}),
    ("not_joined", "topic", {"op": "topic", "room": "den", "text": "t"}),
    ("too_long", "topic", {"op": "topic", "room": "lobby", "text": "x" * 513}),
    ("bad_text", "topic", {"op": "topic", "room": "lobby", "text": "two\nlines"}),
]
SAID: list[tuple[str, dict[str, Any]]] = [
    ("bad_nick", {"to": "a b", "text": "x"}),
    ("bad_room", {"room": "a b", "text": "x"}),
    ("no_such_room", {"room": "nix", "text": "x"}),
    ("not_joined", {"room": "den", "text": "x"}),
    ("no_such_nick", {"to": "zoe", "text": "x"}),
    ("bad_message", {"room": "lobby", "to": "bob", "text": "x"}),
    ("bad_message", {"room": "lobby", "kind": "dance", "text": "x"}),
    ("empty_text", {"room": "lobby", "text": ""}),
    ("too_long", {"room": "lobby", "text": "x" * 8193}),
    ("bad_text", {"room": "lobby", "text": "\a"}),
]
ELSEWHERE = {
    "no_session",
    "search_failed",
    "unavailable",
    "busy",
    "too_many_sessions",
    "too_many_rooms",
}


class FailingStore(MemoryStore):
    failing = False

    def commit(self, entries: Sequence[Entry], changes: Changes | None = None) -> None:
        if self.failing:
            raise StoreFailed("disk full")
        super().commit(entries, changes)


class Broker:
    """A pipeline, and what it answered to one connection in one pass."""

    def __init__(self) -> None:
        count = itertools.count()
        self.store = FailingStore("e")
        self.pipeline = Pipeline(
            self.store, Place("", "", ""), fresh=lambda size: f"token{next(count)}"
        )
        self.token = self.ask(ANN, {"op": "hello", "v": 1, "nick": "ann"})["session"]
        self.ask(BOB, {"op": "hello", "v": 1, "nick": "bob"})
        self.ask(ANN, {"op": "join", "room": "lobby"})
        self.ask(BOB, {"op": "join", "room": "den"})

    def ask(self, routing: bytes, request: Any) -> Any:
        frame = request if isinstance(request, bytes) else json.dumps(request).encode()
        self.pipeline.run([], [[routing, frame]], [], 1.0, 1)
        return json.loads(self.pipeline.control[-1][-1])

    def say(self, line: dict[str, Any]) -> Any:
        body = json.dumps({"n": 1} | line).encode()
        self.pipeline.run([[self.token.encode(), body]], [], [], 1.0, 1)
        routing, notice = self.pipeline.control[-1]
        assert routing == ANN
        return json.loads(notice)


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.mark.parametrize(("code", "op", "request_"), ASKED)
def test_codes_of_requests(broker: Broker, code: str, op: str, request_: Any) -> None:
    assert broker.ask(ANN, request_)["error"]["code"] == code


@pytest.mark.parametrize(("code", "line"), SAID)
def test_codes_of_intake(broker: Broker, code: str, line: dict[str, Any]) -> None:
    refused = broker.say(line)
    assert (refused["kind"], refused["n"], refused["error"]["code"]) == ("refused", 1, code)


@pytest.mark.parametrize(("code", "body"), [("bad_json", {"n": None}), ("bad_message", {"n": 0})])
def test_lines_without_a_number(broker: Broker, code: str, body: dict[str, Any]) -> None:
    refused = broker.say(body)
    assert "n" not in refused and refused["error"]["code"] in {"bad_json", "bad_message"}
    assert broker.ask(ANN, {"op": "ping"})["accepted"] == 0


def test_no_session(broker: Broker) -> None:
    assert broker.ask(b"\0\0\0\0\3", {"op": "ping"})["error"]["code"] == "no_session"


def test_a_store_that_fails(broker: Broker) -> None:
    broker.store.failing = True
    assert broker.ask(ANN, {"op": "leave", "room": "lobby"})["error"]["code"] == "unavailable"
    slow = broker.say({"room": "lobby", "text": "hi"})
    assert slow == {"kind": "slow", "from": 1, "after_ms": 1000, "reason": "disk full"}
    broker.store.failing = False
    assert broker.ask(ANN, {"op": "ping"})["accepted"] == 0


def test_too_much(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(reads, "MOST_WAITING", 0)
        for asked in (
            {"op": "history", "inbox": True},
            {"op": "join", "room": "more"},
            {"op": "rooms"},
            {"op": "who"},
        ):
            assert broker.ask(ANN, asked)["error"]["code"] == "busy"
    monkeypatch.setattr(sessions, "MAX_SESSIONS", 2)
    code = broker.ask(b"\0\0\0\0\3", {"op": "hello", "v": 1})["error"]["code"]
    assert code == "too_many_sessions"
    for room in range(99):
        assert broker.ask(ANN, {"op": "join", "room": str(room)})["ok"]
    assert broker.ask(ANN, {"op": "join", "room": "more"})["error"]["code"] == "too_many_rooms"


def test_every_code_is_told_here_and_where_the_document_says() -> None:
    told = {(code, op) for code, op, _ in ASKED} | {(code, "intake") for code, _ in SAID}
    assert {names(row[0])[0] for row in table("code")} == {code for code, _ in told} | ELSEWHERE
    for op, _, _, errors in table("op"):
        for code in set(names(errors)) - ELSEWHERE:
            assert (code, names(op)[0]) in told
    for code, op in told - {(code, "any") for code, _ in told}:
        row = next(row for row in table("code") if names(row[0]) == [code])
        assert op in row[1] or row[1].startswith(("any", "all with")), (code, op)
