"""docs/protocol.md and the code say the same: its tables, and numbers in its prose."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

import pytest
from msgspec import inspect

from chatlib.core import (
    admission,
    audit,
    buckets,
    cursors,
    devices,
    grants,
    questions,
    registering,
    rooms,
    sessions,
)
from chatlib.core.passwords import PER_MINUTE
from chatlib.errors import BadName, BadRoom
from chatlib.history import search
from chatlib.names import nick_key, room_name
from chatlib.net import (
    backlog,
    lookups,
    packing,
    passwords,
    reads,
    replays,
    sockets,
    subscribers,
)
from chatlib.protocol import answers, events, fields, limits, requests, topics
from tests.conformance.document import document, names, table
from tests.conformance.ops import ANSWERS, REQUESTS
from tests.support import ROOT

CLIENT_ONLY = {"core/follower.py", "core/reader.py", "core/requests.py"}
CODE = {
    str(path.relative_to(ROOT / "chatlib")): ast.parse(path.read_text())
    for room in ("protocol", "core", "net")
    for path in (ROOT / "chatlib" / room).glob("*.py")
}


def type_word(type: inspect.Type) -> str:
    match type:
        case inspect.UnionType(types):
            words = [type_word(t) for t in types]
            return " or ".join(sorted(words, key=lambda word: word == "null"))
        case inspect.IntType():
            return "int"
        case inspect.FloatType():
            return "number"
        case inspect.StrType() | inspect.LiteralType():
            return "string"
        case inspect.BoolType():
            return "bool"
        case inspect.ListType():
            return "array"
        case inspect.DictType():
            return "object"
        case inspect.CustomType() | inspect.StructType():
            return "object"
        case inspect.NoneType():
            return "null"
    raise AssertionError(f"no word for {type}")


def fields_of(cls: type[Any], *, without: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the fields of a struct: `name` or `name?` where it may be absent, and the type."""
    info = inspect.type_info(cls)
    assert isinstance(info, inspect.StructType)
    found = {}
    for field in info.fields:
        if field.encode_name in without:
            continue
        word = type_word(field.type)
        optional = not field.required and cls.__struct_config__.omit_defaults
        if optional:
            word = word.removesuffix(" or null")
        found[field.encode_name + "?" * optional] = word
    return found


def written(cell: str) -> dict[str, str]:
    """Return the fields that a cell of the table of ops names."""
    pairs = re.findall(r"`(\w+)`(\??): ([a-z ]+)", cell)
    assert len(pairs) == cell.count("`") / 2, f"not of the form `field`: type: {cell}"
    return {name + optional: type for name, optional, type in pairs}


def test_table_of_ops() -> None:
    rows = table("op")
    assert [names(op) for op, *_ in rows] == [[op] for op in REQUESTS]
    for op, asks, answered, errors in rows:
        (name,) = names(op)
        assert written(asks) == fields_of(REQUESTS[name], without=("id",)), op
        assert written(answered) == fields_of(ANSWERS[name], without=("id", "ok")), op
        assert set(names(errors)) <= {names(row[0])[0] for row in table("code")}, op


def test_tables_of_hello() -> None:
    asked = [name for row in table("asks") for name in names(row[0])]
    answered = [name for row in table("answers") for name in names(row[0])]
    assert set(asked) == set(requests.Hello.__struct_fields__) - {"id"}
    # The table of ops has all; these say themselves, or stand in section 1.
    plain = {"id", "ok", "v", "nick", "intake", "feed", "server"}
    assert set(answered) == set(answers.Welcome.__struct_fields__) - plain


def test_table_of_what_is_inside() -> None:
    structs = {
        "invitations": answers.InvitationLine,
        "bans": answers.BanLine,
        "activity": answers.RoomActivity,
        "sessions": answers.SessionActivity,
        "refused": answers.RefusedPeer,
        "times": answers.Times,
        "places": answers.Place,
        "storage": answers.Storage,
        "devices": answers.DeviceLine,
        "roles": answers.RoleLine,
        "mutes": answers.MuteLine,
        "error": fields.Error,
        "members": answers.Member,
        "read": answers.Unread,
        "rooms": answers.RoomLine,
    }
    assert {names(row[0])[0]: written(row[1]) for row in table("inside")} == {
        name: fields_of(struct) for name, struct in structs.items()
    }


