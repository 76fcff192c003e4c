"""Who sends faster than is allowed: it is told to be slow, and loses nothing."""

from __future__ import annotations

from chatlib.core.buckets import NO_LIMITS, Limits, Rate, Rates
from chatlib.core.commands import Peer
from tests.core.broker_play import BrokerPlay
from tests.core.meter_play import HOME, people


def test_what_is_too_much_is_not_taken_and_told_slow() -> None:
    """The first lines of a message are taken as far as they may come; nothing is used up."""
    broker = BrokerPlay(people(messages=Rate(1, 2)))
    broker.given(ann="lobby")
    broker.play("""
        t1 >> n=1 room=lobby text=a | n=2 room=lobby text=b | n=3 room=lobby text=c
            ann < kind=slow from=3 after_ms=1000 reason="more than 1 messages a second"
            room/lobby/ <
                2<1 say lobby ann.1 "a"
                3<2 say lobby ann.2 "b"
        wait 1
        t1 >> n=3 room=lobby text=c
            room/lobby/ < 4<3 say lobby ann.3 "c"
        """)


def test_slow_is_told_once_a_pass_and_behind_it_nothing_is_taken() -> None:
    broker = BrokerPlay(people(messages=Rate(1, 1)))
    broker.given(ann="lobby")
    broker.play("""
        t1 >> n=1 room=lobby text=a
        t1 >> n=2 room=lobby text=b
        t1 >> n=3 room=lobby text=c
            ann < kind=slow from=2 after_ms=1000 reason="more than 1 messages a second"
            room/lobby/ < 2<1 say lobby ann.1 "a"
        """)
    broker.now += 0.25
    broker.play("""
        t1 >> n=4 room=lobby text=d
            ann < kind=slow from=2 after_ms=750 reason="more than 1 messages a second"
        """)


def test_a_sender_comes_back_for_what_a_second_is_worth() -> None:
    broker = BrokerPlay(people(messages=Rate(5, 10)))
    broker.given(ann="lobby")
    lines = " | ".join(f"n={n} to=ann text=x" for n in range(1, 31))
    broker.play(f"""
        t1 >> {lines}
            ann < 2<0 say @ann ann.1 "x"
            ann < 3<2 say @ann ann.2 "x"
            ann < 4<3 say @ann ann.3 "x"
            ann < 5<4 say @ann ann.4 "x"
            ann < 6<5 say @ann ann.5 "x"
            ann < 7<6 say @ann ann.6 "x"
            ann < 8<7 say @ann ann.7 "x"
            ann < 9<8 say @ann ann.8 "x"
            ann < 10<9 say @ann ann.9 "x"
            ann < 11<10 say @ann ann.10 "x"
            ann < kind=slow from=11 after_ms=1000 reason="more than 5 messages a second"
        """)
    broker.now += 0.5  # before that it gets nothing, though there would be some
    broker.play("""
        t1 >> n=11 to=ann text=x
            ann < kind=slow from=11 after_ms=500 reason="more than 5 messages a second"
        """)


def test_slow_comes_behind_a_refusal_and_names_what_is_next() -> None:
    broker = BrokerPlay(people(messages=Rate(1, 1)))
    broker.given(ann="")
    broker.play("""
        t1 >> n=1 room=nowhere text=a | n=2 room=nowhere text=b
            ann < kind=refused n=1 code=no_such_room
            ann < kind=slow from=2 after_ms=1000 reason="more than 1 messages a second"
        """)


def test_who_was_told_to_send_again_is_not_told_to_be_slow() -> None:
    """At most one of the two in a pass: the next one tells."""
    broker = BrokerPlay(people(messages=Rate(1, 1)))
    broker.given(ann="lobby")
    broker.play("""
        t1 >> n=7 room=lobby text=a | n=8 room=lobby text=b
            ann < kind=resend from=1
        --
        t1 >> n=1 room=lobby text=a
            ann < kind=slow from=1 after_ms=1000 reason="more than 1 messages a second"
        """)


