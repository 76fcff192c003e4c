"""Latency: messages sent by the clock at a fixed rate, each with the time when it was due.

The rate does not wait for the server (open loop), and a message that leaves late counts from when
it was due: so a server that stalls cannot hide it.
"""

from __future__ import annotations

import re
import selectors
import socket
import time
from array import array
from typing import Any

from bench import machine
from bench.load import BUFFER, QUIET, SETTLE, Running, make_event
from bench.servers import Server
from bench.wires import MARK, TEXT, WIRES

SENDERS = 10
_STAMP = re.compile(re.escape(MARK) + rb"(\d{19})")
_STAMP_BYTES = 20
_START = 0.2  # seconds between the sender's being ready and its first message
_PLACES = {"p50_ms": 0.5, "p90_ms": 0.9, "p99_ms": 0.99, "max_ms": 1.0}


def measure(
    wire_name: str, server: Server, rate: int, receivers: int, seconds: float
) -> dict[str, float]:
    """Return percentiles in ms, from when a message was due until each receiver had read it."""
    ready = make_event()
    count = int(rate * seconds)
    listening = Running(listen, ready, wire_name, server, receivers, count)
    if not ready.wait(30):
        raise RuntimeError("the receivers did not connect within 30 s")
    sending = Running(send, wire_name, server, rate, count)
    accepted = sending.result(seconds + 60)
    figures: dict[str, float] = listening.result(60)
    lost = accepted * receivers - figures["received"]
    return figures | {"sent": count, "accepted": accepted, "lost": lost}


def send(wire_name: str, server: Server, rate: int, count: int) -> int:
    """Send by the clock, in turns from each sender; return how many the server took on."""
    wire = WIRES[wire_name](server.ports, SENDERS, 0)
    first = time.monotonic_ns() + int(_START * 1e9)
    for i in range(count):
        due = first + i * 1_000_000_000 // rate
        if (early := due - time.monotonic_ns()) > 0:
            time.sleep(early / 1e9)
        sender = wire.senders[i % SENDERS]
        while not sender.send(1, MARK + b"%019d" % due + TEXT[_STAMP_BYTES:]):
            time.sleep(0.0001)
    return wire.accepted()


def listen(
    ready: Any, wire_name: str, server: Server, receivers: int, count: int
) -> dict[str, float]:
    """Note how long each message took to each receiver; return the percentiles."""
    wire = WIRES[wire_name](server.ports, 0, receivers)
    time.sleep(SETTLE)
    usage = machine.Usage(server.pid)
    ready.set()
    took = sorted(_take(wire.receivers, count * len(wire.receivers)))
    figures = usage.so_far()
    if not took:
        raise RuntimeError("nothing was received")
    percentiles = {name: took[int((len(took) - 1) * p)] / 1e6 for name, p in _PLACES.items()}
    peak = machine.memory_mb(server.pid, peak=True)
    return figures | percentiles | {"received": len(took), "peak_mb": peak}


def _take(receivers: list[socket.socket], wanted: int) -> array[int]:
    """Return the nanoseconds that each delivery took, until all came or nothing more does."""
    took: array[int] = array("q")
    selector = selectors.DefaultSelector()
    rest = [b""] * len(receivers)
    for i, receiver in enumerate(receivers):
        receiver.setblocking(False)
        selector.register(receiver, selectors.EVENT_READ, i)
    quiet = time.monotonic() + 30
    while len(took) < wanted and time.monotonic() < quiet:
        for key, _ in selector.select(0.1):
            assert isinstance(key.fileobj, socket.socket)
            data = key.fileobj.recv(BUFFER)
            now = time.monotonic_ns()
            if not data:
                selector.unregister(key.fileobj)
            data = rest[key.data] + data
            took.extend([now - int(stamp) for stamp in _STAMP.findall(data)])
            last = data.rfind(MARK)
            rest[key.data] = data[last:] if last >= 0 and len(data) - last < _STAMP_BYTES else b""
            quiet = time.monotonic() + 10 * QUIET
    return took
