"""Rooms are joined, left and given topics (docs/protocol.md, "Requests and answers")."""

from __future__ import annotations

import pytest

from chatlib.core import rooms
from chatlib.protocol import limits
from tests.core.broker_play import BrokerPlay, play
from tests.core.registered_play import House


def test_joining_opens_a_room_and_tells_its_members() -> None:
    play(
        """
        ann > join room=#OPS id=1
            ann < 1 ok room=ops members=[ann] head=1
                1<0 join ops ann
            room/ops/ < 1<0 join ops ann
        --
        bob > join room=ops id=2
        ann > rooms
            bob < 2 ok room=ops members=[ann,bob] head=2
                1<0 join ops ann
                2<1 join ops bob
            ann < 0 ok
                room=ops members=2 head=2
                room=lobby
            room/ops/ < 2<1 join ops bob
        """,
        ann="",
        bob="",
    )


def test_a_join_brings_the_last_events_up_to_ones_own() -> None:
    broker = BrokerPlay()
    broker.given(ann="lobby", bob="")
    for n in range(1, 61):
        broker.play(f"""
            t1 >> n={n} room=lobby text=x
                room/lobby/ < {n + 1}<{n} say lobby ann.{n} "x"
            """)
    before = [f'{n + 1}<{n} say lobby ann.{n} "x"' for n in range(12, 61)]
    gap = "\n" + 16 * " "
    broker.play(f"""
        bob > join room=lobby id=1
            bob < 1 ok room=lobby members=[ann,bob] head=62 more=true
                {gap.join(before)}
                62<61 join lobby bob
            room/lobby/ < 62<61 join lobby bob
        """)


def test_a_join_leaves_out_nothing_since_however_much_that_is() -> None:
    broker = BrokerPlay()
    broker.given(ann="lobby", bob="lobby")
    for n in range(1, 61):
        broker.play(f"""
            t1 >> n={n} room=lobby text=x
                room/lobby/ < {n + 2}<{n + 1} say lobby ann.{n} "x"
            """)
    broker.play("""
        bob > join room=lobby id=1
            bob < 1 ok room=lobby members=[ann,bob] head=62
                1<0 join lobby ann
                2<1 join lobby bob
        """)


def test_joining_again_is_no_event_and_leaves_nothing_out() -> None:
    play(
        """
        ann > join room=lobby id=1
        t1 >> n=1 room=lobby text=one | n=2 room=lobby text=two
            ann < kind=refused n=1 code=not_joined
            ann < kind=refused n=2 code=not_joined
            ann < 1 ok room=lobby members=[ann,bob] head=2
                1<0 join lobby bob
                2<1 join lobby ann
            room/lobby/ < 2<1 join lobby ann
        --
        ann > join room=lobby id=2
        ann > join room=lobby after=1 id=3
        ann > join room=lobby after=0 id=4
        ann > join room=lobby after=99 id=5
            ann < 2 ok room=lobby members=[ann,bob] head=2
                1<0 join lobby bob
                2<1 join lobby ann
            ann < 3 ok room=lobby members=[ann,bob] head=2
                2<1 join lobby ann
            ann < 4 ok room=lobby members=[ann,bob] head=2
                1<0 join lobby bob
                2<1 join lobby ann
            ann < 5 ok room=lobby members=[ann,bob] head=2
        """,
        ann="",
        bob="lobby",
    )


def test_joining_since_a_cursor_brings_what_lies_behind_it() -> None:
    play(
        """
        t1 >> n=1 room=lobby text=one | n=2 room=lobby text=two
            room/lobby/ <
                2<1 say lobby ann.1 "one"
                3<2 say lobby ann.2 "two"
        --
        bob > join room=lobby after=2 id=1
            bob < 1 ok room=lobby members=[ann,bob] head=4
                3<2 say lobby ann.2 "two"
                4<3 join lobby bob
            room/lobby/ < 4<3 join lobby bob
        """,
        ann="lobby",
        bob="",
    )


def test_leaving() -> None:
    play(
        """
        ann > leave room=Lobby id=1
        ann > leave room=lobby id=2
        ann > leave room=nowhere id=3
        ann > leave room="a b" id=4
        bob > who room=lobby
        t1 >> n=1 room=lobby text="not any more"
            ann < 4 no bad_room
            ann < 1 ok room=lobby
            ann < 2 no not_joined
            ann < 3 no no_such_room
            bob < 0 ok members=[bob]
            room/lobby/ <
                3<2 say lobby ann.1 "not any more"
                4<3 leave lobby ann reason=left
        --
        t1 >> n=2 room=lobby text="not any more"
            ann < kind=refused n=2 code=not_joined
        """,
        ann="lobby",
        bob="lobby",
    )


