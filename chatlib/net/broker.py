"""The broker's loop: three sockets, one thread.

    PUSH   ──► intake PULL ─┐                  ┌─► feed XPUB ──► SUB
                            ├─ Pipeline.run() ─┤
    DEALER ◄─► control ROUTER ─┘               └─► control ROUTER

Each turn drains what has arrived (bounded, intake before control), lets the pipeline take its
pass, and sends what came of it.
"""

from __future__ import annotations

import contextlib
import resource
import secrets
import socket as posix
import time
from collections import Counter
from collections.abc import Callable

import zmq

from chatlib.core.batch import Note
from chatlib.errors import HubbubError
from chatlib.history.memory import MemoryStore
from chatlib.history.store import Store
from chatlib.net import heap
from chatlib.net.backlog import Backlog
from chatlib.net.pipeline import Pipeline, Place
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
from chatlib.protocol.links import DEFAULT_ADDRESS, Endpoint, beside, parse_endpoint
from chatlib.version import __version__

INTAKE_FRAMES, INTAKE_BYTES = 1_000, 1024 * 1024  # drained in one pass at the most
CONTROL_FRAMES, CONTROL_BYTES = 256, 1024 * 1024
SUBSCRIPTIONS = 256
DESCRIPTORS_PER_MEMBER = 3

Observer = Callable[[Note, str], None]


def new_epoch() -> str:
    """Return the name of a new life of the history."""
    return secrets.token_hex(8)


