"""How the load talks to each server: senders that write, receivers that are read, nothing else.

Every text begins with MARK, which no server writes by itself: so what arrived is counted by looking
for one byte in what was read, the same for all servers. (Only in ZMTP's lengths can it stand, too.)
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from bench import zmtp
from bench.peers import nats

MARK = b"~"
TEXT = MARK + b"x" * 63
ROOM = "lobby"
TOPIC = b"room/lobby/"


class Sender:
    """One who sends: `message` makes the bytes of its n-th message, from 1.

    `answers` is where acknowledgements come, `ask` the bytes that ask for one (none where they come
    unasked), and `acknowledged` takes what was read there and returns how many are, so far.
    """

    def __init__(
        self,
        link: socket.socket,
        message: Callable[[int, bytes], bytes],
        *,
        answers: socket.socket | None = None,
        ask: bytes = b"",
        acknowledged: Callable[[bytes], int] | None = None,
    ) -> None:
        link.setblocking(False)
        self.link, self.answers, self.ask, self.acknowledged = link, answers, ask, acknowledged
        self.sent = 0
        self._message = message
        self._rest = b""

    def send(self, count: int, text: bytes = TEXT) -> int:
        """Write messages unless earlier ones are still stuck; return how many were taken on."""
        if self._rest and not self.flush():
            return 0
        first = self.sent + 1
        self._rest = b"".join([self._message(n, text) for n in range(first, first + count)])
        self.sent += count
        self.flush()
        return count

    def flush(self) -> bool:
        """Write what is stuck; return whether all is written."""
        try:
            self._rest = self._rest[self.link.send(self._rest) :]
        except BlockingIOError:
            return False
        return not self._rest


class Wire(NamedTuple):
    """The load's side of one server."""

    senders: Sequence[Any]  # each a Sender, or one of bench.curve's
    receivers: list[socket.socket]
    accepted: Callable[[], int]  # how many messages the server took on, asked at the end
    framed: bool = False  # what receivers read has ZMTP lengths of any value, so MARK's, too


class Member:
    """A session with the broker, over a plain socket."""

    def __init__(self, ports: dict[str, int], nick: str) -> None:
        self.control = zmtp.dial(ports["control"], "DEALER")
        self._splitter = zmtp.Splitter()
        self.token: bytes = self.ask(op="hello", v=1, nick=nick)["session"].encode()
        self.ask(op="join", room=ROOM)

    def ask(self, **request: Any) -> dict[str, Any]:
        """Return the answer to a request; what else comes is left out."""
        self.control.sendall(zmtp.frame(json.dumps({"id": 1} | request).encode()))
        while True:
            for body in self._splitter.feed(self.control.recv(65536)):
                answer: dict[str, Any] = json.loads(body)
                if answer.get("ok"):
                    return answer
                if "error" in answer:
                    raise ConnectionError(f"the broker refused {request['op']}: {answer}")

    def accepted(self) -> int:
        """Return how far this session's messages came."""
        self.control.settimeout(zmtp.PATIENCE)
        accepted: int = self.ask(op="ping")["accepted"]
        return accepted

    def acknowledged(self, data: bytes) -> int:
        """Return what the newest answer to a ping in `data` says; -1 where none is complete."""
        accepted = -1
        for body in self._splitter.feed(data):
            answer = json.loads(body)
            if "accepted" in answer:
                accepted = answer["accepted"]
            elif "kind" in answer and answer["kind"] in ("refused", "slow", "resend"):
                raise ConnectionError(f"the broker did not take a message: {answer}")
        return accepted


def hubbub(ports: dict[str, int], senders: int, receivers: int) -> Wire:
    """Return members that send to the lobby, and plain readers of its feed."""
    reading = [zmtp.dial(ports["feed"], "SUB", TOPIC) for _ in range(receivers)]
    members = [Member(ports, f"sender{i}") for i in range(senders)]
    ask = zmtp.frame(b'{"op":"ping","id":2}')
    sending = []
    for member in members:
        sending.append(
            Sender(
                zmtp.dial(ports["intake"], "PUSH"),
                _numbered(zmtp.frame(member.token, more=True)),
                answers=member.control,
                ask=ask,
                acknowledged=member.acknowledged,
            )
        )
    return Wire(sending, reading, lambda: sum(m.accepted() for m in members), framed=True)


def _numbered(token: bytes) -> Callable[[int, bytes], bytes]:
    def message(n: int, text: bytes) -> bytes:
        line = b'{"n":%d,"room":"lobby","text":"%s"}' % (n, text)
        return b"%s\0%c%s" % (token, len(line), line)  # a short last frame

    return message


def proxy(ports: dict[str, int], senders: int, receivers: int) -> Wire:
    """Return PUSH and SUB peers of zmq_proxy; a message has the topic before the text."""
    reading = [zmtp.dial(ports["feed"], "SUB", TOPIC) for _ in range(receivers)]
    topic = zmtp.frame(TOPIC, more=True)
    return _plain(
        [zmtp.dial(ports["intake"], "PUSH") for _ in range(senders)],
        reading,
        lambda n, text: topic + zmtp.frame(text),
    )


def threaded(ports: dict[str, int], senders: int, receivers: int) -> Wire:
    """Return clients of the classic server; some send, and all receive everything."""
    clients = [
        socket.create_connection((zmtp.HOST, ports["port"]), zmtp.PATIENCE)
        for _ in range(max(senders, receivers))
    ]
    for client in clients:
        zmtp.receive_exactly(client, len(b"welcome\n"))  # from now on it gets all lines
    return _plain(clients[:senders], clients, lambda n, text: text + b"\n")


def nats_core(ports: dict[str, int], senders: int, receivers: int) -> Wire:
    """Return publishers and subscribers of nats-server, without JetStream."""
    reading = [nats.dial(ports["port"], nats.SUBJECT) for _ in range(receivers)]
    sending = [nats.dial(ports["port"]) for _ in range(senders)]
    return _plain(sending, reading, lambda n, text: nats.publish(text))


def _plain(
    links: list[socket.socket],
    receivers: list[socket.socket],
    message: Callable[[int, bytes], bytes],
) -> Wire:
    sending = [Sender(link, message) for link in links]
    return Wire(sending, receivers, lambda: sum(sender.sent for sender in sending))


def jetstream(ports: dict[str, int], senders: int, receivers: int) -> Wire:
    """Return publishers whose every message is answered when it is stored."""
    port = ports["port"]
    sending = []
    for i in range(senders):
        inbox = f"_INBOX.sender{i}"
        link = nats.dial(port, inbox)
        sending.append(
            Sender(
                link,
                lambda n, text, inbox=inbox: nats.publish(text, inbox),  # type: ignore[misc]
                answers=link,
                acknowledged=_counter(b'"seq":'),
            )
        )
    return Wire(sending, [], lambda: nats.stored(port))


def _counter(mark: bytes) -> Callable[[bytes], int]:
    """Return a function that counts a mark in a stream of bytes, whole so far."""
    count, tail = 0, b""

    def counted(data: bytes) -> int:
        nonlocal count, tail
        data = tail + data
        if b'"error"' in data:
            raise ConnectionError(f"JetStream did not store a message: {data[:500]!r}")
        count += data.count(mark)
        tail = data[-(len(mark) - 1) :]
        return count

    return counted


WIRES: dict[str, Callable[[dict[str, int], int, int], Wire]] = {
    "hubbub": hubbub,
    "proxy": proxy,
    "threaded": threaded,
    "nats": nats_core,
    "jetstream": jetstream,
}
