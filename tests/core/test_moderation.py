"""What is done with rights, as the room and those whom it concerns are told of it."""

from __future__ import annotations

import json

import pytest

from chatlib.core import audit, moderation
from chatlib.core.grants import Muted, RoomRights
from chatlib.core.state import State
from tests.core.broker_play import BrokerPlay
from tests.core.registered_play import House


@pytest.fixture
def house() -> House:
    """Return a broker with keys, where ann has a room."""
    house = House("ann", "bob")
    house.hello("ann", "ann")
    assert house.ask("ann", "create", room="ops")["ok"]
    return house


def audited(broker: BrokerPlay) -> list[tuple[str, str, str | None, str | None]]:
    lines = broker.disk.page(audit.STREAM, limit=100, size=10**6).lines
    entries = map(json.loads, lines)
    return [(e["nick"], e["what"], e.get("to"), e.get("room")) for e in entries]


def test_a_member_may_give_up_his_own_role_and_nothing_more() -> None:
    broker = BrokerPlay()
    broker.given(ann="", bob="", eve="ops")
    broker.play("""
        ann > create room=den private=true
        ann > role room=den nick=bob role=member
            bob < 4<0 invite den ann
            ann < 0 ok room=den private=true
            ann < 0 ok room=den nick=bob role=member
        bob > role room=den nick=bob role=moderator id=1
        bob > role room=den nick=ann role=none id=2
        bob > role room=den nick=eve role=member id=3
        ann > role room=ops nick=ann role=moderator id=4
        ann > role room=ops nick=bob role=none id=5
        bob > role room=den nick=bob role=none id=6
        bob > role room=den nick=bob role=none id=7
            bob < 7<4 role den bob
            bob < 1 no not_allowed
            bob < 2 no not_allowed
            bob < 3 no not_allowed
            ann < 4 no not_allowed
            ann < 5 no not_allowed
            bob < 6 ok room=den nick=bob role=none
            bob < 7 no no_such_room
        """)


def test_a_private_room_from_its_beginning() -> None:
    """What the room is told goes to who is in it; the audit log takes a seq, too."""
    broker = BrokerPlay()
    broker.given(ann="", bob="")
    broker.play("""
        ann > create room=Den private=true id=1
            ann < 1 ok room=den private=true
        ann > create room=den private=true id=2
        ann > create room=den id=3
        bob > create room=den private=true id=4
            ann < 2 ok room=den private=true
            ann < 3 no room_taken
            bob < 4 no room_taken
        bob > join room=den id=5
            bob < 5 no no_such_room
        ann > join room=den id=6
            ann < 6 ok room=den members=[ann] head=2 private=true
                2<0 join den ann
        ann > role room=den nick=bob role=member id=7
            ann < 3<2 role den ann
            bob < 4<0 invite den ann
            ann < 7 ok room=den nick=bob role=member
        ann > role room=den nick=bob role=member id=8
            ann < 8 ok room=den nick=bob role=member
        subscribe room/den/
            room/den/ < head den 0
        bob > join room=den id=9
            ann < 6<3 join den bob
            bob < 9 ok room=den members=[ann,bob] head=6 private=true
                2<0 join den ann
                3<2 role den ann
                6<3 join den bob
        t1 >> n=1 room=den text=hi
            ann < 7<6 say den ann.1 "hi"
            bob < 7<6 say den ann.1 "hi"
        ann > kick room=den nick=bob reason=noise id=10
        t1 >> n=2 room=den text="he is gone"
            ann < 8<7 say den ann.2 "he is gone"
            bob < 8<7 say den ann.2 "he is gone"
            ann < 9<8 leave den bob "noise" reason=kicked
            bob < 9<8 leave den bob "noise" reason=kicked
            ann < 10 ok
        t1 >> n=3 room=den text="now he is"
        bob > history room=den id=11
            ann < 11<9 say den ann.3 "now he is"
            bob < 11 no no_such_room
        """)
    assert audited(broker) == [
        ("ann", "create", None, "den"),
        ("ann", "role", "bob", "den"),
        ("ann", "kick", "bob", "den"),
    ]


