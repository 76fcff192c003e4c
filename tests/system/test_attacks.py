"""Attacks on a whole broker with keys, while two honest members talk and miss nothing.

Each of the attacks in bench/attackers.py is a process of its own, with a key that was let in. Told
elsewhere: stolen tokens, replayed invitations and bans in test_locked.py; all that needs no keys in
test_noise.py, test_noise_wire.py (bad frames), test_memory.py (what peers cost) and test_floods.py
(rates).
"""

from __future__ import annotations

import contextlib
import json
import re
import resource
import signal
import socket as posix
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import zmq

from bench.attackers import ask
from bench.machine import memory_mb
from chatlib.errors import HubbubError, TimedOut, Unreachable
from chatlib.net.curve import handshake_fault, make_pair, use_curve
from chatlib.net.operator import Operator
from chatlib.protocol.answers import BanList
from chatlib.protocol.requests import Bans
from chatlib.security.keys import KeyPair
from tests.net.curves import events_of
from tests.support import PATIENCE, eventually
from tests.system.pair import Guarded, Pair

PAUSE = 0.02  # between two messages of the honest ones
KINDS = {"control": zmq.DEALER, "intake": zmq.PUSH, "feed": zmq.SUB}
KEYED_LIMITS = (  # what a broker has that others can reach; here all come from one address
    "--limit", "on", *(
        part
        for kind in ("messages", "bytes", "requests")
        for part in ("--limit", f"addresses:{kind}=off")
    ),
)  # fmt: skip
SLOWLY = 0.25  # so that the honest ones stay below them


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Guarded]:
    with Guarded(tmp_path) as running:
        yield running


@pytest.fixture
def context() -> Iterator[zmq.Context[zmq.Socket[bytes]]]:
    made: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    yield made
    made.destroy(linger=0)


class Knocking:
    """A socket that tries to come in, and what it heard of the handshake."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        broker: Guarded,
        place: str,
        pair: KeyPair | None = None,
        server_key: bytes = b"",
    ) -> None:
        self.socket = context.socket(KINDS[place])
        self.socket.linger = 0
        self.place = place
        self._monitor = self.socket.get_monitor_socket()
        self._events: list[tuple[int, int]] = []
        if pair is not None:
            use_curve(self.socket, server_key or broker.key, pair)
        if place == "feed":
            self.socket.subscribe(b"")
        self.socket.connect(getattr(broker, place))
        if place == "control":
            self.socket.send(b'{"op":"hello","id":1,"v":1,"nick":"mallory"}', zmq.NOBLOCK)

    def heard(self) -> set[str]:
        """Return what was heard of handshakes so far; empty text for one that succeeded."""
        self.socket.poll(0)
        self._events += events_of(self._monitor)
        ends = [e for e in self._events if e[0] >= zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL]
        return {handshake_fault(*event) for event in ends}

    def close(self) -> None:
        self.socket.disable_monitor()
        self._monitor.close()
        self.socket.close()


# -- keys ----------------------------------------------------------------------------------------


def test_nobody_comes_in_without_the_right_keys(
    broker: Guarded, context: zmq.Context[zmq.Socket[bytes]], soak: bool
) -> None:
    """No key, a wrong one of the broker, an unknown one of one's own: at each of the three."""
    hung_up = "hung up on: is its key the right one?"
    plain = {hung_up, "one side uses keys and the other does not"}
    wrong: dict[str, Any] = {"pair": make_pair(), "server_key": make_pair().public}
    with Pair(broker, PAUSE) as pair:
        for _ in range(20 if soak else 2):
            tried = []
            for place in KINDS:
                unknown = {""} if place == "control" else {"refused"}
                tried += [
                    (Knocking(context, broker, place), plain),
                    (Knocking(context, broker, place, **wrong), {hung_up}),
                    (Knocking(context, broker, place, make_pair()), unknown),
                ]
            for one, expected in tried:
                eventually(f"{one.place} heard of its handshake", one.heard)
                assert one.heard() <= expected
            pair.talk_on()
            for one, expected in tried:
                assert one.heard() <= expected
                if expected != {""}:
                    assert not one.socket.poll(0), "nothing reaches it"
                else:  # in, for a token that it does not have
                    assert json.loads(one.socket.recv())["error"]["code"] == "not_admitted"
                one.close()
    assert "mallory" not in broker.output()


def test_a_doorman_who_fails_lets_nobody_in_and_it_is_said(
    tmp_path: Path, context: zmq.Context[zmq.Socket[bytes]]
) -> None:
    with Guarded(tmp_path, module="tests.system.undecided") as broker, Pair(broker, PAUSE) as pair:
        known = make_pair()
        with broker.client("early", known):
            pair.talk_on()  # all their connections are there
        broker.process.send_signal(signal.SIGUSR1)
        outside = [Knocking(context, broker, place, known) for place in KINDS]
        for one in outside:
            eventually("it was told", one.heard)
            assert one.heard() == {
                "the broker can't let you in now (too many connections from your address, or a "
                "fault of its own): try again in a moment"
            }
        with pytest.raises(Unreachable):
            broker.client("late", known).start(wait=1)
        pair.talk_on()
        why = "NOBODY NEW COMES IN, for who may can't be decided: RuntimeError: the list of keys"
        assert broker.output().count(why) == 1, "once a minute is enough"
        broker.process.send_signal(signal.SIGUSR1)
        let_in(broker, known)
        assert not any(one.socket.poll(0) for one in outside)
        for one in outside:
            one.close()


def let_in(broker: Guarded, known: KeyPair) -> None:
    """Wait until a key is let in, and can talk."""

    def comes_in() -> bool:
        with contextlib.suppress(HubbubError), broker.client("later", known) as client:
            client.join("lobby")
            return True
        return False

    eventually("it is let in", comes_in)


