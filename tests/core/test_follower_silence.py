"""What a client does when the broker is silent, slow to answer, or gone."""

from __future__ import annotations

import pytest

from chatlib.core.follower import Follower
from chatlib.errors import ProtocolViolation
from tests.core.client_play import ONLINE, ClientPlay, play


def test_a_silent_feed_is_attached_anew() -> None:
    play(
        """
        tick 10
            > ping 2
        pong
        tick 9
            > ping 3
        pong
        beacon
        tick 9
            > ping 4
        pong
        tick 9
            > ping 5
        pong
        tick 6.9
        tick 0.2
            attach beacon/
        """,
        ONLINE,
    )


def test_a_request_is_asked_three_times_and_then_the_connection_is_given_up() -> None:
    play(
        """
        rename zoe
            > nick 2 nick=zoe
        tick 5
            > nick 2 nick=zoe
        tick 5
            > ping 3
            > nick 2 nick=zoe
        pong
        tick 5
            hang up: the broker does not answer
        """,
        ONLINE,
    )


def test_a_refusal_that_waiting_takes_back_decides_nothing_when_it_was_asked_before() -> None:
    play(
        """
        rename zoe
            > nick 2 nick=zoe
        tick 5
            > nick 2 nick=zoe
        no unavailable
        tick 5
            > ping 3
            > nick 2 nick=zoe
        renamed nick=zoe
            answer 2 Renamed
        """,
        ONLINE,
    )


def test_a_refusal_of_what_was_asked_once_is_told() -> None:
    play(
        """
        rename zoe
            > nick 2 nick=zoe
        no unavailable
            answer 2 unavailable
        """,
        ONLINE,
    )


def test_nobody_is_told_what_he_stopped_waiting_for() -> None:
    play(
        """
        rename zoe
            > nick 2 nick=zoe
        forget 2
        renamed nick=zoe
        """,
        ONLINE,
    )


def test_a_broker_that_stops_says_why() -> None:
    play(
        """
        closing for tonight
        disconnected lost
            told offline ann for tonight
        connected
            > hello 2 nick=ann session=t1
        welcome resumed=true
            attach beacon/
            told online resumed ann
        < kind=closing reason="the broker was stopped"
        disconnected lost
            told offline ann the broker was stopped
        disconnected lost
            told offline ann the broker was stopped
        """,
        ONLINE,
    )


def test_what_is_no_json_is_a_violation_and_changes_nothing() -> None:
    follower = Follower("ann")
    for noise in (b"", b"{", b"[]", b'{"ok":7}', b'{"kind":"say","seq":"x"}', b"\xff"):
        with pytest.raises(ProtocolViolation):
            follower.control(noise, 1.0)
        with pytest.raises(ProtocolViolation):
            follower.feed(b"room/lobby/", noise or b"{", 1.0)
    assert not follower.actions
    assert not follower.delivered
    assert follower.state == "offline"


def test_next_tick_is_soon_when_something_waits() -> None:
    client = ClientPlay()
    assert client.follower.next_tick(client.now) == 1.0
    client.given("connected")
    assert client.follower.next_tick(client.now) == 0.25
    client.given("welcome")
    assert client.follower.next_tick(client.now) == 1.0
    client.given("tell bob psst")
    assert client.follower.next_tick(client.now) == 0.1