def test_bytes_are_counted_as_they_come() -> None:
    broker = BrokerPlay(people(bytes=Rate(1024, 256 * 1024)))
    broker.given(ann="lobby")
    token, lobby = b"t1", b'{"n":%d,"room":"nowhere","text":"%s"}'
    for n in range(1, 33):
        broker._intake.append(([token, lobby % (n, b"x" * 8_150)], Peer()))
    broker._pass()
    broker._intake.append(([token, lobby % (33, b"x" * 8_150)], Peer()))
    (told,) = broker._pass()
    assert told.endswith('reason="more than 1024 bytes a second"')
    assert " kind=slow from=33 " in told


def test_one_floods_and_another_does_not_feel_it() -> None:
    broker = BrokerPlay(people(messages=Rate(1, 1)))
    broker.given(ann="lobby", bob="lobby")
    broker.play("""
        t1 >> n=1 room=lobby text=a | n=2 room=lobby text=b
        t2 >> n=1 room=lobby text=c
            ann < kind=slow from=2 after_ms=1000 reason="more than 1 messages a second"
            room/lobby/ <
                3<2 say lobby ann.1 "a"
                4<3 say lobby bob.1 "c"
        """)


def test_sessions_of_one_key_share_its_rate() -> None:
    ann = Peer(key="k1")
    broker = BrokerPlay(people(messages=Rate(1, 1)), ann=ann, ann2=ann, t1=ann, t2=ann)
    broker.given(ann="lobby", ann2="lobby")
    broker.play("""
        t1 >> n=1 room=lobby text=a
        t2 >> n=1 room=lobby text=b
            ann2 < kind=slow from=1 after_ms=1000 reason="more than 1 messages a second"
            room/lobby/ < 3<2 say lobby ann.1 "a"
        """)


def test_an_address_has_a_rate_of_its_own_and_both_must_allow() -> None:
    limits = NO_LIMITS._replace(
        person=Rates(messages=Rate(1, 2)), address=Rates(messages=Rate(0.5, 3))
    )
    broker = BrokerPlay(limits, ann=HOME, bob=HOME, t1=HOME, t2=HOME)
    broker.given(ann="lobby", bob="lobby")
    reason = "more than 0.5 messages a second from your address"
    broker.play(f"""
        t1 >> n=1 room=lobby text=a | n=2 room=lobby text=b
        t2 >> n=1 room=lobby text=c | n=2 room=lobby text=d
            bob < kind=slow from=2 after_ms=2000 reason="{reason}"
            room/lobby/ <
                3<2 say lobby ann.1 "a"
                4<3 say lobby ann.2 "b"
                5<4 say lobby bob.1 "c"
        """)


def test_bots_have_rates_of_their_own_and_single_keys_too() -> None:
    given = {"k9": {"messages": Rate(1, 3)}}
    one, two = Rates(messages=Rate(1, 1)), Rates(messages=Rate(1, 2))
    key = Peer(key="k9")
    broker = BrokerPlay(Limits(one, two, Rates(), given), ci=key, t3=key)
    broker.given(ann="")
    broker.play("""
        bob > hello v=1 nick=bob bot=true
        ci > hello v=1 nick=ci
            bob < 0 ok session=t2 sid=s2 nick=bob accepted=0
            ci < 0 ok session=t3 sid=s3 nick=ci accepted=0
        """)
    for token, taken in (("t1", 1), ("t2", 2), ("t3", 3)):
        lines = " | ".join(f"n={n} room=nowhere text=x" for n in range(1, 6))
        broker._take(f"{token} >> {lines}")
        assert f"kind=slow from={taken + 1} " in broker._pass()[-1]


