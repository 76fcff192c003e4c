"""Attackers with keys, each in a process of its own: `with Attack(...) as attack`.

Tests let them loose on a broker to see that nobody else notices; the benchmark, to see how much.
The process gets an Order as JSON on standard input. It prints a line once the attack is under way,
goes on until standard input is closed, and then prints what it did and heard.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import socket as posix
import struct
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from itertools import count, cycle
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import zmq

ROOT = Path(__file__).parent.parent
PATIENCE = 60.0  # seconds that an attack may take to get under way
KNOCK_S = 0.5  # until a connection is taken for one that is not wanted
ROOM = "den"  # where attackers talk: what they say reaches no honest member
PRIVATE = "psst"  # what every private message begins with: no attacker is to see it
LONG = "x" * 8_000
HELLO_BYTES = 202  # the first command of CURVE with its header; ZeroMQ RFC 26
GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x01" + b"CURVE".ljust(20, b"\0")

Socket = zmq.Socket[bytes]


class Order(NamedTuple):
    """Which attack, how much of it (`count`), on which broker, and as whom.

    `server`, `public` and `secret` are keys in Z85; `token` is redeemed first where there is one.
    """

    kind: str
    count: int
    control: str
    intake: str
    feed: str
    server: str
    public: str
    secret: str
    token: str = ""
    nice: int = 0


class Attack:
    """An attack that runs as long as the block; `stop()` ends it, and `found` is what it tells."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self.key = order.public
        self.found: dict[str, int] = {}

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.attackers"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(self._order._asdict()) + "\n")
            self._process.stdin.flush()
            if not select.select([self._process.stdout], [], [], PATIENCE)[0]:
                raise RuntimeError(f"the attack {self._order.kind} never got under way")
            if self._process.stdout.readline() != "under way\n":
                raise RuntimeError(f"the attack {self._order.kind} failed")
        except BaseException:
            self._end()
            raise
        return self

    def stop(self) -> dict[str, int]:
        """End it, and return what it did and heard."""
        if self._process.poll() is None:
            told, _ = self._process.communicate(timeout=PATIENCE)
            self.found = json.loads(told)
        return self.found

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self.stop()
        finally:
            self._end()

    def _end(self) -> None:
        self._process.kill()
        self._process.communicate()


# -- in the process -------------------------------------------------------------------------------


