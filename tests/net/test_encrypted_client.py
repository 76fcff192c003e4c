"""A client and an encrypted broker: they talk, or each is told why not, and what to do."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from chatlib import Client, Connection, Misuse, Refused, Unreachable
from chatlib.net import curve, handshake, line
from chatlib.net.broker import Broker
from chatlib.net.curve import NOT_NOW, make_pair
from chatlib.security.keys import fingerprint
from tests.net.encrypted import Encrypted
from tests.support import PATIENCE, eventually
from tests.system.people import until, until_said

QUIET_S = 1.0  # in which something that is retried would have been, several times


@pytest.fixture
def house() -> Iterator[Encrypted]:
    with Encrypted() as made:
        yield made


@pytest.fixture
def plain() -> Iterator[str]:
    """A broker without keys, in a thread."""
    broker = Broker("tcp://127.0.0.1:0")
    address = str(broker.bind()[0])
    serving = threading.Thread(target=broker.run)
    serving.start()
    yield address
    broker.stop()
    serving.join()


def connection(*states: str) -> Any:
    return lambda told: isinstance(told, Connection) and told.state in states


def refused(client: Client) -> Refused:
    with pytest.raises(Refused) as caught, client:
        raise AssertionError("it was let in")
    return caught.value


# -- they talk ---------------------------------------------------------------------------------


def test_two_members_talk(house: Encrypted) -> None:
    with house.client("ann") as ann, house.client("bob") as bob:
        ann.join("lobby")
        bob.join("lobby")
        ann.say("lobby", "hi")
        bob.tell("ann", "psst")
        ann.flush(PATIENCE)
        bob.flush(PATIENCE)
        until_said(bob, "hi")
        until_said(ann, "psst")
    assert {knock.domain for knock in house.knocks} == {"control", "intake", "feed"}
    assert {knock.key for knock in house.knocks} == house.admitted


def test_without_a_key_of_its_own_a_client_has_one_for_this_once(house: Encrypted) -> None:
    clients = [Client(house.address, "ann", server_key=house.pair.public) for _ in range(2)]
    assert [refused(client).code for client in clients] == ["not_admitted"] * 2
    assert len({knock.key for knock in house.knocks}) == 2


def test_misuse(house: Encrypted) -> None:
    for given in ({"key": make_pair()}, {"token": "abc"}, {"server_key": b"short"}):
        with pytest.raises(Misuse):
            Client(house.address, "ann", **given)  # type: ignore[arg-type]


# -- an invitation -----------------------------------------------------------------------------


def test_a_token_lets_a_key_in_for_good(house: Encrypted) -> None:
    house.tokens.add("welcome")
    key = make_pair()
    for _ in range(2):  # the second time it is not asked for
        with house.client("ann", key=key, admit=False, token="welcome") as ann:
            ann.join("lobby")
            ann.say("lobby", "hi")
            ann.flush(PATIENCE)
    assert house.requests.count("redeem") == 1


@pytest.mark.parametrize(
    ("token", "code", "step"),
    [("used-up", "bad_token", "ask its operator for a new link"),
     (None, "not_admitted", "ask its operator for a link")],
)  # fmt: skip
def test_who_is_not_invited_is_told_and_does_not_ask_again(
    house: Encrypted, token: str | None, code: str, step: str
) -> None:
    stranger = house.client("ann", admit=False, token=token).start(wait=None)
    told = until(stranger, connection("refused", "offline"))[-1]
    assert (told.state, told.code) == ("refused", code) and step in told.detail
    asked = list(house.requests)
    time.sleep(QUIET_S)
    assert house.requests == asked
    assert stranger.state == "refused"
    with pytest.raises(Refused, match=step):
        stranger.rooms()
    stranger.close()
    assert {knock.domain for knock in house.knocks} == {"control"}


# -- keys that keep them apart -----------------------------------------------------------------


def test_another_server_key(house: Encrypted) -> None:
    wrong = make_pair().public
    fault = refused(house.client("ann", server_key=wrong))
    assert fault.code == "wrong_server_key" and fault.exit_code == 77
    assert f"{house.address} has another key than the link says" in str(fault)
    assert fingerprint(wrong) in str(fault) and "new link" in str(fault)
    assert not house.knocks and not house.requests


def test_another_server_key_is_not_dialled_for_ever(
    house: Encrypted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """libzmq would do so every 100 ms."""
    dialled: list[object] = []
    begin = handshake.Handshakes.begin
    monkeypatch.setattr(
        handshake.Handshakes, "begin", lambda self: (dialled.append(self), begin(self))
    )
    with house.client("ann", server_key=make_pair().public).start(wait=None) as ann:
        until(ann, connection("refused"))
        time.sleep(QUIET_S)
        assert len(dialled) == handshake.CUT_OFF


def test_a_banned_key(house: Encrypted) -> None:
    key = make_pair()
    house.banned.add(key.public)
    with house.client("ann", key=key).start(wait=None) as ann:
        told = until(ann, connection("refused", "offline"))[-1]
        assert (told.state, told.code) == ("refused", "key_refused")
        assert "ask its operator" in told.detail
        time.sleep(QUIET_S)
    assert len(house.knocks) == 1


def test_a_key_that_is_banned_meanwhile(house: Encrypted) -> None:
    with house.client("ann") as ann:
        ann.join("lobby")
        house.banned |= house.admitted
        house.stop()
        with house.again() as later:
            until(ann, connection("refused"))
            # The old SUB may have knocked once more, while it was read out.
            assert [knock.domain for knock in later.knocks].count("control") == 1
            ann.say("lobby", "hello?")
            with pytest.raises(Refused, match="refuses your key"):
                ann.flush(PATIENCE)


def test_a_client_without_keys(house: Encrypted) -> None:
    for _ in range(5):  # which side sees it first is a race
        fault = refused(Client(house.address, "ann"))
        assert fault.code == "encrypted"
        assert str(fault) == (
            f"the broker at {house.address} is encrypted: join with the link that its operator "
            f"gives you (hubbub join LINK)"
        )
    assert not house.requests


def test_a_broker_without_keys(plain: str) -> None:
    for _ in range(5):
        fault = refused(Client(plain, "ann", server_key=make_pair().public, token="secret"))
        assert fault.code == "not_encrypted"
        assert f"{plain} is not encrypted" in str(fault)


# -- what passes -------------------------------------------------------------------------------


def test_a_broker_that_comes_back_with_its_key(house: Encrypted) -> None:
    with house.client("ann") as ann, house.client("bob") as bob:
        ann.join("lobby")
        bob.join("lobby")
        house.stop()
        until(ann, connection("offline"))
        ann.say("lobby", "still here?")
        with house.again():
            until(ann, connection("online"))
            until(bob, connection("online"))
            until_said(bob, "still here?")


def test_a_broker_that_comes_back_with_another_key(house: Encrypted) -> None:
    with house.client("ann") as ann:
        house.stop()
        with house.again(make_pair()) as other:
            told = until(ann, connection("refused"))[-1]
            assert told.code == "wrong_server_key" and not other.knocks


def test_a_broker_that_is_cut_off_in_handshakes_is_tried_again(
    house: Encrypted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One less than what is taken for another key, and nobody is told."""
    keys = iter([make_pair().public] * (handshake.CUT_OFF - 1))
    monkeypatch.setattr(
        line, "use_curve", lambda s, key, own: curve.use_curve(s, next(keys, key), own)
    )
    ann = house.client("ann")
    with ann.start(wait=None):
        assert until(ann, lambda told: True)[-1].state == "online"
        ann.join("lobby")


