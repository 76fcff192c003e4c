"""Counting what each key subscribes to."""

from __future__ import annotations

from chatlib.core.commands import Peer
from chatlib.net.subscribers import BARRED_S, MOST_BYTES, OVERHEAD, Subscribers

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
