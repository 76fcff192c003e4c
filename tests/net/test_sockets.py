"""Every socket keeps out of libzmq's traps; what can't be bound says why."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator

import pytest
import zmq

from chatlib.errors import BadAddress, CannotCreate
from chatlib.net.sockets import bind, make_context, make_socket
from chatlib.protocol.links import Endpoint, parse_endpoint
from tests.system.people import Context, has_ipv6

HERE = parse_endpoint("tcp://127.0.0.1:0")


@pytest.fixture
def context() -> Iterator[Context]:
    with make_context() as made:
        yield made


def bound(context: Context, place: str | Endpoint) -> Endpoint:
    endpoint = parse_endpoint(place) if isinstance(place, str) else place
    with make_socket(context, zmq.PULL, 1_000, endpoint) as made:
        return bind(made, endpoint)


def test_options(context: Context) -> None:
    with make_socket(context, zmq.SUB, 1_000, HERE) as made:
        assert made.getsockopt(zmq.MAXMSGSIZE) == 1_000  # unlimited by default
        assert 0 <= made.getsockopt(zmq.LINGER) <= 500  # for ever by default
        assert made.getsockopt(zmq.RECONNECT_IVL_MAX) > 0  # no backoff by default
        assert made.getsockopt(zmq.TCP_KEEPALIVE) == 1
        assert made.getsockopt(zmq.HEARTBEAT_IVL) == 0  # aborts the process on a full queue


def test_many_sockets(context: Context) -> None:
    assert context.get(zmq.MAX_SOCKETS) > 1023


def test_free_port(context: Context) -> None:
    first, second = bound(context, HERE), bound(context, HERE)
    assert first.host == "127.0.0.1" and first.port and second.port


def test_ipv6(context: Context) -> None:
    if not has_ipv6():
        pytest.skip("this machine has no ::1")
    assert str(bound(context, "tcp://[::1]:0")).startswith("tcp://[::1]:")


def test_taken(context: Context) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(CannotCreate, match=f"cannot listen on {place}: it is in use"):
            bound(context, place)


@pytest.mark.parametrize("place", ["tcp://192.0.2.1:0", "tcp://no-such-interface:0"])
def test_not_of_this_machine(context: Context, place: str) -> None:
    with pytest.raises(BadAddress, match="this machine has no such address"):
        bound(context, place)


def test_ipc(context: Context) -> None:
    with tempfile.TemporaryDirectory(prefix="hub") as short:
        new, stale, taken = (
            parse_endpoint(f"ipc://{short}/{x}") for x in ("new", "stale", "taken")
        )
        assert bound(context, new) == new
        with socket.socket(socket.AF_UNIX) as left_behind:
            left_behind.bind(stale.path)  # and nobody listens, as after a crash
        assert bound(context, stale) == stale
        with socket.socket(socket.AF_UNIX) as alive:
            alive.bind(taken.path)
            alive.listen()
            with pytest.raises(CannotCreate, match="something answers there already"):
                bound(context, taken)
        with pytest.raises(CannotCreate, match="No such file or directory"):
            bound(context, f"ipc://{short}/missing/chat")
