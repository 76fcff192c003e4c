"""The load: what senders and receivers do, in processes of their own on the load's core."""

from __future__ import annotations

import contextlib
import multiprocessing
import resource
import selectors
import socket
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import zmq

from bench import curve, machine
from bench.servers import Server
from bench.wires import MARK, TOPIC, WIRES, Sender, Wire
from bench.zmtp import PATIENCE, Headers

MOST_ON_THE_WAY = 10_000  # messages sent and not yet received, all senders together
WINDOW = 2_000  # the same of one sender: what docs/protocol.md allows
BURST = 20  # messages of one sender before the next one has its turn
BUFFER = 512 * 1024
QUIET = 1.0  # seconds without a delivery after which what is missing is lost
DRAIN = 60.0  # seconds that the rest may take to arrive
WARM_UP = 0.5
SETTLE = 0.5  # seconds of silence after which nothing is on the way any more

_MARK = ord(MARK)  # counting an int is twice as fast as counting bytes
_spawn = multiprocessing.get_context("spawn")


def make_event() -> Any:
    """Return an event that processes of the load can set and wait for."""
    return _spawn.Event()


class Running:
    """A function that runs in a process of its own on the load's core; `result` waits for it."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._pipe, theirs = _spawn.Pipe()
        with machine.pinned(machine.LOAD_CORE):
            self._process = _spawn.Process(
                target=_run, args=(theirs, function, arguments), daemon=True
            )
            self._process.start()
        theirs.close()

    def result(self, patience: float) -> Any:
        """Return what the function returned. Raises RuntimeError when it failed or took longer."""
        try:
            if not self._pipe.poll(patience):
                raise RuntimeError(f"the load did not end within {patience:.0f} s")
            done, value = self._pipe.recv()
        except EOFError as e:
            raise RuntimeError("the load ended without a result") from e
        finally:
            self._process.terminate()
            self._process.join()
        if not done:
            raise RuntimeError(f"the load failed: {value}")
        return value


def _run(pipe: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        pipe.send((True, function(*arguments)))
    except Exception as e:  # noqa: BLE001  whatever it is, the other side tells it
        pipe.send((False, f"{type(e).__name__}: {e}"))


# -- fan-out --------------------------------------------------------------------------------------


def saturate(
    wire_name: str, server: Server, crowd: tuple[int, int], seconds: float, libzmq: bool
) -> dict[str, float]:
    """Send as much as goes through, and count what each receiver gets.

    `crowd` is how many send and receive. With `libzmq` the receivers are SUB sockets, and each
    message is received in Python; where the server has a key, all peers are libzmq's.
    """
    senders, receivers = crowd
    if server.key:
        wire = curve.members(curve.make_context(), server, senders)
    else:
        wire = WIRES[wire_name](server.ports, senders, 0 if libzmq else receivers)
    flood = _LibzmqFlood(wire, server, receivers) if libzmq or server.key else _Flood(wire)
    earlier = flood.settle()
    flood.run(WARM_UP)
    usage, before = machine.Usage(server.pid), sum(flood.counts)
    flood.run(seconds)
    figures, during = usage.so_far(), sum(flood.counts) - before
    flood.drain()
    accepted = wire.accepted() - earlier
    return figures | {
        "deliveries": during,
        "accepted": accepted,
        "received": sum(flood.counts),
        "lost": sum(accepted - count for count in flood.counts),
        "peak_mb": machine.memory_mb(server.pid, peak=True),
    }


class _Flood:
    """Senders that send whenever fewer than a window are on the way, receivers that count."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._buffer = bytearray(BUFFER)
        self._selector = selectors.DefaultSelector()
        self._room = min(MOST_ON_THE_WAY, WINDOW * len(wire.senders))
        self._settled = 0  # messages that were sent until every receiver was there
        self._forgiven = 0  # messages that the first receiver did not get and won't
        self._heard = time.perf_counter()
        self.counts = [0] * len(wire.receivers)
        self._headers = [Headers(_MARK) for _ in wire.receivers] if wire.framed else []
        for i, receiver in enumerate(wire.receivers):
            receiver.setblocking(False)
            self._selector.register(receiver, selectors.EVENT_READ, i)

    def settle(self) -> int:
        """Send until every receiver gets something, then count anew; return what was accepted.

        For zmq_proxy does not say when a subscription has arrived.
        """
        deadline = time.perf_counter() + PATIENCE
        while not all(self.counts) and time.perf_counter() < deadline:
            self._wire.senders[0].send(1)
            self._receive(0.05)
        while self._receive(SETTLE):
            pass
        self.counts = [0] * len(self.counts)
        self._settled = self._sent()
        self._heard = time.perf_counter()
        return self._wire.accepted()

    def _sent(self) -> int:
        return sum(sender.sent for sender in self._wire.senders) - self._settled

    def run(self, seconds: float) -> None:
        """Send and receive for a while."""
        end = time.perf_counter() + seconds
        while (now := time.perf_counter()) < end:
            on_the_way = self._sent() - self.counts[0]
            sent = 0
            for sender in self._wire.senders:
                if on_the_way + sent - self._forgiven < self._room:
                    sent += sender.send(BURST)
            if self._receive(0.0 if sent else 0.001):
                self._heard = now
            elif now - self._heard > QUIET:
                self._forgiven, self._heard = on_the_way + sent, now

    def drain(self) -> None:
        """Receive what is still on the way."""
        sent = self._sent()
        deadline = quiet = time.perf_counter() + QUIET
        while min(self.counts) < sent and time.perf_counter() < min(quiet, deadline + DRAIN):
            for sender in self._wire.senders:
                sender.flush()
            if self._receive(0.01):
                quiet = time.perf_counter() + QUIET

    def _receive(self, patience: float) -> bool:
        ready = self._selector.select(patience)
        buffer = self._buffer
        for key, _ in ready:
            assert isinstance(key.fileobj, socket.socket)
            size = key.fileobj.recv_into(buffer)
            if not size:
                self._selector.unregister(key.fileobj)  # what it misses now is lost
            count = buffer.count(_MARK, 0, size)
            if self._headers:
                count -= self._headers[key.data].count(buffer, size)
            self.counts[key.data] += count
        return bool(ready)


