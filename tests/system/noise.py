"""Two honest people who talk while somebody is hostile, and how one is below ZeroMQ."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from chatlib import Event
from tests.support import PATIENCE, RunningBroker
from tests.system.people import assert_chained, clients, texts, until_said, went_offline

MOST_MIB = 400  # that the broker may take; it keeps 256 MiB of history at the most
PORTS = ("control", "intake", "feed")


@contextlib.contextmanager
def undisturbed(broker: RunningBroker) -> Iterator[None]:
    """Let ann talk to bob all the while; at the end bob has it all, and the broker is well."""
    quiet = threading.Event()
    expected: list[str] = []
    with clients(broker.control, "ann", "bob") as (ann, bob):

        def talk() -> None:
            while not quiet.wait(0.002):
                expected.append(str(len(expected)))
                ann.say("lobby", expected[-1])

        talker = threading.Thread(target=talk)
        talker.start()
        try:
            yield
        finally:
            quiet.set()
            talker.join()
        ann.flush(PATIENCE)
        ann.say("lobby", "the end")
        told = until_said(bob, "the end")
    ours = [t for t in told if not isinstance(t, Event) or t.nick in ("ann", "bob")]
    assert texts(ours) == [*expected, "the end"]
    assert not went_offline(told)
    assert_chained(told, "lobby")
    assert broker.process.poll() is None, broker.output()
    assert resident_mib(broker) < MOST_MIB
    assert "Traceback" not in broker.output()


def resident_mib(broker: RunningBroker) -> int:
    status = Path(f"/proc/{broker.process.pid}/status")
    if not status.exists():
        return 0
    line = next(x for x in status.read_text().splitlines() if x.startswith("VmRSS"))
    return int(line.split()[1]) // 1024


@contextlib.contextmanager
def wired(place: str, *greeting: bytes) -> Iterator[socket.socket]:
    """Give a plain TCP connection to an endpoint of the broker's."""
    split = urlsplit(place)
    assert split.hostname and split.port
    with socket.create_connection((split.hostname, split.port), timeout=PATIENCE) as wire:
        for part in greeting:
            wire.sendall(part)
        yield wire


SIGNATURE = b"\xff" + bytes(8) + b"\x7f"
GREETING = SIGNATURE + b"\x03\x00NULL" + bytes(16) + b"\x00" + bytes(31)


def command(name: bytes, body: bytes) -> bytes:
    """Return a short ZMTP 3 command frame."""
    inside = bytes([len(name)]) + name + body
    return b"\x04" + bytes([len(inside)]) + inside


def ready(kind: bytes, identity: bytes = b"") -> bytes:
    """Return the READY of a peer that says that it is a `kind` and names itself `identity`."""
    told = ((b"Socket-Type", kind), (b"Identity", identity))
    body = b"".join(bytes([len(k)]) + k + struct.pack(">I", len(v)) + v for k, v in told)
    return command(b"READY", body)
