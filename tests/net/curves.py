"""What tests of CURVE share: three sockets behind a doorman, served by hand, and their peers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Self

import zmq
from zmq.utils.monitor import recv_monitor_message

from chatlib.net.curve import Doorman, make_pair, serve_curve, use_curve
from chatlib.net.sockets import bind, make_context, make_socket
from chatlib.protocol.links import Endpoint, parse_endpoint
from chatlib.security.door import Decide, Knock, Verdict, as_its_key
from chatlib.security.keys import KeyPair

Socket = zmq.Socket[bytes]
HERE = parse_endpoint("tcp://127.0.0.1:0")
KINDS = {"control": zmq.ROUTER, "intake": zmq.PULL, "feed": zmq.XPUB}
PEERS = {"control": zmq.DEALER, "intake": zmq.PUSH, "feed": zmq.SUB}
PATIENCE = 20.0


def admit_all(knock: Knock) -> Verdict:
    return as_its_key(knock)


def refuse_all(knock: Knock) -> Verdict:
    return Verdict(None, "unknown key")


class House:
    """A server of three sockets. `turn()` is one turn of a broker's loop."""

    def __init__(self, *, doorman: bool = True) -> None:
        self.context = make_context()
        self.pair = make_pair()
        self.decide: Decide = admit_all
        self.knocks: list[Knock] = []
        self.doorman = Doorman(self.context) if doorman else None
        self.heard: list[tuple[str, list[zmq.Frame]]] = []
        self.sockets: dict[str, Socket] = {}
        self.places: dict[str, Endpoint] = {}
        for domain in KINDS:
            self.sockets[domain] = self.make(domain)
            self.places[domain] = bind(self.sockets[domain], HERE)
        self.clients: list[Socket] = []
        self.client_context = make_context()

    def make(self, domain: str) -> Socket:
        made = make_socket(self.context, KINDS[domain], 1_000, HERE)
        serve_curve(made, self.pair.secret, domain)
        if domain == "feed":
            made.setsockopt(zmq.XPUB_VERBOSE, 1)
        return made

    def client(
        self, domain: str, pair: KeyPair | None = None, server_key: bytes = b"", topic: bytes = b""
    ) -> Socket:
        """Return a peer of `domain`; without `pair` it is one that knows no CURVE."""
        made = make_socket(self.client_context, PEERS[domain], 1_000, HERE)
        made.setsockopt(zmq.LINGER, 0)
        if pair is not None:
            use_curve(made, server_key or self.pair.public, pair)
        if domain == "feed":
            made.subscribe(topic)
        made.connect(str(self.places[domain]))
        self.clients.append(made)
        return made

    def _decide(self, knock: Knock) -> Verdict:
        self.knocks.append(knock)
        return self.decide(knock)

    def turn(self, *, serve: bool = True, pause: float = 0.005) -> None:
        if serve and self.doorman is not None:
            self.doorman.serve(self._decide)
        for domain, socket in self.sockets.items():
            while socket.poll(0):
                self.heard.append((domain, socket.recv_multipart(copy=False)))
        for socket in self.clients:  # a client's thread polls: so it hears of reconnects
            socket.poll(0)
        time.sleep(pause)

    def until(self, what: str, check: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not check():
            assert time.monotonic() < deadline, f"never happened: {what}"
            self.turn()

    def pass_time(self, seconds: float, *, serve: bool = True) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.turn(serve=serve)

    def heard_on(self, domain: str) -> list[list[bytes]]:
        return [[f.bytes for f in frames] for where, frames in self.heard if where == domain]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client_context.destroy(linger=0)
        self.context.destroy(linger=0)


def events_of(monitor: Socket) -> Iterator[tuple[int, int]]:
    """Give the events that a monitor has now, and their values."""
    while monitor.poll(0):
        told = recv_monitor_message(monitor)
        yield int(told["event"]), int(told["value"])
