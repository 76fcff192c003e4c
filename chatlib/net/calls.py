"""Letting another thread do something, and waiting for what it returns."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def call(
    soon: Callable[[Callable[[], None]], None], function: Callable[[], T], timeout: float
) -> T:
    """Return what `function` does where `soon` has it done. Raises TimeoutError, and its errors."""
    done: Future[T] = Future()

    def task() -> None:
        if done.set_running_or_notify_cancel():
            try:
                done.set_result(function())
            except Exception as e:  # noqa: BLE001 - it is raised where it was asked for
                done.set_exception(e)

    soon(task)
    try:
        return done.result(timeout)
    except TimeoutError:
        done.cancel()
        raise
