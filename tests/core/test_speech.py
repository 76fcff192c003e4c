"""What is said: the send window, refusals, rooms and inboxes (docs/protocol.md, "Intake")."""

from __future__ import annotations

from tests.core.broker_play import play


def test_lines_become_events_in_their_order() -> None:
    play(
        """
        t1 >> n=1 room=lobby text=hi | n=2 room=lobby kind=act text=waves
        t2 >> n=1 room=Lobby text=hello
        t1 >> n=3 room=#lobby text=bye
            room/lobby/ <
                3<2 say lobby ann.1 "hi"
                4<3 act lobby ann.2 "waves"
                5<4 say lobby bob.1 "hello"
                6<5 say lobby ann.3 "bye"
        """,
        ann="lobby",
        bob="lobby",
    )


def test_rooms_have_their_own_chains_and_one_count() -> None:
    play(
        """
        t1 >> n=1 room=lobby text=a | n=2 room=ops text=b | n=3 room=lobby text=c
            room/lobby/ <
                3<1 say lobby ann.1 "a"
                5<3 say lobby ann.3 "c"
            room/ops/ < 4<2 say ops ann.2 "b"
        """,
        ann="lobby ops",
    )


def test_a_repeat_is_dropped() -> None:
    play(
        """
        t1 >> n=1 room=lobby text=a | n=2 room=lobby text=b
        t1 >> n=1 room=lobby text=a | n=2 room=lobby text=b | n=3 room=lobby text=c
            room/lobby/ <
                2<1 say lobby ann.1 "a"
                3<2 say lobby ann.2 "b"
                4<3 say lobby ann.3 "c"
        --
        t1 >> n=2 room=lobby text=other
        ann > ping
            ann < 0 ok accepted=3 heads={lobby=4}
        """,
        ann="lobby",
    )


def test_a_hole_is_asked_for_once_in_a_pass() -> None:
    play(
        """
        t1 >> n=2 room=lobby text=b
        t1 >> n=3 room=lobby text=c
        t1 >> n=4 room=lobby text=d
            ann < kind=resend from=1
        --
        t1 >> n=1 room=lobby text=a | n=3 room=lobby text=c | n=2 room=lobby text=b
        ann > ping
            ann < kind=resend from=2
            ann < 0 ok accepted=1 heads={lobby=2}
            room/lobby/ < 2<1 say lobby ann.1 "a"
        """,
        ann="lobby",
    )


def test_what_is_not_allowed_is_used_up_and_refused() -> None:
    play(
        """
        t1 >> n=1 room=ops text=x | n=2 room=nowhere text=x | n=3 room="a b" text=x
        t1 >> n=4 to=nobody text=x | n=5 to="a b" text=x
        t1 >> n=6 room=lobby text="" | n=7 room=lobby text="\\u0007" | n=8 room=lobby text=7
        t1 >> n=9 text=x | n=10 room=lobby to=bob text=x | n=11 room=lobby kind=sing text=x
        t1 >> n=12 room=lobby text=ok
        ann > ping
            ann < kind=refused n=1 code=not_joined
            ann < kind=refused n=2 code=no_such_room
            ann < kind=refused n=3 code=bad_room
            ann < kind=refused n=4 code=no_such_nick
            ann < kind=refused n=5 code=bad_nick
            ann < kind=refused n=6 code=empty_text
            ann < kind=refused n=7 code=bad_text
            ann < kind=refused n=8 code=bad_message
            ann < kind=refused n=9 code=bad_message
            ann < kind=refused n=10 code=bad_message
            ann < kind=refused n=11 code=bad_message
            ann < 0 ok accepted=12 heads={lobby=3}
            room/lobby/ < 3<1 say lobby ann.12 "ok"
        """,
        ann="lobby",
        bob="ops",
    )


def test_a_refused_repeat_is_not_refused_again() -> None:
    play(
        """
        t1 >> n=1 room=ops text=x
            ann < kind=refused n=1 code=not_joined
        --
        t1 >> n=1 room=ops text=x
        """,
        ann="lobby",
        bob="ops",
    )


def test_what_has_no_number_is_dropped_and_told_once_in_a_pass() -> None:
    play(
        """
        t1 >> room=lobby text=x
        t1 >> n=0 room=lobby text=x
        t1 >> n=1 room=lobby text=x | n=true room=lobby text=x
            ann < kind=refused code=bad_json
        --
        t1 >> n=1 room=lobby text=x
            room/lobby/ < 2<1 say lobby ann.1 "x"
        """,
        ann="lobby",
    )


