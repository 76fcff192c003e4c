"""The table of rights: every command and question, for everybody who may ask it."""

from __future__ import annotations

from typing import Any

import pytest

from chatlib.core import commands, rights
from chatlib.core.apply import apply
from chatlib.core.batch import Batch
from chatlib.core.commands import Origin, Peer, Question
from chatlib.core.questions import answer
from chatlib.core.state import State
from chatlib.protocol import requests
from chatlib.protocol.answers import Failure
from chatlib.protocol.events import Line
from tests.core.broker_play import BrokerPlay

ORIGIN = Origin(b"\0aaaa", 1)
PEOPLE = ("owner", "moderator", "member", "joined", "stranger", "operator", "banned")
KEYS = {name: name.ljust(rights.KEY_CHARS, "k") for name in PEOPLE}
OK, NO, GONE, OUT = "ok", "not_allowed", "no_such_room", "not_joined"


def world() -> State:
    """Return a broker with a public room `ops` and a private one, `den`, and people of all kinds.

    In `ops` joined and member are the same, and in `den` joined has the role and has not joined.
    """
    state = State("e")
    do(state, commands.Admit(at=1, key=KEYS["operator"], role="operator"))
    for name in (*PEOPLE, "target", "boss"):
        key = KEYS.get(name, name.ljust(rights.KEY_CHARS, "k"))
        do(state, commands.OpenSession(at=1, sid=name, new_token=name, nick=name, key=key))
    do(state, commands.JoinRoom(at=1, sid="owner", room="ops"))
    do(state, commands.CreateRoom(at=1, sid="owner", room="den", private=True))
    for name, role in (("moderator", "moderator"), ("boss", "owner")):
        for room in ("ops", "den"):
            give(state, room, name, role)
    for name in ("member", "joined", "target"):
        give(state, "den", name, "member")
    for name in ("owner", "moderator", "member", "joined", "target", "boss"):
        do(state, commands.JoinRoom(at=1, sid=name, room="ops"))
        if name != "joined":
            do(state, commands.JoinRoom(at=1, sid=name, room="den"))
    for room in ("ops", "den"):
        do(state, commands.RoomBan(at=1, sid="owner", room=room, nick="banned"))
    return state


def do(state: State, command: Any) -> Batch:
    command.origin, batch = command.origin or ORIGIN, Batch()
    apply(state, command, batch)
    for reply in batch.replies:
        if isinstance(command, commands.Say):
            break
        assert reply.answer.ok, reply.answer
    return batch


def give(state: State, room: str, nick: str, role: Any) -> None:
    do(state, commands.SetRole(at=1, sid="owner", room=room, nick=nick, role=role))


def verdict(state: State, command: Any) -> str:
    """Return what somebody is told: `ok`, or the code of the error."""
    batch = Batch()
    command.origin = ORIGIN
    apply(state, command, batch)
    found = [getattr(reply, "answer", None) for reply in batch.replies]
    found += [notice for _, notice in batch.notices]
    errors = [getattr(one, "error", None) for one in found]
    return next((error.code for error in errors if error is not None), OK)


def made(kind: Any, **fields: Any) -> Any:
    return lambda sid, room: kind(at=2, sid=sid, room=room, **fields)


def said(kind: str) -> Any:
    def make(sid: str, room: str) -> Any:
        line: Any = Line(1, "x", room=room, kind=kind)  # type: ignore[arg-type]
        if kind in ("edit", "delete", "react"):
            line = commands.Regarding(1, "x", room=room, kind=kind, re=3, looked_up=True)  # type: ignore[arg-type]
            line.original = commands.Original(sid, "say")
        return commands.Say(at=2, sid=sid, lines=[line])

    return make


def others(sid: str, room: str) -> Any:
    line = commands.Regarding(1, "", room=room, kind="delete", re=3, looked_up=True)
    line.original = commands.Original("boss", "say")
    return commands.Say(at=2, sid=sid, lines=[line])