@pytest.mark.parametrize(("heading", "cls"), [("line", events.Line), ("event", events.Event)])
def test_tables_of_fields(heading: str, cls: type[Any]) -> None:
    rows = {names(row[0])[0]: row[1] for row in table(heading)}
    found = {
        name.rstrip("?"): word + "?" * name.endswith("?") for name, word in fields_of(cls).items()
    }
    if heading == "event":  # what a stored event always has; absent in the struct means a marker
        found = {k: v.removesuffix("?") if k in EVER else v for k, v in found.items()}
    assert rows == found


EVER = {"seq", "prev", "at", "kind"}


def calls(*functions: str, broker: bool = True) -> Iterator[ast.Call]:
    """Yield the calls of these functions in the sources (of the broker's side)."""
    for path, tree in CODE.items():
        if broker and path in CLIENT_ONLY:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                function = node.func
                name = getattr(function, "attr", None) or getattr(function, "id", None)
                if name in functions:
                    yield node


def constant(node: ast.expr | None) -> str | None:
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, str) else None


def kinds(*functions: str) -> set[str]:
    found = {
        constant(k.value) for call in calls(*functions) for k in call.keywords if k.arg == "kind"
    }
    return {kind for kind in found if kind}


def test_table_of_event_kinds() -> None:
    said = get_args(get_type_hints(events.Line)["kind"])
    assert [names(row[0])[0] for row in table("kind")] == [
        *said, "join", "leave", "nick", "topic", "role", "mute", "unmute", "ban", "unban",
        "invite", "kick", "audit",
    ]  # fmt: skip
    inboxes = {"invite", "kick"}
    found = kinds("tell_room") | set(said) | inboxes | {audit.STREAM}
    assert {names(row[0])[0] for row in table("kind")} == found
    assert found - inboxes - {audit.STREAM} == set(events.PUBLIC_KINDS)  # these are never there


def test_table_of_markers_and_notices() -> None:
    assert {names(row[0])[0] for row in table("marker")} == kinds("Event")
    assert {names(row[0])[0] for row in table("notice")} == kinds("Notice")
    told = {name for row in table("notice") for name in names(row[1])}
    assert told | {"kind"} == {name.rstrip("?") for name in fields_of(events.Notice)}


def test_table_of_leave_reasons() -> None:
    leave = next(row for row in table("kind") if names(row[0]) == ["leave"])
    found = {
        constant(k.value)
        for call in calls("tell_room", "EndSession", "end_sessions_of")
        for k in call.keywords
        if k.arg == "reason" and constant(k.value)
    }
    assert set(names(leave[2])) - {"reason"} == found


def test_what_the_audit_log_tells() -> None:
    """Entries are made by `note` and `note_operator`, and for who is not known yet by `write`."""
    made = [(call, call.args[2]) for call in calls("note", "note_operator") if len(call.args) > 3]
    made += [(call, call.args[3]) for call in calls("write") if len(call.args) > 4]
    said = {constant(what) for _, what in made} - {None}
    (told,) = (row[2] for row in table("event") if names(row[0]) == ["what"])
    assert set(names(told.partition("what was done:")[2])) == said
    used = {k.arg for call, _ in made for k in call.keywords if k.arg}
    (beside,) = (row[2] for row in table("kind") if names(row[0]) == ["audit"])
    assert set(names(beside)) - {"delete"} == used - {"room"} | {"what", "key"}


def test_table_of_error_codes() -> None:
    codes = {constant(call.args[0]) for call in calls("Error", "ProtocolViolation") if call.args}
    codes |= {BadName.code, BadRoom.code}
    assert {names(row[0])[0] for row in table("code")} == codes - {None}


def test_every_code_of_an_op_is_told_for_it() -> None:
    told = {names(row[0])[0]: row[1] for row in table("code")}
    for op, _, _, errors in table("op"):
        for code in names(errors):
            assert op in told[code] or told[code].startswith("all with `room`"), (op, code)