def test_what_is_asked_right_behind_a_hello_makes_no_person_of_a_bot() -> None:
    broker = BrokerPlay(NO_LIMITS._replace(person=Rates(messages=Rate(1, 1))))
    broker.play("""
        ci > hello v=1 nick=ci bot=true
        ci > join room=nowhere
            ci < 0 ok session=t1 sid=s1 nick=ci accepted=0
            ci < 0 ok room=nowhere members=[ci(bot)] head=1
                1<0 join nowhere ci bot=true
            room/nowhere/ < 1<0 join nowhere ci bot=true
        t1 >> n=1 room=nowhere text=a | n=2 room=nowhere text=b
            room/nowhere/ <
                2<1 say nowhere ci.1 "a" bot=true
                3<2 say nowhere ci.2 "b" bot=true
        """)


def test_a_session_is_charged_where_it_comes_from_now() -> None:
    limits = NO_LIMITS._replace(address=Rates(messages=Rate(1, 1)))
    broker = BrokerPlay(limits, t1=HOME, t2=HOME)
    broker.given(ann="lobby", bob="lobby")
    broker.play("""
        t1 >> n=1 room=lobby text=a
            room/lobby/ < 3<2 say lobby ann.1 "a"
        """)
    broker._peers["t1"] = Peer(address="10.0.0.2")
    reason = "more than 1 messages a second from your address"
    broker.play(f"""
        t1 >> n=2 room=lobby text=b
        t2 >> n=1 room=lobby text=c
            bob < kind=slow from=1 after_ms=1000 reason="{reason}"
            room/lobby/ < 4<3 say lobby ann.2 "b"
        """)


# -- control ----------------------------------------------------------------------------------


def test_what_rooms_are_told_of_has_a_rate() -> None:
    broker = BrokerPlay(people(changes=Rate(0.5, 2)))
    broker.given(ann="lobby")
    broker.play("""
        ann > nick nick=anna id=1
        ann > topic room=lobby id=2
        ann > topic room=lobby text=x id=3
        ann > leave room=lobby id=4
        ann > join room=ops id=5
        ann > nick nick=zoe id=6
        ann > ping id=7
            ann < 3 no slow_down
            ann < 4 no slow_down
            ann < 5 no slow_down
            ann < 6 no slow_down
            ann < 1 ok nick=anna
            ann < 2 ok room=lobby
            ann < 7 ok accepted=0 heads={lobby=2}
            room/lobby/ < 2<1 nick lobby anna old=ann
        wait 2
        ann > topic room=lobby text=x id=3
            ann < 3 ok room=lobby topic=x
            room/lobby/ < 3<2 topic lobby anna "x"
        """)


def test_requests_have_a_rate_and_whoever_wants_to_go_may() -> None:
    broker = BrokerPlay(people(requests=Rate(1, 2)))
    broker.given(ann="")
    broker.play("""
        ann > ping id=1
        ann > ping id=2
        ann > rooms id=3
        ann > hello v=1 session=t1 id=4
        ann > bye id=5
            ann < 3 no slow_down
            ann < 4 no slow_down
            ann < 5 ok
            ann < 1 no no_session
            ann < 2 no no_session
        """)


def test_opening_sessions_has_a_rate_and_resuming_them_has_not() -> None:
    limits = NO_LIMITS._replace(address=Rates(sessions=Rate(1, 1)))
    broker = BrokerPlay(limits, ann=HOME, ann2=HOME, bob=HOME, cyd=Peer(address="10.0.0.2"))
    broker.given(ann="")
    broker.play("""
        ann2 > hello v=1 session=t1
        bob > hello v=1 nick=bob
        cyd > hello v=1 nick=cyd
            bob < 0 no slow_down
            ann2 < 0 ok session=t1 sid=s1 resumed=true nick=ann accepted=0
            cyd < 0 ok session=t3 sid=s3 nick=cyd accepted=0
        wait 1
        bob > hello v=1 nick=bob
            bob < 0 ok session=t4 sid=s4 nick=bob accepted=0
        """)
