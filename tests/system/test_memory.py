"""What peers cost the broker who send or ask, and don't read: docs/protocol.md has the bounds."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from chatlib import Client
from chatlib.net.packing import PACKED_BYTES
from chatlib.net.sockets import FEED_HWM, INTAKE_HWM
from chatlib.protocol import limits
from tests.support import PATIENCE, Peer, RunningBroker, eventually, peers
from tests.system.people import assert_chained, clients, texts, until_said

MIB = 1024 * 1024
SPARE_MIB = 16  # what the passes themselves take, and the allocator
TEXT = "x" * 8_000
AT_ONCE = 500  # messages of so much that are sent before one looks how far they came


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RunningBroker]:
    """A broker whose history is on disk: in memory it would grow by what is said."""
    with RunningBroker(tmp_path, "--durability", "os", data=tmp_path / "data") as running:
        yield running


@pytest.fixture
def mallory(broker: RunningBroker) -> Iterator[Peer]:
    """A peer with a session, in the lobby, who has said much already."""
    with peers(broker, 1) as (made,):
        made.hello("mallory")
        assert made.ask(op="join", id=2, room="lobby")["ok"]
        Flood(made).say(16)
        yield made


class Flood:
    """Long messages, as fast as they are accepted."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.n: int = peer.ask(op="ping", id=1)["accepted"]

    def say(self, mib: int) -> None:
        end = self.n + mib * MIB // len(TEXT)
        while self.n < end:
            lines = range(self.n + 1, min(end, self.n + AT_ONCE) + 1)
            for first in lines[::10]:
                numbers = range(first, min(first + 10, lines.stop))
                self.peer.send(*({"n": n, "room": "lobby", "text": TEXT} for n in numbers))
            self.n = lines[-1]
            eventually("it was said", lambda: self.peer.ask(op="ping", id=1)["accepted"] == self.n)


def peak_mib(broker: RunningBroker) -> float:
    """Return the most memory that the broker has had so far."""
    status = Path(f"/proc/{broker.process.pid}/status")
    if not status.exists():
        pytest.skip("this system does not tell how much memory a process has")
    line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


@contextlib.contextmanager
def bounded(broker: RunningBroker, mib: float) -> Iterator[None]:
    """Check that the broker has not grown by more, and that an honest client lost nothing."""
    with clients(broker.control, "ann", "bob") as (ann, bob):
        before = peak_mib(broker)
        ann.say("lobby", "the start")
        yield
        grown = peak_mib(broker) - before
        ann.say("lobby", "the end")
        told = until_said(bob, "the end")
        assert_chained(told, "lobby")
        said = texts([t for t in told if getattr(t, "nick", "") == "ann"])
        assert said == ["the start", "the end"]
        assert grown < mib + SPARE_MIB, f"the broker grew by {grown:.0f} MiB"


def deaf(peer: Peer, kind: int) -> zmq.Socket[bytes]:
    """Return a socket that takes one message, and lets the system take little."""
    socket = peer.context.socket(kind)
    socket.rcvhwm, socket.rcvbuf = 1, 4096
    return socket


def test_subscribers_that_do_not_read(broker: RunningBroker, mallory: Peer) -> None:
    """What they hold is bounded in bytes, and those that stopped together hold it together."""
    with bounded(broker, FEED_HWM * PACKED_BYTES / MIB), contextlib.ExitStack() as stack:
        for _ in range(3):
            sub = stack.enter_context(deaf(mallory, zmq.SUB))
            sub.subscribe(b"")
            sub.connect(broker.feed)
            with Client(broker.control) as honest:  # the SUB is connected when others can be
                honest.ping()
        Flood(mallory).say(150)


def ask_for_all(broker: RunningBroker, mallory: Peer, count: int) -> None:
    """Let `count` connections ask for histories and read none."""
    with contextlib.ExitStack() as stack:
        greedy = [stack.enter_context(deaf(mallory, zmq.DEALER)) for _ in range(count)]
        for i, dealer in enumerate(greedy):
            dealer.connect(broker.control)
            dealer.send(json.dumps({"op": "hello", "v": 1, "nick": f"greedy{i}"}).encode())
            assert json.loads(dealer.recv())["ok"]
        for _ in range(200):
            for dealer in greedy:
                dealer.send(b'{"op":"history","room":"lobby"}')
        (other,) = stack.enter_context(peers(broker, 1))
        assert other.hello("other")["ok"]
        for i in range(50):  # its turn comes each time, and each is a chance for the greedy ones
            page = other.ask(op="history", id=i, room="lobby", limit=3)
            assert page["ok"] and len(page["events"]) == 3


def test_a_history_that_is_not_read(broker: RunningBroker, mallory: Peer) -> None:
    with bounded(broker, 6):
        ask_for_all(broker, mallory, 1)


def test_twenty_histories_that_are_not_read(broker: RunningBroker, mallory: Peer) -> None:
    """Not twenty times as much: pages get small when many are asked for."""
    with bounded(broker, 64 + 20 * 0.5):
        ask_for_all(broker, mallory, 20)


def test_who_reads_late_gets_all_answers(broker: RunningBroker, mallory: Peer) -> None:
    """What waits comes in the order in which it was asked for; nothing of it is dropped."""
    with Client(broker.control) as honest, deaf(mallory, zmq.DEALER) as late:
        late.rcvtimeo = int(PATIENCE * 1000)
        late.connect(broker.control)
        late.send(b'{"op":"hello","v":1,"id":"hi"}')
        assert json.loads(late.recv())["ok"]
        for i in range(20):
            late.send(json.dumps({"op": "history", "room": "lobby", "id": i}).encode())
        for _ in range(20):
            honest.history("lobby", limit=1)
        pages = [json.loads(late.recv()) for _ in range(20)]
        assert [page["id"] for page in pages] == list(range(20))
        assert all(page["ok"] and len(page["events"]) > 100 for page in pages)


def test_senders_faster_than_the_broker(broker: RunningBroker, mallory: Peer) -> None:
    """Frames of repeats, as large as may be: what is not taken yet waits with the senders."""
    line = json.dumps({"n": 1, "room": "lobby", "text": TEXT}).encode()
    frame = b"\n".join([line] * (limits.INTAKE_FRAME_BYTES // (len(line) + 1)))
    senders = 2
    bound = senders * INTAKE_HWM * limits.INTAKE_FRAME_BYTES / MIB
    with bounded(broker, bound), contextlib.ExitStack() as stack:
        pushes = [stack.enter_context(mallory.context.socket(zmq.PUSH)) for _ in range(senders)]
        for push in pushes:
            push.sndhwm = 2
            push.connect(broker.intake)
        for _ in range(800 // senders):
            for push in pushes:
                push.send_multipart([mallory.token, frame])