# For each act what PEOPLE are told, in order, first in the public room and then in the private one.
MAY_JOIN = ([OK] * 6 + ["banned_here"], [OK] * 4 + [GONE] * 3)
INSIDE = ([OK] * 4 + [OUT] * 3, [OK] * 3 + [OUT] + [GONE] * 3)
MODERATE = ([OK, OK, NO, NO, NO, OK, NO], [OK, OK, NO, NO, GONE, GONE, GONE])
EVERYWHERE = ([OK, OK, NO, NO, NO, OK, NO], [OK, OK, NO, NO, GONE, OK, GONE])
OWN = ([OK, NO, NO, NO, NO, OK, NO], [OK, NO, NO, NO, GONE, NO, GONE])
OWN_EVERYWHERE = ([OK, NO, NO, NO, NO, OK, NO], [OK, NO, NO, NO, GONE, OK, GONE])
OWN_QUIETLY = ([OK, NO, NO, NO, NO, OK, NO], [OK, NO, NO, NO, GONE, GONE, GONE])
GIVEN = {"nick": "target"}
BOSS = {"nick": "boss"}
ACTS: dict[str, tuple[Any, tuple[list[str], list[str]]]] = {
    "join": (made(commands.JoinRoom), MAY_JOIN),
    "leave": (made(commands.LeaveRoom), INSIDE),
    "topic": (made(commands.SetTopic, text="t"), INSIDE),
    "read": (made(commands.MarkRead, seq=1), INSIDE),
    "say": (said("say"), INSIDE),
    "act": (said("act"), INSIDE),
    "edit": (said("edit"), INSIDE),
    "react": (said("react"), INSIDE),
    "delete": (said("delete"), INSIDE),
    "delete another's": (
        others,
        ([OK, OK, "not_yours", "not_yours", OUT, OUT, OUT],
         [OK, OK, "not_yours", OUT, GONE, GONE, GONE]),
    ),
    "make a member": (
        made(commands.SetRole, role="member", **GIVEN),
        ([OK, OK, NO, NO, NO, OK, NO], [OK, OK, NO, NO, GONE, NO, GONE]),
    ),
    "make a moderator": (made(commands.SetRole, role="moderator", **GIVEN), OWN),
    "make an owner": (made(commands.SetRole, role="owner", **GIVEN), OWN),
    "take an owner's role": (made(commands.SetRole, role="none", **BOSS), OWN),
    "kick": (made(commands.Kick, **GIVEN), MODERATE),
    "kick an owner": (made(commands.Kick, **BOSS), OWN_QUIETLY),
    "ban": (made(commands.RoomBan, **GIVEN), EVERYWHERE),
    "ban an owner": (made(commands.RoomBan, **BOSS), OWN_EVERYWHERE),
    "unban": (made(commands.RoomUnban, nick="banned"), EVERYWHERE),
    "mute": (made(commands.Mute, **GIVEN), MODERATE),
    "mute an owner": (made(commands.Mute, **BOSS), OWN_QUIETLY),
    "unmute": (made(commands.Unmute, **GIVEN), MODERATE),
}  # fmt: skip


@pytest.mark.parametrize("place", [0, 1], ids=["public", "private"])
@pytest.mark.parametrize("act", ACTS)
def test_what_each_may_do(act: str, place: int) -> None:
    make, told = ACTS[act]
    room = ("ops", "den")[place]
    found = {person: verdict(world(), make(person, room)) for person in PEOPLE}
    assert found == dict(zip(PEOPLE, told[place], strict=True))


ASKED: dict[str, tuple[Any, tuple[list[str], list[str]]]] = {
    "history": (requests.History(room=""), ([OK] * 7, INSIDE[1])),
    "history of what was deleted": (
        requests.History(room="", deleted=True),
        ([OK, OK, NO, NO, NO, OK, NO], [OK, OK, NO, OUT, GONE, GONE, GONE]),
    ),
    "topic": (requests.Topic(room=""), ([OK] * 7, INSIDE[1])),
    "who": (requests.Who(room=""), ([OK] * 7, INSIDE[1])),
    "search": (requests.Search(room="", words="x"), ([OK] * 7, INSIDE[1])),
    "unread": (requests.Read(room=""), INSIDE),
    "roles": (requests.Roles(room=""), ([OK] * 7, [OK] * 4 + [GONE] * 3)),
    "bans": (requests.Bans(room=""), MODERATE),
}


