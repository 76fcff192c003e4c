"""Pages without a browser: WebSockets of which frames are read, and hardly looked into.

An event reaches all pages of a room in the same bytes, so the times in a frame are found once, and
of each page it is noted when it had read which frame: 500 pages cost what a core can spare.
"""

from __future__ import annotations

import http.client
import json
import re
import selectors
import socket
import time
from array import array
from collections.abc import Callable
from typing import Any

from bench import machine
from bench.load import QUIET, SETTLE
from bench.servers import Server
from bench.wires import MARK, ROOM, TEXT

PATIENCE = 20.0
PER_ADDRESS = 50  # pages: from one address no more come in at once
START_S = 0.2
WINDOW = 512 * 1024
_STAMP = re.compile(re.escape(MARK) + rb"(\d{19})")
_STAMP_BYTES = 20
_PLACES = {"p50_ms": 0.5, "p90_ms": 0.9, "p99_ms": 0.99, "max_ms": 1.0}
_TEXT, _PING, _PONG = 0x81, 0x89, 0x8A  # FIN, and the opcode


def say_frame(key: str, text: bytes) -> bytes:
    """Return the frame in which a page says something; masked with zeros, which change nothing."""
    body = b'{"op":"say","key":"%s","room":"%s","text":"%s"}' % (key.encode(), ROOM.encode(), text)
    return _masked(body)


def _masked(body: bytes, kind: int = _TEXT) -> bytes:
    if len(body) < 126:
        return bytes((kind, 0x80 | len(body))) + bytes(4) + body
    return bytes((kind, 0x80 | 126)) + len(body).to_bytes(2, "big") + bytes(4) + body


