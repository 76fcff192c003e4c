"""Timers by a clock that a test moves: on time, in order, and never over themselves."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from chatlib.bot.clock import SystemClock
from chatlib.bot.every import Timer
from chatlib.bot.testing import FakeClock
from tests.support import eventually


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def timers() -> Iterator[list[Timer]]:
    """Hold timers that are ended with the test."""
    made: list[Timer] = []
    yield made
    for timer in made:
        timer.stop()
        timer.thread.join(30)
        assert not timer.thread.is_alive()


def test_on_time_and_in_the_order_of_time(clock: FakeClock, timers: list[Timer]) -> None:
    rang: list[tuple[str, float]] = []
    for name, seconds in (("slow", 60.0), ("quick", 25.0)):
        timers.append(
            Timer(name, seconds, lambda name=name: rang.append((name, clock.now())), clock)
        )
        timers[-1].start()
    clock.advance("24s")
    assert rang == []
    clock.advance("36s")
    assert rang == [("quick", 25), ("quick", 50), ("slow", 60)]
    clock.advance(timedelta(minutes=1))
    assert rang[3:] == [("quick", 75), ("quick", 100), ("slow", 120)]
    assert (clock.now(), clock.time() - FakeClock().time()) == (120, 120)


def test_what_takes_long_misses_its_times_and_never_overlaps_itself(
    clock: FakeClock, timers: list[Timer]
) -> None:
    rang: list[float] = []
    began, go_on = threading.Event(), threading.Event()

    def act() -> None:
        rang.append(clock.now())
        began.set()
        assert go_on.wait(30)

    timers.append(Timer("long", 10, act, clock))
    timers[0].start()
    moving = threading.Thread(target=clock.advance, args=("10s",))
    moving.start()
    assert began.wait(30)
    clock._now = 35.0  # it takes 25 s
    go_on.set()
    moving.join()
    assert clock.now() == 35
    clock.advance("5s")
    assert rang == [10, 40]


def test_a_timer_that_was_stopped_does_nothing_more(clock: FakeClock, timers: list[Timer]) -> None:
    rang: list[float] = []
    timers.append(Timer("once", 10, lambda: rang.append(clock.now()), clock))
    timers[0].start()
    clock.advance("10s")
    timers[0].stop()
    timers[0].thread.join(30)
    clock.advance("10m")
    assert rang == [10]


def test_by_the_clock_of_the_machine(timers: list[Timer]) -> None:
    rang: list[float] = []
    clock = SystemClock()
    timers.append(Timer("often", 0.01, lambda: rang.append(clock.now()), clock))
    before = clock.now()
    timers[0].start()
    eventually("it rings three times", lambda: len(rang) >= 3)
    assert rang[2] - before >= 0.03
    assert abs(clock.time() - time.time()) < 60
