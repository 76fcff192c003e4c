"""The subscriber thread: SUB and DEALER, and the doing of what the follower decides.

It shares the follower with the threads that call the client, under the client's lock. DEALER, SUB
and the monitor are this thread's alone; the PUSH is used by whoever holds the lock.
"""

from __future__ import annotations

import contextlib
import select
import socket as posix
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

import zmq

from chatlib.core import actions as core
from chatlib.core.follower import Follower
from chatlib.errors import BadAddress, ProtocolViolation, Refused, Unreachable
from chatlib.net.curve import use_curve
from chatlib.net.dial import dial
from chatlib.net.handshake import LOST, Handshakes, Keys
from chatlib.net.sockets import ANSWER_FRAME_BYTES, PUSH_HWM, make_socket, receive
from chatlib.protocol import limits
from chatlib.protocol.links import Endpoint, dialled, parse_endpoint

DIAL_S = 3.0
RETRY_S = (0.05, 0.05, 0.1, 0.3, 1.0, 2.0, 4.0, 8.0)  # from a loss to the next try
IDLE_S = 60.0
WATCHED = (
    zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_DISCONNECTED
    | zmq.EVENT_CONNECT_RETRIED
)
DRAIN = 200  # messages taken from one socket before the others get a look
FEED_HWM = 1_000
READ_OUTS, READ_OUT_MS = 40, 50  # looks at the feed when control is lost, and the wait for each

Socket = zmq.Socket[bytes]


class Owner(Protocol):
    """Who is told by the subscriber thread, with the lock held."""

    def changed(self) -> None:
        """The follower was given something."""

    def ended(self, fault: BaseException | None) -> None:
        """The thread is at its end, by its own fault where there is one."""