def raise_descriptor_limit() -> int:
    """Raise this process's limit of open files as far as it may go, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return soft


class Broker:
    """A broker on `listen`; `observer` is told of connections, nicknames, joins and leaves.

    `intake` and `feed` are beside `listen` unless given; `advertise` is the host that clients are
    told instead of the one that they dialled. Without a `store` the history is in memory. Nothing
    is bound before `bind()`; `run()` returns after `stop()`, which may be called from a signal
    handler or another thread.
    """

    def __init__(
        self,
        listen: str = DEFAULT_ADDRESS,
        *,
        intake: str | None = None,
        feed: str | None = None,
        advertise: str | None = None,
        heartbeat: float = limits.HEARTBEAT,
        store: Store | None = None,
        observer: Observer | None = None,
    ) -> None:
        control = parse_endpoint(listen)
        next_intake, next_feed = beside(control)
        self._wanted = (
            control,
            parse_endpoint(intake) if intake else next_intake,
            parse_endpoint(feed) if feed else next_feed,
        )
        self._advertise = parse_endpoint(advertise).host if advertise else ""
        self._heartbeat = heartbeat
        self._observer = observer or (lambda note, address: None)
        self._stopping = False
        self._tidied = time.monotonic()
        self._wake_in, self._wake_out = posix.socketpair()
        self._wake_in.setblocking(False)
        self.store: Store = store or MemoryStore(new_epoch())
        self.counts: Counter[str] = Counter()

    # -- life ---------------------------------------------------------------------------------

    def bind(self) -> tuple[Endpoint, Endpoint, Endpoint]:
        """Bind control, intake and feed and return where. Raises CannotCreate, BadAddress."""
        control, intake, feed = self._wanted
        self._context = make_context()
        try:
            # 128 KiB, so that a request that is a little too big gets an answer that says so.
            self._control = self._made(zmq.ROUTER, 2 * limits.CONTROL_FRAME_BYTES, control)
            self._control.setsockopt(zmq.ROUTER_MANDATORY, 1)
            self._control.setsockopt(zmq.SNDHWM, CONTROL_HWM)
            self._control.setsockopt(zmq.RCVHWM, REQUESTS_HWM)
            self._intake = self._made(zmq.PULL, limits.INTAKE_FRAME_BYTES, intake)
            self._intake.setsockopt(zmq.RCVHWM, INTAKE_HWM)
            self._feed = self._made(zmq.XPUB, limits.SUBSCRIPTION_BYTES, feed)
            self._feed.setsockopt(zmq.XPUB_VERBOSE, 1)
            self._feed.setsockopt(zmq.SNDHWM, FEED_HWM)
            bound = bind(self._control, control), bind(self._intake, intake), bind(self._feed, feed)
        except HubbubError:
            self._context.destroy(linger=0)
            self._close_wake()
            self.store.close()
            raise
        place = Place(self._told(bound[1]), self._told(bound[2]), f"hubbub {__version__}")
        self.pipeline = Pipeline(
            self.store, place, fresh=secrets.token_urlsafe, heartbeat=self._heartbeat
        )
        self._backlog = Backlog(self._control, self.pipeline.vanished, self.counts)
        self.pipeline.congested = self._backlog.congested
        return bound

    def _made(self, kind: int, most: int, endpoint: Endpoint) -> zmq.Socket[bytes]:
        socket = make_socket(self._context, kind, most, endpoint)
        socket.setsockopt(zmq.TCP_MAXRT, STALLED_MS)
        return socket

    def _told(self, endpoint: Endpoint) -> str:
        """Return what `hello` answers: `*` for a host that is the one of control, or every one."""
        if endpoint.path:
            return str(endpoint)
        dialled = endpoint.host in (self._wanted[0].host, "*", "0.0.0.0", "[::]")
        return str(endpoint._replace(host=self._advertise or ("*" if dialled else endpoint.host)))

    def stop(self) -> None:
        """Ask the loop to end. Safe in signal handlers and from other threads."""
        self._stopping = True
        self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # full: it is awake anyway
            self._wake_in.send(b"x")

    def run(self) -> None:
        """Serve until `stop()`; then finish the batch, tell everyone and close."""
        poller = zmq.Poller()
        for socket in (self._control, self._intake, self._feed):
            poller.register(socket, zmq.POLLIN)
        poller.register(self._wake_out.fileno(), zmq.POLLIN)
        if self.store.search is not None:
            self.store.search.start(self._wake)
        try:
            while not self._stopping:
                patience = self._patience(time.monotonic())
                ready = dict(poller.poll(int(patience * 1000) + (patience > 0)))
                if self._wake_out.fileno() in ready:
                    self._wake_out.recv(4096)
                self._turn()
            self._turn()
            self.pipeline.farewell("the broker was stopped")
            self._send()
        finally:
            self._close()

    def _patience(self, now: float) -> float:
        if self.pipeline.waiting:
            return 0.0
        return min(self.pipeline.next_beat(now), self._backlog.patience(now))

    def _close(self) -> None:
        for socket in (self._control, self._intake, self._feed):
            socket.close()
        self._context.term()
        self.store.close()
        self._close_wake()

    def _close_wake(self) -> None:
        self._wake_in.close()
        self._wake_out.close()

    # -- a turn -------------------------------------------------------------------------------

    def _turn(self) -> None:
        intake, control, subscriptions = (
            self._drain_intake(),
            self._drain_control(),
            self._drain_feed(),
        )
        self.pipeline.run(
            intake,
            [parts for parts, _ in control],
            subscriptions,
            time.monotonic(),
            time.time_ns() // 1_000_000,
        )
        self._send()
        self._tidy(time.monotonic())
        if self.pipeline.notes:
            addresses = {parts[0]: address for parts, address in control}
            for note in self.pipeline.notes:
                self._observer(
                    note, addresses.get(self.pipeline.admission.route(note.sid) or b"", "")
                )

    def _tidy(self, now: float) -> None:
        if now - self._tidied >= heap.EVERY_S:
            self._tidied = now
            heap.give_back()

    def _drain_intake(self) -> list[list[bytes]]:
        frames: list[list[bytes]] = []
        size = 0
        try:
            while len(frames) < INTAKE_FRAMES and size < INTAKE_BYTES:
                frames.append(parts := receive(self._intake))
                size += len(parts[-1])
        except zmq.Again:
            pass
        return frames

    def _drain_control(self) -> list[tuple[list[bytes], str]]:
        requests: list[tuple[list[bytes], str]] = []
        size = 0
        try:
            while len(requests) < CONTROL_FRAMES and size < CONTROL_BYTES:
                frames = receive_frames(self._control)
                size += len(frames[-1])
                requests.append(([frame.bytes for frame in frames], _address(frames[-1])))
        except zmq.Again:
            pass
        return requests

    def _drain_feed(self) -> list[bytes]:
        """Return the topics newly subscribed to; an XSUB peer can send other things, too."""
        topics = []
        try:
            for _ in range(SUBSCRIPTIONS):
                parts = receive(self._feed)
                if len(parts) == 1 and parts[0][:1] == b"\x01":
                    topics.append(parts[0][1:])
                elif parts[0][:1] != b"\x00":
                    self.counts["bad_subscription"] += 1
        except zmq.Again:
            pass
        return topics

    def _send(self) -> None:
        for topic, body in self.pipeline.feed:
            self._feed.send(topic, zmq.SNDMORE)
            self._feed.send(body)
        now = time.monotonic()
        self._backlog.retry(now)
        for frames in self.pipeline.control:
            self._backlog.send(frames, now)


def _address(frame: zmq.Frame) -> str:
    try:
        address = str(frame.get("Peer-Address"))
    except zmq.ZMQError:  # nothing is known of it
        return ""
    # Of ipc libzmq tells the credentials of the peer: localhost:UID:GID:PID.
    return f"process {address.rpartition(':')[2]}" if address.startswith("localhost:") else address
