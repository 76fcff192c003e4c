"""The broker's three sockets: made, bound, drained, and made anew when somebody is thrown out.

With keys, a doorman is there before them and asks in each handshake who may come in. Each message
is handed on with its sender, as far as libzmq knows him.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import zmq

from chatlib.core.commands import NOBODY, Peer
from chatlib.core.identities import Rule
from chatlib.errors import HubbubError
from chatlib.net.curve import Doorman, serve_curve
from chatlib.net.pipeline import Arrival
from chatlib.net.rebind import rebind
from chatlib.net.sockets import (
    CONTROL_HWM,
    FEED_HWM,
    INTAKE_HWM,
    REQUESTS_HWM,
    STALLED_MS,
    bind,
    make_context,
    make_socket,
    receive,
    receive_frames,
)
from chatlib.protocol import limits
from chatlib.protocol.links import Endpoint
from chatlib.security.door import Decide
from chatlib.security.keys import KeyPair

INTAKE_FRAMES, INTAKE_BYTES = 1_000, 1024 * 1024  # drained in one pass at the most
CONTROL_FRAMES, CONTROL_BYTES = 256, 1024 * 1024
SUBSCRIPTIONS = 256

Socket = zmq.Socket[bytes]
Endpoints = tuple[Endpoint, Endpoint, Endpoint]


class Security(NamedTuple):
    """The broker's own keys, and the rule by which those of others are let in."""

    pair: KeyPair
    rule: Rule


class Doors:
    """Control, intake and feed on `wanted`; `operators` is one more endpoint of control, of ipc.

    `counts` counts what was no message of the wire.
    """

    def __init__(
        self,
        wanted: Endpoints,
        security: Security | None,
        operators: Endpoint | None,
        counts: Counter[str],
        *,
        metered: bool,
    ) -> None:
        self._wanted = wanted
        self._security = security
        self._operators = operators
        self._counts = counts
        self.metered = metered  # whether a sender's address has to be known
        self.doorman: Doorman | None = None

    def bind(self) -> Endpoints:
        """Bind all and return where. Raises CannotCreate, BadAddress."""
        self._context = make_context()
        try:
            if self._security is not None:
                self.doorman = Doorman(self._context)
            self.control, self.intake, self.feed = self._control(), self._intake(), self._feed()
            sockets = (self.control, self.intake, self.feed)
            control, intake, feed = map(bind, sockets, self._wanted)
            self.bound = control, intake, feed
            if self._operators is not None:
                bind(self.control, self._operators)
        except HubbubError:
            self._context.destroy(linger=0)
            raise
        return self.bound

    # -- making -------------------------------------------------------------------------------

    def _control(self) -> Socket:
        # 128 KiB, so that a request that is a little too big gets an answer that says so.
        socket = self._made(zmq.ROUTER, 2 * limits.CONTROL_FRAME_BYTES, 0)
        socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        socket.setsockopt(zmq.SNDHWM, CONTROL_HWM)
        socket.setsockopt(zmq.RCVHWM, REQUESTS_HWM)
        return socket

    def _intake(self) -> Socket:
        socket = self._made(zmq.PULL, limits.INTAKE_FRAME_BYTES, 1)
        socket.setsockopt(zmq.RCVHWM, INTAKE_HWM)
        return socket

    def _feed(self) -> Socket:
        socket = self._made(zmq.XPUB, limits.SUBSCRIPTION_BYTES, 2)
        socket.setsockopt(zmq.XPUB_VERBOSE, 1)
        socket.setsockopt(zmq.SNDHWM, FEED_HWM)
        return socket

    def _made(self, kind: int, most: int, place: int) -> Socket:
        socket = make_socket(self._context, kind, most, self._wanted[place])
        socket.setsockopt(zmq.TCP_MAXRT, STALLED_MS)
        if self._security is not None:
            domain = ("control", "intake", "feed")[place]
            serve_curve(socket, self._security.pair.secret, domain)
        return socket

    # -- who is in ----------------------------------------------------------------------------

    @property
    def polled(self) -> list[Socket]:
        """The sockets on which something can arrive."""
        doorman = [self.doorman.socket] if self.doorman is not None else []
        return [*doorman, self.control, self.intake, self.feed]

    def answer_knocks(self, decide: Decide) -> None:
        """Let in who may come in, of those who are in a handshake now."""
        if self.doorman is not None:
            self.doorman.serve(decide)

    def cut_off(self) -> None:
        """End every connection: who may still come in comes back by itself."""
        control, intake, feed = self.bound
        self.intake = rebind(self.intake, self._intake, intake)
        self.feed = rebind(self.feed, self._feed, feed)
        self.control = rebind(self.control, self._control, control)
        if self._operators is not None:
            # Not by `bind`: what answers there for another moment is the socket that was closed.
            self.control.bind(str(self._operators))

    def close(self) -> None:
        """Close all sockets; what was sent gets a moment to get out."""
        for socket in self.polled:
            socket.close()
        self._context.term()

    # -- draining -----------------------------------------------------------------------------

    def drain_intake(self) -> list[Arrival]:
        """Return what has arrived on intake, bounded in messages and bytes."""
        return self._drain(self.intake, INTAKE_FRAMES, INTAKE_BYTES, self._sender)

    def drain_control(self) -> list[Arrival]:
        """Return what has arrived on control, bounded in messages and bytes."""
        return self._drain(self.control, CONTROL_FRAMES, CONTROL_BYTES, self._peer)

    def _drain(
        self, socket: Socket, most: int, bytes_at_most: int, who: Callable[[zmq.Frame], Peer]
    ) -> list[Arrival]:
        arrived: list[Arrival] = []
        size = 0
        try:
            while len(arrived) < most and size < bytes_at_most:
                frames = receive_frames(socket)
                size += len(frames[-1])
                arrived.append(([frame.bytes for frame in frames], who(frames[-1])))
        except zmq.Again:
            pass
        return arrived

    def _sender(self, frame: zmq.Frame) -> Peer:
        """Return what has to be known of who sent an intake message; `metered`, his address too."""
        if self._security is None and not self.metered:
            return NOBODY
        key = "" if self._security is None else _told(frame, "User-Id")
        return Peer(key, _told(frame, "Peer-Address") if self.metered else "")

    def _peer(self, frame: zmq.Frame) -> Peer:
        key = "" if self._security is None else _told(frame, "User-Id")
        return peer_of(key, _told(frame, "Peer-Address"))

    def drain_feed(self) -> list[bytes]:
        """Return the topics newly subscribed to; an XSUB peer can send other things, too."""
        topics = []
        try:
            for _ in range(SUBSCRIPTIONS):
                parts = receive(self.feed)
                if len(parts) == 1 and parts[0][:1] == b"\x01":
                    topics.append(parts[0][1:])
                elif parts[0][:1] != b"\x00":
                    self._counts["bad_subscription"] += 1
        except zmq.Again:
            pass
        return topics


def peer_of(key: str, address: str) -> Peer:
    """Return who has this key and comes from there, as libzmq tells it."""
    if not address.startswith("localhost:"):
        return Peer(key, address)
    # Of ipc libzmq tells the credentials of the peer: localhost:UID:GID:PID.
    _, uid, _, process = f"{address}:::".split(":")[:4]
    return Peer(key, f"process {process}", int(uid) if uid.isdecimal() else None)


def _told(frame: zmq.Frame, name: str) -> str:
    try:
        return str(frame.get(name))
    except zmq.ZMQError:  # nothing is known of it
        return ""
