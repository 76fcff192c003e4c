"""Every error code of docs/protocol.md is really told, by one pass of the broker's pipeline."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import Any

import pytest

from chatlib.core import admission, grants, identities, sessions
from chatlib.core.batch import Entry
from chatlib.core.buckets import NO_LIMITS, Limits, Rate, Rates
from chatlib.core.commands import NOBODY, Admit, Peer
from chatlib.core.identities import Rule
from chatlib.core.state import Changes
from chatlib.history.memory import MemoryStore
from chatlib.history.store import StoreFailed
from chatlib.net import reads
from chatlib.net.pipeline import Pipeline, Place
from tests.conformance.document import names, table

ANN, BOB = b"\0\0\0\0\1", b"\0\0\0\0\2"

# What ann, a member of the lobby and of nothing else, asks or says; bob is in `den`, his own. Hers
# are `mine` and, private, `attic`; his is `cellar`.
ASKED: list[tuple[str, str, Any]] = [
    ("bad_search", "search", {"op": "search", "words": "!?"}),
    ("bad_search", "search", {"op": "search", "words": "x", "since": "yesterday"}),
    ("bad_search", "search", {"op": "search", "words": "x", "before": "2026-11-21T09:30:00"}),
    ("no_search", "search", {"op": "search", "words": "x"}),
    ("bad_nick", "search", {"op": "search", "from": "a b"}),
    ("bad_room", "search", {"op": "search", "words": "x", "room": "a b"}),
    ("no_such_room", "search", {"op": "search", "words": "x", "room": "nix"}),
    ("not_allowed", "invite", {"op": "invite"}),
    ("not_allowed", "uninvite", {"op": "uninvite", "invitation": "x"}),
    ("not_allowed", "invitations", {"op": "invitations"}),
    ("not_allowed", "ban", {"op": "ban", "nick": "bob"}),
    ("not_allowed", "unban", {"op": "unban", "who": "x"}),
    ("not_allowed", "bans", {"op": "bans"}),
    ("not_allowed", "status", {"op": "status"}),
    ("not_allowed", "whereis", {"op": "whereis", "nick": "bob"}),
    ("not_allowed", "drain", {"op": "drain"}),
    ("not_allowed", "close", {"op": "close", "room": "den"}),
    ("not_allowed", "reopen", {"op": "reopen", "room": "den"}),
    ("not_allowed", "backup", {"op": "backup"}),
    ("not_encrypted", "redeem", {"op": "redeem", "token": "x"}),
    ("not_encrypted", "register", {"op": "register"}),
    ("not_encrypted", "unregister", {"op": "unregister"}),
    ("not_allowed", "unregister", {"op": "unregister", "nick": "bob"}),
    ("not_encrypted", "device", {"op": "device"}),
    ("not_encrypted", "devices", {"op": "devices"}),
    ("not_encrypted", "undevice", {"op": "undevice", "key": "abcd"}),
    ("not_encrypted", "password", {"op": "password", "password": "correct horse"}),
    ("not_encrypted", "login", {"op": "login", "nick": "bob", "password": "correct horse"}),
    ("not_allowed", "reset", {"op": "reset", "nick": "bob"}),
    ("not_allowed", "promote", {"op": "promote", "nick": "bob", "role": "operator"}),
    ("not_allowed", "audit", {"op": "audit"}),
    ("room_taken", "create", {"op": "create", "room": "den"}),
    ("room_taken", "create", {"op": "create", "room": "cellar", "private": True}),
    ("bad_room", "create", {"op": "create", "room": "a b"}),
    ("no_such_room", "join", {"op": "join", "room": "cellar"}),
    ("not_joined", "history", {"op": "history", "room": "attic"}),
    ("not_joined", "search", {"op": "search", "words": "x", "room": "attic"}),
    ("not_joined", "who", {"op": "who", "room": "attic"}),
    ("not_allowed", "history", {"op": "history", "room": "den", "deleted": True}),
    ("bad_nick", "unban", {"op": "unban", "room": "mine", "who": "a b"}),
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
USED = {  # what there is to be done with rights, beside `room`
    "role": {"nick": "bob", "role": "moderator"},
    "kick": {"nick": "bob"},
    "mute": {"nick": "bob"},
    "unmute": {"nick": "bob"},
    "ban": {"nick": "bob"},
    "unban": {"who": "bob"},
    "bans": {},
    "roles": {},
}
for _op, _fields in USED.items():
    _places = {"a b": "bad_room", "nix": "no_such_room", "cellar": "no_such_room"}
    if _op != "roles":
        _places["den"] = "not_allowed"
    for _room, _code in _places.items():
        ASKED.append((_code, _op, {"op": _op, "room": _room, **_fields}))
    if "nick" in _fields:
        ASKED.append(("bad_nick", _op, {"op": _op, "room": "mine", **_fields, "nick": "a b"}))
for _op in ("role", "kick", "mute", "ban"):
    ASKED.append(("no_such_nick", _op, {"op": _op, "room": "mine", **USED[_op], "nick": "zoe"}))
for _op in ("kick", "ban"):
    for _code, _why in (("too_long", "€" * 200), ("bad_text", "\a")):
        ASKED.append((_code, _op, {"op": _op, "room": "mine", "nick": "bob", "reason": _why}))
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
    ("bad_text", {"room": "lobby", "kind": "react", "re": 1, "text": "two words"}),
    ("too_long", {"room": "lobby", "kind": "react", "re": 1, "text": "x" * 33}),
    ("bad_message", {"room": "lobby", "kind": "delete"}),
    ("no_such_event", {"room": "lobby", "text": "x", "re": 99}),
    ("not_yours", {"to": "bob", "kind": "delete", "re": 3}),
]
LOCKED = {
    "bad_token", "not_admitted", "wrong_key", "banned", "no_such_invitation", "not_banned",
    "too_many_invitations", "too_many_bans",
    # tests/core/test_registering.py and test_passwords.py
    "already_registered", "too_many_nicks", "not_registered", "too_many_devices",
    "no_such_device", "no_passwords", "wrong_password",
}  # fmt: skip
BY_KEYS = {  # also told by a broker with keys, see test_keys and the one behind it
    ("not_encrypted", "invite"), ("not_encrypted", "ban"), ("bad_room", "invite"),
    ("bad_nick", "ban"), ("no_such_nick", "ban"), ("not_allowed", "redeem"),
    ("no_such_nick", "unregister"), ("bad_nick", "unregister"), ("not_allowed", "undevice"),
    ("not_allowed", "password"), ("bad_nick", "login"), ("not_allowed", "login"),
    ("not_encrypted", "reset"), ("no_such_nick", "reset"), ("bad_nick", "reset"),
    ("not_encrypted", "promote"), ("no_such_nick", "promote"), ("bad_nick", "promote"),
    ("not_allowed", "register"),
}  # fmt: skip
BY_OPERATORS = {  # see test_what_operators_do_to_rooms
    ("bad_room", "close"), ("no_such_room", "close"), ("too_long", "close"), ("bad_text", "close"),
    ("bad_room", "reopen"), ("no_such_room", "reopen"), ("room_closed", "join"),
    ("no_backup", "backup"), ("bad_nick", "whereis"), ("no_such_nick", "whereis"),
}  # fmt: skip
BY_BOB = {
    ("banned_here", "join"), ("banned_here", "intake"), ("muted", "intake"), ("muted", "topic")
}  # fmt: skip
ELSEWHERE = LOCKED | {
    "no_session",
    "search_failed",
    "unavailable",
    "busy",
    "too_many_sessions",
    "too_many_rooms",
    "slow_down",
    "draining",
    "too_many_roles",
    "too_many_mutes",
}


class FailingStore(MemoryStore):
    failing = False

    def commit(self, entries: Sequence[Entry], changes: Changes | None = None) -> None:
        if self.failing:
            raise StoreFailed("disk full")
        super().commit(entries, changes)


class Broker:
    """A pipeline, and what it answered to one connection in one pass."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.peer = NOBODY
        count = itertools.count()
        self.store = FailingStore("e")
        self.pipeline = Pipeline(
            self.store,
            Place("", "", ""),
            fresh=lambda size: f"token{next(count)}",
            limits=limits,
        )
        self.token = self.ask(ANN, {"op": "hello", "v": 1, "nick": "ann"})["session"]
        token = self.ask(BOB, {"op": "hello", "v": 1, "nick": "bob"})["session"]
        self.ask(ANN, {"op": "join", "room": "lobby"})
        self.ask(BOB, {"op": "join", "room": "den"})
        private = [token.encode(), b'{"n":1,"to":"ann","text":"for you"}']
        self.pipeline.run([(private, NOBODY)], [], [], 1.0, 1)  # its seq is 3
        for who, room, secret in (
            (ANN, "mine", False),
            (ANN, "attic", True),
            (BOB, "cellar", True),
        ):
            made = self.ask(who, {"op": "create", "room": room, "private": secret})
            assert made["ok"] or limits is not None

    def ask(self, routing: bytes, request: Any) -> Any:
        frame = request if isinstance(request, bytes) else json.dumps(request).encode()
        self.pipeline.run([], [([routing, frame], self.peer)], [], 1.0, 1)
        return json.loads(self.pipeline.control[-1][-1])

    def say(self, line: dict[str, Any]) -> Any:
        body = json.dumps({"n": 1} | line).encode()
        self.pipeline.run([([self.token.encode(), body], NOBODY)], [], [], 1.0, 1)
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


