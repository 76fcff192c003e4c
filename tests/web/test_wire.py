"""Frames that no page of ours sends, from somebody who may come in."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from itertools import chain, repeat
from pathlib import Path

import pytest

from tests.support import PATIENCE, RunningBroker
from tests.web.support import Browser, RunningPage

TEXT, PART, PING, PONG = 1, 0, 9, 10
END = 0x80
MOST = 40_000_000  # bytes, after which somebody is let do it for ever


def frame(kind: int, payload: bytes = b"") -> bytes:
    """Return a frame of at most 125 bytes, masked with zeros, which change nothing."""
    return bytes((kind, 0x80 | len(payload))) + bytes(4) + payload


def opened(page: RunningPage, cookie: str) -> socket.socket:
    """Return a WebSocket of which nothing was read but its handshake."""
    host, _, port = page.listen.rpartition(":")
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.settimeout(PATIENCE)
    made.connect((host, int(port)))
    made.sendall(
        f"GET /ws HTTP/1.1\r\nHost: {page.listen}\r\nOrigin: {page.url}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
        f"AAAAAAAAAAAAAAAAAAAAAA==\r\nCookie: {cookie}\r\n\r\n".encode()
    )
    head = b""
    while b"\r\n\r\n" not in head:
        head += made.recv(1)
    assert head.startswith(b"HTTP/1.1 101"), head
    return made


def is_hung_up_on(there: socket.socket, frames: Iterator[bytes]) -> bool:
    """Send all that, in one stream; tell whether the page server ended it."""
    sent = 0
    try:
        for some in frames:
            there.sendall(some)
            sent += len(some)
            if sent > MOST:
                return False
        while there.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


@pytest.mark.parametrize("kind", [TEXT | END, PING | END, PONG | END])
def test_frames_as_fast_as_one_can(page: RunningPage, kind: int) -> None:
    with opened(page, page.enter("ann")) as there:
        assert is_hung_up_on(there, repeat(frame(kind, b"x" * 100) * 100))
    assert page.get("/healthz")[0] == 200


def test_pings_whose_pongs_nobody_reads(broker: RunningBroker, tmp_path: Path) -> None:
    tuned = ("chatlib.web.wire.MOST_FRAMES=1000000000",)
    with (
        RunningPage(tmp_path, broker.control, tuned=tuned) as page,
        opened(page, page.enter("ann")) as there,
    ):
        assert is_hung_up_on(there, repeat(frame(PING | END, b"x" * 100) * 100))


def test_parts_without_an_end(page: RunningPage) -> None:
    with opened(page, page.enter("ann")) as there:
        assert is_hung_up_on(there, chain([frame(TEXT, b"{")], repeat(frame(PART), 100)))


def test_a_text_in_parts(page: RunningPage) -> None:
    with Browser(page, page.enter("ann")) as ann:
        ann._socket.send(iter(json.dumps({"op": "rooms", "id": "parted"})))
        while ann.receive().get("id") != "parted":
            pass
        assert ann.ask("rooms")["ok"]