class Page:
    """One page, in the room; `address` is where on this machine it comes from."""

    def __init__(self, port: int, nick: str, address: str) -> None:
        self._rest = b""
        self.said = 0
        self.nick = nick
        cookie = self._enter(port, nick, address)
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE, (address, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(
            (
                f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
                "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                f"Origin: http://127.0.0.1:{port}\r\nCookie: {cookie}\r\n\r\n"
            ).encode()
        )
        head = b""
        while b"\r\n\r\n" not in head:
            head += self._receive()
        if not head.startswith(b"HTTP/1.1 101"):
            raise ConnectionError(f"no WebSocket: {head[:80]!r}")
        self._rest = head.partition(b"\r\n\r\n")[2]
        self._open()

    def _enter(self, port: int, nick: str, address: str) -> str:
        asking = http.client.HTTPConnection("127.0.0.1", port, PATIENCE, (address, 0))
        headers = {"Content-Type": "application/json", "Origin": f"http://127.0.0.1:{port}"}
        asking.request("POST", "/api/enter", json.dumps({"nick": nick}), headers)
        answer = asking.getresponse()
        body = answer.read()
        asking.close()
        if answer.status != 200:
            raise ConnectionError(f"{nick} may not come in: {body!r}")
        return (answer.getheader("Set-Cookie") or "").partition(";")[0]

    def _receive(self) -> bytes:
        data = self.socket.recv(WINDOW)
        if not data:
            raise ConnectionError(f"the page server hung up on {self.nick}")
        return data

    def _open(self) -> None:
        """Join the room; wait until that is answered."""
        body = json.dumps({"op": "open", "id": 1, "room": ROOM}).encode()
        deadline = time.monotonic() + PATIENCE
        sent = False
        while time.monotonic() < deadline:
            for frame in self.frames(self._receive() if not self._rest else b""):
                told = json.loads(frame)
                if told.get("kind") == "welcome" and told["state"] == "online" and not sent:
                    sent = True
                    self.socket.sendall(_masked(body))
                elif told.get("id") == 1:
                    if not told["ok"]:
                        raise ConnectionError(f"{self.nick} may not open {ROOM}: {told}")
                    return
        raise ConnectionError(f"{self.nick} was not let into {ROOM}")

    def frames(self, data: bytes) -> list[bytes]:
        """Return what the text frames hold that are whole now; no server masks them."""
        if self._rest:
            data = self._rest + data
        found, at, end = [], 0, len(data)
        while end - at >= 2:
            size, head = data[at + 1], 2
            if size == 126:
                size, head = int.from_bytes(data[at + 2 : at + 4], "big"), 4
            elif size == 127:
                size, head = int.from_bytes(data[at + 2 : at + 10], "big"), 10
            if end - at < head + size:
                break
            if data[at] == _TEXT:
                found.append(data[at + head : at + head + size])
            elif data[at] == _PING:  # who does not answer is hung up on
                self.socket.send(_masked(data[at + head : at + head + size], _PONG))
            at += head + size
        self._rest = data[at:]
        return found


class Crowd:
    """All pages, read by one selector; what was read when is noted, and understood at the end."""

    def __init__(self, port: int, count: int) -> None:
        self.pages: list[Page] = []
        self._selector = selectors.DefaultSelector()
        self._numbers: dict[bytes, int] = {}  # of frames
        self._stamps: list[list[int]] = []  # by the number of a frame
        self._read: array[int] = array("q")  # the number of a frame, and when it was read
        self.received = self.acked = self.gone = 0
        for i in range(count):
            page = Page(port, f"page{i}", f"127.0.{1 + i // PER_ADDRESS}.1")
            self.pages.append(page)
            page.socket.setblocking(False)
            self._selector.register(page.socket, selectors.EVENT_READ, i)
            self.read(0)  # the others' pings, too

    def read(self, patience: float, between: Callable[[], None] = lambda: None) -> bool:
        """Read what has come; return whether there was anything but pings.

        `between` is called between two pages: to read all of them takes longer than a message may.
        """
        found = False
        for key, _ in self._selector.select(patience):
            between()
            page = self.pages[key.data]
            try:
                data = page.socket.recv(WINDOW)
            except BlockingIOError:
                continue
            now = time.monotonic_ns()
            if not data:
                self._selector.unregister(page.socket)
                self.gone += 1
            for frame in page.frames(data):
                self._take(frame, now)
                found = True
        return found

    def _take(self, frame: bytes, now: int) -> None:
        if frame.startswith(b'{"kind":"ack"'):
            self.acked += 1
            return
        number = self._numbers.get(frame)
        if number is None:
            number = self._numbers[frame] = len(self._stamps)
            self._stamps.append([int(stamp) for stamp in _STAMP.findall(frame)])
        stamps = len(self._stamps[number])
        if stamps:
            self.received += stamps
            self._read.append(number)
            self._read.append(now)

    def took(self) -> array[int]:
        """Return the nanoseconds that each message took to each page."""
        took: array[int] = array("q")
        for i in range(0, len(self._read), 2):
            now = self._read[i + 1]
            took.extend([now - stamp for stamp in self._stamps[self._read[i]]])
        return took

    def settle(self) -> None:
        """Read until nothing comes any more: everybody's joins are told to all the others."""
        quiet = time.monotonic() + SETTLE
        while time.monotonic() < quiet:
            if self.read(SETTLE / 5):
                quiet = time.monotonic() + SETTLE

    def say(self, n: int, due: int) -> None:
        """Let the n-th message be said by the page whose turn it is."""
        page = self.pages[n % len(self.pages)]
        page.said += 1
        frame = say_frame(f"{page.nick}.{page.said}", MARK + b"%019d" % due + TEXT[_STAMP_BYTES:])
        sent = page.socket.send(frame)
        if sent != len(frame):
            raise ConnectionError(f"the page server does not read what {page.nick} says")


def listen(ready: Any, servers: list[Server], pages: int, count: int) -> dict[str, float]:
    """Read what others say; note how long each message took to each page."""
    crowd = Crowd(servers[0].ports["page"], pages)
    crowd.settle()
    usage = [machine.Usage(server.pid) for server in servers]
    ready.set()
    quiet = time.monotonic() + 30
    while crowd.received < count * pages and time.monotonic() < quiet:
        if crowd.read(0.1):
            quiet = time.monotonic() + 10 * QUIET
    return _figures(crowd, usage)


def talk(servers: list[Server], pages: int, rate: int, count: int) -> dict[str, float]:
    """Let the pages themselves talk, by the clock: a message that leaves late counts from its due.

    So what this process does late is held against the servers, never hidden.
    """
    crowd = Crowd(servers[0].ports["page"], pages)
    crowd.settle()
    usage = [machine.Usage(server.pid) for server in servers]
    first, said = time.monotonic_ns() + int(START_S * 1e9), 0
    quiet = time.monotonic() + 30

    def say() -> None:
        nonlocal said
        now = time.monotonic_ns()
        while said < count and (due := first + said * 1_000_000_000 // rate) <= now:
            crowd.say(said, due)
            said += 1

    while (said < count or crowd.received < count * pages or crowd.acked < count) and (
        time.monotonic() < quiet
    ):
        say()
        left = (first + said * 1_000_000_000 // rate - time.monotonic_ns()) / 1e9
        if crowd.read(max(0.0, left) if said < count else 0.1, say):
            quiet = time.monotonic() + 10 * QUIET
    return _figures(crowd, usage) | {"accepted": crowd.acked}


def _figures(crowd: Crowd, usage: list[machine.Usage]) -> dict[str, float]:
    figures, broker = (one.so_far() for one in usage)
    took = sorted(crowd.took())
    if not took:
        raise RuntimeError("nothing was received")
    percentiles = {name: took[int((len(took) - 1) * p)] / 1e6 for name, p in _PLACES.items()}
    return figures | percentiles | {
        "broker_cpu_s": broker["server_cpu_s"], "received": len(took), "gone": crowd.gone,
    }  # fmt: skip
