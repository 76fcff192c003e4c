"""What a failed handshake means: no waiting helps, waiting helps, or it is not known yet."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import zmq

from chatlib.errors import Misuse, Refused, Unreachable
from chatlib.net import handshake
from chatlib.net.curve import make_pair
from chatlib.net.handshake import CUT_OFF, QUICK_S, Handshakes, keys_for, look, mechanism_of
from chatlib.net.sockets import make_context
from chatlib.protocol.links import parse_endpoint

HERE = parse_endpoint("tcp://127.0.0.1:5555")
HUNG_UP = (zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL, 32)
PAIR = make_pair()
KEYS = keys_for(PAIR.public, PAIR, None)


@pytest.fixture
def greeted(monkeypatch: pytest.MonkeyPatch) -> Callable[[str | None], None]:
    """Say what whoever listens greets with."""

    def greets(mechanism: str | None) -> None:
        monkeypatch.setattr(handshake, "mechanism_of", lambda endpoint: mechanism)

    greets("CURVE")
    return greets


def code(fault: object) -> str:
    return fault.code if isinstance(fault, Refused) else type(fault).__name__


@pytest.mark.parametrize(
    ("keys", "mechanism", "expected"),
    [
        (KEYS, None, "Unreachable"),
        (None, None, "Unreachable"),
        (KEYS, "", "Unreachable"),
        (None, "NULL", "Unreachable"),
        (None, "CURVE", "encrypted"),
        (KEYS, "NULL", "not_encrypted"),
        (KEYS, "CURVE", "NoneType"),
    ],
)
def test_what_being_hung_up_on_means(
    greeted: Callable[[str | None], None],
    keys: handshake.Keys | None,
    mechanism: str | None,
    expected: str,
) -> None:
    greeted(mechanism)
    handshakes = Handshakes(HERE, keys)
    handshakes.begin()
    assert code(handshakes.failed(*HUNG_UP)) == expected


def test_a_key_is_another_one_after_some_times_in_a_row(greeted: object) -> None:
    handshakes = Handshakes(HERE, KEYS)
    for _ in range(2):
        for _ in range(CUT_OFF - 1):
            handshakes.begin()
            assert handshakes.failed(*HUNG_UP) is None
        handshakes.begin()
        handshakes.succeeded()
    for _ in range(CUT_OFF):
        handshakes.begin()
        fault = handshakes.failed(*HUNG_UP)
    assert code(fault) == "wrong_server_key"


def test_a_broker_that_is_stopped_has_no_other_key(
    greeted: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """libzmq gives up after half a minute; a broker that does not know us hangs up at once."""
    now = [100.0]
    monkeypatch.setattr(handshake.time, "monotonic", lambda: now[0])
    handshakes = Handshakes(HERE, KEYS)
    for _ in range(2 * CUT_OFF):
        handshakes.begin()
        now[0] += QUICK_S + 1
        assert isinstance(handshakes.failed(*HUNG_UP), Unreachable)


def test_it_is_pending_until_it_succeeded() -> None:
    """What comes later is no failed handshake, but a connection that was lost."""
    handshakes = Handshakes(HERE, KEYS)
    assert not handshakes.pending
    handshakes.begin()
    assert handshakes.pending
    handshakes.succeeded()
    assert not handshakes.pending


def test_keys_for() -> None:
    assert keys_for(None, None, None) is None
    assert KEYS is not None and KEYS.own == PAIR
    once = keys_for(PAIR.public, None, "token")
    assert once is not None and once.own != PAIR
    for given in ((None, PAIR, None), (None, None, "token"), (b"short", None, None)):
        with pytest.raises(Misuse):
            keys_for(*given)


@pytest.mark.parametrize("mechanism", ["NULL", "CURVE"])
def test_what_libzmq_greets_with(mechanism: str) -> None:
    with make_context() as context:
        router = context.socket(zmq.ROUTER)
        if mechanism == "CURVE":
            router.curve_server, router.curve_secretkey = True, PAIR.secret
        port = router.bind_to_random_port("tcp://127.0.0.1")
        here = parse_endpoint(f"tcp://127.0.0.1:{port}")
        assert mechanism_of(here) == mechanism
        look(here, KEYS if mechanism == "CURVE" else None)
        with pytest.raises(Refused) as refused:
            look(here, None if mechanism == "CURVE" else KEYS)
        assert refused.value.code == ("encrypted" if mechanism == "CURVE" else "not_encrypted")
        router.close(linger=0)


@pytest.mark.parametrize(
    ("says", "mechanism"),
    [
        (b"SSH-2.0-OpenSSH\r\n", ""),
        (b"", None),
        (b"\xff" + bytes(8), None),
        (b"\xff" + bytes(8) + b"\x7f\x03\x01CURVE" + bytes(47), "CURVE"),
    ],
)
def test_what_others_greet_with(says: bytes, mechanism: str | None, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        listening.listen()

        def greet() -> None:
            peer, _ = listening.accept()
            peer.sendall(says)
            peer.close()

        greeting = threading.Thread(target=greet)
        greeting.start()
        assert mechanism_of(parse_endpoint(f"ipc://{tmp_path}/s")) == mechanism
        greeting.join()


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "ipc:///nowhere/at/all"])
def test_where_nobody_is(address: str) -> None:
    assert mechanism_of(parse_endpoint(address)) is None
    with pytest.raises(Unreachable, match="is the broker running there"):
        look(parse_endpoint(address), None)