def test_moderators_delete_and_still_read_it() -> None:
    broker = BrokerPlay()
    broker.given(ann="ops", bob="ops")
    broker.play("""
        t2 >> n=1 room=ops text="a bad word"
            room/ops/ < 3<2 say ops bob.1 "a bad word"
        t1 >> n=1 room=ops kind=delete re=3
            room/ops/ < 4<3 delete ops ann.1 re=3
        bob > history room=ops after=2 limit=1 id=1
        bob > history room=ops after=2 limit=1 deleted=true id=2
        ann > history room=ops after=2 limit=1 deleted=true id=3
            bob < 1 ok head=4 oldest=1 more=true
                3<2 say ops bob.1 "" deleted=true
            ann < 3 ok head=4 oldest=1 more=true
                3<2 say ops bob.1 "a bad word" deleted=true
            bob < 2 no not_allowed
        """)
    assert audited(broker) == [("ann", "delete", None, "ops")]


def test_whoever_runs_the_broker_is_told_what_moderators_do() -> None:
    broker = BrokerPlay()
    broker.given(ann="ops", bob="ops")
    told: list[tuple[str, str, str | None, str]] = []
    for op in (
        "mute room=ops nick=bob", "mute room=ops nick=bob", "unmute room=ops nick=bob",
        "kick room=ops nick=bob", "ban room=ops nick=bob", "unban room=ops who=bob",
    ):  # fmt: skip
        broker._take(f"ann > {op}")
        broker._pass()
        told += [(n.what, n.nick, n.room, n.by) for n in broker.pipeline.notes]
    whats = ["muted", "unmuted", "kicked", "banned", "unbanned"]
    assert told == [(what, "bob", "ops", "ann") for what in whats]


def test_what_is_asked_again_is_no_event() -> None:
    broker = BrokerPlay()
    broker.given(ann="ops", bob="ops")
    for asked in (
        "role room=ops nick=bob role=moderator",
        "mute room=ops nick=bob seconds=60",
        "unmute room=ops nick=bob",
        "ban room=ops nick=bob",
        "kick room=ops nick=bob",
    ):
        broker._take(f"ann > {asked}")
        broker._pass()
        head = broker.pipeline.state.seq
        broker._take(f"ann > {asked}")
        broker._pass()
        assert broker.pipeline.state.seq == head, asked
        assert json.loads(broker.pipeline.control[-1][-1])["ok"]


def test_rights_are_told_under_the_nicknames_of_now() -> None:
    """Without keys a ban or a mute is the nickname's, too: what is left of that is told as well."""
    broker = BrokerPlay()
    broker.given(ann="ops", bob="ops", eve="ops", mal="ops")
    told = []
    for asked in (
        "ann > role room=ops nick=bob role=moderator",
        "ann > mute room=ops nick=eve",
        "ann > ban room=ops nick=mal",
        "ann > roles room=ops",
        "ann > nick nick=zoë",
        "bob > nick nick=Robert",
        "eve > nick nick=eva",
        "mal > bye",
        "ann > roles room=ops",
    ):
        broker._take(asked)
        broker._pass()
        answer = json.loads(broker.pipeline.control[-1][-1])
        if "roles" in answer:
            roles = [(line["nick"], line["role"]) for line in answer["roles"]]
            mutes = [line["nick"] for line in answer["mutes"]]
            told.append((roles, mutes, [line["who"] for line in answer["bans"]]))
    assert told == [
        ([("ann", "owner"), ("bob", "moderator")], ["eve"], ["mal"]),
        ([("zoë", "owner"), ("Robert", "moderator")], ["eva", "eve"], ["mal"]),
    ]


def test_who_is_not_here_is_told_as_he_was_called(house: House) -> None:
    """With a key he is found again, under whatever nickname he comes, or has registered."""

    def names() -> list[str]:
        return [line["nick"] for line in house.ask("ann", "roles", room="ops")["roles"]]

    house.hello("bob", "bob")
    assert house.ask("ann", "role", room="ops", nick="bob", role="moderator")["ok"]
    house.ask("bob", "bye")
    assert names() == ["ann", "bob"]
    house.hello("bob", "Robert")
    assert names() == ["ann", "Robert"]
    assert house.ask("bob", "register")["ok"] and house.ask("bob", "bye")["ok"]
    assert names() == ["ann", "Robert"]