class _LibzmqFlood(_Flood):
    """The same with libzmq's SUB sockets for receivers."""

    def __init__(self, wire: Wire, server: Server, receivers: int) -> None:
        super().__init__(wire)
        self.counts = [0] * receivers
        context = curve.make_context()
        self._poller = zmq.Poller()
        self._index: dict[Any, int] = {}
        for i in range(receivers):
            sub = curve.dial(context, zmq.SUB, server, "feed", most=2 * MOST_ON_THE_WAY)
            sub.subscribe(TOPIC)
            self._poller.register(sub, zmq.POLLIN)
            self._index[sub] = i

    def _receive(self, patience: float) -> bool:
        ready = self._poller.poll(int(patience * 1000))
        for sub, _ in ready:
            with contextlib.suppress(zmq.Again):
                for _ in range(50):
                    sub.recv(zmq.NOBLOCK)  # the topic
                    self.counts[self._index[sub]] += sub.recv(zmq.NOBLOCK).count(_MARK)
        return bool(ready)


# -- acknowledgements -----------------------------------------------------------------------------


def acknowledge(
    wire_name: str, server: Server, senders: int, seconds: float, window: int
) -> dict[str, float]:
    """Send with a window for each sender until all is acknowledged; count that."""
    wire = WIRES[wire_name](server.ports, senders, 0)
    crowd = _Crowd(wire.senders, window)
    usage = machine.Usage(server.pid)
    crowd.run(seconds)
    crowd.finish()  # within the time: acknowledgements may come in large batches
    return usage.so_far() | {
        "acknowledged": crowd.acknowledged,
        "sent": sum(sender.sent for sender in wire.senders),
        "stored": wire.accepted(),
        "peak_mb": machine.memory_mb(server.pid, peak=True),
    }


class _Crowd:
    """Senders that each keep a window of messages that are not acknowledged."""

    def __init__(self, senders: list[Sender], window: int) -> None:
        self._senders, self._window = senders, window
        self._acked = [0] * len(senders)
        self._asking = [False] * len(senders)
        self._selector = selectors.DefaultSelector()
        for i, sender in enumerate(senders):
            assert sender.answers is not None
            sender.answers.setblocking(False)
            self._selector.register(sender.answers, selectors.EVENT_READ, i)

    @property
    def acknowledged(self) -> int:
        """How many messages are acknowledged."""
        return sum(self._acked)

    def run(self, seconds: float) -> None:
        """Send and read acknowledgements for a while."""
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            for i, sender in enumerate(self._senders):
                room = self._window - (sender.sent - self._acked[i])
                if room >= BURST:
                    sender.send(BURST)
                self._ask(i, sender)
            self._read(0.0 if self._has_room() else 0.001)

    def finish(self) -> None:
        """Wait until all is acknowledged, or nothing comes any more."""
        quiet = time.perf_counter() + 10 * QUIET
        sent = sum(sender.sent for sender in self._senders)
        while self.acknowledged < sent and time.perf_counter() < quiet:
            for i, sender in enumerate(self._senders):
                sender.flush()
                self._ask(i, sender)
            self._read(0.01)

    def _has_room(self) -> bool:
        return any(
            sender.sent - self._acked[i] + BURST <= self._window
            for i, sender in enumerate(self._senders)
        )

    def _ask(self, i: int, sender: Sender) -> None:
        """Ask how far it came, where that is not told unasked; one question at a time."""
        if sender.ask and not self._asking[i] and self._acked[i] < sender.sent:
            assert sender.answers is not None
            sender.answers.send(sender.ask)
            self._asking[i] = True

    def _read(self, patience: float) -> None:
        for key, _ in self._selector.select(patience):
            assert isinstance(key.fileobj, socket.socket)
            sender = self._senders[key.data]
            assert sender.acknowledged is not None
            data = key.fileobj.recv(BUFFER)
            if not data:
                raise ConnectionError("the server closed a sender's connection")
            known = sender.acknowledged(data)
            if known >= 0:
                self._acked[key.data] = known
                self._asking[key.data] = False
