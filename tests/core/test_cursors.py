"""Read cursors: how far somebody has read, and what is unread behind that."""

from __future__ import annotations

import pytest

from chatlib.core import cursors
from chatlib.core.commands import NOBODY
from chatlib.net import unread
from tests.core.broker_play import BrokerPlay, play


def test_what_others_said_since_is_unread() -> None:
    play(
        """
        t1 >> n=1 room=lobby text=one | n=2 room=lobby text=two
        t2 >> n=1 room=lobby text=mine
            room/lobby/ <
                3<2 say lobby ann.1 "one"
                4<3 say lobby ann.2 "two"
                5<4 say lobby bob.1 "mine"
        bob > read room=#Lobby id=1
        bob > read room=lobby seq=3 id=2
        bob > read room=lobby seq=1 id=3
        bob > read room=lobby seq=99 id=4
            bob < 2 ok read=[{seq=3 unread=1 room=lobby}]
            bob < 3 ok read=[{seq=3 unread=1 room=lobby}]
            bob < 4 ok read=[{seq=5 unread=0 room=lobby}]
            bob < 1 ok read=[{seq=5 unread=0 room=lobby}]
        --
        ann > read
            ann < 0 ok read=[{seq=1 unread=1 room=lobby}]
        """,
        ann="lobby",
        bob="lobby",
    )


def test_only_members_read_a_room_and_one_thing_at_a_time() -> None:
    play(
        """
        ann > read room=ops
        ann > read room=ops seq=1
        ann > read room=nowhere seq=1
        ann > read seq=1
        ann > read room=lobby peer=bob
        ann > read room="a b"
        ann > read peer="a b"
            ann < 0 no bad_request
            ann < 0 no bad_request
            ann < 0 no bad_room
            ann < 0 no bad_nick
            ann < 0 no not_joined
            ann < 0 no no_such_room
            ann < 0 no not_joined
        """,
        ann="lobby",
        bob="ops",
    )


def test_private_messages_are_counted_for_each_peer() -> None:
    broker = BrokerPlay()
    broker.given(ann="", bob="", cyd="")
    broker.play("""
        t2 >> n=1 to=ann text=x | n=2 to=ann text=y
        t3 >> n=1 to=Ann text=z
        t1 >> n=1 to=bob text=mine
            ann < 1<0 say @ann bob.1 "x"
            bob < 1<0 say @ann bob.1 "x"
            ann < 2<1 say @ann bob.2 "y"
            bob < 2<1 say @ann bob.2 "y"
            ann < 3<2 say @ann cyd.1 "z"
            cyd < 3<0 say @ann cyd.1 "z"
            bob < 4<2 say @bob ann.1 "mine"
            ann < 4<3 say @bob ann.1 "mine"
        ann > read
            ann < 0 ok read=[{seq=0 unread=2 peer=bob},{seq=0 unread=1 peer=cyd}]
        ann > read peer=BOB seq=1
            ann < 0 ok read=[{seq=1 unread=1 peer=bob}]
        ann > read peer=zoe
            ann < 0 ok read=[{seq=0 unread=0 peer=zoe}]
        """)
    broker.play("""
        phone > hello v=1 session=t1
            phone < 0 ok session=t1 sid=s1 resumed=true nick=ann accepted=1 inbox=4 waiting=2
        phone > read peer=bob seq=4
            phone < 0 ok read=[{seq=4 unread=0 peer=bob}]
        phone > read
            phone < 0 ok read=[{seq=4 unread=0 peer=bob},{seq=0 unread=1 peer=cyd}]
        """)


def test_leaving_a_room_forgets_how_far_it_was_read() -> None:
    play(
        """
        t2 >> n=1 room=lobby text=x
            room/lobby/ < 3<2 say lobby bob.1 "x"
        ann > read room=lobby seq=3
        ann > leave room=lobby
        ann > join room=lobby after=4
            ann < 0 ok room=lobby
            ann < 0 ok read=[{seq=3 unread=0 room=lobby}]
            ann < 0 ok room=lobby members=[ann,bob] head=5
                5<4 join lobby ann
            room/lobby/ <
                4<3 leave lobby ann reason=left
                5<4 join lobby ann
        ann > read
            ann < 0 ok read=[{seq=5 unread=0 room=lobby}]
        """,
        ann="lobby",
        bob="lobby",
    )


def test_counting_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = BrokerPlay()
    broker.given(ann="lobby", bob="lobby")
    broker.pipeline.run(
        [([b"t2", b"\n".join(b'{"n":%d,"room":"lobby","text":"x"}' % n for n in range(1, 151))],
          NOBODY)],
        [], [], 0.0, 0,
    )  # fmt: skip
    broker.play("""
        ann > read room=lobby
            ann < 0 ok read=[{seq=1 unread=100 room=lobby}]
        """)
    monkeypatch.setattr(unread, "ROOM_BYTES", 500)
    broker.play("""
        ann > read room=lobby
            ann < 0 ok read=[{seq=1 unread=100 room=lobby}]
        """)


def test_the_conversation_marked_longest_ago_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cursors, "MAX_PEERS", 2)
    play(
        """
        ann > read peer=bob seq=1
        ann > read peer=cyd seq=2
        ann > read peer=bob seq=2
        ann > read peer=dan seq=3
            ann < 0 ok read=[{seq=0 unread=0 peer=bob}]
            ann < 0 ok read=[{seq=0 unread=0 peer=cyd}]
            ann < 0 ok read=[{seq=0 unread=0 peer=bob}]
            ann < 0 ok read=[{seq=0 unread=0 peer=dan}]
        t1 >> n=1 to=ann text=x | n=2 to=ann text=y | n=3 to=ann text=z
            ann < 1<0 say @ann ann.1 "x"
            ann < 2<1 say @ann ann.2 "y"
            ann < 3<2 say @ann ann.3 "z"
        ann > read peer=bob seq=1
        ann > read peer=cyd seq=2
        ann > read peer=bob seq=2
        ann > read peer=dan seq=3
        ann > read
            ann < 0 ok read=[{seq=1 unread=0 peer=bob}]
            ann < 0 ok read=[{seq=2 unread=0 peer=cyd}]
            ann < 0 ok read=[{seq=2 unread=0 peer=bob}]
            ann < 0 ok read=[{seq=3 unread=0 peer=dan}]
            ann < 0 ok read=[{seq=2 unread=0 peer=bob},{seq=3 unread=0 peer=dan}]
        """,
        ann="",
    )


def test_cursors_come_back_with_the_session_when_a_commit_fails() -> None:
    play(
        """
        t2 >> n=1 room=lobby text=x
            room/lobby/ < 3<2 say lobby bob.1 "x"
        disk full
        ann > read room=lobby seq=3
            ann < 0 no unavailable
        disk free
        ann > read
            ann < 0 ok read=[{seq=1 unread=1 room=lobby}]
        """,
        ann="lobby",
        bob="lobby",
    )