BEYOND_HELLO = {
    "events of a join without `after`": limits.JOIN_EVENTS,
    "bytes of events in an answer": limits.ANSWER_BYTES,
    "rooms or members in a list": questions.MAX_LIST,
    "bytes of a subscription's frame": limits.SUBSCRIPTION_BYTES,
    "bytes of the topics that one key has, 8 more for each": subscribers.MOST_BYTES,
    "the same of all keys without a role, where everybody may come in": subscribers.MOST_SHARED,
    "lines of a feed message": limits.FEED_LINES,
    "bytes of lines in a feed message": limits.FEED_BYTES,
    "messages in the answer to a search": limits.SEARCH_EVENTS,
    "searches that wait": search.MAX_WAITING,
    "unread messages that are counted": limits.UNREAD,
    "conversations with a read cursor": cursors.MAX_PEERS,
    "rooms of a broker": rooms.MAX_ROOMS,
    "rooms that one has opened, who is no operator": rooms.MAX_OPENED,
    "sessions of a broker": sessions.MAX_SESSIONS,
    "bound connections of a session": admission.MAX_BINDINGS,
    "registered nicknames of a broker": registering.MAX_REGISTERED,
    "keys of a registered nickname": devices.MAX_DEVICES,
    "links for devices of one nickname": registering.MAX_LINKS,
    "links for devices of a broker": registering.MAX_ALL_LINKS,
    "passwords that wait to be tried": passwords.MAX_WAITING,
    "passwords a minute, of one address and for one nickname": PER_MINUTE,
    "roles in a room": grants.MAX_ROLES,
    "mutes in a room": grants.MAX_MUTES,
    "bans from a room": grants.MAX_BANS,
    "days of an invitation, a mute, a `reset`": limits.LONGEST_DAYS,
    "lines with `re` in a pass of the broker": lookups.MOST,
    "waiting requests of a connection that read": reads.MOST_WAITING,
    "control messages sent ahead to one peer": sockets.CONTROL_HWM,
    "bytes of control messages behind those": backlog.BACKLOG_BYTES,
    "bytes answered to all before pages are small": reads.LARGE_BYTES,
    "bytes of events in a small page": reads.SMALL_PAGE_BYTES,
    "replays that wait, of all readers": replays.MOST_WAITING,
    "bytes of replays after a rest, of all readers": replays.BURST_BYTES,
    "bytes of replays in a second behind those": replays.BYTES_S,
    "bytes of replays in a pass of the broker": replays.PASS_BYTES,
    "feed messages waiting for one subscriber": sockets.FEED_HWM,
    "bytes of lines that are packed together": packing.PACKED_BYTES,
    "intake messages waiting of one sender": sockets.INTAKE_HWM,
    "requests waiting of one peer": sockets.REQUESTS_HWM,
    "milliseconds that a peer may take nothing": sockets.STALLED_MS,
}


def test_table_of_limits() -> None:
    rows = table("limit")
    announced = {names(row[2])[0]: int(row[1]) for row in rows if row[2]}
    assert announced == limits.announced()
    assert {row[0]: int(row[1]) for row in rows if not row[2]} == BEYOND_HELLO


def test_table_of_rates() -> None:
    for column, rates in enumerate((buckets.PERSON, buckets.BOT, buckets.ADDRESS), 2):
        rows = {row[0].strip("`"): row[column] for row in table("rate")}
        assert rows.pop("sessions at a time") == str(rates.most_sessions)
        known = {kind: getattr(rates, kind) for kind in buckets.KINDS}
        assert rows == {
            kind: f"{rate.per_s:.0f}/s, {rate.burst:.0f} at once" if rate else ""
            for kind, rate in known.items()
        }


def test_numbers_in_prose() -> None:
    text = " ".join(document().split())
    assert f"**{limits.MISSED_HEARTBEATS} heartbeats**" in text
    assert f"The Hubbub wire, version {limits.WIRE_VERSION}" in text
    assert sessions.DAY == 24 * 3600 * 1000 and "is kept for a day" in text
    assert f"N {passwords.N}, r {passwords.R}, p {passwords.P}" in text
    assert f"beyond {2 * limits.CONTROL_FRAME_BYTES} the connection is closed" in text


def test_table_of_places() -> None:
    read = {
        names(row[0])[0]: topics.topic_replay(f"replay/lobby/{names(row[0])[0]}/x".encode())
        for row in table("place")
    }
    assert read == {
        "1042": topics.Place("lobby", after=1042),
        "1042+50": topics.Place("lobby", after=1042, limit=50),
        "1042-50": topics.Place("lobby", before=1042, limit=50),
        "-50": topics.Place("lobby", limit=50),
    }


def test_table_of_names() -> None:
    for typed, as_nick, as_room in table("typed"):
        for cell, fold in ((as_nick, nick_key), (as_room, room_name)):
            try:
                assert names(cell) == [fold(names(typed)[0])]
            except BadName:
                assert cell == "refused"