def test_a_commit_that_fails_takes_rights_back() -> None:
    broker = BrokerPlay()
    broker.given(ann="ops", bob="ops")
    broker.play("""
        disk full
        ann > ban room=ops nick=bob id=1
        ann > create room=den private=true id=2
            ann < 1 no unavailable
            ann < 2 no unavailable
        disk free
        bob > topic room=den id=3
        bob > topic room=ops text=here id=4
            bob < 4 ok room=ops topic=here
            bob < 3 no no_such_room
            room/ops/ < 3<2 topic ops bob "here"
        """)


@pytest.mark.parametrize(
    ("old", "new", "left"),
    [(None, 5, 5), (5, None, 5), (900, 5, 900), (5, 900, 900), (0, 900, 0), (900, 0, 0)],
)
def test_who_becomes_somebody_else_stays_muted_for_the_longer_time(
    old: int | None, new: int | None, left: int
) -> None:
    state = State("e")
    mutes = {"old": old, "new": new}
    muted = {me: Muted(me, me, until) for me, until in mutes.items() if until is not None}
    state.put(state.rights, "ops", RoomRights(muted=muted))
    moderation.inherit(state, "old", "new")
    kept = state.rights["ops"].muted
    assert {me: mute.until for me, mute in kept.items()} == {"new": left}


def test_who_is_not_in_the_room_is_told_what_he_may_there(house: House) -> None:
    """But in a private one without a role he is told nothing: it is not there for him."""

    def told(who: str) -> list[tuple[str, str, str | None]]:
        found = [e for e in house.sent.get(who, []) if "prev" in e]
        return [(e["kind"], e["to"], e.get("text")) for e in found if e.get("inbox")]

    house.hello("bob", "bob")
    assert house.ask("ann", "create", room="den", private=True)["ok"]
    for room, asked in (("ops", True), ("den", False)):
        for op, fields in (
            ("mute", {"nick": "bob", "seconds": 60}),
            ("unmute", {"nick": "bob"}),
            ("ban", {"nick": "bob", "reason": "noise"}),
            ("unban", {"who": "bob"}),
        ):
            assert house.ask("ann", op, room=room, **fields)["ok"]
            text = "noise" if op == "ban" else None
            assert told("bob") == [(op, "bob", text)] * (asked or op == "ban"), (room, op)
    assert house.ask("ann", "role", room="den", nick="bob", role="member")["ok"]
    assert house.ask("ann", "mute", room="den", nick="bob")["ok"]
    assert told("bob") == [("mute", "bob", None)]


def test_who_is_kicked_from_a_room_where_he_is_not_is_told_and_so_is_the_room(
    house: House,
) -> None:
    house.hello("bob", "bob")
    assert house.ask("ann", "create", room="den", private=True)["ok"]
    assert house.ask("ann", "join", room="den")["ok"]
    assert house.ask("ann", "role", room="den", nick="bob", role="member")["ok"]
    assert house.ask("ann", "kick", room="den", nick="bob", reason="noise")["ok"]
    (role,) = [e for e in house.sent["ann"] if "prev" in e]
    assert (role["kind"], role["to"], role["role"]) == ("role", "bob", "none")
    (kick,) = [e for e in house.sent["bob"] if "prev" in e]
    assert (kick["kind"], kick["nick"], kick["text"]) == ("kick", "ann", "noise")
    assert house.ask("ann", "kick", room="den", nick="bob")["ok"]
    assert not house.sent.get("bob"), "once more it is nothing"


@pytest.mark.parametrize("op", ["kick", "close"])
def test_who_is_put_out_while_away_does_not_come_back_and_learns_why(house: House, op: str) -> None:
    house.hello("bob", "bob")
    assert house.ask("bob", "join", room="ops")["ok"]
    assert house.ask("bob", "register")["ok"] and house.ask("bob", "bye")["ok"]
    asks, fields = ("ann", {"nick": "bob"}) if op == "kick" else ("op", {})
    assert house.ask(asks, op, room="ops", reason="noise", **fields)["ok"]
    assert house.hello("bob")["rooms"] == {}
    (kick,) = house.ask("bob", "history", inbox=True)["events"]
    assert (kick["kind"], kick["room"], kick["text"]) == ("kick", "ops", "noise")
