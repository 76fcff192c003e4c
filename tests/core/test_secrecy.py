"""For who has no role there, a private room is no other than one that does not exist."""

from __future__ import annotations

import json
from typing import Any, get_args

import msgspec
import pytest

from chatlib.protocol.requests import AnyRequest
from tests.core.registered_play import House, key

ROOM, NONE = "den", "nix"
# `create`, and `join` where it opens none, tell it: docs/security.md. An invitation lets nobody in.
TELLING = {"create", "join", "invite"}
OF_OPERATORS = {"close", "reopen"}
FIELDS: dict[str, Any] = {
    "nick": "ann", "who": "ann", "text": "x", "role": "member", "reason": "x", "words": "secret",
    "seq": 1, "after": 0, "before": 9, "deleted": True, "seconds": 60, "from": "ann",
}  # fmt: skip


def house() -> House:
    """Ann's den, with a word in it; eve was never there, mal was put out, bob's role was taken."""
    made = House("ann", "bob", "eve", "mal")
    for nick in ("ann", "bob", "eve", "mal"):
        made.hello(nick, nick)
    made.ask("ann", "create", room=ROOM, private=True)
    for nick in ("bob", "mal"):
        made.ask("ann", "role", room=ROOM, nick=nick, role="member")
    for nick in ("ann", "bob", "mal"):
        made.ask(nick, "join", room=ROOM)
    made.say("ann", 1, room=ROOM, text="secret")
    made.ask("ann", "ban", room=ROOM, nick="mal")
    made.ask("ann", "role", room=ROOM, nick="bob", role="none")
    return made


def asked() -> list[tuple[str, dict[str, Any]]]:
    """Return every op that names a room, with no field, and with each of the others."""
    found: list[tuple[str, dict[str, Any]]] = []
    for kind in get_args(AnyRequest):
        op = str(kind.__struct_config__.tag)
        fields = {f.encode_name: f.required for f in msgspec.structs.fields(kind)}
        if "room" not in fields or op in TELLING:
            continue
        needed = {name: FIELDS[name] for name in fields if fields[name] and name in FIELDS}
        more = {name: FIELDS[name] for name in fields if name in FIELDS}
        found.append((op, needed))
        found += [(op, needed | {name: value}) for name, value in more.items()]
    return found


@pytest.mark.parametrize("who", ["eve", "bob", "mal"])
def test_every_op_answers_as_of_a_room_that_is_not_there(who: str) -> None:
    told: set[str] = set()
    for op, fields in asked():
        answers = []
        for room in (ROOM, NONE):
            den = house()
            den.ask(who, op, room=room, **fields)
            answers.append(json.dumps(den.answers[who]).replace(room, "ROOM"))
        assert answers[0] == answers[1], (op, fields)
        code = json.loads(answers[0]).get("error", {}).get("code")
        if op in OF_OPERATORS:
            assert code == "not_allowed"
        else:
            told.add(code)
    assert told == {"no_such_room", "bad_request", "bad_search"}


def test_an_operator_is_told_where_somebody_is_in_public() -> None:
    den = house()
    den.hello("op", "op")
    for room in ("ops", "lobby"):
        den.ask("ann", "join", room=room)
    den.ask("op", "mute", room="ops", nick="ann", seconds=60)
    told = den.ask("op", "whereis", nick="Ann")
    assert told["places"] == [{"room": "lobby"}, {"room": "ops", "muted": True}]
    den.now += 61
    den.ask("ann", "leave", room="lobby")
    assert den.ask("op", "whereis", nick="ann")["places"] == [{"room": "ops"}]
    assert den.ask("eve", "whereis", nick="ann") == "not_allowed"


def test_operators_are_not_told_that_somebody_is_muted_who_only_has_the_nickname_of_one() -> None:
    house = House("ann", "bob", "zoe")
    for name in ("ann", "bob", "zoe"):
        assert house.hello(name, name)["ok"]
        assert house.ask(name, "join", room="ops")["ok"]
    assert house.ask("ann", "mute", room="ops", nick="bob")["ok"]
    assert house.ask("bob", "nick", nick="rob")["ok"]
    assert house.ask("zoe", "nick", nick="bob")["ok"]
    assert house.ask("op", "whereis", nick="bob")["places"] == [{"room": "ops"}]
    assert house.ask("op", "whereis", nick="rob")["places"] == [{"room": "ops", "muted": True}]


@pytest.mark.parametrize("who", ["eve", "bob", "mal"])
def test_every_line_is_refused_as_in_a_room_that_is_not_there(who: str) -> None:
    for kind in ("say", "act", "edit", "delete", "react"):
        for re in (None, 1, 5, 6, 99):
            notices = []
            for room in (ROOM, NONE):
                den = house()
                about = {} if re is None else {"re": re}
                den.say(who, 1, room=room, kind=kind, text="x", **about)
                notices.append(json.dumps(den.sent[who]).replace(room, "ROOM"))
            assert notices[0] == notices[1] and "refused" in notices[0], (kind, re)


def test_no_topic_of_the_feed_tells_of_it() -> None:
    for topic in ("room/{}/", "replay/{}/0/x", "replay/{}/-9/x", "replay/{}/9-9/x", "private/{}/"):
        bodies = []
        for room in (ROOM, NONE):
            den = house()
            den.pipeline.run([], [], [topic.format(room).encode()], den.now, 1000)
            found = [body for name, body in den.pipeline.feed if name != b"beacon/"]
            bodies.append(b"".join(found).replace(room.encode(), b"ROOM"))
        assert bodies[0] == bodies[1], topic
    den = house()
    den.pipeline.run([], [], [b"", b"room/", b"replay//0/x", b"p"], den.now, 1000)
    assert not any(b"den" in body for _, body in den.pipeline.feed)


@pytest.mark.parametrize("who", ["eve", "bob", "mal"])
def test_no_list_names_it(who: str) -> None:
    den = house()
    assert ROOM not in json.dumps([den.ask(who, op) for op in ("rooms", "ping", "read")])
    assert ROOM not in json.dumps(den.hello(f"{who}.2", f"{who}2"))


def test_an_operator_reads_nothing_there() -> None:
    den = house()
    den.hello("op", "boss")
    for op in ("rooms", "ping", "read"):
        assert ROOM not in json.dumps(den.ask("op", op))
    for op in ("history", "who", "topic", "search", "read", "roles", "join", "leave"):
        assert den.ask("op", op, room=ROOM, words="x") == "no_such_room"
    status = json.dumps(den.ask("op", "status"))
    assert "secret" not in status and "secret" not in json.dumps(den.ask("op", "audit"))
    assert key("ann") not in status
