"""Sessions open, are taken up again, rename and end (docs/protocol.md, "Sessions")."""

from __future__ import annotations

import pytest

from tests.core.broker_play import play


def test_a_session_opens_and_resumes() -> None:
    play("""
        ann > hello v=1 nick=ann id=1
        ann > join room=lobby id=2
            ann < 1 ok session=t1 sid=s1 nick=ann accepted=0
            ann < 2 ok room=lobby members=[ann] head=1
                1<0 join lobby ann
            room/lobby/ < 1<0 join lobby ann
        --
        t1 >> n=1 room=lobby text=hi
            room/lobby/ < 2<1 say lobby ann.1 "hi"
        --
        other > hello v=1 nick=whatever session=t1 id=1
            other < 1 ok session=t1 sid=s1 resumed=true nick=ann accepted=1 rooms={lobby=2}
        """)


def test_a_token_resumes_in_the_very_pass_that_gave_it() -> None:
    play("""
        ann > hello v=1 nick=ann
        other > hello v=1 session=t1
            ann < 0 ok session=t1 sid=s1 nick=ann accepted=0
            other < 0 ok session=t1 sid=s1 resumed=true nick=ann accepted=0
        """)


def test_a_token_that_nobody_knows_opens_a_new_session_with_another_token() -> None:
    play("""
        ann > hello v=1 nick=ann session=made-up
            ann < 0 ok session=t1 sid=s1 nick=ann accepted=null
        """)


def test_without_a_nickname_the_broker_gives_one() -> None:
    play("""
        one > hello v=1 nick=guest2
        two > hello v=1
        three > hello v=1 bot=true
        three > who
            one < 0 ok session=t1 sid=s1 nick=guest2 accepted=0
            two < 0 ok session=t2 sid=s2 nick=guest1 accepted=0
            three < 0 ok session=t3 sid=s3 nick=guest3 accepted=0
            three < 0 ok members=[guest1,guest2,guest3(bot)]
        """)


def test_a_taken_nickname_is_refused_with_a_free_one() -> None:
    play("""
        ann > hello v=1 nick=Ann
        bob > hello v=1 nick=ann_
            ann < 0 ok session=t1 sid=s1 nick=Ann accepted=0
            bob < 0 ok session=t2 sid=s2 nick=ann_ accepted=0
        --
        eve > hello v=1 nick=aNN id=7
        eve > ping id=8
        eve > hello v=1 nick="a b" id=9
            eve < 7 no nick_taken suggestion=aNN2
            eve < 9 no bad_nick
            eve < 8 no no_session
        """)


def test_a_welcome_comes_before_what_the_session_is_told() -> None:
    play(
        """
        t1 >> n=1 to=bob text="not here yet"
        t1 >> n=2 to=bob text="nor now"
        bob > hello v=1 nick=bob
            bob < 0 ok session=t2 sid=s2 nick=bob accepted=0
            ann < kind=refused n=1 code=no_such_nick
            ann < kind=refused n=2 code=no_such_nick
        --
        t1 >> n=3 to=bob text=psst
        bob2 > hello v=1 session=t2
            bob2 < 0 ok session=t2 sid=s2 resumed=true nick=bob accepted=0 inbox=1 waiting=1
            bob2 < 1<0 say @bob ann.3 "psst"
            ann < 1<0 say @bob ann.3 "psst"
        """,
        ann="",
    )


def test_renaming_tells_every_room_and_frees_the_old_nickname() -> None:
    play(
        """
        ann > nick nick=Zoë id=3
        bob > hello v=1 nick=ANN
            bob < 0 ok session=t2 sid=s2 nick=ANN accepted=0
            ann < 3 ok nick=Zoë
            room/lobby/ < 3<1 nick lobby Zoë old=ann
            room/ops/ < 4<2 nick ops Zoë old=ann
        """,
        ann="lobby ops",
    )


def test_renaming_to_what_one_is_called_is_no_event() -> None:
    play(
        """
        ann > nick nick=ann id=1
        ann > nick nick=Ann id=2
            ann < 1 ok nick=ann
            ann < 2 ok nick=Ann
            room/lobby/ < 2<1 nick lobby Ann old=ann
        """,
        ann="lobby",
    )


def test_of_two_who_want_a_nickname_in_one_pass_the_first_gets_it() -> None:
    play(
        """
        ann > nick nick=queen id=1
        bob > nick nick=Queen id=2
        bob > nick nick="" id=3
            ann < 1 ok nick=queen
            bob < 2 no nick_taken suggestion=Queen_
            bob < 3 no bad_nick
            room/lobby/ < 3<2 nick lobby queen old=ann
        """,
        ann="lobby",
        bob="lobby",
    )


