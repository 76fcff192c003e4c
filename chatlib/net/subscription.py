"""One SUB socket and what a log subscriber does with it; no thread: whoever calls `turn` waits.

Nothing is taken from the socket between two turns. So who can't write does not read, the socket's
bounded queue fills, the broker drops what is beyond its own, and the subscriber fetches that later.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from contextlib import suppress
from typing import Self

import zmq

from chatlib.core.actions import Subscribe
from chatlib.core.subscriber import Subscriber
from chatlib.errors import ProtocolViolation, Refused, TimedOut, Unreachable
from chatlib.net.curve import use_curve
from chatlib.net.dial import dial
from chatlib.net.handshake import Handshakes, Keys
from chatlib.net.sockets import make_context, make_socket, receive
from chatlib.protocol import limits
from chatlib.protocol.links import Endpoint

DIAL_S = 3.0
FIRST_ANSWER_S = 30.0  # that a broker may take before it is none
TICK_S = 1.0
QUEUE = 1_000  # messages that libzmq holds for us
DRAIN = 50  # messages taken in one turn
MANY = 400  # taken without a pause: the broker may have dropped some, for its queue has 500
WATCHED = (
    zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_DISCONNECTED
)


class Subscription:
    """`with Subscription(...)`: connected to a feed; encrypted where there are `keys`.

    `online` tells whether the feed is there now; libzmq looks for it by itself when it is not.
    Entering raises Unreachable, Refused.
    """

    def __init__(self, feed: Endpoint, subscriber: Subscriber, keys: Keys | None = None) -> None:
        self._feed = feed
        self._subscriber = subscriber
        self._keys = keys
        self._handshakes = Handshakes(feed, keys)
        self._poller = zmq.Poller()
        self._taken = 0  # without a pause
        self._answered = False
        self.online = False

    def __enter__(self) -> Self:
        ipv6 = dial(self._feed, DIAL_S)
        self._context = make_context()
        self._sub = make_socket(self._context, zmq.SUB, 2 * limits.FEED_BYTES, self._feed)
        self._sub.setsockopt(zmq.IPV6, int(ipv6))
        self._sub.setsockopt(zmq.RCVHWM, QUEUE)
        self._sub.setsockopt(zmq.SNDHWM, 0)  # a SUB drops subscriptions beyond it (libzmq 2942)
        if self._keys is not None:
            use_curve(self._sub, self._keys.server, self._keys.own)
        self._monitor = self._sub.get_monitor_socket(WATCHED)
        self._poller.register(self._sub, zmq.POLLIN)
        self._poller.register(self._monitor, zmq.POLLIN)
        self._began = time.monotonic()
        self._subscriber.begin(self._began)
        self._perform()  # before connecting: the first thing that the broker hears
        self._handshakes.begin()
        self._sub.connect(str(self._feed))
        return self

    def __exit__(self, *_: object) -> None:
        self._sub.disable_monitor()
        self._monitor.close()
        self._sub.close(linger=0)
        self._context.term()

    def watch(self, fd: int) -> None:
        """Let a turn end when a file descriptor is readable."""
        self._poller.register(fd, zmq.POLLIN)

    def watch_end(self, fd: int) -> None:
        """Let a turn end when nobody reads any more what is written to a file descriptor."""
        self._poller.register(fd, zmq.POLLERR)

    def turn(self, patience: float) -> Collection[int]:
        """Wait at most so many seconds, take in what came, return the descriptors that are ready.

        Raises Refused, Unreachable, TimedOut: a broker that was never there, or lets us in no more.
        """
        ready = dict(self._poller.poll(int(max(0.0, min(patience, TICK_S)) * 1000) + 1))
        if self._monitor in ready:
            self._watch()
        drained = self._drain() if self._sub in ready else True
        now = time.monotonic()
        self._subscriber.tick(now, drained)
        if drained and self._taken >= MANY:
            self._subscriber.check(now)
        if drained:
            self._taken = 0
        self._perform()
        if not self._answered and now - self._began > FIRST_ANSWER_S:
            raise TimedOut(
                f"nothing comes from {self._feed}: is it the feed of a broker that knows replays?"
            )
        return [fd for fd in ready if isinstance(fd, int)]

    def _drain(self) -> bool:
        """Take in what came, DRAIN messages at most; tell whether that was all."""
        for _ in range(DRAIN):
            try:
                parts = receive(self._sub)
            except zmq.Again:
                return True
            self._taken += 1
            self._answered = True
            if len(parts) == 2:
                with suppress(ProtocolViolation):  # the chain shows what was in it
                    self._subscriber.take(parts[0], parts[1], time.monotonic())
        return False

    def _perform(self) -> None:
        actions, self._subscriber.actions[:] = self._subscriber.actions.copy(), []
        for action in actions:
            if isinstance(action, Subscribe):
                self._sub.subscribe(action.topic)
            else:
                self._sub.unsubscribe(action.topic)

    def _watch(self) -> None:
        """Read the monitor: the handshake was done, or it failed, or the connection broke."""
        with suppress(zmq.Again):
            while True:
                parts = self._monitor.recv_multipart(zmq.NOBLOCK)
                event = int.from_bytes(parts[0][:2], "little")
                if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                    self._handshakes.succeeded()
                    self.online = True
                    self._subscriber.connected(time.monotonic())
                elif self._handshakes.pending:
                    self._not_let_in(event, int.from_bytes(parts[0][2:6], "little"))
                else:
                    self.online = False
                    self._handshakes.begin()

    def _not_let_in(self, event: int, value: int) -> None:
        """Raise what no waiting helps against; libzmq tries again by itself."""
        fault = self._handshakes.failed(event, value)
        if isinstance(fault, Refused):
            raise fault
        if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH or not (self._answered or fault is None):
            raise fault or Unreachable(f"{self._feed} does not let us in")
        self._handshakes.begin()