@pytest.mark.parametrize("place", [0, 1], ids=["public", "private"])
@pytest.mark.parametrize("what", ASKED)
def test_what_each_may_ask(what: str, place: int) -> None:
    request, told = ASKED[what]
    request.room = ("ops", "den")[place]
    state = world()
    found = {}
    for person in PEOPLE:
        answered = answer(state, Question(ORIGIN, person, request))
        found[person] = answered.error.code if isinstance(answered, Failure) else OK
    assert found == dict(zip(PEOPLE, told[place], strict=True))


BROKERS: dict[type[Any], dict[str, Any]] = {
    commands.Invite: {"id": "i", "token": "t", "digest": b"d", "room": "x", "uses": 1,
                      "seconds": 1},
    commands.Uninvite: {"invitation": "i"},
    commands.Ban: {"who": "x"},
    commands.Unban: {"who": "x"},
    commands.Promote: {"key": "x", "role": "gateway"},
    commands.Deregister: {"nick": "x"},
    commands.CloseRoom: {"room": "x"},
    commands.ReopenRoom: {"room": "x"},
    commands.BackUp: {"name": "x"},
    commands.Reset: {"nick": "x", "id": "i", "token": "t", "digest": b"d", "seconds": 1},
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKERS)
@pytest.mark.parametrize("person", ["operator", "owner", "stranger", "local", "gateway"])
def test_what_is_the_operators(kind: type[Any], person: str) -> None:
    state = world()
    gateway = "g" * rights.KEY_CHARS
    do(state, commands.Promote(at=1, by=KEYS["operator"], key=gateway, role="gateway"))
    key = {"local": "", "gateway": gateway}.get(person) or KEYS.get(person, "")
    command = kind(at=2, by=key, local=person == "local", **BROKERS[kind])
    allowed = person in ("operator", "local")
    assert (verdict(state, command) != NO) == allowed


def test_every_right_is_tried_here() -> None:
    tried = {type(make("x", "ops")) for make, _ in ACTS.values()} - {commands.Say}
    tried |= {type(request) for request, _ in ASKED.values()} | BROKERS.keys()
    kinds = {kind for kind in rights.TABLE if isinstance(kind, str)}
    assert kinds <= ACTS.keys()
    of_the_broker = {getattr(requests, kind.__name__, None) for kind in BROKERS} - {None}
    of_the_broker |= {requests.Invitations, requests.Bans, requests.Audit, requests.Unregister}
    of_the_broker |= {requests.Status, requests.Whereis, requests.Drain}
    of_the_broker |= {requests.Close, requests.Reopen, requests.Backup}
    asked_for = {rights.RoomBans, rights.SeeDeleted}
    assert rights.TABLE.keys() - kinds == tried | of_the_broker | asked_for


def test_an_operator_finds_an_owner_for_a_private_room_that_has_none() -> None:
    state = world()
    give_boss = commands.SetRole(at=2, sid="operator", room="den", nick="target", role="owner")
    assert verdict(state, give_boss) == NO
    do(state, commands.SetRole(at=2, sid="boss", room="den", nick="owner", role="none"))
    do(state, commands.SetRole(at=2, sid="boss", room="den", nick="boss", role="none"))
    assert verdict(state, give_boss) == OK
    assert rights.role_of(state, KEYS["operator"], "den") == "none"


def test_a_muted_member_says_nothing_until_it_is_over() -> None:
    state = world()
    do(state, commands.Mute(at=1_000, sid="owner", room="ops", nick="target", seconds=60))
    told = {}
    for kind in ("say", "act", "edit", "react", "delete"):
        command = said(kind)("target", "ops")
        command.at = 2_000
        command.lines[0].n = state.sessions["target"].accepted + 1
        told[kind] = verdict(state, command)
    assert told == {"say": "muted", "act": "muted", "edit": "muted", "react": "muted", "delete": OK}
    topic = commands.SetTopic(at=2_000, sid="target", room="ops", text="what I had to say")
    assert verdict(state, topic) == "muted"
    later = said("say")("target", "ops")
    later.at, later.lines[0].n = 61_000, state.sessions["target"].accepted + 1
    assert verdict(state, later) == OK


