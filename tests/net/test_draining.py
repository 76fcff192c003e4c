"""When a drain is over."""

from __future__ import annotations

from chatlib.net.draining import IDLE_S, Drain


def test_not_asked_for() -> None:
    drain = Drain()
    drain.heard(1.0)
    assert not drain.begun and not drain.over(1e9, busy=False)


def test_it_waits_for_who_still_sends_and_for_work() -> None:
    drain = Drain()
    drain.begin(10, 100.0)
    assert drain.begun and not drain.over(100.0 + IDLE_S / 2, busy=False)
    drain.heard(101.0)
    assert not drain.over(101.0 + IDLE_S / 2, busy=False)
    assert drain.over(101.0 + IDLE_S, busy=False)
    assert not drain.over(101.0 + IDLE_S, busy=True)


def test_but_not_for_ever_and_asked_again_not_longer() -> None:
    drain = Drain()
    drain.begin(10, 100.0)
    drain.begin(50, 105.0)
    assert not drain.over(109.9, busy=True) and drain.over(110.0, busy=True)
