"""Rates of keys and addresses, of what no session asks and of handshakes; what is told of them."""

from __future__ import annotations

from chatlib.core.buckets import NO_LIMITS, Limits, Rate, Rates
from chatlib.core.commands import Peer, Promote
from chatlib.core.meter import network
from tests.core.broker_play import BrokerPlay
from tests.core.meter_play import HOME, notes, people


def test_so_many_sessions_of_an_address_or_a_key() -> None:
    limits = NO_LIMITS._replace(
        person=Rates(most_sessions=1), address=Rates(most_sessions=2)
    )  # fmt: skip
    one, other = Peer("k1", "::1"), Peer("k1", "10.0.0.2")
    broker = BrokerPlay(
        limits, ann=one, ann2=other, bob=Peer("k2", "::1"), cyd=Peer("k3", "::2"), dan=Peer("k4")
    )
    broker.play("""
        ann > hello v=1 nick=ann
        ann2 > hello v=1 nick=ann2
        bob > hello v=1 nick=b/d
        bob > hello v=1 nick=bob
        cyd > hello v=1 nick=cyd
        dan > hello v=1 nick=dan
            ann2 < 0 no too_many_sessions
            bob < 0 no too_many_sessions
            cyd < 0 no too_many_sessions
            ann < 0 ok session=t1 sid=s1 nick=ann accepted=0
            dan < 0 ok session=t3 sid=s3 nick=dan accepted=0
            bob < 0 no bad_nick
        --
        bob > hello v=1 nick=bob
        cyd > hello v=1 nick=cyd
            cyd < 0 no too_many_sessions
            bob < 0 ok session=t4 sid=s4 nick=bob accepted=0
        --
        bob > bye
            bob < 0 ok
        --
        cyd > hello v=1 nick=cyd
            cyd < 0 ok session=t5 sid=s5 nick=cyd accepted=0
        """)


def test_a_session_counts_where_it_is_now_and_a_new_one_for_an_ended_one_counts() -> None:
    limits = NO_LIMITS._replace(address=Rates(most_sessions=1))
    there = Peer(address="10.0.0.2")
    broker = BrokerPlay(limits, ann=HOME, ann2=there, bob=HOME, cyd=HOME, dan=there)
    broker.given(ann="")
    broker.play("""
        ann2 > hello v=1 session=t1
            ann2 < 0 ok session=t1 sid=s1 resumed=true nick=ann accepted=0
        --
        bob > hello v=1 nick=bob
        dan > hello v=1 nick=dan
            dan < 0 no too_many_sessions
            bob < 0 ok session=t3 sid=s3 nick=bob accepted=0
        --
        ann2 > bye
        ann2 > hello v=1 nick=ann session=t1
            ann2 < 0 ok session=t4 sid=s4 nick=ann accepted=0
            ann2 < 0 ok
        --
        dan > hello v=1 nick=dan
            dan < 0 no too_many_sessions
        """)


def test_what_counts_as_one_address() -> None:
    assert network("10.0.0.1") == "10.0.0.1"
    assert network("::ffff:10.0.0.1") == "10.0.0.1"
    assert network("2001:db8::1") == network("2001:db8::ffff:2:1") == "2001:db8::/64"
    assert network("2001:db8:0:1::1") != network("2001:db8::1")
    assert network("fe80::1%eth0") == "fe80::/64"
    assert network("process 7") == "process 7"
    assert network("") == ""


def test_what_a_key_was_given_its_address_has_no_say_in() -> None:
    """Of the rest it has what its row has, and its address is charged for it."""
    given = {"K9": {"messages": Rate(1, 4)}}
    row, address = Rates(messages=Rate(1, 1), requests=Rate(1, 3)), Rates(messages=Rate(1, 2))
    key = Peer(key="k9", address="10.0.0.1")
    broker = BrokerPlay(
        Limits(row, row, address, given), ann=key, t1=key, bob=HOME, t2=HOME, fingerprint=str.upper
    )
    broker.given(ann="", bob="")
    lines = " | ".join(f"n={n} room=nowhere text=x" for n in range(1, 6))
    for token, taken in (("t1", 4), ("t2", 1)):
        broker._take(f"{token} >> {lines}")
        assert f"kind=slow from={taken + 1} " in broker._pass()[-1]
    broker.play("""
        ann > ping id=1
        ann > ping id=2
        ann > ping id=3
            ann < 3 no slow_down
            ann < 1 ok accepted=4
            ann < 2 ok accepted=4
        """)


