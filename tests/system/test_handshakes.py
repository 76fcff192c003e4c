"""Who knocks without end on a broker with keys: it is held, others wait a moment, operators not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import zmq

from chatlib import Client
from chatlib.net.curve import NOT_NOW, make_pair, use_curve
from chatlib.protocol.links import parse_link
from chatlib.security.keys import fingerprint, from_link, load_key
from tests.support import PATIENCE, ROOT, RunningBroker, eventually
from tests.system.people import until

BURST = 5
LIMIT = ("--access", "invite", "--limit", f"addresses:handshakes=30/min,burst={BURST}")
DECIDED = ("online", "refused")
FAILED = zmq.EVENT_HANDSHAKE_FAILED_AUTH


def hubbub(*arguments: str | Path) -> str:
    command = [sys.executable, "-m", "chatlib.cli", *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def knock(context: zmq.Context[zmq.Socket[bytes]], broker: RunningBroker) -> int:
    """Return the status with which a new key is refused on control; 0 when it is let in."""
    socket = context.socket(zmq.DEALER)
    monitor = socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | FAILED)
    try:
        assert broker.data is not None
        use_curve(socket, load_key(broker.data / "broker.key").public, make_pair())
        socket.connect(broker.control)
        assert monitor.poll(int(PATIENCE * 1000))
        event = monitor.recv_multipart()[0]
        return int.from_bytes(event[2:6], "little")
    finally:
        socket.disable_monitor()
        monitor.close()
        socket.close(linger=0)


def test_too_many_handshakes_of_one_address(tmp_path: Path) -> None:
    with (
        RunningBroker(tmp_path, *LIMIT, data=tmp_path / "data") as broker,
        zmq.Context() as context,
    ):
        met = [knock(context, broker) for _ in range(4 * BURST)]
        assert met[:BURST] == [0] * BURST
        assert met.count(500) and set(met) == {0, 500}
        # Operators come over ipc, and are never held.
        for _ in range(BURST):
            link = parse_link(hubbub("invite", "--data", tmp_path / "data"))
            knock(context, broker)
        assert link.server_key is not None
        server = from_link(link.server_key)
        while knock(context, broker) == 0:
            pass
        # Who comes now waits for its turn, and comes in.
        given = {"server_key": server, "key": make_pair(), "token": link.token}
        with Client(broker.control, "ann", **given).start(wait=None) as ann:  # type: ignore[arg-type]
            *waited, last = until(ann, lambda told: getattr(told, "state", "") in DECIDED)
            assert last.state == "online"
            assert {one.detail for one in waited if one.state == "offline"} <= {NOT_NOW}
        told = eventually(
            "it is told",
            lambda: [x for x in broker.output().splitlines() if "handshakes a second" in x],
        )
        assert " 127.0.0.1 was slowed down, " in told[0]
        assert told[0].endswith(": more than 0.5 handshakes a second from its address")


def test_a_key_of_its_own_limit(tmp_path: Path) -> None:
    bot = make_pair()
    limits = ("--limit", "messages=1/s,burst=1", "--limit", "addresses:messages=1/s,burst=1")
    own = ("--limit", f"{fingerprint(bot.public)}:messages=1000/s")
    data = tmp_path / "data"
    with RunningBroker(tmp_path, "--access", "open", *limits, *own, data=data) as broker:
        server = load_key(data / "broker.key").public
        with Client(broker.control, "ci", server_key=server, key=bot) as ci:
            ci.join("lobby")
            for i in range(300):
                ci.say("lobby", f"{i}")
            ci.flush(PATIENCE)
        assert "slowed" not in broker.output()
        other = make_pair()
        with Client(broker.control, "ann", server_key=server, key=other) as ann:
            ann.join("lobby")
            for i in range(3):
                ann.say("lobby", f"{i}")
            ann.flush(PATIENCE)
        who = f"ann (key {fingerprint(other.public)}, 127.0.0.1) was slowed down"
        eventually("it is told", lambda: who in broker.output())
