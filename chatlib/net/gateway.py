"""The sockets of a gateway: one SUB and one PUSH for all, one DEALER for each session.

There is no thread here: whoever owns the loop is asked to watch file descriptors, and calls back
when one is readable. A ZeroMQ descriptor tells only that something changed, so each socket is read
until nothing is left, and looked at again after each send, which may have eaten the signal.
"""

from __future__ import annotations

import errno
import os
import resource
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Protocol

import zmq

from chatlib.errors import BadAddress
from chatlib.net.curve import use_curve
from chatlib.net.dial import unreachable
from chatlib.net.handshake import Keys
from chatlib.net.sockets import ANSWER_FRAME_BYTES, PUSH_HWM, make_context, make_socket, receive
from chatlib.protocol import limits
from chatlib.protocol.links import Endpoint, dialled, parse_endpoint

DRAIN = 200  # messages taken from one socket before the others get a look
FEED_HWM = 2_000
SPARE = 32  # descriptors that sessions leave for files and for the connections that all share
NO_FILE = "raise the limit of open files (ulimit -n)"
STUCK_S = 2.0  # one PUSH serves all: it is made anew so seldom
WATCHED = (
    zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_DISCONNECTED
)

Socket = zmq.Socket[bytes]


class Loop(Protocol):
    """What a gateway needs of the loop in which it lives; asyncio's has it."""

    def add_reader(self, fd: int, callback: Callable[[], None]) -> object:
        """Call back whenever the descriptor is readable."""

    def remove_reader(self, fd: int) -> object:
        """Stop that."""

    def call_soon(self, callback: Callable[[], None]) -> object:
        """Call back once, soon."""


class Owner(Protocol):
    """Who is told what comes."""

    def fed(self, messages: list[list[bytes]]) -> None:
        """Messages of the feed came."""

    def feed_came(self) -> None:
        """The feed is there, for the first time or again."""

    def feed_lost(self, refused: bool) -> None:
        """The feed is gone; `refused` tells that our key is not let in."""


class Control:
    """The DEALER of one session."""

    def __init__(self, gateway: Gateway, socket: Socket, take: Callable[[bytes], None]) -> None:
        self._gateway, self._socket, self._take = gateway, socket, take
        self._fd = socket.getsockopt(zmq.FD)
        gateway.watch(self._fd, self._read)

    def send(self, frame: bytes) -> None:
        """Send one request; what can't be sent now is asked again by whoever asked."""
        with suppress(zmq.Again):
            self._socket.send(frame, zmq.NOBLOCK)
        self._gateway.look_again(self._read)

    def _read(self) -> None:
        for _ in range(DRAIN):
            if self._socket.closed:
                return
            try:
                parts = receive(self._socket)
            except zmq.Again:
                return
            if len(parts) == 1:
                self._take(parts[0])
        self._gateway.look_again(self._read)

    def close(self) -> None:
        """Hang up."""
        if not self._socket.closed:
            self._gateway.unwatch(self._fd)
            self._socket.close(linger=300)