def test_a_key_has_what_it_was_given_once_as_a_person_and_as_a_bot() -> None:
    given = {"k9": {"messages": Rate(1, 3), "most_sessions": 2}}
    key = Peer(key="k9")
    broker = BrokerPlay(NO_LIMITS._replace(given=given), ann=key, ci=key, t1=key, t2=key)
    broker.given(ann="")
    broker.play("""
        ci > hello v=1 nick=ci bot=true
            ci < 0 ok session=t2 sid=s2 nick=ci accepted=0
        --
        ann > hello v=1 nick=another
            ann < 0 no too_many_sessions
        --
        t1 >> n=1 room=nowhere text=a | n=2 room=nowhere text=b
        t2 >> n=1 room=nowhere text=a | n=2 room=nowhere text=b
            ann < kind=refused n=1 code=no_such_room
            ann < kind=refused n=2 code=no_such_room
            ci < kind=refused n=1 code=no_such_room
            ci < kind=slow from=2 after_ms=1000 reason="more than 1 messages a second"
        """)


# -- without a session -------------------------------------------------------------------------


def test_what_no_session_asks_is_charged_to_its_key_and_address() -> None:
    limits = NO_LIMITS._replace(person=Rates(requests=Rate(1, 4)), address=Rates())
    broker = BrokerPlay(limits, ann=Peer("k1", "10.0.0.1"), bob=Peer("k2", "10.0.0.1"))
    broker.play("""
        ann > redeem token=x id=1
        ann > invite id=2
        ann > ping id=3
        ann > nonsense id=4
        ann > redeem token=x id=5
        ann > ping id=6
        ann > nonsense id=7
        ann > hello v=2 id=8
        bob > ping id=9
            ann < 1 no not_encrypted
            ann < 2 no not_allowed
            ann < 3 no no_session
            ann < 4 no unknown_op
            ann < 5 no slow_down
            ann < 6 no slow_down
            ann < 7 no slow_down
            ann < 8 no slow_down
            bob < 9 no no_session
        wait 1
        ann > ping id=6
        ann > ping id=7
            ann < 6 no no_session
            ann < 7 no slow_down
        """)


def test_without_keys_it_is_charged_to_the_address() -> None:
    limits = NO_LIMITS._replace(address=Rates(requests=Rate(1, 1)))
    broker = BrokerPlay(limits, ann=HOME, bob=HOME, cyd=Peer(address="10.0.0.2"))
    broker.play("""
        ann > bye
        bob > ping
        cyd > ping
            ann < 0 no no_session
            bob < 0 no slow_down
            cyd < 0 no no_session
        """)


def test_a_wrong_version_and_a_foreign_session_cost_a_request() -> None:
    broker = BrokerPlay(people(requests=Rate(1, 2)), ann=Peer("k1"), bob=Peer("k2"))
    broker.given(ann="")
    broker.play("""
        bob > hello v=1 session=t1
        bob > hello v=2
        bob > hello v=2
            bob < 0 no wrong_key
            bob < 0 no wrong_version
            bob < 0 no slow_down
        """)


def test_what_can_not_be_read_is_charged_to_the_session() -> None:
    broker = BrokerPlay(people(requests=Rate(1, 1)))
    broker.given(ann="")
    broker.play("""
        ann > nonsense id=1
        ann > nonsense id=2
        ann > ping id=3
            ann < 1 no unknown_op
            ann < 2 no slow_down
            ann < 3 no slow_down
        """)


def test_operators_are_not_charged() -> None:
    operator = Peer(address="process 7", uid=0)
    limits = NO_LIMITS._replace(address=Rates(requests=Rate(1, 1)))
    broker = BrokerPlay(limits, op=operator)
    broker.pipeline.admission._operators = (0,)
    broker.play("""
        op > bans
        op > bans
        op > nonsense id=1
        op > bans
            op < 1 no unknown_op
            op < 0 ok
            op < 0 ok
            op < 0 ok
        """)


# -- handshakes --------------------------------------------------------------------------------


def handshakes(broker: BrokerPlay, domain: str, peer: Peer, count: int) -> int:
    """Return how many of so many are let in."""
    admission = broker.pipeline.admission
    return sum(admission.handshake(domain, peer, broker.now) for _ in range(count))


def test_handshakes_have_a_rate_of_the_address_on_each_socket() -> None:
    """Whoever says three, a socket each, is held on control first, where clients notice it."""
    broker = BrokerPlay(NO_LIMITS._replace(address=Rates(handshakes=Rate(1, 4))))
    there = Peer("k9", "10.0.0.2")
    keys = [Peer(f"k{n}", "10.0.0.1") for n in range(3)]
    assert sum(handshakes(broker, "control", key, 3) for key in keys) == 4
    assert handshakes(broker, "feed", HOME, 10) == handshakes(broker, "intake", HOME, 10) == 8
    assert handshakes(broker, "control", there, 3) == 3
    broker.now += 2
    assert handshakes(broker, "control", HOME, 9) == 2
    broker._take("ann > hello v=1 nick=ann")
    broker._pass()
    (note,) = notes(broker)
    assert (note.nick, note.key, note.address, note.count) == ("", "", "10.0.0.1", 5 + 2 + 2 + 7)
    assert note.reason == "more than 1 handshakes a second from its address"


