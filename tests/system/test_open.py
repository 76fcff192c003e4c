"""A broker that lets everybody in, and somebody who makes ever new keys."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import zmq

from chatlib import Client
from chatlib.net.curve import make_pair, use_curve
from chatlib.net.subscribers import MOST_BYTES
from chatlib.security.keys import load_key
from tests.support import PATIENCE, RunningBroker, eventually
from tests.system.guests import Knocks, knocking
from tests.system.people import until_said

TOPIC = 900  # bytes: what a frame of a subscription has room for
CLOSED = "THE FEED IS CLOSED"


@contextlib.contextmanager
def flooding(knocks: Knocks, broker: RunningBroker) -> Iterator[zmq.Socket[bytes]]:
    """Take more than a key may, under a new key; give what tells whether the feed refused it."""
    guest = knocks()
    with guest.context.socket(zmq.SUB) as sub:
        use_curve(sub, guest.server, guest.pair)
        sub.linger = 0
        refused = sub.get_monitor_socket(zmq.EVENT_HANDSHAKE_FAILED_AUTH)
        for i in range(MOST_BYTES // TOPIC + 1):
            sub.subscribe(b"%d " % i + b"x" * TOPIC)
        sub.connect(broker.feed)
        yield refused
        sub.disable_monitor()
        refused.close()


def test_new_keys_have_everybody_cut_off_once(tmp_path: Path) -> None:
    """The next ones reach no feed for a minute; who is in a room is not told less by that."""
    more = ("--access", "open", "--heartbeat", "1")
    with (
        RunningBroker(tmp_path, *more, data=tmp_path / "data") as broker,
        knocking(broker) as knocks,
    ):
        key = load_key(tmp_path / "data" / "broker.key").public
        with (
            Client(broker.control, "ann", server_key=key, key=make_pair()) as ann,
            Client(broker.control, "bob", server_key=key, key=make_pair()) as bob,
        ):
            ann.join("lobby")
            bob.join("lobby")
            with flooding(knocks, broker):
                eventually("it is told", lambda: CLOSED in broker.output())
            for i in range(3):
                with flooding(knocks, broker) as refused:
                    assert refused.poll(int(PATIENCE * 1000)), "the feed is closed to it"
                ann.say("lobby", f"still here {i}")
                until_said(bob, f"still here {i}")
        assert broker.output().count(CLOSED) == 1