def test_without_a_doorman_nobody_comes_in(
    tmp_path: Path, context: zmq.Context[zmq.Socket[bytes]]
) -> None:
    """Nobody answers libzmq's question: what is asked in vain is refused, not granted."""
    with Guarded(tmp_path, module="tests.system.undecided") as broker, Pair(broker, PAUSE) as pair:
        known = make_pair()
        with broker.client("early", known):
            pair.talk_on()  # all their connections are there
        broker.process.send_signal(signal.SIGUSR2)
        eventually("he is gone", lambda: "the doorman is gone" in broker.output())
        outside = [Knocking(context, broker, place, known) for place in KINDS]
        with pytest.raises(HubbubError):
            broker.client("late", known).start(wait=0.5)
        pair.talk_on()
        for one in outside:
            assert "" not in one.heard() and not one.socket.poll(0)
            one.close()
        broker.process.send_signal(signal.SIGUSR2)
        let_in(broker, known)


# -- members who mean harm -----------------------------------------------------------------------


def test_all_that_an_xsub_can_send_brings_nothing_private(broker: Guarded, soak: bool) -> None:
    with (
        Pair(broker, PAUSE) as pair,
        broker.attack("subscriptions", 100) as attack,
    ):
        for _ in range(100 if soak else 10):
            pair.talk_on()
        found = attack.stop()
    assert found["heard"] > 0, "it reads what is public"
    assert found["private"] == 0
    assert found["sent"] > 10_000


def test_who_subscribes_without_end_is_cut_off_and_the_feed_is_closed_to_him(
    broker: Guarded,
) -> None:
    with (
        Pair(broker, PAUSE, cut_off=True) as pair,
        broker.attack("subscriptions", 20_000) as attack,
    ):
        told = re.compile(r"key [a-z2-7-]+, 127\.0\.0\.1 subscribed to more than a key may")
        eventually("it is told", lambda: told.search(broker.output()))
        for _ in range(5):
            pair.talk_on()
        assert memory_mb(broker.process.pid, peak=True) < 150
        attack.stop()
        assert len(told.findall(broker.output())) == 1


def test_thousands_of_connections(broker: Guarded, soak: bool) -> None:
    """A third TCP alone or half a handshake, the others whole; more come as the oldest end."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(10_000 if soak else 2_000, hard - 300)
    with Pair(broker, PAUSE) as pair, broker.attack("connections", count) as attack:
        for _ in range(20 if soak else 2):
            pair.talk_on()
            let_in(broker, make_pair())
        assert attack.stop()["connections"] > count / 2


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="Linux can limit another process")
@pytest.mark.parametrize("banned", [False, True])
def test_connections_that_take_every_descriptor(broker: Guarded, banned: bool) -> None:
    """Those inside go on. Operators here are put off; one that is in throws the attacker out."""
    assert broker.data is not None
    used = len(list(Path(f"/proc/{broker.process.pid}/fd").iterdir()))
    with Pair(broker, PAUSE, cut_off=banned) as pair, broker.operator() as operator:
        assert ask(operator, op="bans")["bans"] == []
        resource.prlimit(broker.process.pid, resource.RLIMIT_NOFILE, (used + 300, used + 300))
        with broker.attack("connections", 900) as attack:
            eventually("it is told", lambda: "NOBODY NEW MAY COME IN" in broker.output())
            pair.talk_on()
            with Operator(broker.data) as late, pytest.raises(TimedOut):
                late.ask(Bans(), BanList, 0.5)
            if banned:
                ask(operator, op="ban", key=attack.key)
            pair.talk_on()
        with Operator(broker.data) as late:
            assert len(late.ask(Bans(), BanList, PATIENCE).bans) == banned
        let_in(broker, make_pair())


def test_many_who_come_while_the_broker_is_busy_need_not_come_again(broker: Guarded) -> None:
    """Else they would try again after 1, 3, 7 seconds, the honest ones among them."""
    most = Path("/proc/sys/net/core/somaxconn")
    if not most.exists() or int(most.read_text()) < 1_000:
        pytest.skip("this system lets few wait")
    place = urlsplit(broker.control)
    broker.process.send_signal(signal.SIGSTOP)
    with contextlib.ExitStack() as stack:
        for _ in range(900):
            address = (place.hostname, place.port)
            stack.enter_context(posix.create_connection(address, timeout=PATIENCE / 3))
        broker.process.send_signal(signal.SIGCONT)
        with broker.client("ann") as ann:
            ann.ping()


def test_those_that_never_read(broker: Guarded, soak: bool) -> None:
    with Pair(broker, PAUSE) as pair, broker.attack("deaf", 5) as attack:
        for _ in range(100 if soak else 10):
            pair.talk_on()
        assert attack.stop()["sent"] > 1_000


@pytest.mark.parametrize("kind", ["lines", "garbage"])
def test_a_flood_is_slowed_and_nobody_else(tmp_path: Path, kind: str, soak: bool) -> None:
    with (
        Guarded(tmp_path, *KEYED_LIMITS) as broker,
        Pair(broker, SLOWLY) as pair,
        broker.attack(kind) as attack,
    ):
        until = time.monotonic() + (60 if soak else 5)
        while time.monotonic() < until:
            pair.talk_on()
        found = attack.stop()
        nick = "flood" if kind == "lines" else "noise"
        told = re.compile(rf"{nick} \(key [a-z2-7-]+, 127\.0\.0\.1\) was slowed down")
        eventually("it is told", lambda: told.search(broker.output()))
        assert found["slow"] > 0
        if kind == "garbage":
            assert found["bad_json"] > 0
        who = [m.nick for m in pair.people[0].who()]
        assert sorted(who)[:2] == ["ann", "bob"]
