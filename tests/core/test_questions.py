"""Answers that change nothing: ping, lists, and pages of history."""

from __future__ import annotations

import pytest

from chatlib.core import questions
from chatlib.net import reads
from tests.core.broker_play import BrokerPlay, play


def test_ping_tells_what_was_accepted_and_the_heads() -> None:
    play(
        """
        t1 >> n=1 room=ops text=x | n=2 to=bob text=x
        ann > ping id=seven
        bob > ping
            bob < 5<0 say @bob ann.2 "x"
            ann < 5<0 say @bob ann.2 "x"
            ann < seven ok accepted=2 heads={ops=4 lobby=3} inbox=5
            bob < 0 ok accepted=0 heads={lobby=3} inbox=5
            room/ops/ < 4<1 say ops ann.1 "x"
        """,
        ann="ops lobby",
        bob="lobby",
    )


def test_rooms_are_listed_the_fullest_first() -> None:
    play(
        """
        ann > topic room=small text=tiny
        ann > rooms
            ann < 0 ok room=small topic=tiny
            ann < 0 ok
                room=big members=2 head=3
                room=small members=1 topic=tiny head=5
                room=zero members=1 head=4
                room=lobby
            room/small/ < 5<2 topic small ann "tiny"
        """,
        ann="big small",
        bob="big zero",
        eve="",
    )


def test_people_are_listed_by_their_folded_nicknames() -> None:
    play(
        """
        ann > who id=1
        ann > who room=#OPS id=2
        ann > who room=nowhere id=3
        ann > who room="" id=4
            ann < 4 no bad_room
            ann < 1 ok members=[ann,bob,Carl,Zoë]
            ann < 2 ok members=[ann,bob]
            ann < 3 no no_such_room
        """,
        ann="ops",
        Zoë="",
        bob="ops",
        Carl="",
    )


def test_long_lists_end_with_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "MAX_LIST", 2)
    play(
        """
        ann > who id=1
        ann > rooms id=2
        ann > who room=b id=3
            ann < 1 ok members=[ann,bob] more=true
            ann < 2 ok more=true
                room=b members=3 head=4
                room=a members=1 head=1
            ann < 3 ok members=[ann,bob] more=true
        """,
        ann="a b",
        bob="b",
        eve="b",
    )


def test_pages_of_history() -> None:
    broker = BrokerPlay()
    broker.given(ann="lobby", bob="")
    broker.play("""
        t1 >> n=1 room=lobby text=a | n=2 room=lobby text=b | n=3 room=lobby text=c
            room/lobby/ <
                2<1 say lobby ann.1 "a"
                3<2 say lobby ann.2 "b"
                4<3 say lobby ann.3 "c"
        bob > history room=LOBBY id=1
        bob > history room=lobby limit=2 id=2
        bob > history room=lobby after=1 limit=2 id=3
        bob > history room=lobby after=3 limit=2 id=4
        bob > history room=lobby after=4 id=5
        bob > history room=lobby before=4 limit=2 id=6
        bob > history room=lobby before=2 id=7
        bob > history room=lobby before=1 id=8
        bob > history room=lobby after=0 limit=9007199254740993 id=9
            bob < 1 ok head=4 oldest=1
                1<0 join lobby ann
                2<1 say lobby ann.1 "a"
                3<2 say lobby ann.2 "b"
                4<3 say lobby ann.3 "c"
            bob < 2 ok head=4 oldest=1 more=true
                3<2 say lobby ann.2 "b"
                4<3 say lobby ann.3 "c"
            bob < 3 ok head=4 oldest=1 more=true
                2<1 say lobby ann.1 "a"
                3<2 say lobby ann.2 "b"
            bob < 4 ok head=4 oldest=1
                4<3 say lobby ann.3 "c"
            bob < 5 ok head=4 oldest=1
            bob < 6 ok head=4 oldest=1 more=true
                2<1 say lobby ann.1 "a"
                3<2 say lobby ann.2 "b"
            bob < 7 ok head=4 oldest=1
                1<0 join lobby ann
            bob < 8 ok head=4 oldest=1
            bob < 9 ok head=4 oldest=1
                1<0 join lobby ann
                2<1 say lobby ann.1 "a"
                3<2 say lobby ann.2 "b"
                4<3 say lobby ann.3 "c"
        """)


def test_history_takes_one_place_and_one_direction() -> None:
    play(
        """
        ann > history id=1
        ann > history room=lobby peer=bob id=2
        ann > history room=lobby inbox=true id=3
        ann > history room=lobby after=1 before=2 id=4
        ann > history room=lobby limit=0 id=5
        ann > history room=nowhere id=6
        ann > history peer="a b" id=7
        ann > history room="a b" id=8
        ann > history peer=stranger id=9
            ann < 1 no bad_request
            ann < 2 no bad_request
            ann < 3 no bad_request
            ann < 4 no bad_request
            ann < 5 no bad_request
            ann < 7 no bad_nick
            ann < 8 no bad_room
            ann < 6 no no_such_room
            ann < 9 ok
        """,
        ann="lobby",
    )


def test_reads_beyond_what_a_pass_may_take_come_in_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reads, "READ_BYTES", 1)
    monkeypatch.setattr(reads, "MOST_WAITING", 2)
    broker = BrokerPlay()
    broker.given(ann="lobby")
    broker.play("""
        ann > history room=lobby id=1
        ann > history room=lobby id=2
        ann > history room=lobby id=3
        ann > ping id=4
            ann < 3 no busy
            ann < 4 ok accepted=0 heads={lobby=1}
            ann < 1 ok head=1 oldest=1
                1<0 join lobby ann
        ann > ping id=5
            ann < 5 ok accepted=0 heads={lobby=1}
            ann < 2 ok head=1 oldest=1
                1<0 join lobby ann
        """)
    assert not broker.pipeline.waiting
