"""Giving memory back works here, or does nothing."""

from __future__ import annotations

from chatlib.net import heap


def test_give_back() -> None:
    heap.give_back()