class Line:
    """One client's connections, encrypted where there are `keys`, and the thread that serves them.

    `owner.changed` is called, with `lock` held, after the follower has been given something, and
    `owner.ended` when the thread is at its end.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        follower: Follower,
        lock: threading.RLock,
        owner: Owner,
        context: zmq.Context[Socket],
        *,
        keys: Keys | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._follower = follower
        self._lock = lock
        self._changed = owner.changed
        self._ended = owner.ended
        self._context = context
        self._keys = keys
        self._handshakes = Handshakes(endpoint, keys)
        self._ipv6 = False
        self._dealer: Socket | None = None
        self._monitor: Socket | None = None
        self._sub: Socket | None = None
        self._push: Socket | None = None
        self._intake: Endpoint | None = None
        self._tries = 0
        self._dial_at = 0.0
        self._closing = False
        self._later: list[core.Action] = []  # for this thread, from another
        self._wake_in, self._wake_out = posix.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self.thread = threading.Thread(target=self._run, name="hubbub-subscriber", daemon=True)

    # -- for other threads --------------------------------------------------------------------

    def wake(self) -> None:
        """Let the thread look again at once."""
        with contextlib.suppress(OSError):  # full or closed: awake or gone
            self._wake_in.send(b"x")

    def close(self) -> None:
        """End the thread; it closes its sockets itself."""
        self._closing = True
        self.wake()

    def perform(self) -> None:
        """Do what the follower left to do. The lock is held.

        The PUSH is served here and now, by any thread; the rest is for the subscriber thread.
        """
        actions = self._follower.actions.copy()
        self._follower.actions.clear()
        for action in actions:
            if not isinstance(action, core.SendIntake):
                self._later.append(action)
            elif (push := self._pushing()) is not None:
                # What does not get out is noticed by its missing acknowledgement and sent again.
                with contextlib.suppress(zmq.Again):
                    push.send_multipart([action.token, action.body], zmq.NOBLOCK)
        if self._later and threading.current_thread() is not self.thread:
            self.wake()

    # -- the thread ---------------------------------------------------------------------------

    def _run(self) -> None:
        fault: BaseException | None = None
        try:
            while not self._closing:
                if self._dealer is None:
                    self._connect()
                else:
                    self._serve()
        except BaseException as e:
            fault = e  # whoever waits for this thread must not wait for ever
            raise
        finally:
            self._close_control()
            with self._lock:
                self._close_data()
                self._ended(fault)
            self._wake_in.close()
            self._wake_out.close()

    def _connect(self) -> None:
        given_up = self._follower.state == "refused"
        patience = IDLE_S if given_up else self._dial_at - time.monotonic()
        if patience > 0:
            self._sleep(patience)
            return
        try:
            self._ipv6 = dial(self._endpoint, DIAL_S, self._wake_out)
        except Unreachable as e:
            self._lost(str(e), time.monotonic())
            return
        self._dealer = dealer = self._made(zmq.DEALER, ANSWER_FRAME_BYTES)
        self._monitor = dealer.get_monitor_socket(WATCHED)
        self._handshakes.begin()
        dealer.connect(str(self._endpoint))

    def _made(self, kind: int, most: int) -> Socket:
        socket = make_socket(self._context, kind, most, self._endpoint)
        socket.setsockopt(zmq.IPV6, int(self._ipv6))
        if self._keys is not None:
            use_curve(socket, self._keys.server, self._keys.own)
        return socket

    def _sleep(self, seconds: float) -> None:
        select.select([self._wake_out], [], [], seconds)
        self._drain_wake()

    def _drain_wake(self) -> None:
        with contextlib.suppress(OSError):
            while len(self._wake_out.recv(4096)) == 4096:
                pass

    def _serve(self) -> None:
        assert self._dealer is not None and self._monitor is not None
        poller = zmq.Poller()
        poller.register(self._dealer, zmq.POLLIN)
        poller.register(self._monitor, zmq.POLLIN)
        poller.register(self._wake_out.fileno(), zmq.POLLIN)
        # Who does not read is not read to: the feed overflows, and is repaired by cursor later.
        if self._sub is not None and not self._follower.paused:
            poller.register(self._sub, zmq.POLLIN)
        with self._lock:
            patience = self._follower.next_tick(time.monotonic())
        ready = dict(poller.poll(int(patience * 1000) + 1))
        if self._wake_out.fileno() in ready:
            self._drain_wake()
        if self._sub in ready and self._sub is not None:
            self._take(self._sub, self._feed)
        if self._dealer in ready:
            self._take(self._dealer, self._control)
        if self._monitor in ready:
            self._watch()
        self._step(self._follower.tick)

    def _take(self, socket: Socket, give: Callable[[list[bytes], float], None]) -> None:
        messages = []
        with contextlib.suppress(zmq.Again):
            for _ in range(DRAIN):
                messages.append(receive(socket))
        now = time.monotonic()
        with self._lock:
            for parts in messages:
                try:
                    give(parts, now)
                except ProtocolViolation as e:  # dropped; the chain shows what was in it
                    self._follower.violations += 1
                    self._follower.last_violation = str(e)
            self._changed()
        self._perform_later()

    def _feed(self, parts: list[bytes], now: float) -> None:
        if len(parts) == 2:
            self._follower.feed(parts[0], parts[1], now)

    def _control(self, parts: list[bytes], now: float) -> None:
        if len(parts) == 1:
            self._follower.control(parts[0], now)

    def _step(self, step: Callable[..., None], *arguments: Any) -> None:
        with self._lock:
            step(*arguments, time.monotonic())
            self._changed()
        self._perform_later()

    def _watch(self) -> None:
        """Read the monitor: the handshake was done, or it failed, or the connection broke."""
        assert self._monitor is not None
        with contextlib.suppress(zmq.Again):
            while self._monitor is not None:
                parts = self._monitor.recv_multipart(zmq.NOBLOCK)
                event = int.from_bytes(parts[0][:2], "little")
                if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                    self._handshakes.succeeded()
                    self._step(self._follower.connected)
                elif self._handshakes.pending:
                    self._not_let_in(event, int.from_bytes(parts[0][2:6], "little"))
                else:
                    self._hang_up(LOST)

    def _not_let_in(self, event: int, value: int) -> None:
        """End this attempt. After some of these faults libzmq never dials again; we do."""
        self._close_control()
        fault = self._handshakes.failed(event, value)
        if fault is None:
            self._dial_at = time.monotonic() + RETRY_S[0]
        elif isinstance(fault, Refused):
            with self._lock:
                self._follower.refuse(fault)
                self._changed()
        else:
            self._hang_up(str(fault))

    def _perform_later(self) -> None:
        with self._lock:
            later, self._later = self._later, []
        for action in later:
            self._perform_one(action)

    def _perform_one(self, action: core.Action) -> None:
        match action:
            case core.SendControl(frame):
                if self._dealer is not None:
                    with contextlib.suppress(zmq.Again):  # asked again when it stays unanswered
                        self._dealer.send(frame, zmq.NOBLOCK)
            case core.Subscribe(topic):
                if self._sub is not None:
                    self._sub.subscribe(topic)
            case core.Unsubscribe(topic):
                if self._sub is not None:
                    self._sub.unsubscribe(topic)
            case core.Attach():
                try:
                    with self._lock:
                        self._attach(action)
                except (BadAddress, zmq.ZMQError) as e:
                    self._hang_up(f"the broker told an address that is of no use: {e}")
            case core.HangUp(reason):
                self._hang_up(reason)

    # -- connections --------------------------------------------------------------------------

    def _attach(self, where: core.Attach) -> None:
        self._close_data()
        self._sub = self._made(zmq.SUB, 2 * limits.FEED_BYTES)
        self._sub.setsockopt(zmq.RCVHWM, FEED_HWM)
        self._sub.setsockopt(zmq.SNDHWM, 0)  # a SUB drops subscriptions beyond it (libzmq 2942)
        for topic in where.topics:
            self._sub.subscribe(topic)
        self._sub.connect(str(parse_endpoint(dialled(where.feed, self._endpoint))))
        self._intake = parse_endpoint(dialled(where.intake, self._endpoint))
        self._tries = 0  # we are welcome: until then, one who refuses us is as good as away

    def _pushing(self) -> Socket | None:
        """Return the PUSH, made when it is first needed: who only reads costs the broker none."""
        if self._push is None and self._intake is not None:
            self._push = self._made(zmq.PUSH, limits.INTAKE_FRAME_BYTES)
            self._push.setsockopt(zmq.SNDHWM, PUSH_HWM)
            self._push.connect(str(self._intake))
        return self._push

    def _close_data(self) -> None:
        for socket in (self._sub, self._push):
            if socket is not None:
                socket.close(linger=0)
        self._sub = self._push = self._intake = None

    def _close_control(self) -> None:
        if self._dealer is not None:
            # The monitor first told to end, then closed: the other way round hangs (pyzmq 1020).
            self._dealer.disable_monitor()
            if self._monitor is not None:
                self._monitor.close()
            self._dealer.close()
        self._dealer = self._monitor = None

    def _hang_up(self, reason: str) -> None:
        since = time.monotonic()
        self._close_control()
        self._read_out()
        with self._lock:
            self._close_data()
        self._lost(reason, since)

    def _read_out(self) -> None:
        """Take what is still on its way on the feed: a broker that comes back may have lost it."""
        for _ in range(READ_OUTS):
            if self._sub is None or self._follower.paused or not self._sub.poll(READ_OUT_MS):
                return
            self._take(self._sub, self._feed)

    def _lost(self, reason: str, since: float) -> None:
        wait = RETRY_S[min(self._tries, len(RETRY_S) - 1)]
        self._tries += 1
        self._dial_at = since + wait
        with self._lock:
            if not self._closing:
                self._follower.disconnected(reason, time.monotonic(), wait)
                self._changed()