class Attacker:
    """The sockets of one attack; `seen` counts what it did and heard."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.seen: Counter[str] = Counter()
        self._context: zmq.Context[Socket] = zmq.Context()
        self._context.set(zmq.MAX_SOCKETS, self._context.get(zmq.SOCKET_LIMIT))

    def made(self, kind: int, place: str, times: int = 1, **options: int) -> Socket:
        """Return a socket with so many connections to a place; only some kinds can have many."""
        socket = self._context.socket(kind)
        socket.setsockopt(zmq.CURVE_SERVERKEY, self.order.server.encode())
        socket.setsockopt(zmq.CURVE_PUBLICKEY, self.order.public.encode())
        socket.setsockopt(zmq.CURVE_SECRETKEY, self.order.secret.encode())
        socket.linger = 0
        socket.sndtimeo = 100
        for name, value in options.items():
            setattr(socket, name, value)
        if kind == zmq.SUB:
            socket.subscribe(b"")
        for _ in range(times):
            socket.connect(place)
        return socket

    def enter(self, nick: str, **options: int) -> tuple[Socket, bytes]:
        """Open a session in the den; return its control connection and its token."""
        control = self.made(zmq.DEALER, self.order.control, **options)
        if self.order.token:
            ask(control, op="redeem", token=self.order.token)
        token = ask(control, op="hello", v=1, nick=nick)["session"].encode()
        ask(control, op="join", room=ROOM)
        return control, token

    def listen(self, control: Socket) -> Iterator[dict[str, Any]]:
        """Give what control says now, counted by the name of the error or notice."""
        with contextlib.suppress(zmq.Again):
            while True:
                told = json.loads(control.recv(zmq.NOBLOCK))
                self.seen[told.get("error", told).get("code") or told.get("kind", "ok")] += 1
                yield told

    def send(self, socket: Socket, frames: list[bytes], messages: int = 1) -> bool:
        """Send, or wait a moment where the broker takes nothing; return whether it was sent."""
        try:
            socket.send_multipart(frames)
        except zmq.Again:
            return False
        self.seen["sent"] += messages
        return True


def ask(control: Socket, **request: Any) -> Any:
    """Return the answer to a request; what else comes is left out."""
    control.send(json.dumps({"id": 1} | request).encode())
    while control.poll(int(PATIENCE * 1000)):
        answer = json.loads(control.recv())
        if "ok" in answer:
            if not answer["ok"]:
                raise RuntimeError(f"the broker refused {request['op']}: {answer}")
            return answer
    raise RuntimeError(f"the broker did not answer {request['op']}")


def subscriptions(attacker: Attacker) -> Iterator[None]:
    """Send an XPUB all that an XSUB can send, and look for what is private."""
    attacker.enter("reader")
    xsub = attacker.made(zmq.XSUB, attacker.order.feed)
    prefixes = _prefixes(attacker.order.count)
    noise = cycle([os.urandom(9) for _ in range(attacker.order.count)])
    xsub.send(b"\x01")
    xsub.recv()  # it is in: a beacon, or a marker
    yield
    while True:
        prefix = next(prefixes)
        for frame in (
            b"\x01", b"", b"\x00", b"\x01" + prefix, b"\x00" + prefix[::-1], prefix, b"\x01inbox/",
            b"\x01room/", b"\x00room/none/", b"\x02\xff", os.urandom(64), b"\x01" + next(noise),
        ):  # fmt: skip
            attacker.send(xsub, [frame])
        attacker.send(xsub, [b"\x01room/", b"\x01inbox/", prefix])
        with contextlib.suppress(zmq.Again):
            while True:
                topic, *body = xsub.recv_multipart(zmq.NOBLOCK)
                attacker.seen["heard"] += 1
                attacker.seen["private"] += PRIVATE.encode() in topic + b"".join(body)
        yield


def _prefixes(count: int) -> Iterator[bytes]:
    """Give `count` prefixes of nearly 1 KiB, over and over: the longest that CURVE leaves room."""
    while True:
        for i in range(count):
            yield b"%08d" % i + b"p" * 975


def connections(attacker: Attacker) -> Iterator[None]:
    """Hold connections of all kinds (TCP alone, half a handshake, whole ones); make new ones."""
    for made in _crowd(attacker):
        if made.full:
            yield
            made.shrink()


def crowd(attacker: Attacker) -> Iterator[None]:
    """Open so many connections of all kinds at once, while others talk, and hold them."""
    growing = _crowd(attacker)
    yield
    while not next(growing).full:
        pass
    while True:
        time.sleep(0.1)
        yield


class _Crowd:
    """Plain connections, the oldest first; whole ones are held by libzmq beside them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: deque[posix.socket] = deque()

    @property
    def full(self) -> bool:
        return len(self._held) >= self._most

    def add(self, link: posix.socket) -> None:
        self._held.append(link)

    def shrink(self) -> None:
        self._held.popleft().close()


