"""Token buckets: never more than burst + rate x time, never less than was promised."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatlib.core.buckets import NO_LIMITS, PERSON, Buckets, Limits, Rate
from chatlib.errors import Misuse

RATES = st.builds(Rate, st.floats(0.01, 1_000), st.floats(1, 10_000))
# Pauses in seconds, and costs as parts of a burst.
TAKINGS = st.lists(st.tuples(st.floats(0, 100), st.floats(0, 1)), max_size=60)


@given(RATES, TAKINGS)
def test_never_more_than_burst_and_rate_allow(
    rate: Rate, takings: list[tuple[float, float]]
) -> None:
    """In any stretch of time, not only from the beginning."""
    buckets = Buckets(rate)
    now, taken = 0.0, []
    for pause, part in takings:
        now += pause
        if buckets.take("ann", part * rate.burst, now) == 0:
            taken.append((now, part * rate.burst))
        assert 0 <= buckets.level("ann", now) <= rate.burst
    for i, (since, _) in enumerate(taken):
        total = 0.0
        for until, cost in taken[i:]:
            total += cost
            assert total <= (rate.burst + rate.per_s * (until - since)) * (1 + 1e-6)


@given(RATES, TAKINGS)
def test_who_waits_as_long_as_told_gets_it(rate: Rate, takings: list[tuple[float, float]]) -> None:
    buckets = Buckets(rate)
    now = 0.0
    for pause, part in takings:
        now += pause
        wait = buckets.take("ann", part * rate.burst, now)
        assert wait >= 0
        if wait:
            assert wait == buckets.wait("ann", part * rate.burst, now), "something was taken"
            assert buckets.wait("ann", part * rate.burst, now + wait * 0.9) > 0, "told too long"
            now += wait
            assert buckets.take("ann", part * rate.burst, now) == 0


@given(RATES, st.lists(st.tuples(st.sampled_from("abcdef"), st.floats(0, 100), st.floats(0, 1))))
def test_a_forgotten_bucket_is_like_a_full_one(
    rate: Rate, takings: list[tuple[str, float, float]]
) -> None:
    """Beside others that make it forget, each bucket is as it would be alone."""
    together, alone = Buckets(rate), {key: Buckets(rate) for key in "abcdef"}
    now = 0.0
    for key, pause, part in takings:
        now += pause
        assert together.take(key, part * rate.burst, now) == alone[key].take(
            key, part * rate.burst, now
        )


def test_a_bucket_is_full_at_first_and_fills_again() -> None:
    buckets = Buckets(Rate(2, 10))
    assert buckets.level("ann", 0) == 10
    assert buckets.take("ann", 10, 0) == 0
    assert buckets.level("ann", 0) == 0
    assert buckets.take("ann", 1, 0) == 0.5
    assert buckets.level("ann", 3) == 6
    assert buckets.level("ann", 99) == 10
    assert buckets.level("bob", 0) == 10


def test_more_than_a_burst_never_comes() -> None:
    assert Buckets(Rate(2, 10)).take("ann", 11, 0) == math.inf


def test_those_that_are_full_again_are_forgotten() -> None:
    buckets = Buckets(Rate(1, 10))
    for second in range(1_000):
        buckets.take(f"peer {second}", 5, second)
        assert len(buckets) <= 6


def test_at_most_so_many_are_kept_and_the_longest_idle_goes() -> None:
    buckets = Buckets(Rate(1, 1_000), most=3)
    for i, key in enumerate("abcad"):
        buckets.take(key, 1_000 - 500 * (key == "a"), i / 1_000)
    assert len(buckets) == 3
    assert buckets.level("b", 0.1) == 1_000
    assert max(buckets.level(key, 0.1) for key in "acd") < 1


@pytest.mark.parametrize(
    ("kind", "rate"),
    [("most_sessions", 0),
     ("messages", Rate(0, 1)), ("messages", Rate(math.inf, 1)), ("messages", Rate(math.nan, 1)),
     ("messages", Rate(1, 0.5)), ("bytes", Rate(1, 1_000)), ("sessions", Rate(-1, 10))],
)  # fmt: skip
def test_rates_that_would_let_something_never_pass(kind: str, rate: Rate | int) -> None:
    for limits in (
        Limits(person=PERSON._replace(**{kind: rate})),
        Limits(given={"k": {kind: rate}}),
    ):
        with pytest.raises(Misuse, match=kind.removeprefix("most_")):
            limits.check()


def test_the_defaults_pass() -> None:
    Limits().check()
    assert Limits().any
    assert not NO_LIMITS.any
    assert NO_LIMITS._replace(given={"k": {"messages": Rate(1, 1)}}).any
