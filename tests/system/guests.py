"""Raw sockets of one key at a broker with keys, and the commands that let one in."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import zmq

from chatlib.net.curve import make_pair, use_curve
from chatlib.protocol.links import Link
from chatlib.security.keys import KeyPair, load_key
from tests.support import ROOT, RunningBroker

WAIT_MS = 5_000
ANSWER_MS = 30_000  # the machine may be busy, and a password takes a while
LITTLE_MS = 400


def hubbub(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "chatlib.cli", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, cwd=ROOT, check=False
    )


class Guest:
    """Raw sockets of one key."""

    def __init__(
        self, context: zmq.Context[zmq.Socket[bytes]], broker: RunningBroker, pair: KeyPair
    ) -> None:
        self.context = context
        self.broker = broker
        self.pair = pair
        self.server = load_key((broker.data or Path()) / "broker.key").public
        self.token = b""
        self.sockets: list[zmq.Socket[bytes]] = []
        self.control = self.made(zmq.DEALER, broker.control)

    def made(self, kind: int, endpoint: str) -> zmq.Socket[bytes]:
        socket = self.context.socket(kind)
        self.sockets.append(socket)
        use_curve(socket, self.server, self.pair)
        if kind == zmq.SUB:
            socket.subscribe(b"")
        socket.connect(endpoint)
        return socket

    def ask(self, op: str, wait: int = ANSWER_MS, **fields: Any) -> Any:
        self.control.send(json.dumps({"op": op, "id": 7, **fields}).encode())
        while self.control.poll(wait):
            answer = json.loads(self.control.recv())
            if "ok" in answer:
                return answer if answer["ok"] else answer["error"]["code"]
        raise AssertionError(f"no answer to {op}")

    def close(self) -> None:
        for socket in self.sockets:
            socket.close(linger=0)

    def come_in(self, nick: str, link: Link) -> None:
        assert self.ask("redeem", token=link.token)["room"] == "lobby"
        self.token = self.ask("hello", v=1, nick=nick)["session"].encode()
        self.ask("join", room="lobby")
        self.feed = self.made(zmq.SUB, self.broker.feed)
        self.intake = self.made(zmq.PUSH, self.broker.intake)
        assert self.hears("head"), "the feed let us in"

    def say(self, n: int, text: str, token: bytes = b"") -> None:
        line = json.dumps({"n": n, "room": "lobby", "text": text}).encode()
        with contextlib.suppress(zmq.Again):  # there is no connection now, or never again
            self.intake.send_multipart([token or self.token, line], zmq.NOBLOCK)

    def hears(self, part: str, wait: int = WAIT_MS) -> bool:
        while self.feed.poll(wait):
            if part in self.feed.recv_multipart()[1].decode():
                return True
        return False


def invite(broker: RunningBroker, uses: int = 1, **more: str) -> str:
    options = [part for name, value in more.items() for part in (f"--{name}", value)]
    done = hubbub("invite", "--uses", str(uses), *options, "--data", broker.data or "")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


Knocks = Callable[..., Guest]


@contextlib.contextmanager
def knocking(broker: RunningBroker) -> Iterator[Knocks]:
    """Give what makes guests, each with a key of its own, and let them go in the end."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    guests: list[Guest] = []

    def make(pair: KeyPair | None = None, at: RunningBroker = broker) -> Guest:
        guests.append(Guest(context, at, pair or make_pair()))
        return guests[-1]

    yield make
    for guest in guests:
        guest.close()
    context.term()