def test_a_muted_moderator_unmutes_himself_under_no_other_name() -> None:
    state = world()
    mute = commands.Mute(at=1, sid="owner", room="ops", nick="moderator")
    do(state, mute)
    assert (
        verdict(state, commands.Unmute(at=2, sid="moderator", room="ops", nick="moderator")) == NO
    )
    do(state, commands.ChangeNick(at=2, sid="moderator", nick="m2"))
    do(state, commands.ChangeNick(at=2, sid="stranger", nick="moderator"))
    for nick in ("moderator", "m2"):
        unmute = commands.Unmute(at=2, sid="moderator", room="ops", nick=nick)
        assert verdict(state, unmute) == NO
    assert state.rights["ops"].muted
    do(state, commands.Unmute(at=3, sid="owner", room="ops", nick="moderator"))
    assert not state.rights["ops"].muted


def test_a_session_without_a_key_is_its_own_and_known_by_its_nickname() -> None:
    broker = BrokerPlay()
    broker.given(ann="", bob="", cyd="")
    state = broker.pipeline.state
    do(state, commands.JoinRoom(at=1, sid="s1", room="ops"))
    do(state, commands.RoomBan(at=1, sid="s1", room="ops", nick="bob"))
    assert verdict(state, commands.JoinRoom(at=2, sid="s2", room="ops")) == "banned_here"
    do(state, commands.EndSession(at=2, sid="s2", reason="left"))
    do(state, commands.OpenSession(at=2, sid="s4", new_token="t4", nick="bob"))
    assert verdict(state, commands.JoinRoom(at=2, sid="s4", room="ops")) == "banned_here"
    do(state, commands.ChangeNick(at=2, sid="s4", nick="robert"))
    assert verdict(state, commands.JoinRoom(at=2, sid="s4", room="ops")) == OK  # plain is plain
    do(state, commands.RoomUnban(at=2, sid="s1", room="ops", nick="bob"))
    assert not state.rights["ops"].banned


def test_a_gateways_sessions_are_each_somebody() -> None:
    state = world()
    key = "g" * rights.KEY_CHARS
    do(state, commands.Promote(at=1, by=KEYS["operator"], key=key, role="gateway"))
    for name in ("irc1", "irc2"):
        do(state, commands.OpenSession(at=1, sid=name, new_token=name, nick=name, key=key))
    do(state, commands.RoomBan(at=1, sid="owner", room="ops", nick="irc1"))
    assert verdict(state, commands.JoinRoom(at=2, sid="irc1", room="ops")) == "banned_here"
    assert verdict(state, commands.JoinRoom(at=2, sid="irc2", room="ops")) == OK


def test_the_last_operator_stays_one() -> None:
    state = world()
    demote = commands.Promote(at=2, local=True, key=KEYS["operator"], role="none")
    assert verdict(state, demote) == NO
    do(state, commands.Promote(at=2, local=True, key=KEYS["owner"], role="operator"))
    assert verdict(state, demote) == OK


def test_who_becomes_a_gateway_is_somebody_else_in_private_rooms() -> None:
    state = world()
    assert "member" in state.rooms["den"].members
    key = KEYS["member"]
    told = do(state, commands.Promote(at=2, local=True, key=key, role="gateway"))
    assert "member" not in state.rooms["den"].members
    assert "member" in state.rooms["ops"].members
    left = next(entry for entry in told.entries if entry.stream == "private/den/")
    assert "member" in left.readers and b'"reason":"kicked"' in left.line


def test_a_room_whose_owner_is_banned_from_the_broker_has_none() -> None:
    state = world()
    for owner in ("boss".ljust(rights.KEY_CHARS, "k"), KEYS["owner"]):
        assert rights.owned(state, "den")
        do(state, commands.Ban(at=2, local=True, who=owner))
    assert not rights.owned(state, "den")


def test_a_gateway_can_not_be_banned_by_one_of_its_nicknames() -> None:
    key = "g" * rights.KEY_CHARS
    broker = BrokerPlay(irc=Peer(key), op=Peer(KEYS["operator"]))
    broker.pipeline.admission.rule = None
    state = broker.pipeline.state
    for who, role in ((key, "gateway"), (KEYS["operator"], "operator")):
        apply(state, commands.Admit(at=1, key=who, role=role), Batch())
    broker.given(irc="", op="")
    broker.play("""
        op > ban nick=irc id=1
            op < 1 no not_encrypted
        """)