def test_a_decision_that_failed_passes(house: Encrypted) -> None:
    house.at_a_loss = 1
    with house.client("ann").start(wait=None) as ann:
        first, *_, last = until(ann, connection("online", "refused"))
        assert (first.state, first.detail) == ("offline", NOT_NOW)
        assert last.state == "online"


@pytest.mark.parametrize("domain", ["intake", "feed"])
def test_a_socket_that_was_refused_is_made_anew(house: Encrypted, domain: str) -> None:
    """libzmq does not dial it again."""
    house.shut = {domain}
    with house.client("ann") as ann:
        ann.join("lobby")
        ann.say("lobby", "hi")
        eventually("it was refused", lambda: house.refused[domain])
        house.shut = set()
        ann.flush(PATIENCE)
        until_said(ann, "hi")
        with house.client("bob") as bob:
            bob.join("lobby")
            bob.say("lobby", "live")
            until_said(ann, "live")


def test_what_speaks_no_zeromq() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with contextlib.suppress(OSError):  # closed: the test is at its end
                while True:
                    peer, _ = listening.accept()
                    with contextlib.suppress(OSError):
                        peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    peer.close()

        serving = threading.Thread(target=serve, daemon=True)
        serving.start()
        address = f"tcp://127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(Unreachable, match="does not speak ZeroMQ"):
            Client(address, "ann", server_key=make_pair().public).start()
        listening.shutdown(socket.SHUT_RDWR)
        serving.join(PATIENCE)
