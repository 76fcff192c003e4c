"""Registered nicknames: kept while away, back with their rooms, on several devices."""

from __future__ import annotations

from typing import Any

import pytest

from chatlib.core import devices, registering
from chatlib.protocol.keys import fingerprint
from tests.core.registered_play import House, key


@pytest.fixture
def house() -> House:
    """Ann has registered her nickname and is in the lobby; bob is there, too."""
    house = House("ann", "bob", "eve")
    house.hello("ann", "ann")
    house.hello("bob", "bob")
    house.ask("ann", "join", room="lobby")
    house.ask("bob", "join", room="lobby")
    assert house.ask("ann", "register")["nick"] == "ann"
    return house


def link(house: House, who: str = "ann") -> str:
    token: str = house.ask(who, "device")["token"]
    return token


def second(house: House, name: str = "anb") -> Any:
    """Let a second device of ann's come in by a link."""
    assert house.ask(name, "redeem", token=link(house))["room"] == "lobby"
    return house.hello(name)


def texts(house: House, who: str) -> list[str]:
    return [e.get("text", "") for e in house.sent.get(who, ()) if "seq" in e]


def test_it_is_kept_while_nobody_of_it_is_here(house: House) -> None:
    house.ask("ann", "bye")
    assert house.told() == [("leave", "ann", "left")]
    assert house.hello("eve", "Ann") == "nick_taken"
    assert "registered" in house.sent["eve"][0]["error"]["message"]
    assert house.hello("eve", "аnn") == "nick_taken"  # the first letter is Cyrillic
    assert "which is registered" in house.sent["eve"][0]["error"]["message"]
    house.hello("eve", "eve")
    assert house.ask("eve", "nick", nick="ANN") == "nick_taken"
    assert [m["nick"] for m in house.ask("eve", "who")["members"]] == ["bob", "eve"]


def test_one_comes_back_to_ones_rooms_and_letters(house: House) -> None:
    house.ask("ann", "join", room="ops")
    house.ask("ann", "bye")
    house.say("bob", 1, to="ann", text="while you were away")
    house.say("bob", 2, room="lobby", text="in the room")
    back = house.hello("ann", "whoever")
    assert house.told() == [("join", "ann", ""), ("join", "ann", "")]
    assert (back["nick"], back["registered"], back["resumed"]) == ("ann", True, False)
    assert back["user"] != back["sid"]
    assert list(back["rooms"]) == ["lobby", "ops"] and back["waiting"] == 1
    (letter,) = house.ask("ann", "history", inbox=True)["events"]
    assert letter["text"] == "while you were away"
    unread = house.ask("ann", "read")["read"]
    assert {r.get("room") or r["peer"]: r["unread"] for r in unread} == {
        "lobby": 1, "ops": 0, "bob": 1,
    }  # fmt: skip
    assert house.ask("ann", "read", peer="bob", seq=letter["seq"])["read"][0]["unread"] == 0


def test_a_timeout_is_an_absence_too(house: House) -> None:
    told = []
    for _ in range(4):
        house.wait(9)
        told += house.told()
        house.ask("bob", "ping")
    assert told == [("leave", "ann", "timeout")]
    assert list(house.hello("ann")["rooms"]) == ["lobby"]


def test_who_is_not_registered_goes_as_before(house: House) -> None:
    house.ask("bob", "bye")
    house.say("ann", 1, to="bob", text="gone?")
    assert house.sent["ann"][0]["error"]["code"] == "no_such_nick"
    assert house.hello("eve", "bob")["nick"] == "bob"


def test_a_second_device_is_the_same_person(house: House) -> None:
    house.say("bob", 1, to="ann", text="before")
    there = second(house)
    assert house.told() == []
    assert (there["nick"], list(there["rooms"])) == ("ann", ["lobby"])
    assert texts(house, "anb") == []
    assert [e["text"] for e in house.ask("anb", "history", inbox=True)["events"]] == ["before"]
    assert [m["nick"] for m in house.ask("anb", "who", room="lobby")["members"]] == ["ann", "bob"]
    house.say("bob", 2, to="ann", text="to both")
    assert [texts(house, one) for one in ("ann", "anb", "bob")] == [["to both"]] * 3
    house.say("anb", 1, to="bob", text="from one")
    assert [texts(house, one) for one in ("ann", "anb", "bob")] == [["from one"]] * 3
    house.ask("anb", "join", room="ops")
    assert list(house.ask("ann", "ping")["heads"]) == ["lobby", "ops"]
    house.ask("ann", "leave", room="lobby")
    assert house.ask("anb", "leave", room="lobby") == "not_joined"
    house.ask("ann", "bye")
    assert house.told() == []
    house.ask("anb", "bye")
    assert house.told() == [("leave", "ann", "left")]


