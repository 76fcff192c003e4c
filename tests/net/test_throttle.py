"""Turns are short while nearly all is in vain, and long again when it is not."""

from __future__ import annotations

from chatlib.net.throttle import BREATH_S, LEAST, Throttle


def test_what_is_worth_its_turn_is_never_held() -> None:
    throttle = Throttle()
    assert throttle.breath(1_000, 0) == throttle.breath(1_000, 700) == throttle.breath(0, 700) == 0
    assert throttle.share == 1


def test_a_flood_in_vain_shortens_turns_step_by_step() -> None:
    throttle = Throttle()
    vain, shares = 0, []
    for _ in range(6):
        taken = int(1_000 * throttle.share)
        vain += taken
        assert throttle.breath(taken, vain) == BREATH_S
        shares.append(throttle.share)
    assert shares == [1 / 2, 1 / 4, 1 / 8, LEAST, LEAST, LEAST]
    # Few large messages are all that a short turn takes.
    assert throttle.breath(2, vain + 2) == BREATH_S
    assert throttle.breath(1_000, vain + 12) == 0
    assert throttle.share == 2 * LEAST


def test_a_few_bad_messages_are_no_flood() -> None:
    throttle = Throttle()
    assert throttle.breath(10, 10) == 0
    assert throttle.share == 1
