"""Who is expelled gets nothing more, and the others are back within a second."""

from __future__ import annotations

import socket as posix
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from chatlib.errors import CannotCreate
from chatlib.net.curve import make_pair
from chatlib.net.rebind import rebind
from chatlib.net.sockets import bind, make_context, make_socket
from chatlib.protocol.links import Endpoint
from chatlib.security.door import Verdict, as_its_key
from tests.net.curves import HERE, House
from tests.support import eventually


@pytest.fixture
def house() -> Iterator[House]:
    with House() as made:
        yield made


def renew(house: House, domain: str) -> None:
    house.sockets[domain] = rebind(
        house.sockets[domain], lambda: house.make(domain), house.places[domain]
    )


def received(socket: zmq.Socket[bytes]) -> list[bytes]:
    got = []
    while socket.poll(0):
        got.append(socket.recv())
    return got


def test_of_two_readers_one_is_expelled_and_the_other_hears_all_that_follows(house: House) -> None:
    ann, bob = make_pair(), make_pair()
    readers = {pair: house.client("feed", pair, topic=b"room/") for pair in (ann, bob)}
    house.until("both subscribed", lambda: len(house.heard_on("feed")) == 2)
    house.sockets["feed"].send(b"room/ before")
    house.until("both got it", lambda: all(reader.poll(0) for reader in readers.values()))
    house.decide = lambda k: Verdict(None, "revoked") if k.key == bob.public else as_its_key(k)
    house.heard.clear()
    start = time.monotonic()
    renew(house, "feed")
    house.until("one subscribed anew", lambda: house.heard_on("feed"))
    took = time.monotonic() - start
    said = [b"room/ %d" % number for number in range(200)]
    for line in said:
        house.sockets["feed"].send(line)
    house.until("the other was refused", lambda: house.doorman and house.doorman.refused)
    house.pass_time(0.5)
    assert received(readers[ann]) == [b"room/ before", *said]
    assert received(readers[bob]) == [b"room/ before"]
    assert house.heard_on("feed") == [[b"\x01room/"]]
    assert took < 5  # measured: 0.1 s; a loaded machine may take longer


@pytest.mark.parametrize("domain", ["control", "intake"])
def test_of_two_writers_one_is_expelled_and_the_other_is_heard_on(
    house: House, domain: str
) -> None:
    ann, bob = make_pair(), make_pair()
    writers = {pair: house.client(domain, pair) for pair in (ann, bob)}
    for pair, writer in writers.items():
        writer.send(pair.public)
    house.until("both heard", lambda: len(house.heard) == 2)
    old = {parts[0] for parts in house.heard_on("control")}
    house.decide = lambda k: Verdict(None, "revoked") if k.key == bob.public else as_its_key(k)
    house.heard.clear()
    renew(house, domain)

    def heard_again() -> bool:
        for pair, writer in writers.items():  # as a client: again, until it is acknowledged
            if writer.poll(0, zmq.POLLOUT):
                writer.send(pair.public)
        return len(house.heard) >= 20

    house.until("one is heard again", heard_again)
    assert {frames[-1].bytes for _, frames in house.heard} == {ann.public}
    assert {frames[-1].get("User-Id") for _, frames in house.heard} == {ann.public.decode()}
    assert not old & {parts[0] for parts in house.heard_on("control")}  # routing ids are new


def test_many_times_in_a_row(house: House) -> None:
    house.client("feed", make_pair())
    for _ in range(20):
        house.heard.clear()
        house.until("subscribed", lambda: house.heard_on("feed"))
        renew(house, "feed")


def test_a_socket_file_is_there_afterwards(tmp_path: Path) -> None:
    place = Endpoint("", 0, str(tmp_path / "intake"))
    with make_context() as context:
        server = make_socket(context, zmq.PULL, 1_000, place)
        bind(server, place)
        client = make_socket(context, zmq.PUSH, 1_000, place)
        client.connect(str(place))
        for _ in range(20):
            server = rebind(server, lambda: make_socket(context, zmq.PULL, 1_000, place), place)
            time.sleep(0.01)
            assert Path(place.path).exists()
        eventually("heard", lambda: client.send(b"x", zmq.NOBLOCK) or server.poll(50))
        context.destroy(linger=0)


def test_a_port_that_somebody_else_took_is_told() -> None:
    with make_context() as context, posix.create_server(("127.0.0.1", 0)) as taken:
        place = HERE._replace(port=taken.getsockname()[1])
        server = make_socket(context, zmq.PULL, 1_000, HERE)
        with pytest.raises(CannotCreate, match=f"{place} again: Address already in use"):
            rebind(server, lambda: make_socket(context, zmq.PULL, 1_000, HERE), place, 0.1)