def test_events_tell_the_person_from_the_device(house: House) -> None:
    there = second(house)
    house.say("anb", 1, room="lobby", text="hi")
    event = house.ask("bob", "history", room="lobby", limit=1)["events"][0]
    assert (event["sid"], event["user"]) == (there["sid"], there["user"])
    house.say("ann", 1, room="lobby", kind="edit", re=event["seq"], text="hi, all")
    house.say("bob", 1, room="lobby", kind="edit", re=event["seq"], text="not mine")
    assert house.sent["bob"][0]["error"]["code"] == "not_yours"
    events = house.ask("bob", "history", room="lobby")["events"]
    assert (events[-1]["text"], "user" in events[-1]) == ("hi, all", False)
    house.say("anb", 2, room="lobby", text="mine is not unread")
    assert house.ask("ann", "read", room="lobby")["read"][0]["unread"] == 0


def test_a_new_device_reads_the_end_of_a_room_not_all_of_it(house: House) -> None:
    for n in range(1, 60):
        house.say("bob", n, room="lobby", text=f"{n}")
    second(house)
    house.say("bob", 60, room="lobby", text="60")
    joined = house.ask("anb", "join", room="lobby")
    assert [e["text"] for e in joined["events"]] == [f"{n}" for n in range(10, 60)]


def test_renaming_renames_what_is_registered(house: House) -> None:
    second(house)
    assert house.ask("anb", "nick", nick="Anna")["nick"] == "Anna"
    assert house.told() == [("nick", "Anna", "")]
    house.ask("ann", "bye")
    assert house.hello("ann", "ann")["nick"] == "Anna"
    assert house.hello("eve", "ann")["nick"] == "ann"


def test_registering_twice_is_one_and_a_second_name_is_refused(house: House) -> None:
    assert house.ask("ann", "register")["nick"] == "ann"
    house.ask("bob", "register")
    house.hello("eve.1", "one")
    house.hello("eve.2", "two")
    assert house.ask("eve.1", "register")["nick"] == "one"
    assert house.ask("eve.2", "register") == "already_registered"


def test_there_is_room_for_so_many(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registering, "MAX_REGISTERED", 1)
    assert house.ask("bob", "register") == "too_many_nicks"
    monkeypatch.setattr(devices, "MAX_DEVICES", 1)
    assert house.ask("ann", "device") == "too_many_devices"


def test_who_registers_and_gives_it_up_without_end_is_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registering, "MAX_REGISTERED", 2)
    monkeypatch.setattr(registering, "MAX_IDENTITIES", 4)
    house = House(access="open")
    told = []
    for i in range(5):
        house.hello(f"k{i}", f"k{i}")
        told.append(house.ask(f"k{i}", "register"))
        house.ask(f"k{i}", "unregister")
    assert told[3:] == ["too_many_nicks"] * 2 and len(house.state.identities) == 4
    assert house.ask("k0", "register")["ok"], "who is known already adds nothing"


def test_what_needs_a_registered_nickname(house: House) -> None:
    for op, more in (("device", {}), ("devices", {}), ("undevice", {"key": "abcd"})):
        assert house.ask("bob", op, **more) == "not_registered"


# -- links ----------------------------------------------------------------------------------------


def test_whoever_runs_the_broker_is_told_of_links_as_links(house: House) -> None:
    token = link(house)
    assert [(n.what, n.nick, n.room) for n in house.pipeline.notes] == [("linked", "ann", None)]
    house.ask("anb", "redeem", token=token)
    assert [(n.what, n.nick) for n in house.pipeline.notes] == [("devices", "ann")]
    house.ask("op", "reset", nick="ann")
    whats = [n.what for n in house.pipeline.notes if n.nick == "ann"]
    assert whats[-2:] == ["reset", "linked"] and "invited" not in whats


def test_a_link_is_good_for_one_key(house: House) -> None:
    token = link(house)
    assert token.startswith("device-")
    assert house.ask("anb", "redeem", token=token)["ok"]
    assert house.ask("anb", "redeem", token=token)["ok"], "asked again, it answers the same"
    assert house.ask("mal", "redeem", token=token) == "bad_token"
    assert house.hello("mal", "mal") == "not_admitted"
    late = link(house)
    house.wait(601)
    assert house.ask("mal", "redeem", token=late) == "bad_token"


def test_links_are_no_invitations_and_bounded(house: House) -> None:
    first = link(house)
    for _ in range(registering.MAX_LINKS):
        house.now += 1
        link(house)
    assert house.ask("op", "invitations")["invitations"] == []
    assert house.ask("anb", "redeem", token=first) == "bad_token"


def test_a_key_that_was_somebody_becomes_one_of_the_nicknames(house: House) -> None:
    house.hello("eve", "eve")
    house.ask("eve", "join", room="ops")
    assert house.ask("eve", "redeem", token=link(house))["ok"]
    assert house.told() == [("leave", "eve", "left")]
    assert house.ask("eve", "ping") == "no_session"
    assert house.hello("eve", "eve")["nick"] == "ann"
    assert len(house.state.identities) == 3  # ann's, bob's, the operator's


def test_whose_key_is_spoken_for_is_not_merged(house: House) -> None:
    house.ask("bob", "register")
    assert house.ask("bob", "redeem", token=link(house)) == "already_registered"
    assert house.ask("op", "redeem", token=link(house)) == "not_allowed"


