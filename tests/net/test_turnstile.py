"""Who connects waits for the turn that the loop gives, in front of a real socket of libzmq's."""

from __future__ import annotations

import contextlib
import os
import resource
import select
import socket as posix
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from chatlib.net import turnstile
from chatlib.net.sockets import bind, bound_to, make_context, make_socket
from chatlib.net.turnstile import AT_ONCE, CALM_S, CROWD_S, EVERY_S, LOOK_S, OPENING_S, Turnstile
from chatlib.protocol.links import parse_endpoint
from tests.support import eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="libzmq uses epoll on Linux alone")


class Entrance:
    """A bound socket behind a turnstile, and those who connect to it."""

    def __init__(self, place: str) -> None:
        endpoint = parse_endpoint(place)
        self._context = make_context()
        self._socket = make_socket(self._context, zmq.ROUTER, 1024, endpoint)
        self._port = bind(self._socket, endpoint).port
        self._host = "127.0.0.1" if endpoint.host == "*" else endpoint.host.strip("[]")
        self.now = 1_000.0
        self.place = bound_to(self._socket)
        self.turnstile = Turnstile()
        self.turnstile.guard([self.place], self.now)
        self._links: list[posix.socket] = []

    def come(self, count: int) -> None:
        self._links += [posix.create_connection((self._host, self._port)) for _ in range(count)]

    @property
    def greeted(self) -> int:
        """How many were accepted: libzmq greets whom it accepts, before they say anything."""
        return len(select.select(self._links, [], [], 0)[0])

    def turn(self, after: float, least: int = 0) -> int:
        """Give a turn so much later, and return how many are greeted when all came to rest."""
        self.now += after
        self.turnstile.turn(self.now)
        eventually(f"{least} are in", lambda: self.greeted >= least)
        return self._rest()

    def _rest(self) -> int:
        before, since = self.greeted, time.monotonic()
        while time.monotonic() - since < 0.1:
            if before != (before := self.greeted):
                since = time.monotonic()
        return before

    def close(self) -> None:
        self.turnstile.close()
        for link in self._links:
            link.close()
        self._socket.close()
        self._context.term()


@pytest.fixture(params=["tcp://127.0.0.1:0", "tcp://[::1]:0", "tcp://*:0"])
def entrance(request: pytest.FixtureRequest) -> Iterator[Entrance]:
    try:
        made = Entrance(request.param)
    except Exception as e:
        if "::1" not in request.param:
            raise
        pytest.skip(f"this machine has no IPv6 ({e})")
    yield made
    made.close()


def test_no_descriptor_is_left(entrance: Entrance) -> None:
    before = os.listdir("/dev/fd")
    made = Turnstile()
    made.guard([entrance.place], entrance.now)
    made.close()
    assert os.listdir("/dev/fd") == before


def test_at_the_start_all_come_in(entrance: Entrance) -> None:
    assert entrance.turn(0) == 0
    entrance.come(3 * AT_ONCE)
    eventually("all are in", lambda: entrance.greeted == 3 * AT_ONCE)
    assert entrance.turnstile.patience(entrance.now) == OPENING_S


def test_then_the_first_come_in_at_once_and_the_others_at_a_pace(entrance: Entrance) -> None:
    entrance.turn(OPENING_S)
    entrance.come(AT_ONCE + 10)
    eventually("the first is in", lambda: entrance.greeted == 1)
    for count in range(AT_ONCE):
        entrance.turnstile.turn(entrance.now)
        eventually("one more is in", lambda count=count: entrance.greeted == count + 2)
    assert entrance.turn(0) == AT_ONCE + 1
    assert 0 < entrance.turnstile.patience(entrance.now) <= EVERY_S
    assert entrance.turn(EVERY_S / 2) == AT_ONCE + 1
    for count in (AT_ONCE + 2, AT_ONCE + 3):
        assert entrance.turn(EVERY_S, count) == count


def test_it_tells_that_somebody_has_come(entrance: Entrance) -> None:
    entrance.turn(OPENING_S)
    assert not select.select(entrance.turnstile.polled, [], [], 0)[0]
    entrance.come(2)
    assert select.select(entrance.turnstile.polled, [], [], 10)[0] == entrance.turnstile.polled
    eventually("both are in", lambda: entrance.turn(EVERY_S) == 2)
    assert entrance.turnstile.patience(entrance.now) > 1


def test_a_crowd_that_does_not_end_is_let_in(entrance: Entrance) -> None:
    entrance.turn(OPENING_S)
    entrance.come(100)
    entrance.turn(1)  # it begins
    for _ in range(int(CROWD_S / (0.9 * CALM_S))):
        entrance.now += 0.9 * CALM_S
        entrance.turnstile.turn(entrance.now)
    assert entrance.greeted < 100
    eventually("all come in", lambda: entrance.turn(EVERY_S) == 100)
    assert 0 < entrance.turnstile.patience(entrance.now) <= LOOK_S
    # When nobody waits any more, the next ones are held back again.
    entrance.turn(LOOK_S)
    entrance.come(10 * AT_ONCE)
    assert entrance.turn(0) <= 102


def test_a_loop_that_is_slow_keeps_nobody_out(entrance: Entrance) -> None:
    entrance.turn(OPENING_S)
    entrance.come(100)
    for _ in range(2 + int(CROWD_S / (2 * CALM_S))):
        entrance.turn(2 * CALM_S)
    eventually("all come in", lambda: entrance.greeted == 100)


def test_what_is_not_watched_as_expected_is_left_alone() -> None:
    made = Turnstile()
    made.guard(["tcp://127.0.0.1:1"], 0.0)
    made.turn(OPENING_S)
    assert made.patience(OPENING_S) > 1
    made.close()


def test_where_there_is_no_proc_all_come_in(
    entrance: Entrance, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(turnstile, "DESCRIPTORS", tmp_path / "none")
    blind = Turnstile()
    blind.guard([entrance.place], entrance.now)
    blind.turn(entrance.now + OPENING_S)
    assert blind.patience(entrance.now + OPENING_S) > LOOK_S
    blind.close()


def test_when_a_crowd_has_taken_every_descriptor_it_looks_again(entrance: Entrance) -> None:
    made = Turnstile()
    with every_descriptor():
        made.guard([entrance.place], entrance.now)
        made.turn(entrance.now)
    assert made.patience(entrance.now) == LOOK_S
    entrance.turnstile.close()
    entrance.turnstile = made
    entrance.turn(max(LOOK_S, OPENING_S))
    entrance.come(3 * AT_ONCE)
    eventually("the first is in", lambda: entrance.greeted > 0)
    assert entrance.turn(0) <= AT_ONCE + 1


@contextlib.contextmanager
def every_descriptor() -> Iterator[None]:
    """Take all that this process may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken: list[int] = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 1_024), hard))
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.dup(0))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for copy in taken:
            os.close(copy)


@pytest.mark.parametrize("name", ["\0turnstile", ""])
def test_other_sockets_that_this_process_watches_are_left_alone(
    entrance: Entrance, name: str
) -> None:
    with posix.socket(posix.AF_UNIX) as other, select.epoll() as watching:
        other.bind(name)
        other.listen()
        watching.register(other, select.EPOLLIN)
        made = Turnstile()
        made.guard([entrance.place], entrance.now)
        made.close()
