"""A broker inside another program: it binds when told, ends when told, and leaves nothing open."""

from __future__ import annotations

import os
import socket
import threading

import pytest

from chatlib import Broker, Client
from chatlib.core.batch import Note
from chatlib.errors import BadAddress, CannotCreate
from chatlib.net.broker import raise_descriptor_limit
from tests.support import PATIENCE

FREE = "tcp://127.0.0.1:0"


def descriptors() -> int:
    return len(os.listdir("/dev/fd"))


def test_serves_and_ends() -> None:
    notes: list[tuple[str, str]] = []

    def observe(note: Note, address: str) -> None:
        notes.append((note.what, address))

    before = descriptors()
    broker = Broker(FREE, observer=observe)
    control, _, _ = broker.bind()
    serving = threading.Thread(target=broker.run)
    serving.start()
    try:
        with Client(str(control), "ann") as ann:
            assert [m.nick for m in ann.who()] == ["ann"]
    finally:
        broker.stop()
        serving.join(PATIENCE)
    assert not serving.is_alive()
    assert notes[0] == ("opened", "127.0.0.1")
    assert [what for what, _ in notes] == ["opened", "ended"]
    assert descriptors() == before


def test_stop_before_run() -> None:
    broker = Broker(FREE)
    broker.bind()
    broker.stop()
    broker.run()


def test_stop_after_the_end() -> None:
    broker = Broker(FREE)
    broker.bind()
    broker.stop()
    broker.run()
    broker.stop()


def test_bind_fault_lets_go_of_what_was_bound() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.create_server(
        ("127.0.0.1", 0)
    ) as free:  # fmt: skip
        ports = [s.getsockname()[1] for s in (free, taken)]
        free.close()
        places = [f"tcp://127.0.0.1:{port}" for port in ports]
        with pytest.raises(CannotCreate, match="in use"):
            Broker(places[0], intake=FREE, feed=places[1]).bind()
    again = Broker(places[0], intake=FREE, feed=places[1])
    again.bind()
    again.stop()
    again.run()


def test_bad_address() -> None:
    for place in ("nonsense://", "tcp://127.0.0.1:70000"):
        with pytest.raises(BadAddress):
            Broker(place)
        with pytest.raises(BadAddress):
            Broker(FREE, intake=place)


def test_limit_of_descriptors() -> None:
    assert raise_descriptor_limit() >= 256
