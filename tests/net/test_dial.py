"""Who is there, and if nobody, why: at once, in words."""

from __future__ import annotations

import socket
import tempfile
import threading
import time

import pytest

from chatlib.errors import Unreachable
from chatlib.net.dial import dial
from chatlib.protocol.links import parse_endpoint
from tests.system.people import has_ipv6

PATIENCE = 10.0


def test_somebody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as there:
        assert dial(parse_endpoint(f"127.0.0.1:{there.getsockname()[1]}"), PATIENCE) is False


def test_ipv6() -> None:
    if not has_ipv6():
        pytest.skip("this machine has no ::1")
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as there:
        port = there.getsockname()[1]
        assert dial(parse_endpoint(f"[::1]:{port}"), PATIENCE) is True
    with pytest.raises(Unreachable, match="connection refused"):
        dial(parse_endpoint(f"[::1]:{port}"), PATIENCE)


def test_every_address_of_a_name_is_tried() -> None:
    """`localhost` may be ::1 first, and the broker on 127.0.0.1."""
    with socket.create_server(("127.0.0.1", 0)) as there:
        assert dial(parse_endpoint(f"localhost:{there.getsockname()[1]}"), PATIENCE) is False


def test_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(Unreachable) as refused:
        dial(parse_endpoint(f"127.0.0.1:{port}"), PATIENCE)
    assert str(refused.value) == (
        f"cannot reach tcp://127.0.0.1:{port} (connection refused): is the broker running there? "
        "Start it with: hubbub broker"
    )


def test_no_such_host(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unreachable, match=r"nowhere\.invalid.*no such host.*is its name right"):
        dial(parse_endpoint("nowhere.invalid"), PATIENCE)


def test_name_that_can_be_no_host() -> None:
    with pytest.raises(Unreachable, match="no such host"):
        dial(parse_endpoint("x" * 300), PATIENCE)


def test_ipc() -> None:
    with tempfile.TemporaryDirectory(prefix="hub") as short:
        endpoint = parse_endpoint(f"ipc://{short}/chat")
        with pytest.raises(Unreachable, match="there is no such socket file"):
            dial(endpoint, PATIENCE)
        with socket.socket(socket.AF_UNIX) as there:
            there.bind(endpoint.path)
            there.listen()
            assert dial(endpoint, PATIENCE) is False
        with pytest.raises(Unreachable, match="connection refused"):  # the file is still there
            dial(endpoint, PATIENCE)


def full(backlog: socket.socket) -> list[socket.socket]:
    """Fill a listener's queue, so that who dials next waits; return what holds it full."""
    held = []
    for _ in range(8):
        held.append(s := socket.socket())
        s.setblocking(False)
        s.connect_ex(backlog.getsockname())
    return held


def test_wake_ends_an_attempt() -> None:
    near, far = socket.socketpair()
    with socket.create_server(("127.0.0.1", 0), backlog=0) as busy, near, far:
        held = full(busy)
        endpoint = parse_endpoint(f"127.0.0.1:{busy.getsockname()[1]}")
        threading.Timer(0.1, lambda: near.send(b"x")).start()
        began = time.monotonic()
        with pytest.raises(Unreachable, match="no answer"):
            dial(endpoint, 60, far)
        assert time.monotonic() - began < 30
        for s in held:
            s.close()


def test_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as busy:
        held = full(busy)
        with pytest.raises(Unreachable, match="no answer"):
            dial(parse_endpoint(f"127.0.0.1:{busy.getsockname()[1]}"), 0.1)
        for s in held:
            s.close()