def test_a_private_message_goes_to_two_inboxes_and_never_on_the_feed() -> None:
    play(
        """
        t1 >> n=1 to=Bob text=psst
        t2 >> n=1 to=ann text=what? | n=2 to=ann kind=act text=listens
            bob < 4<0 say @bob ann.1 "psst"
            ann < 4<0 say @bob ann.1 "psst"
            ann < 5<4 say @ann bob.1 "what?"
            bob < 5<4 say @ann bob.1 "what?"
            ann < 6<5 act @ann bob.2 "listens"
            bob < 6<5 act @ann bob.2 "listens"
        --
        eve > history inbox=true id=1
        eve > history peer=ann id=2
        bob > history inbox=true id=3
        bob > history peer=ANN id=4
        bob > history peer=eve id=5
            eve < 1 ok
            bob < 3 ok head=6 oldest=4
                4<0 say @bob ann.1 "psst"
                5<4 say @ann bob.1 "what?"
                6<5 act @ann bob.2 "listens"
            eve < 2 ok
            bob < 4 ok head=6 oldest=4
                4<0 say @bob ann.1 "psst"
                5<4 say @ann bob.1 "what?"
                6<5 act @ann bob.2 "listens"
            bob < 5 ok head=6
        """,
        ann="lobby",
        bob="lobby",
        eve="lobby",
    )


def test_a_message_to_oneself_lies_in_ones_inbox_once() -> None:
    play(
        """
        t1 >> n=1 to=ann text="buy milk"
            ann < 1<0 say @ann ann.1 "buy milk"
        --
        ann > history inbox=true
            ann < 0 ok head=1 oldest=1
                1<0 say @ann ann.1 "buy milk"
        """,
        ann="",
    )


def test_a_private_message_goes_to_whoever_has_the_nickname_now() -> None:
    play(
        """
        ann > nick nick=zoë
        bob > nick nick=ann
        t3 >> n=1 to=ann text="before the two renamed"
            ann < 1<0 say @ann eve.1 "before the two renamed"
            eve < 1<0 say @ann eve.1 "before the two renamed"
            ann < 0 ok nick=zoë
            bob < 0 ok nick=ann
        --
        t3 >> n=2 to=ann text="after it"
            bob < 2<0 say @ann eve.2 "after it"
            eve < 2<1 say @ann eve.2 "after it"
        """,
        ann="",
        bob="",
        eve="",
    )


def test_what_a_bot_says_is_marked() -> None:
    play(
        """
        bot > hello v=1 nick=bot bot=true
        bot > join room=lobby
            bot < 0 ok session=t2 sid=s2 nick=bot accepted=0
            bot < 0 ok room=lobby members=[ann,bot(bot)] head=2
                1<0 join lobby ann
                2<1 join lobby bot bot=true
            room/lobby/ < 2<1 join lobby bot bot=true
        --
        t2 >> n=1 room=lobby text=beep | n=2 to=ann text=beep
            ann < 4<0 say @ann bot.2 "beep" bot=true
            bot < 4<0 say @ann bot.2 "beep" bot=true
            room/lobby/ < 3<2 say lobby bot.1 "beep" bot=true
        """,
        ann="lobby",
    )


def test_nothing_is_used_up_when_the_disk_is_full() -> None:
    play(
        """
        disk full
        t1 >> n=1 room=lobby text=a
        t1 >> n=2 room=lobby text=b
        t2 >> n=1 to=ann text=psst
        bob > nick nick=robert id=1
        bob > join room=ops id=2
        eve > hello v=1 nick=eve id=3
        ann > who id=4
        ann > leave room=nowhere id=5
            ann < kind=slow from=1 after_ms=1000 reason="the disk is full"
            bob < kind=slow from=1 after_ms=1000 reason="the disk is full"
            bob < 1 no unavailable
            bob < 2 no unavailable
            eve < 3 no unavailable
            ann < 5 no unavailable
            ann < 4 ok members=[ann,bob]
        --
        disk free
        ann > ping id=6
        bob > ping id=7
        eve > ping id=8
        t1 >> n=1 room=lobby text=a | n=2 room=lobby text=b
            eve < 8 no no_session
            ann < 6 ok accepted=2 heads={lobby=4}
            bob < 7 ok accepted=0 heads={lobby=4}
            room/lobby/ <
                3<2 say lobby ann.1 "a"
                4<3 say lobby ann.2 "b"
        """,
        ann="lobby",
        bob="lobby",
    )