def test_a_room_stays_when_the_last_one_leaves() -> None:
    play(
        """
        ann > leave room=ops
        ann > rooms
        ann > history room=ops limit=1
            ann < 0 ok room=ops
            ann < 0 ok
                room=lobby
                room=ops head=2
            ann < 0 ok head=2 oldest=1 more=true
                2<1 leave ops ann reason=left
            room/ops/ < 2<1 leave ops ann reason=left
        """,
        ann="ops",
    )


def test_topics() -> None:
    play(
        """
        ann > topic room=lobby id=1
        ann > topic room=lobby text="all is well" id=2
        ann > topic room=lobby text="all is well" id=3
            ann < 2 ok room=lobby topic="all is well"
            ann < 3 ok room=lobby topic="all is well"
            ann < 1 ok room=lobby topic="all is well"
            room/lobby/ < 2<1 topic lobby ann "all is well"
        --
        bob > topic room=lobby id=4
        bob > topic room=lobby text=mine id=5
        bob > topic room=nowhere text=mine id=6
        bob > topic room=nowhere id=7
        ann > topic room=lobby text="two\\nlines" id=8
        ann > topic room=lobby text="\\u001b[31m" id=9
        ann > topic room=lobby text="" id=10
            bob < 5 no not_joined
            bob < 6 no no_such_room
            ann < 8 no bad_text
            ann < 9 no bad_text
            ann < 10 ok room=lobby
            bob < 4 ok room=lobby
            bob < 7 no no_such_room
            room/lobby/ < 3<2 topic lobby ann ""
        --
        bob > topic room=lobby id=11
            bob < 11 ok room=lobby
        """,
        ann="lobby",
        bob="",
    )


def test_a_topic_has_at_most_512_bytes() -> None:
    long, longer = "ü" * (limits.TOPIC_BYTES // 2), "ü" * (limits.TOPIC_BYTES // 2) + "!"
    broker = BrokerPlay()
    broker.given(ann="lobby")
    broker.play(f"""
        ann > topic room=lobby text={longer} id=1
            ann < 1 no too_long
        ann > topic room=lobby text={long} id=2
            ann < 2 ok room=lobby topic={long}
            room/lobby/ < 2<1 topic lobby ann "{long}"
        """)


def test_a_session_is_in_at_most_100_rooms() -> None:
    broker = BrokerPlay()
    broker.given(ann=" ".join(f"room{i}" for i in range(limits.ROOMS_PER_SESSION)))
    broker.play("""
        ann > join room=onemore id=1
            ann < 1 no too_many_rooms
        ann > join room=room7 after=100 id=2
            ann < 2 ok room=room7 members=[ann] head=8
        ann > leave room=room7 id=3
        ann > join room=onemore id=4
            ann < 3 ok room=room7
            ann < 4 ok room=onemore members=[ann] head=102
                102<0 join onemore ann
            room/room7/ < 101<8 leave room7 ann reason=left
            room/onemore/ < 102<0 join onemore ann
        """)


def test_a_broker_has_so_many_rooms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "MAX_ROOMS", 2)
    play(
        """
        ann > join room=third id=1
        ann > join room=lobby id=2
            ann < 1 no too_many_rooms
            ann < 2 ok room=lobby members=[ann] head=2
                2<0 join lobby ann
            room/lobby/ < 2<0 join lobby ann
        """,
        ann="second",
    )


def test_one_opens_so_many_rooms_and_joins_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """By whatever session, and whether he left them or gave them away."""
    monkeypatch.setattr(rooms, "MAX_OPENED", 2)
    house = House("ann", "bob")
    for who in ("ann", "ann.2", "bob", "op"):
        house.hello(who, who.replace(".", ""))
    assert house.ask("ann", "join", room="one")["ok"]
    assert house.ask("ann", "leave", room="one")["ok"]
    assert house.ask("ann.2", "create", room="two", private=True)["ok"]
    assert house.ask("ann.2", "role", room="two", nick="bob", role="owner")["ok"]
    assert house.ask("ann", "role", room="two", nick="ann", role="none")["ok"]
    for op in ("join", "create"):
        assert house.ask("ann", op, room="three") == "too_many_rooms"
    assert "you have opened 2 rooms" in house.answers["ann"]["error"]["message"]
    assert house.ask("bob", "join", room="three")["ok"]
    assert house.ask("ann", "join", room="three")["ok"]
    for room in ("four", "five", "six"):
        assert house.ask("op", "create", room=room)["ok"]


def test_a_key_that_becomes_a_device_s_brings_the_rooms_that_it_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rooms, "MAX_OPENED", 1)
    house = House("ann", "new")
    house.hello("ann", "ann")
    house.hello("new", "somebody")
    assert house.ask("new", "join", room="one")["ok"]
    assert house.ask("ann", "register")["ok"]
    token = house.ask("ann", "device")["token"]
    assert house.ask("new", "redeem", token=token)["ok"]
    assert house.ask("ann", "join", room="two") == "too_many_rooms"
