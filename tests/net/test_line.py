"""The subscriber thread against a broker that plays up."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import zmq

from chatlib import Client, Connection, Event, Refusal
from tests.support import PATIENCE
from tests.system.people import assert_chained, until


class FakeBroker:
    """Answers a hello and a join as a broker would; `feed` sends what the test wants."""

    def __init__(self) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.control = self.context.socket(zmq.ROUTER)
        self.feed = self.context.socket(zmq.XPUB)
        self.feed.sndhwm = 0
        for socket in (self.control, self.feed):
            socket.rcvtimeo = int(PATIENCE * 1000)
        port = self.control.bind_to_random_port("tcp://127.0.0.1")
        self.address = f"tcp://127.0.0.1:{port}"
        self.place = f"tcp://127.0.0.1:{self.feed.bind_to_random_port('tcp://127.0.0.1')}"

    def answer(self, **fields: Any) -> None:
        """Answer the next request."""
        peer, request = self.control.recv_multipart()
        told = {"id": json.loads(request)["id"], "ok": True} | fields
        self.control.send_multipart([peer, json.dumps(told).encode()])

    def welcome(self, **other: Any) -> None:
        """Answer a hello, with `other` in place of what a good broker would say."""
        known: dict[str, Any] = {"v": 1, "session": "t", "sid": "s", "resumed": False, "server": ""}
        place = {"nick": "ann", "epoch": "e", "intake": self.place, "feed": self.place}
        rest = {"heartbeat": 10, "accepted": 0, "inbox": 0, "rooms": {}, "limits": {}}
        self.answer(**known | place | rest | other)


@pytest.fixture
def fake() -> Iterator[FakeBroker]:
    made = FakeBroker()
    yield made
    made.context.destroy(linger=0)


@pytest.fixture
def ann(fake: FakeBroker) -> Iterator[Client]:
    with Client(fake.address, "ann").start(wait=None) as client:
        yield client


def offline(told: Any) -> bool:
    return isinstance(told, Connection) and told.state == "offline"


@pytest.mark.parametrize("place", ["inproc://x", "tcp://a b:1", ""])
def test_places_of_no_use(fake: FakeBroker, ann: Client, place: str) -> None:
    """It is hung up on, as one that can't be reached; the thread lives on and tries again."""
    for which in ("intake", "feed"):
        fake.welcome(**{which: place})
        assert "of no use" in until(ann, offline)[-1].detail


@pytest.mark.parametrize("answer", [b"", b"\xff", b"[]", b'{"ok":true,"id":1}', b'{"kind":7}'])
def test_noise_on_control(fake: FakeBroker, ann: Client, answer: bytes) -> None:
    """What can't be read is dropped, and the hello is answered after all."""
    peer, hello = fake.control.recv_multipart()
    fake.control.send_multipart([peer, answer])
    fake.control.send_multipart([peer, answer, answer])
    told = {
        "id": json.loads(hello)["id"],
        "ok": False,
        "error": {"code": "bad_nick", "message": ""},
    }
    fake.control.send_multipart([peer, json.dumps(told).encode()])
    assert until(ann, lambda t: isinstance(t, Connection))[-1].code == "bad_nick"


def test_last_words_are_read(fake: FakeBroker, ann: Client) -> None:
    """Control breaks while the feed is full: what it has brought is not thrown away."""
    fake.welcome()
    until(ann, lambda t: isinstance(t, Connection) and t.state == "online")
    joined = {"room": "lobby", "topic": "", "members": [], "head": 0, "oldest": 0}
    joining = threading.Thread(target=ann.join, args=("lobby",))
    joining.start()
    fake.answer(**joined, events=[], more=False)
    joining.join()
    while fake.feed.recv() != b"\x01room/lobby/":
        pass
    for seq in range(1, 901):
        said = {"seq": seq, "prev": seq - 1, "kind": "say", "room": "lobby", "text": str(seq)}
        fake.feed.send_multipart([b"room/lobby/", json.dumps(said).encode()])
    fake.control.close(linger=0)
    told = until(ann, offline)
    assert_chained(told, "lobby")
    assert [t.seq for t in told if isinstance(t, Event)] == list(range(1, 901))


def refuse(fake: FakeBroker, code: str) -> None:
    """Answer the next request with an error."""
    fake.answer(ok=False, error={"code": code, "message": code})


@pytest.mark.parametrize("code", ["slow_down", "draining", "too_many_sessions"])
def test_who_is_refused_for_a_while_waits_longer_each_time(
    fake: FakeBroker, ann: Client, code: str
) -> None:
    for _ in range(4):
        refuse(fake, code)
    waits = [until(ann, offline)[-1].retry_in for _ in range(4)]
    assert waits == [0.05, 0.05, 0.1, 0.3]
    fake.welcome()
    until(ann, lambda t: isinstance(t, Connection) and t.state == "online")
    fake.control.close(linger=0)
    assert until(ann, offline)[-1].retry_in == 0.05, "it was welcome meanwhile"


def test_a_room_that_one_is_put_out_of_is_no_message_refused(fake: FakeBroker, ann: Client) -> None:
    fake.welcome()
    joining = threading.Thread(target=ann.join, args=("lobby",))
    joining.start()
    joined = {"room": "lobby", "topic": "", "members": [], "head": 0, "oldest": 0}
    fake.answer(**joined, events=[], more=False)
    joining.join()
    asking = threading.Thread(target=ann.ping)
    asking.start()
    refuse(fake, "no_session")
    fake.welcome(session="t2")
    refuse(fake, "banned_here")
    fake.answer(accepted=0, heads={}, inbox=0)
    asking.join()
    assert until(ann, lambda t: isinstance(t, Refusal))[-1].code == "banned_here"
    ann.flush(PATIENCE)
