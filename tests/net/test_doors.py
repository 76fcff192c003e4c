"""Three sockets: what comes in through them, and how everyone is thrown out. Real sockets."""

from __future__ import annotations

import socket as posix
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from chatlib.core.identities import Rule
from chatlib.errors import CannotCreate
from chatlib.net.curve import make_pair, use_curve
from chatlib.net.doors import Doors, Security
from chatlib.net.sockets import make_context
from chatlib.protocol import limits
from chatlib.protocol.links import Endpoint
from chatlib.security.door import Knock, Verdict, as_its_key
from chatlib.security.keys import KeyPair
from tests.net.curves import HERE, PEERS, events_of
from tests.support import eventually

Socket = zmq.Socket[bytes]


class Hall:
    """Doors, the keys that may come in, and those who do."""

    def __init__(self, *, encrypted: bool, wanted: tuple[Endpoint, ...] = (HERE,) * 3) -> None:
        self.pair = make_pair()
        security = Security(self.pair, Rule("open")) if encrypted else None
        control, intake, feed = wanted
        self.banned: set[bytes] = set()
        self.doors = Doors((control, intake, feed), security, None, Counter(), metered=False)
        self.places = dict(zip(PEERS, self.doors.bind(), strict=True))
        self.context = make_context()
        self._peers: list[Socket] = []

    def peer(self, place: str, pair: KeyPair | None = None) -> Socket:
        socket = self.context.socket(PEERS[place])
        self._peers.append(socket)
        socket.linger = 0
        socket.reconnect_ivl = 10
        if self.doors.doorman is not None:
            use_curve(socket, self.pair.public, pair or make_pair())
        if place == "feed":
            socket.subscribe(b"")
        socket.connect(str(self.places[place]))
        return socket

    def decide(self, knock: Knock) -> Verdict:
        return Verdict(None, "banned") if knock.key in self.banned else as_its_key(knock)

    def intake(self) -> list[list[bytes]]:
        """Let in who knocks, and return what has come."""
        self.doors.answer_knocks(self.decide, time.monotonic())
        return [list(frames) for frames, _ in self.doors.drain_intake()]

    def close(self) -> None:
        self.leave()
        self.doors.close()

    def leave(self) -> None:
        """Let the peers go."""
        for socket in self._peers:
            socket.close()
        self.context.term()


@pytest.fixture(params=[False, True], ids=["plain", "encrypted"])
def hall(request: pytest.FixtureRequest) -> Iterator[Hall]:
    made = Hall(encrypted=request.param)
    yield made
    made.close()


def test_frames_as_long_as_the_wire_allows_come_in(hall: Hall) -> None:
    """Encrypted they are longer, and it is that what libzmq measures."""
    push = hall.peer("intake")
    for size in (1, limits.INTAKE_FRAME_BYTES - 1, limits.INTAKE_FRAME_BYTES):
        push.send_multipart([b"token", bytes(size)])
        assert eventually(f"{size} bytes came", hall.intake) == [[b"token", bytes(size)]]
    sub = hall.peer("feed")
    topic = b"x" * (limits.SUBSCRIPTION_BYTES - len(b"\x09SUBSCRIBE"))
    sub.subscribe(topic)
    asked: list[bytes] = []

    def came() -> bool:
        hall.doors.answer_knocks(hall.decide, time.monotonic())
        asked.extend(hall.doors.drain_feed(0.0))
        return topic in asked

    eventually("the subscription came", came)


def test_longer_ones_end_the_connection(hall: Hall) -> None:
    push = hall.peer("intake")
    monitor = push.get_monitor_socket(zmq.EVENT_DISCONNECTED)
    push.send_multipart([b"token", bytes(limits.INTAKE_FRAME_BYTES + 1)])
    eventually("hung up on", lambda: hall.intake() or list(events_of(monitor)))
    assert not hall.intake()
    push.disable_monitor()
    monitor.close()


def test_all_are_cut_off_many_times_and_come_back(hall: Hall) -> None:
    pushes = [hall.peer("intake", make_pair()) for _ in range(5)]
    for turn in range(20):
        came: set[bytes] = set()

        def all_came(turn: int = turn, came: set[bytes] = came) -> bool:
            for i, push in enumerate(pushes):
                if push.poll(0, zmq.POLLOUT):
                    push.send(b"%d from %d" % (turn, i))
            came |= {frames[0] for frames in hall.intake()}
            return came >= {b"%d from %d" % (turn, i) for i in range(5)}

        eventually("all are back", all_came)
        before = hall.doors.bound
        hall.doors.cut_off()
        assert hall.doors.bound == before


def test_who_is_banned_does_not_come_back() -> None:
    hall = Hall(encrypted=True)
    ann, bob = make_pair(), make_pair()
    subs = {pair: hall.peer("feed", pair) for pair in (ann, bob)}
    asked: list[bytes] = []

    def subscribed(count: int) -> bool:
        for sub in subs.values():
            sub.poll(0)
        hall.doors.answer_knocks(hall.decide, time.monotonic())
        asked.extend(hall.doors.drain_feed(0.0))
        return len(asked) == count

    eventually("both subscribed", lambda: subscribed(2))
    hall.banned.add(bob.public)
    hall.doors.cut_off()
    eventually("one subscribed anew", lambda: subscribed(3))
    hall.doors.feed.send(b"news")
    assert subs[ann].recv() == b"news"
    doorman = hall.doors.doorman
    assert doorman is not None
    eventually("the other was refused", lambda: subscribed(3) and doorman.refused["banned"])
    assert not subs[bob].poll(100)
    hall.close()


def test_socket_files_are_there_afterwards(tmp_path: Path) -> None:
    control, intake, feed = (Endpoint("", 0, str(tmp_path / name)) for name in PEERS)
    hall = Hall(encrypted=False, wanted=(control, intake, feed))
    push = hall.peer("intake")
    for _ in range(20):
        hall.doors.cut_off()
        assert all(Path(place.path).exists() for place in (control, intake, feed))
    eventually("heard", lambda: push.send(b"x", zmq.NOBLOCK) or hall.intake())
    hall.close()


def test_a_port_that_somebody_else_took_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    hall = Hall(encrypted=False)
    taken = hall.places["feed"]
    bind = hall.doors.bind

    def too_late() -> tuple[Endpoint, Endpoint, Endpoint]:
        with posix.create_server((taken.host, taken.port)):
            return bind()

    monkeypatch.setattr(hall.doors, "bind", too_late)  # between the closing and the binding
    with pytest.raises(CannotCreate, match=f"cannot listen on {taken}: it is in use"):
        hall.doors.cut_off()
    hall.leave()