def test_devices_are_listed_and_removed(house: House) -> None:
    house.now += 60
    second(house)
    listed = house.ask("ann", "devices")["devices"]
    assert [d["key"] for d in listed] == [fingerprint(key(k).encode()) for k in ("ann", "anb")]
    assert [d.get("own", False) for d in listed] == [True, False]
    assert listed[0]["since"] < listed[1]["since"]
    assert house.ask("ann", "undevice", key=listed[0]["key"]) == "not_allowed"
    left = link(house, "anb")
    assert house.ask("ann", "undevice", key=listed[1]["key"][:9])["ok"]
    assert house.pipeline.removed == [key("anb")] and house.told() == []
    assert house.ask("anb", "ping") == "no_session"
    assert house.hello("anb", "anb") == "not_admitted"
    assert house.ask("mal", "redeem", token=left) == "bad_token", "what it left is worth nothing"
    assert house.ask("ann", "undevice", key=listed[1]["key"]) == "no_such_device"


def test_the_first_key_removed_is_nobody_even_where_all_may_come_in() -> None:
    house = House(access="open")
    house.hello("ann", "ann")
    house.ask("ann", "register")
    house.ask("anb", "redeem", token=link(house))
    house.hello("anb")
    first = house.ask("anb", "devices")["devices"][0]["key"]
    assert house.ask("anb", "undevice", key=first)["ok"]
    assert house.hello("ann", "other") == "not_admitted"
    rule = house.pipeline.admission.rule
    assert rule and rule.fault(house.state, "feed", key("ann"), "")
    assert not rule.fault(house.state, "control", key("ann"), "")
    token = house.ask("op", "invite")["token"]
    assert house.ask("ann", "redeem", token=token)["ok"]
    assert house.hello("ann", "other")["nick"] == "other"
    assert house.state.keys[key("ann")] != house.state.users[house.state.nicks["ann"]].identity


# -- operators ------------------------------------------------------------------------------------


def test_an_operator_resets_who_lost_his_key(house: House) -> None:
    second(house)
    old = link(house)
    assert house.ask("bob", "reset", nick="ann") == "not_allowed"
    made = house.ask("op", "reset", nick="ANN")
    assert (made["uses"], made["address"], made["key"]) == (1, "tcp://here:1", "KEY")
    assert house.told() == [("leave", "ann", "removed")]
    assert sorted(house.pipeline.expelled) == sorted([key("ann"), key("anb")])
    assert house.hello("ann") == "not_admitted"
    assert house.ask("anc", "redeem", token=old) == "bad_token"
    assert house.ask("anc", "redeem", token=made["token"])["ok"]
    back = house.hello("anc", "new")
    assert (back["nick"], list(back["rooms"])) == ("ann", ["lobby"])
    assert house.ask("op", "reset", nick="nobody") == "no_such_nick"
    assert house.ask("op", "reset", nick="bob") == "no_such_nick"
    house.hello("op", "boss")
    house.ask("op", "register")
    assert house.ask("op", "reset", nick="boss") == "not_allowed"


@pytest.mark.parametrize("access", ["open", "invite"])
def test_the_key_before_a_reset_has_no_role_where_the_nickname_was_taken_away(access: Any) -> None:
    house = House("ann", access=access)
    house.hello("ann", "ann")
    house.ask("ann", "register")
    house.ask("ann", "create", room="den", private=True)
    house.ask("op", "reset", nick="ann")
    assert house.ask("op", "unregister", nick="ann")["ok"]
    house.ask("ann", "redeem", token=house.ask("op", "invite")["token"])
    assert house.hello("ann", "thief")["nick"] == "thief"
    assert house.ask("ann", "join", room="den") == "no_such_room"


def test_unregistering_gives_the_nickname_back(house: House) -> None:
    second(house)
    assert house.ask("ann", "unregister")["ok"] and house.ask("ann", "unregister")["ok"]
    house.ask("ann", "bye")
    assert house.hello("eve", "ann") == "nick_taken", "the other device has it still"
    house.ask("anb", "bye")
    assert house.told() == [("leave", "ann", "left")]
    assert house.hello("eve", "ann")["nick"] == "ann"
    assert house.hello("anb", "anb")["registered"] is False


def test_an_operator_takes_a_nickname_of_who_is_away(house: House) -> None:
    house.ask("ann", "bye")
    assert house.ask("bob", "unregister", nick="ann") == "not_allowed"
    assert house.ask("op", "unregister", nick="ann")["ok"]
    assert house.ask("op", "unregister", nick="ann") == "no_such_nick"
    assert house.hello("eve", "ann")["nick"] == "ann"


def test_a_ban_is_of_all_keys_of_a_person(house: House) -> None:
    second(house)
    token = link(house)
    house.ask("ann", "bye")
    house.ask("anb", "bye")
    assert house.ask("op", "ban", nick="ann")["ok"]
    assert house.hello("ann") == "banned" and house.hello("anb") == "banned"
    assert house.ask("new", "redeem", token=token) == "banned"
    assert house.ask("op", "unban", who=key("anb"))["ok"]
    assert house.hello("ann")["nick"] == "ann"