def test_the_end_tells_the_rooms_and_frees_the_nickname() -> None:
    play(
        """
        ann > bye id=3
        bob > hello v=1 nick=ann
        ann > ping id=4
        ann > join room=lobby id=5
            bob < 0 ok session=t2 sid=s2 nick=ann accepted=0
            ann < 3 ok
            ann < 5 no no_session
            ann < 4 no no_session
            room/lobby/ < 3<1 leave lobby ann reason=left
            room/ops/ < 4<2 leave ops ann reason=left
        """,
        ann="lobby ops",
    )


def test_silence_ends_a_session_and_a_sign_of_life_keeps_it() -> None:
    play(
        """
        wait 20
            room/lobby/ < head lobby 2
        bob > ping id=1
            bob < 1 ok accepted=0 heads={lobby=2}
        wait 12
            room/lobby/ < 3<2 leave lobby ann reason=timeout
        ann > ping id=1
        bob > who room=lobby
            ann < 1 no no_session
            bob < 0 ok members=[bob]
        """,
        ann="lobby",
        bob="lobby",
    )


def test_a_broker_that_stood_still_blames_nobody() -> None:
    play(
        """
        stop 100
        ann > ping id=1
            ann < 1 ok accepted=0 heads={lobby=1}
            room/lobby/ < head lobby 1
        wait 29
        bob > who
            bob < 0 ok members=[ann,bob]
        wait 3
            room/lobby/ < 2<1 leave lobby ann reason=timeout
        """,
        ann="lobby",
        bob="",
    )


def test_accepted_is_kept_for_a_day() -> None:
    play(
        """
        t1 >> n=1 room=lobby text=one | n=2 room=lobby text=two
        ann > bye
            ann < 0 ok
            room/lobby/ <
                2<1 say lobby ann.1 "one"
                3<2 say lobby ann.2 "two"
                4<3 leave lobby ann reason=left
        --
        ann > hello v=1 nick=ann session=t1
        ann > bye
            ann < 0 ok session=t2 sid=s2 nick=ann accepted=2
            ann < 0 ok
        --
        stop 86399
        ann > hello v=1 nick=ann session=t1
        ann > bye
            ann < 0 ok session=t3 sid=s3 nick=ann accepted=2
            ann < 0 ok
            room/lobby/ < head lobby 4
        --
        stop 2
        ann > hello v=1 nick=ann session=t1
        ann > bye
            ann < 0 ok session=t4 sid=s4 nick=ann accepted=2
            ann < 0 ok
        --
        ann > hello v=1 nick=ann session=t1
            ann < 0 ok session=t5 sid=s5 nick=ann accepted=null
        """,
        ann="lobby",
    )


def test_hellos_on_one_connection_the_last_that_is_granted_counts() -> None:
    play("""
        ann > hello v=1 nick=one id=1
        ann > hello v=1 nick=ONE id=2
        ann > hello v=1 nick=two id=3
        ann > join room=lobby id=4
            ann < 1 ok session=t1 sid=s1 nick=one accepted=0
            ann < 3 ok session=t3 sid=s3 nick=two accepted=0
            ann < 2 no nick_taken suggestion=ONE_
            ann < 4 ok room=lobby members=[two] head=1
                1<0 join lobby two
            room/lobby/ < 1<0 join lobby two
        --
        ann > nick nick=three id=5
            ann < 5 ok nick=three
            room/lobby/ < 2<1 nick lobby three old=two
        """)


def test_where_no_nickname_like_it_is_free_none_is_suggested(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("chatlib.core.users.suggest_nick", lambda nick, taken: "")
    play(
        """
        bob > hello id=1 v=1 nick=ann
            bob < 1 no nick_taken
        """,
        ann="",
    )


def test_a_nickname_that_looks_like_anothers_is_taken() -> None:
    play(
        """
        eve > nick nick=pаypal id=1
        eve > nick nick=PAYPA1 id=2
        eve > nick nick=bob id=3
        bob > nick nick=b0b id=4
        eve > nick nick=rnax id=5
        mal > hello v=1 nick=paypaI
            eve < 1 no nick_taken suggestion=pаypal_
            eve < 2 no nick_taken suggestion=PAYPA1_
            eve < 3 no nick_taken suggestion=bob_
            bob < 4 ok nick=b0b
            eve < 5 ok nick=rnax
            mal < 0 no nick_taken suggestion=paypaI_
        eve > nick nick=b0b_ id=6
        paypal > bye
        eve > nick nick=раураl id=7
            eve < 6 ok nick=b0b_
            paypal < 0 ok
            eve < 7 ok nick=раураl
        """,
        paypal="",
        bob="",
        eve="",
    )


def test_coming_back_and_going_in_one_pass() -> None:
    play(
        """
        t2 >> n=1 to=ann text=psst
            ann < 1<0 say @ann bob.1 "psst"
            bob < 1<0 say @ann bob.1 "psst"
        phone > hello v=1 session=t1 id=1
        phone > bye id=2
            phone < 1 ok session=t1 sid=s1 resumed=true nick=ann accepted=0 inbox=1
            phone < 2 ok
        """,
        ann="",
        bob="",
    )
