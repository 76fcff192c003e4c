"""A peer that does not read: what is kept for it, for how long, and what it gets later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
import zmq

from chatlib.net.backlog import BACKLOG_BYTES, LATE_S, OVERHEAD, Backlog
from tests.support import PATIENCE, eventually

PEER = b"\0peer"


class Router:
    """A ROUTER that takes `room` more messages for its one peer."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.gone = False
        self.sent: list[bytes] = []

    def send_multipart(self, frames: list[bytes], flags: int) -> None:
        assert flags == zmq.NOBLOCK
        if self.gone:
            raise zmq.ZMQError(zmq.EHOSTUNREACH)
        if not self.room:
            raise zmq.Again
        self.room -= 1
        self.sent.append(frames[-1])


class Sender:
    def __init__(self, room: int) -> None:
        self.router = Router(room)
        self.vanished: list[bytes] = []
        self.counts: Counter[str] = Counter()
        self.backlog = Backlog(self.router, self.vanished.append, self.counts)  # type: ignore[arg-type]

    def send(self, *bodies: bytes, now: float = 0.0) -> None:
        for body in bodies:
            self.backlog.send([PEER, body], now)


def test_order_is_kept() -> None:
    sender = Sender(1)
    sender.send(b"1", b"2", b"3")
    assert set(sender.backlog.congested) == {PEER}
    sender.router.room = 1
    sender.backlog.retry(0.0)
    sender.send(b"4")
    sender.router.room = 9
    sender.backlog.retry(0.0)
    assert sender.router.sent == [b"1", b"2", b"3", b"4"]
    assert not sender.backlog.congested


def test_a_full_backlog_drops_what_comes_on_top() -> None:
    sender = Sender(0)
    sender.send(b"x" * 4 * BACKLOG_BYTES, b"2", b"3")  # one that is large is kept, like any first
    assert sender.counts["control_dropped"] == 2
    sender = Sender(0)
    fits = -(-BACKLOG_BYTES // (len(PEER) + 1 + OVERHEAD))
    sender.send(*[b"x"] * (fits + 5))
    assert sender.counts["control_dropped"] == 5


def test_tries_get_rare_and_quick_again() -> None:
    sender = Sender(0)
    sender.send(*[b"x"] * 9)
    now = 0.0
    waits = []
    for _ in range(12):
        sender.backlog.retry(now)
        waits.append(sender.backlog.patience(now))
        now += waits[-1]
    assert waits[:9] == sorted(waits[:9]) and 0 < waits[0] < waits[-1] == pytest.approx(LATE_S)
    sender.router.room = 1
    sender.backlog.retry(now)
    assert sender.backlog.patience(now) == 0


def test_a_peer_that_is_gone_is_forgotten() -> None:
    sender = Sender(0)
    sender.send(b"1", b"2")
    sender.router.gone = True
    sender.backlog.retry(0.0)
    assert set(sender.vanished) == {PEER} and not sender.backlog.congested


@pytest.fixture
def context() -> Iterator[zmq.Context[zmq.Socket[bytes]]]:
    with zmq.Context() as made:
        made.linger = 0
        yield made


def test_a_real_peer_gets_all_in_order(context: zmq.Context[zmq.Socket[bytes]]) -> None:
    """It reads late: libzmq's queue and the kernel's are full, and what waits comes then."""
    router, dealer = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
    router.setsockopt(zmq.ROUTER_MANDATORY, 1)
    router.sndhwm = dealer.rcvhwm = 1
    port = router.bind_to_random_port("tcp://127.0.0.1")
    dealer.rcvtimeo = int(PATIENCE * 1000)
    dealer.connect(f"tcp://127.0.0.1:{port}")
    dealer.send(b"here")
    routing, _ = router.recv_multipart()
    backlog = Backlog(router, lambda routing: None, Counter())
    bodies = []
    while not backlog.congested:  # the kernel takes some MiB
        bodies.append(b"%9d" % len(bodies) + b"x" * 100_000)
        backlog.send([routing, bodies[-1]], 0.0)
    bodies.append(b"the last")
    backlog.send([routing, bodies[-1]], 0.0)
    got = [dealer.recv() for _ in range(len(bodies) // 2)]
    now = 0.0

    def all_is_sent() -> bool:
        nonlocal now
        now += 1.0
        router.poll(0)  # libzmq hears there that the peer has read
        backlog.retry(now)
        while dealer.poll(0):
            got.append(dealer.recv())
        return not backlog.congested

    eventually("all is sent", all_is_sent)
    while len(got) < len(bodies):
        got.append(dealer.recv())
    assert got == bodies
    router.close()
    dealer.close()
