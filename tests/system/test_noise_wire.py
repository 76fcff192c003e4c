"""Hostile peers below ZeroMQ, while two honest people talk and notice nothing."""

from __future__ import annotations

import contextlib
import random
import struct
from collections.abc import Iterator

import pytest
import zmq

from tests.support import RunningBroker, peers
from tests.system.noise import GREETING, PORTS, SIGNATURE, ready, undisturbed, wired


@pytest.fixture(autouse=True)
def two_talk(broker: RunningBroker) -> Iterator[None]:
    with undisturbed(broker):
        yield


@pytest.mark.parametrize("port", PORTS)
def test_random_bytes(broker: RunningBroker, port: str) -> None:
    chance = random.Random(port)
    for size in (0, 1, 9, 10, 64, 200, 4_000, 100_000):
        for start in (b"", b"\xff", SIGNATURE, GREETING, GREETING + ready(b"DEALER")):
            noise = start, chance.randbytes(size)
            with contextlib.suppress(OSError), wired(getattr(broker, port), *noise):
                pass  # the broker may hang up at any byte


@pytest.mark.parametrize("port", PORTS)
def test_other_protocols(broker: RunningBroker, port: str) -> None:
    for text in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01" + bytes(200), b"NICK a\r\n"):
        with contextlib.suppress(OSError), wired(getattr(broker, port), text * 50):
            pass


def test_half_open_greetings(broker: RunningBroker) -> None:
    """Peers that begin a handshake and never end it, all at once."""
    with contextlib.ExitStack() as stack:
        for i in range(len(GREETING) + 1):
            stack.enter_context(wired(getattr(broker, PORTS[i % 3]), GREETING[:i]))
        with peers(broker, 1) as (late,):
            assert late.hello("late")["ok"]


def test_lying_sizes(broker: RunningBroker) -> None:
    """Frames and commands that say they are huge, negative or of no known kind."""
    for port, kind in zip(PORTS, (b"DEALER", b"PUSH", b"SUB"), strict=True):
        for size in (2**20, 2**31, 2**40, 2**63, 2**64 - 1):
            for flags in (0x02, 0x03, 0x06, 0x07, 0xFF):
                lie = GREETING, ready(kind), bytes([flags]) + struct.pack(">Q", size), bytes(1_000)
                with contextlib.suppress(OSError), wired(getattr(broker, port), *lie):
                    pass


@pytest.mark.parametrize("kind", [zmq.PUB, zmq.SUB, zmq.PUSH, zmq.PULL, zmq.REQ, zmq.REP,
                                  zmq.DEALER, zmq.ROUTER, zmq.XPUB, zmq.XSUB, zmq.PAIR,
                                  zmq.STREAM])  # fmt: skip
def test_socket_types(broker: RunningBroker, kind: int) -> None:
    """Every type of socket at every port, sending where it can."""
    with zmq.Context() as context:
        for port in PORTS:
            with context.socket(kind) as odd:
                odd.linger = 0
                odd.connect(getattr(broker, port))
                for frames in ([b"x"], [b"", b"x"], [b"\x01", b"\x00", bytes(500)]):
                    with contextlib.suppress(zmq.ZMQError):
                        odd.send_multipart(frames, zmq.NOBLOCK)
                    with contextlib.suppress(zmq.ZMQError):
                        odd.subscribe(frames[0])
