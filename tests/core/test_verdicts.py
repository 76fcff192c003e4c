"""Who knocks with a link: hello, the invitation, and hello again; and what ends it for good."""

from __future__ import annotations

import pytest

from chatlib.core.verdicts import NEXT_STEPS, verdict
from chatlib.errors import Refused
from tests.core.client_play import ClientPlay

NOT_IN, NO_TOKEN = NEXT_STEPS["not_admitted"], NEXT_STEPS["bad_token"]


def invited() -> ClientPlay:
    return ClientPlay(invitation="abc")


def test_an_invitation_is_redeemed_when_it_is_needed() -> None:
    invited().play("""
        connected
            > hello 1 nick=ann
        no not_admitted
            > redeem 2 token=abc
        redeemed
            > hello 3 nick=ann
        welcome
            attach beacon/
            told online ann
        disconnected lost
            told offline ann lost
        connected
            > hello 4 nick=ann session=t1
        welcome resumed=true
            attach beacon/
            told online resumed ann
        """)


def test_who_is_admitted_redeems_nothing() -> None:
    invited().play("""
        connected
            > hello 1 nick=ann
        welcome
            attach beacon/
            told online ann
        """)


def test_a_token_that_is_not_taken_ends_it() -> None:
    invited().play(f"""
        connected
            > hello 1 nick=ann
        join lobby
            subscribe room/lobby/
        no not_admitted id=1
            > redeem 3 token=abc
        no bad_token
            told refused {NO_TOKEN} bad_token
            answer 2 bad_token
        tick 6
        disconnected lost
        """)


def test_without_an_invitation_it_ends_at_once() -> None:
    ClientPlay().play(f"""
        connected
            > hello 1 nick=ann
        no not_admitted
            told refused {NOT_IN} not_admitted
        """)


def test_a_token_is_asked_for_once() -> None:
    invited().play(f"""
        connected
            > hello 1 nick=ann
        no not_admitted
            > redeem 2 token=abc
        redeemed
            > hello 3 nick=ann
        no not_admitted
            told refused {NOT_IN} not_admitted
        """)


def test_an_answer_that_was_lost_is_not_missed() -> None:
    """The token was redeemed, and the hello of the next connection shows it."""
    invited().play("""
        connected
            > hello 1 nick=ann
        tick 4
        no not_admitted
            > redeem 2 token=abc
        tick 4
        tick 1.1
            hang up: the broker does not answer
        disconnected lost
            told offline ann lost
        connected
            > hello 3 nick=ann
        redeemed
        welcome
            attach beacon/
            told online ann
        """)


@pytest.mark.parametrize("code", ["unavailable", "busy", "no_session"])
def test_what_passes_is_tried_again(code: str) -> None:
    invited().play(f"""
        connected
            > hello 1 nick=ann
        no not_admitted
            > redeem 2 token=abc
        no {code}
            hang up: {code}
        disconnected later
            told offline ann later
        connected
            > hello 3 nick=ann
        no not_admitted
            > redeem 4 token=abc
        """)


@pytest.mark.parametrize("code", ["unknown_op", "bad_request"])
def test_a_broker_that_knows_no_invitations(code: str) -> None:
    invited().play(f"""
        connected
            > hello 1 nick=ann
        no not_admitted
            > redeem 2 token=abc
        no {code}
            told refused {code} {code}
        """)


def test_a_key_that_is_thrown_out() -> None:
    play = invited()
    play.given("connected\nwelcome")
    play.play("""
        disconnected lost
            told offline ann lost
        connected
            > hello 2 nick=ann session=t1
        no wrong_key
            told refused wrong_key wrong_key
        """)


def test_verdicts_name_the_next_step_and_leave_what_passes() -> None:
    assert verdict(Refused("too_many_sessions", "full")) is None
    taken = verdict(Refused("nick_taken", "ann is taken", "ann_"))
    assert taken is not None
    assert (str(taken), taken.code, taken.suggestion) == ("ann is taken", "nick_taken", "ann_")
    unknown = verdict(Refused("bad_token", "no"))
    assert unknown is not None and "new link" in str(unknown)