def test_handshakes_of_operators_and_without_limits_are_all_let_in() -> None:
    operator = Peer("k1", "process 7", uid=0)
    broker = BrokerPlay(NO_LIMITS._replace(address=Rates(handshakes=Rate(1, 1))))
    broker.pipeline.admission._operators = (0,)
    assert handshakes(broker, "control", operator, 9) == 9
    assert handshakes(broker, "control", operator._replace(uid=1), 9) == 1
    assert handshakes(BrokerPlay(), "control", HOME, 9) == 9
    other = BrokerPlay(people(messages=Rate(1, 1)))
    assert handshakes(other, "control", HOME, 9) == 9


def test_fifty_people_behind_one_address_do_not_meet_the_defaults() -> None:
    """Not even when everybody comes back ten times in a row."""
    broker = BrokerPlay(Limits())
    for domain in ("control", "intake", "feed"):
        assert handshakes(broker, domain, HOME, 500) == 500


# -- what operators see ------------------------------------------------------------------------


def test_operators_are_told_once_a_minute_who_is_slowed() -> None:
    broker = BrokerPlay(people(messages=Rate(1, 1)))
    broker.given(ann="lobby")
    told = []
    for second in range(200):
        broker.now = second
        if second < 90:
            line = f"n={second + 1} room=nowhere text=x"
            broker._take(f"t1 >> {line} | {line}")
        broker._control.append(([broker.routing("ann"), b'{"op":"ping"}'], Peer()))
        broker._pass()
        told += [(second, note.nick, note.count, note.reason) for note in notes(broker)]
    reason = "more than 1 messages a second"
    assert told == [(0, "ann", 1, reason), (60, "ann", 60, reason), (120, "ann", 29, reason)]
    assert not broker.pipeline.admission._meter._watched  # type: ignore[union-attr]


def test_operators_are_told_of_those_that_have_no_session_yet() -> None:
    limits = NO_LIMITS._replace(address=Rates(sessions=Rate(1, 1)))
    broker = BrokerPlay(limits, ann=HOME, bob=HOME)
    broker.given(ann="", bob="")
    (note,) = notes(broker)
    assert note.reason == "more than 1 sessions a second from its address"
    assert (note.sid, note.nick, note.address, note.count) == ("", "", "10.0.0.1", 1)


def test_operators_are_told_key_and_address() -> None:
    ann = Peer("k1", "10.0.0.1")
    broker = BrokerPlay(people(messages=Rate(1, 1)), t1=ann, ann=ann, fingerprint=str.upper)
    broker.given(ann="")
    broker._take("t1 >> n=1 room=nowhere text=x | n=2 room=nowhere text=x")
    broker._pass()
    (note,) = notes(broker)
    assert (note.sid, note.nick, note.key, note.address) == ("s1", "ann", "K1", "10.0.0.1")


def test_nothing_is_kept_of_sessions_that_ended() -> None:
    broker = BrokerPlay(people(messages=Rate(1, 1)), ann=HOME)
    broker.given(ann="lobby")
    broker._take("t1 >> n=1 room=lobby text=x | n=2 room=lobby text=x")
    broker._pass()
    meter = broker.pipeline.admission._meter
    assert meter is not None
    assert meter._paused and meter._here and meter._counts and meter._accounts
    broker._take("ann > bye")
    broker._pass()
    assert not (meter._paused or meter._here or meter._counts or meter._accounts)


def test_a_gateways_sessions_each_pay_for_themselves() -> None:
    """As soon as its key has that role; before, they paid together."""
    gateway, limits = Peer("G" * 40, "10.0.0.1"), people(messages=Rate(1, 2), most_sessions=2)
    broker = BrokerPlay(limits, irc1=gateway, irc2=gateway, irc3=gateway, t1=gateway, t2=gateway)
    broker.given(irc1="lobby", irc2="lobby")
    broker.play("""
        t1 >> n=1 room=lobby text=a
        t2 >> n=1 room=lobby text=b | n=2 room=lobby text=c
            irc2 < kind=slow from=2 after_ms=1000 reason="more than 1 messages a second"
            room/lobby/ <
                3<2 say lobby irc1.1 "a"
                4<3 say lobby irc2.1 "b"
        irc3 > hello v=1 nick=irc3 id=1
            irc3 < 1 no too_many_sessions
        wait 2
        """)
    broker.pipeline.submit(Promote(at=1, local=True, key=gateway.key, role="gateway"))
    broker.play("""
        wait 1
        t1 >> n=2 room=lobby text=a | n=3 room=lobby text=b
        t2 >> n=2 room=lobby text=c | n=3 room=lobby text=d
            room/lobby/ <
                6<4 say lobby irc1.2 "a"
                7<6 say lobby irc1.3 "b"
                8<7 say lobby irc2.2 "c"
                9<8 say lobby irc2.3 "d"
        irc3 > hello v=1 nick=irc3 id=1
            irc3 < 1 ok session=t3 sid=s3 nick=irc3 accepted=0
        """)