def _crowd(attacker: Attacker) -> Iterator[_Crowd]:
    """Give the crowd after each connection that it was tried to add."""
    order = attacker.order
    places = (order.control, order.intake, order.feed)
    attacker.enter("many")
    hello = _recorded_hello(order)
    whole = [
        attacker.made(kind, place, order.count // 9)
        for kind, place in zip((zmq.ROUTER, zmq.PUSH, zmq.XSUB), places, strict=True)
    ]
    made = _Crowd(order.count - 3 * (order.count // 9))
    greetings = (b"", GREETING[:11], GREETING + bytes(32), GREETING + bytes(32) + hello)
    for i in count(1):
        try:
            made.add(_knock(places[i % 3], greetings[i % len(greetings)]))
            attacker.seen["connections"] += 1
        except OSError:
            attacker.seen["turned away"] += 1
        whole[2].poll(0)
        yield made


def _knock(place: str, greeting: bytes) -> posix.socket:
    """Return a plain connection that has said so much; it ends with a reset, at no cost to us."""
    host, _, port = place.removeprefix("tcp://").rpartition(":")
    link = posix.create_connection((host, int(port)), KNOCK_S)
    link.setsockopt(posix.SOL_SOCKET, posix.SO_LINGER, struct.pack("ii", 1, 0))
    with contextlib.suppress(OSError):  # it was hung up on at once
        link.sendall(greeting)
    return link


def _recorded_hello(order: Order) -> bytes:
    """Return what libzmq says first to this broker: who hears it can say it any number of times."""
    with posix.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        here = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        dealer = Attacker(order).made(zmq.DEALER, here)
        link, _ = listener.accept()
        with link, dealer:
            link.settimeout(PATIENCE)
            link.sendall(GREETING + b"\x01" + bytes(31))
            told = b""
            while len(told) < 64 + HELLO_BYTES:
                told += link.recv(1024)
    return told[64 : 64 + HELLO_BYTES]


class Speaker:
    """A session that says valid messages, from where the broker wants them on."""

    def __init__(self, attacker: Attacker, nick: str) -> None:
        self._attacker = attacker
        self._control, self._token = attacker.enter(nick)
        self._push = attacker.made(zmq.PUSH, attacker.order.intake)
        self._n = 0

    def say(self, count: int, text: str) -> None:
        """Send the next messages in one frame."""
        numbers = range(self._n + 1, self._n + 1 + count)
        body = "\n".join(f'{{"n":{n},"room":"{ROOM}","text":"{text}"}}' for n in numbers)
        if self._attacker.send(self._push, [self._token, body.encode()], count):
            self._n += count

    def heed(self) -> None:
        """Go on where the broker says that it waits."""
        for told in self._attacker.listen(self._control):
            self._n = told.get("from", self._n + 1) - 1


def deaf(attacker: Attacker) -> Iterator[None]:
    """Ask for histories and subscribe to everything, and read nothing of it."""
    loud = Speaker(attacker, "loud")
    silent = {"rcvhwm": 1, "rcvbuf": 4096}
    greedy = [attacker.enter(f"deaf{i}", **silent)[0] for i in range(attacker.order.count)]
    subs = [attacker.made(zmq.SUB, attacker.order.feed, **silent) for _ in greedy]
    yield
    while subs:
        for dealer in greedy:
            attacker.send(dealer, [b'{"op":"history","room":"den"}'])
        loud.say(5, LONG)
        loud.heed()
        yield


def lines(attacker: Attacker) -> Iterator[None]:
    """Send valid messages without a pause, one and ten to a frame."""
    flood = Speaker(attacker, "flood")
    yield
    while True:
        for _ in range(50):
            flood.say(1, "spam")
            flood.say(10, "spam")
        flood.heed()
        yield


def garbage(attacker: Attacker) -> Iterator[None]:
    """Send what is no message on intake and control without a pause, with the token and without."""
    control, token = attacker.enter("noise")
    push = attacker.made(zmq.PUSH, attacker.order.intake)
    frames = [
        [token, b'{"n":1'], [token, b"\xff" * 100], [token], [b""], [token] * 9, [token, b""],
        [os.urandom(32)] * 2, [token, b"\n" * 500], [token, b"null"], [token, b'{"n":0,"text":""}'],
    ]  # fmt: skip
    requests = [b"", b"[", b"{}", b"\xff", b'{"op":"fly"}', b'{"op":7}', b"[" * 5_000]
    yield
    while True:
        for _ in range(20):
            for parts in frames:
                attacker.send(push, parts)
        for request in requests:
            attacker.send(control, [request])
        for _ in attacker.listen(control):
            pass
        yield


KINDS: dict[str, Callable[[Attacker], Iterator[None]]] = {
    attack.__name__: attack
    for attack in (
        subscriptions,
        connections,
        crowd,
        deaf,
        lines,
        garbage,
    )
}


def main() -> None:
    """Attack until standard input is closed."""
    order = Order(**json.loads(sys.stdin.readline()))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.nice(order.nice)
    attacker = Attacker(order)
    steps = KINDS[order.kind](attacker)
    next(steps)
    print("under way", flush=True)
    while not select.select([sys.stdin], [], [], 0)[0]:
        next(steps)
    print(json.dumps(attacker.seen), flush=True)
    os._exit(0)  # thousands of connections need no orderly end


if __name__ == "__main__":
    main()
