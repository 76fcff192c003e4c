"""The broker's three sockets: made, bound, drained, and made anew when somebody is thrown out.

With keys, a doorman is there before them and asks in each handshake who may come in. Each message
is handed on with its sender, as far as libzmq knows him.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import zmq

from chatlib.core.commands import NOBODY, Peer
from chatlib.core.identities import Rule
from chatlib.errors import HubbubError
from chatlib.net.curve import CURVE_BYTES, Doorman, serve_curve
from chatlib.net.pipeline import Arrival
from chatlib.net.sockets import (
    CONTROL_HWM,
    FEED_HWM,
    INTAKE_HWM,
    REQUESTS_HWM,
    STALLED_MS,
    SUBSCRIBING_HWM,
    bind,
    bound_to,
    make_context,
    make_socket,
    receive_frames,
)
from chatlib.net.subscribers import Subscribers
from chatlib.net.throttle import Throttle
from chatlib.net.turnstile import Turnstile
from chatlib.protocol import limits
from chatlib.protocol.links import Endpoint
from chatlib.security.door import Decide
from chatlib.security.keys import KeyPair

INTAKE_FRAMES, INTAKE_BYTES = 1_000, 1024 * 1024  # drained in one pass at the most
CONTROL_FRAMES, CONTROL_BYTES = 256, 1024 * 1024
SUBSCRIPTIONS = 256
SPARE = 128  # descriptors; with fewer left they are short
LOOK_S, CALM_S = 1.0, 3.0  # between two looks at them; until operators are let in again

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
        self.subscribers = Subscribers()
        self.throttle = Throttle()
        self._operators_wait = False
        self._look_at = 0.0

    def bind(self) -> Endpoints:
        """Bind all and return where. Raises CannotCreate, BadAddress."""
        self._context = make_context()
        try:
            if self._security is not None:
                self.doorman = Doorman(self._context)
            self.control, self.intake, self.feed = self._control(), self._intake(), self._feed()
            sockets = (self.control, self.intake, self.feed)
            self._turnstile = Turnstile()
            control, intake, feed = map(bind, sockets, self._wanted)
            self.bound = control, intake, feed
            # Without keys a newcomer costs libzmq's thread next to nothing.
            guarded = sockets if self._security is not None else ()
            self._turnstile.guard([bound_to(s) for s in guarded], time.monotonic())
            if self._operators is not None and not self._operators_wait:
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
        socket.setsockopt(zmq.RCVHWM, SUBSCRIBING_HWM)
        return socket

    def _made(self, kind: int, most: int, place: int) -> Socket:
        if self._security is not None:
            most += CURVE_BYTES  # libzmq measures what is encrypted
        socket = make_socket(self._context, kind, most, self._wanted[place])
        socket.setsockopt(zmq.TCP_MAXRT, STALLED_MS)
        if self._security is not None:
            domain = ("control", "intake", "feed")[place]
            serve_curve(socket, self._security.pair.secret, domain)
        return socket

    # -- who is in ----------------------------------------------------------------------------

    @property
    def polled(self) -> list[Socket | int]:
        """The sockets and descriptors on which something can arrive."""
        return [*self._sockets, *self._turnstile.polled]

    @property
    def _sockets(self) -> list[Socket]:
        doorman = [self.doorman.socket] if self.doorman is not None else []
        return [*doorman, self.control, self.intake, self.feed]

    def answer_knocks(self, decide: Decide, now: float) -> None:
        """Let in who may come in, of those who are in a handshake now; accept newcomers."""
        if self.doorman is not None:
            self.doorman.serve(decide)
            self._turnstile.turn(now)

    def patience(self, now: float) -> float:
        """Return the seconds until a newcomer who waits may come in."""
        return self._turnstile.patience(now)

    def cut_off(self) -> None:
        """End every connection: who may still come in comes back by itself, and subscribes anew.

        libzmq can't end one connection, and asks the doorman only in handshakes. What was not
        received yet, or not sent, is lost: the `n` window, the chain and the markers repair it. The
        new ROUTER gives new routing ids, and an old id may be given to somebody else: forget all of
        them. Raises CannotCreate where somebody else took a port meanwhile.
        """
        self._turnstile.close()
        for socket in self._sockets:
            socket.close(linger=0)
        # All at once, and waited for: where connections had taken every descriptor, one socket
        # still open would take those that are freed, and libzmq's bind aborts when it gets none.
        self._context.term()
        self.subscribers.cut_off()
        self._wanted = self.bound
        self.bind()

    def short_of_descriptors(self, now: float) -> bool:
        """Tell whether few are left; until there are more, the endpoint of operators is closed.

        For who connects to an ipc endpoint when none is left makes libzmq abort; on TCP they wait.
        """
        if now < self._look_at:
            return False
        self._look_at = now + LOOK_S
        if short := not _can_copy(self.control.fileno(), SPARE):
            self._look_at = now + CALM_S
        if self._operators is not None and short != self._operators_wait:
            if short:
                self.control.unbind(str(self._operators))
            else:
                bind(self.control, self._operators)
            self._operators_wait = short
        return short

    def close(self) -> None:
        """Close all sockets; what was sent gets a moment to get out."""
        self._turnstile.close()
        for socket in self._sockets:
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
        share = self.throttle.share
        most, bytes_at_most = int(most * share), int(bytes_at_most * share)
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

    def drain_feed(self, now: float) -> list[bytes]:
        """Return the topics newly subscribed to; an XSUB peer can send other things, too."""
        topics = []
        try:
            for _ in range(SUBSCRIPTIONS):
                frames = receive_frames(self.feed)
                verb, topic = frames[0].bytes[:1], frames[0].bytes[1:]
                if len(frames) == 1 and verb == b"\x01":
                    topics.append(topic)
                    if self._security is not None:
                        self.subscribers.took(self._peer(frames[0]), topic, now)
                elif verb != b"\x00":
                    self._counts["bad_subscription"] += 1
                elif self._security is not None:
                    self.subscribers.left(self._peer(frames[0]), topic)
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


def _can_copy(descriptor: int, times: int) -> bool:
    copies = []
    try:
        for _ in range(times):
            copies.append(os.dup(descriptor))
    except OSError:
        return False
    finally:
        for copy in copies:
            os.close(copy)
    return True


def _told(frame: zmq.Frame, name: str) -> str:
    try:
        return str(frame.get(name))
    except zmq.ZMQError:  # nothing is known of it
        return ""
