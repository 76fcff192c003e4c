"""Passwords are hashed beside the loop: few at a time, and none is kept."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator

import pytest

from chatlib.core.commands import LogIn, Origin, Unhashed
from chatlib.net import passwords
from chatlib.net.passwords import MAX_WAITING, Passwords, hashed
from tests.support import PATIENCE


def wanted(nick: str, address: str = "") -> Unhashed:
    command = LogIn(at=1, key="K", nick=nick, salt=b"s" * 16, origin=Origin(nick.encode(), 1))
    return Unhashed(command, "correct horse", address or nick)


@pytest.fixture
def woken() -> threading.Semaphore:
    return threading.Semaphore(0)


@pytest.fixture
def hasher(woken: threading.Semaphore) -> Iterator[Passwords]:
    made = Passwords()
    made.start(woken.release)
    yield made
    made.close()


def test_a_hash_is_scrypts() -> None:
    assert hashed("pässword", b"0123456789abcdef") == hashlib.scrypt(
        "pässword".encode(), salt=b"0123456789abcdef", n=2**15, r=8, p=1, maxmem=2**26, dklen=32
    )


def test_a_command_comes_back_with_its_hash(hasher: Passwords, woken: threading.Semaphore) -> None:
    assert hasher.ask(wanted("ann"), 1.0) is None
    assert woken.acquire(timeout=PATIENCE)
    (command,) = hasher.done()
    assert command.hash == hashed("correct horse", b"s" * 16)
    assert hasher.done() == []
    assert hasher.ask(wanted("ann"), 1.0) is None, "the one before is through"


def test_few_wait_and_the_others_are_told(
    hasher: Passwords, monkeypatch: pytest.MonkeyPatch, woken: threading.Semaphore
) -> None:
    go = threading.Event()
    begun = threading.Event()

    def slowly(password: str, salt: bytes) -> bytes:
        begun.set()
        go.wait(PATIENCE)
        return b"h"

    monkeypatch.setattr(passwords, "hashed", slowly)
    try:
        assert hasher.ask(wanted("first"), 1.0) is None
        assert begun.wait(PATIENCE)
        for number in range(MAX_WAITING):
            assert hasher.ask(wanted(f"n{number}"), 1.0) is None
        error = hasher.ask(wanted("more"), 1.0)
        assert error is not None and error.code == "busy"
        hasher.vanished(b"first")
    finally:
        go.set()
    for _ in range(1 + MAX_WAITING):
        assert woken.acquire(timeout=PATIENCE)
    found = hasher.done()
    assert [bool(command.origin) for command in found] == [False, *[True] * MAX_WAITING]


def test_without_its_thread_it_is_busy() -> None:
    error = Passwords().ask(wanted("ann"), 1.0)
    assert error is not None and error.code == "busy"