def test_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a broker with keys refuses: eve's is not known, the operator's is."""
    count = itertools.count()
    pipeline_ = Pipeline(
        MemoryStore("e"), Place("", "", ""), fresh=lambda size: f"token{next(count)}",
        rule=Rule("invite"),
    )  # fmt: skip
    pipeline_.submit(Admit(at=0, key="OP".ljust(40, "k"), role="operator"))

    def whole(key: str) -> str:
        return key.ljust(40, "k")

    def ask(key: str, request: dict[str, Any]) -> Any:
        frame = json.dumps(request).encode()
        routing = b"\0" + key.encode().ljust(4)
        pipeline_.run([], [([routing, frame], Peer(whole(key)))], [], 1.0, 1)
        answer = json.loads(pipeline_.control[-1][-1])
        return answer.get("error", {}).get("code") or answer

    hello = {"op": "hello", "v": 1}
    assert ask("EVE", hello) == "not_admitted"
    assert ask("EVE", {"op": "redeem", "token": "guess"}) == "bad_token"
    assert ask("EVE", {"op": "invite"}) == "not_allowed"
    token = ask("OP", hello)["session"]
    invited = ask("OP", {"op": "invite", "room": "#Ops"})
    assert invited["room"] == "ops" and invited["uses"] == 1
    assert [i["invitation"] for i in ask("OP", {"op": "invitations"})["invitations"]] == [
        invited["invitation"]
    ]
    assert ask("EVE", {"op": "redeem", "token": invited["token"]})["room"] == "ops"
    assert ask("BOB", {"op": "redeem", "token": invited["token"]}) == "bad_token"
    assert ask("EVE", hello | {"nick": "eve"})["nick"] == "eve"
    assert ask("EVE", hello | {"session": token}) == "wrong_key"
    assert ask("OP", {"op": "ban", "nick": "eve", "reason": "noise"})["ok"]
    assert pipeline_.expelled == [whole("EVE")]
    assert ask("EVE", hello) == "banned"
    assert [b["who"] for b in ask("OP", {"op": "bans"})["bans"]] == [whole("EVE")]
    assert ask("OP", {"op": "ban", "key": whole("OP")}) == "not_allowed"
    assert ask("OP", {"op": "ban", "key": "OP"}) == "bad_request"
    assert ask("OP", {"op": "ban", "address": "example.org"}) == "bad_request"
    assert ask("OP", {"op": "promote", "key": "GW", "role": "gateway"}) == "bad_request"
    assert ask("OP", {"op": "unban", "who": whole("EVE")})["ok"]
    assert ask("OP", {"op": "unban", "who": whole("EVE")}) == "not_banned"
    assert ask("OP", {"op": "uninvite", "invitation": "x"}) == "no_such_invitation"
    assert ask("OP", {"op": "ban", "nick": "nobody"}) == "no_such_nick"
    promote = {"op": "promote", "role": "operator"}
    assert ask("OP", {**promote, "nick": "nobody"}) == "no_such_nick"
    assert ask("OP", {**promote, "nick": "a b"}) == "bad_nick"
    assert ask("OP", {"op": "promote", "key": whole("OP"), "role": "none"}) == "not_allowed"
    assert ask("OP", {"op": "promote", "key": whole("GW"), "role": "gateway"})["ok"]
    audited = [json.loads(json.dumps(e)) for e in ask("OP", {"op": "audit"})["events"]]
    assert [e["what"] for e in audited] == ["invite", "redeem", "ban", "unban", "promote"]
    assert ask("GW", hello | {"nick": "irc"})["nick"] == "irc"
    assert ask("OP", {"op": "ban", "nick": "irc"}) == "not_allowed"  # others share that key
    assert ask("GW", {"op": "register"}) == "not_allowed"
    assert ask("OP", {"op": "ban", "nick": "a b"}) == "bad_nick"
    assert ask("OP", {"op": "invite", "room": "a b"}) == "bad_room"
    monkeypatch.setattr(identities, "MAX_INVITATIONS", 0)
    monkeypatch.setattr(identities, "MAX_BANS", 0)
    assert ask("OP", {"op": "invite"}) == "too_many_invitations"
    assert ask("OP", {"op": "ban", "address": "192.0.2.1"}) == "too_many_bans"


def test_without_keys_there_is_nobody_to_let_in(broker: Broker) -> None:
    broker.pipeline.admission._operators = (7,)
    broker.peer = Peer(uid=7)
    promote = {"op": "promote", "key": "x", "role": "gateway"}
    for request in ({"op": "invite"}, {"op": "ban", "address": "192.0.2.1"}, promote):
        error = broker.ask(ANN, request)["error"]
        assert error["code"] == "not_encrypted" and error["message"].startswith("that needs keys")
    assert broker.ask(ANN, {"op": "invitations"})["invitations"] == []


def test_what_moderators_do(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    assert broker.ask(ANN, {"op": "join", "room": "den"})["ok"]
    assert broker.ask(BOB, {"op": "mute", "room": "den", "nick": "ann", "seconds": 60})["ok"]
    muted = broker.say({"room": "den", "text": "x"})["error"]
    assert muted["code"] == "muted" and "until 1970-01-01T00:01:00.001Z" in muted["message"]
    topic = {"op": "topic", "room": "den", "text": "x"}
    assert broker.ask(ANN, topic)["error"]["code"] == "muted"
    assert broker.ask(BOB, {"op": "unmute", "room": "den", "nick": "ann"})["ok"]
    assert broker.ask(BOB, {"op": "ban", "room": "den", "nick": "ann"})["ok"]
    assert broker.ask(ANN, {"op": "join", "room": "den"})["error"]["code"] == "banned_here"
    assert broker.ask(BOB, {"op": "unban", "room": "den", "who": "ann"})["ok"]
    assert broker.ask(ANN, {"op": "join", "room": "den"})["ok"]
    # Who is renamed to somebody that was banned without a key is in there, and silent.
    cyd = b"\0\0\0\0\3"
    assert broker.ask(cyd, {"op": "hello", "v": 1, "nick": "cyd"})["ok"]
    assert broker.ask(BOB, {"op": "ban", "room": "den", "nick": "cyd"})["ok"]
    assert broker.ask(cyd, {"op": "bye"})["ok"]
    assert broker.ask(ANN, {"op": "nick", "nick": "cyd"})["ok"]
    assert broker.say({"n": 2, "room": "den", "text": "x"})["error"]["code"] == "banned_here"
    for name in ("MAX_ROLES", "MAX_MUTES"):
        monkeypatch.setattr(grants, name, 0)
    role = {"op": "role", "room": "den", "nick": "eve", "role": "moderator"}
    assert broker.ask(cyd, {"op": "hello", "v": 1, "nick": "eve"})["ok"]
    assert broker.ask(BOB, role)["error"]["code"] == "too_many_roles"
    mute = {"op": "mute", "room": "den", "nick": "eve"}
    assert broker.ask(BOB, mute)["error"]["code"] == "too_many_mutes"


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


def test_draining(broker: Broker) -> None:
    broker.pipeline.admission._operators = (7,)
    hello = {"op": "hello", "v": 1}
    broker.peer = Peer(uid=7)
    assert broker.ask(ANN, {"op": "drain"})["told"] == 2
    assert broker.ask(ANN, {"op": "drain"})["told"] == 2
    audited = [(e["nick"], e["what"]) for e in broker.ask(ANN, {"op": "audit"})["events"]]
    assert audited.count(("operator", "drain")) == 1
    broker.peer = NOBODY
    error = broker.ask(b"\0\0\0\0\3", hello)["error"]
    assert (error["code"], error["after_ms"]) == ("draining", admission.COME_BACK_MS)
    assert broker.ask(ANN, {"op": "join", "room": "more"})["error"]["code"] == "draining"
    assert broker.ask(ANN, {"op": "join", "room": "lobby"})["ok"]  # a member's only answers
    assert broker.ask(b"\0\0\0\0\3", hello | {"session": broker.token})["resumed"]


def test_what_operators_do_to_rooms(broker: Broker) -> None:
    broker.pipeline.admission._operators = (7,)

    def ask(op: str, **fields: Any) -> Any:
        broker.peer = Peer(uid=7)
        answer = broker.ask(b"\0\0\0\0\7", {"op": op, **fields})
        broker.peer = NOBODY
        return answer.get("error", {}).get("code") or answer

    for op in ("close", "reopen"):
        assert ask(op, room="a b") == "bad_room"
        assert ask(op, room="nix") == "no_such_room"
    assert ask("close", room="den", reason="€" * 200) == "too_long"
    assert ask("close", room="den", reason="\a") == "bad_text"
    assert ask("close", room="den", reason="noise")["ok"]
    for who in (ANN, BOB):
        assert broker.ask(who, {"op": "join", "room": "den"})["error"]["code"] == "room_closed"
    assert ask("reopen", room="den")["ok"]
    assert broker.ask(ANN, {"op": "join", "room": "den"})["ok"]
    assert ask("backup") == "no_backup"
    assert ask("whereis", nick="a b") == "bad_nick"
    assert ask("whereis", nick="nobody") == "no_such_nick"
    assert {"room": "den"} in ask("whereis", nick="ANN")["places"]


def test_too_fast() -> None:
    rates = Rates(messages=Rate(0.5, 1), changes=Rate(0.5, 1))
    broker = Broker(NO_LIMITS._replace(person=rates))
    error = broker.ask(ANN, {"op": "join", "room": "more"})["error"]
    assert (error["code"], error["after_ms"]) == ("slow_down", 2000)
    broker.say({"n": 1, "to": "bob", "text": "one"})
    slow = broker.say({"n": 2, "to": "bob", "text": "two"})
    reason = "more than 0.5 messages a second"
    assert slow == {"kind": "slow", "from": 2, "after_ms": 2000, "reason": reason}


def test_every_code_is_told_here_and_where_the_document_says() -> None:
    told = {(code, op) for code, op, _ in ASKED} | {(code, "intake") for code, _ in SAID} | BY_KEYS
    told |= BY_BOB | BY_OPERATORS
    assert {names(row[0])[0] for row in table("code")} == {code for code, _ in told} | ELSEWHERE
    for op, _, _, errors in table("op"):
        for code in set(names(errors)) - ELSEWHERE:
            assert (code, names(op)[0]) in told
    for code, op in told - {(code, "any") for code, _ in told}:
        row = next(row for row in table("code") if names(row[0]) == [code])
        assert op in row[1] or row[1].startswith(("any", "all with")), (code, op)