class Gateway:
    """Connections to one broker, encrypted where there are `keys`, in the loop of `owner`."""

    def __init__(self, endpoint: Endpoint, keys: Keys | None, loop: Loop, owner: Owner) -> None:
        self.endpoint = endpoint
        self._keys = keys
        self._loop = loop
        self._owner = owner
        self._context = make_context()
        self._sub: Socket | None = None
        self._monitor: Socket | None = None
        self._push: Socket | None = None
        self._places = ("", "")
        self._pushed_at = 0.0
        self._again: set[Callable[[], None]] = set()
        self.online = False

    # -- the loop -----------------------------------------------------------------------------

    def watch(self, fd: int | bytes, read: Callable[[], None]) -> None:
        """Have `read` called when a socket has news."""
        assert isinstance(fd, int)
        self._loop.add_reader(fd, read)
        self.look_again(read)

    def unwatch(self, fd: int | bytes) -> None:
        """Stop that."""
        assert isinstance(fd, int)
        self._loop.remove_reader(fd)

    def look_again(self, read: Callable[[], None]) -> None:
        """Have a socket read soon, whatever its descriptor says."""
        if not self._again:
            self._loop.call_soon(self._look)
        self._again.add(read)

    def _look(self) -> None:
        again, self._again = self._again, set()
        for read in again:
            read()

    # -- sockets ------------------------------------------------------------------------------

    def control(self, take: Callable[[bytes], None]) -> Control:
        """Return a new connection to the control endpoint. Raises Unreachable: no file is left."""
        try:
            socket = self._made(zmq.DEALER, ANSWER_FRAME_BYTES)
        except zmq.ZMQError as e:
            raise unreachable(self.endpoint, os.strerror(e.errno or 0).lower(), NO_FILE) from e
        if socket.fileno() > resource.getrlimit(resource.RLIMIT_NOFILE)[0] - SPARE:
            socket.close(linger=0)  # or nothing would be left for anything else
            raise unreachable(self.endpoint, os.strerror(errno.EMFILE).lower(), NO_FILE)
        socket.connect(str(self.endpoint))
        return Control(self, socket, take)

    def _made(self, kind: int, most: int) -> Socket:
        socket = make_socket(self._context, kind, most, self.endpoint)
        if self._keys is not None:
            use_curve(socket, self._keys.server, self._keys.own)
        return socket

    def attach(self, intake: str, feed: str, topics: Iterable[bytes], *, stuck: bool) -> bool:
        """Connect SUB and PUSH where that is not done; tell whether there is another SUB.

        `stuck` makes another PUSH: what this one took does not arrive. Raises BadAddress.
        """
        known = (intake, feed) == self._places
        if not known:
            places = [parse_endpoint(dialled(place, self.endpoint)) for place in (intake, feed)]
            self._places = (intake, feed)
            self._connect_push(places[0])
            self._connect_sub(places[1], topics)
        elif stuck and time.monotonic() - self._pushed_at > STUCK_S:
            self._connect_push(parse_endpoint(dialled(intake, self.endpoint)))
        return not known

    def _connect_push(self, intake: Endpoint) -> None:
        if self._push is not None:
            self._push.close(linger=0)
        self._pushed_at = time.monotonic()
        self._push = self._made(zmq.PUSH, limits.INTAKE_FRAME_BYTES)
        self._push.setsockopt(zmq.SNDHWM, PUSH_HWM)
        self._push.connect(str(intake))

    def _connect_sub(self, feed: Endpoint, topics: Iterable[bytes]) -> None:
        self._close_sub()
        self._sub = self._made(zmq.SUB, 2 * limits.FEED_BYTES)
        self._sub.setsockopt(zmq.RCVHWM, FEED_HWM)
        self._sub.setsockopt(zmq.SNDHWM, 0)  # a SUB drops subscriptions beyond it (libzmq 2942)
        for topic in topics:
            self._sub.subscribe(topic)
        self._monitor = self._sub.get_monitor_socket(WATCHED)
        self.watch(self._monitor.getsockopt(zmq.FD), self._listen)
        self.watch(self._sub.getsockopt(zmq.FD), self._read)
        self._sub.connect(str(feed))

    def subscribe(self, topic: bytes) -> None:
        """Subscribe to a topic."""
        if self._sub is not None:
            self._sub.subscribe(topic)
            self.look_again(self._read)

    def unsubscribe(self, topic: bytes) -> None:
        """Unsubscribe from a topic."""
        if self._sub is not None:
            self._sub.unsubscribe(topic)
            self.look_again(self._read)

    def push(self, token: bytes, body: bytes) -> None:
        """Push lines of the session of this token. What gets lost is noticed and sent again."""
        if self._push is not None:
            with suppress(zmq.Again):
                self._push.send_multipart([token, body], zmq.NOBLOCK)

    def _read(self) -> None:
        messages: list[list[bytes]] = []
        with suppress(zmq.Again):
            while self._sub is not None and len(messages) < DRAIN:
                messages.append(receive(self._sub))
        if len(messages) == DRAIN:
            self.look_again(self._read)
        if messages:
            self._owner.fed(messages)

    def _listen(self) -> None:
        with suppress(zmq.Again):
            while self._monitor is not None:
                event = int.from_bytes(self._monitor.recv_multipart(zmq.NOBLOCK)[0][:2], "little")
                if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                    self.online = True
                    self._owner.feed_came()
                elif self.online or event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
                    self.online = False
                    self._owner.feed_lost(event == zmq.EVENT_HANDSHAKE_FAILED_AUTH)

    def _close_sub(self) -> None:
        self.online = False
        if self._sub is not None and self._monitor is not None:
            self.unwatch(self._monitor.getsockopt(zmq.FD))
            self.unwatch(self._sub.getsockopt(zmq.FD))
            self._sub.disable_monitor()
            self._monitor.close()
            self._sub.close(linger=0)
        self._sub = self._monitor = None

    def renew_feed(self, topics: Iterable[bytes]) -> None:
        """Make the SUB anew: nothing came for too long, or our key was refused."""
        with suppress(BadAddress):
            self._connect_sub(parse_endpoint(dialled(self._places[1], self.endpoint)), topics)

    def close(self) -> None:
        """Close all; connections of sessions are closed by who has them, before."""
        self._close_sub()
        if self._push is not None:
            self._push.close(linger=300)
        self._context.destroy(linger=300)
