"""Counting what each key subscribes to."""

from __future__ import annotations

from chatlib.core.commands import Peer
from chatlib.core.identities import Rule, admit_key
from chatlib.core.state import State
from chatlib.net.subscribers import (
    BARRED_S,
    CLOSED_S,
    MOST_BYTES,
    MOST_KEYS,
    MOST_SHARED,
    OVERHEAD,
    Subscribers,
)

MAL, ANN = Peer("mal"), Peer("ann")
ROOM = MOST_BYTES // 4 - OVERHEAD


def topics(count: int) -> list[bytes]:
    return [bytes([i]) * ROOM for i in range(count)]


def test_who_takes_too_much_is_greedy_once_and_barred_for_a_while() -> None:
    counted = Subscribers()
    for topic in topics(4):
        counted.took(MAL, topic, 1.0)
    assert not counted.greedy and not counted.barred("mal", 1.0)
    for topic in topics(10):
        counted.took(MAL, topic, 2.0)
    assert counted.greedy == [MAL]
    counted.cut_off()
    assert not counted.greedy
    assert counted.barred("mal", 2.0 + BARRED_S / 2) and not counted.barred("ann", 2.0)
    assert not counted.barred("mal", 2.0 + BARRED_S)


def test_a_gateway_takes_what_its_people_want() -> None:
    """Else thirteen who come by the page take the feed from all who do."""
    state = State("e1")
    counted = Subscribers()
    counted.look_up(Rule("open"), state)
    admit_key(state, "page", "gateway")
    admit_key(state, "op", "operator")
    for peer in (Peer("page"), Peer("op")):
        for topic in topics(10):
            counted.took(peer, topic, 1.0)
            counted.left(peer, b"never had")
    assert counted.greedy == [Peer("op")]
    assert not counted.barred("page", 1.0) and not counted.closing


def test_what_is_subscribed_to_again_costs_nothing() -> None:
    counted = Subscribers()
    for _ in range(100):
        for topic in topics(4):
            counted.took(ANN, topic, 1.0)
    assert not counted.greedy


def test_what_is_given_up_is_given_back_and_nothing_else() -> None:
    counted = Subscribers()
    for i, topic in enumerate(topics(200)):
        counted.took(ANN, topic, 1.0)
        counted.left(ANN, topic)
        counted.left(ANN, b"never had %d" % i)
        counted.left(MAL, topic)
    for topic in topics(4):
        counted.took(ANN, topic, 1.0)
    assert not counted.greedy
    counted.took(ANN, b"one more", 1.0)
    assert counted.greedy == [ANN]


# -- where everybody may come in ----------------------------------------------------------------


def open_house() -> Subscribers:
    counted = Subscribers()
    counted.vouched = lambda key: key == "op"
    return counted


def assert_closed(counted: Subscribers, now: float) -> None:
    """To all but those that somebody vouches for, and for a minute."""
    assert counted.closing
    counted.cut_off()
    assert not counted.closing
    for key, closed in (("ann", True), ("somebody new", True), ("op", False)):
        assert counted.barred(key, now + CLOSED_S / 2) == closed, key
        assert not counted.barred(key, now + CLOSED_S), key


def test_where_keys_cost_nothing_a_greedy_one_closes_the_feed_to_all_of_them() -> None:
    """Else the next one, made just now, would have everybody cut off again at once."""
    counted = open_house()
    for topic in topics(5):
        counted.took(MAL, topic, 1.0)
    assert counted.greedy == [MAL]
    assert_closed(counted, 1.0)
    assert counted.barred("mal", 1.0 + CLOSED_S)


def test_who_was_on_the_feed_comes_back_to_it_the_first_time() -> None:
    counted = open_house()
    for honest in (ANN, Peer("bob")):
        counted.took(honest, b"room/lobby/", 1.0)
    for mal in (MAL, Peer("another")):  # both in one turn: one cut-off
        for topic in topics(5):
            counted.took(mal, topic, 1.0)
    assert counted.closing and not counted.closed_to_all
    counted.cut_off()
    closed = {key: counted.barred(key, 2.0) for key in ("ann", "mal", "another", "new", "op")}
    assert closed == {"ann": False, "mal": True, "another": True, "new": True, "op": False}
    counted.took(ANN, b"room/lobby/", 30.0)
    for topic in topics(5):
        counted.took(Peer("bob"), topic, 30.0)
    assert counted.closed_to_all
    assert_closed(counted, 30.0)


def test_where_keys_cost_nothing_they_share_what_there_is() -> None:
    counted = open_house()
    for i in range(MOST_SHARED // MOST_BYTES):
        for topic in topics(4):
            counted.took(Peer(f"mal{i}"), topic, 1.0)
    assert not counted.closing
    counted.took(ANN, b"one more", 1.0)
    assert not counted.greedy
    assert_closed(counted, 1.0)
    counted.took(ANN, b"one more", 100.0)
    assert not counted.closing


def test_what_a_key_gives_up_it_shares_no_more() -> None:
    counted = open_house()
    for i in range(MOST_SHARED // MOST_BYTES * 2):
        for topic in topics(4):
            counted.took(Peer(f"mal{i}"), topic, 1.0)
            counted.left(Peer(f"mal{i}"), topic)
    assert not counted.closing


def test_keys_without_number_are_counted_together_when_each_is_forgotten() -> None:
    counted = open_house()
    for i in range(2 * MOST_KEYS):
        counted.took(Peer(f"mal{i}"), b"x" * 1000, 1.0)
    assert counted.closing


def test_a_greedy_key_with_a_role_closes_the_feed_to_itself_alone() -> None:
    counted = open_house()
    for topic in topics(5):
        counted.took(Peer("op"), topic, 1.0)
    assert [peer.key for peer in counted.greedy] == ["op"]
    counted.cut_off()
    assert counted.barred("op", 2.0) and not counted.barred("ann", 2.0)
