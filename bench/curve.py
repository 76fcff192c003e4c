"""The load's side of an encrypted broker: libzmq's sockets, each with a key of its own.

What the raw load speaks has no CURVE. So here libzmq encrypts and decrypts, in its own thread on
the load's core, and each message is sent and received in Python.
"""

from __future__ import annotations

import json
from typing import Any

import zmq

from bench.servers import Server
from bench.wires import ROOM, TEXT, Wire
from bench.zmtp import HOST, PATIENCE

Context = zmq.Context[zmq.Socket[bytes]]


def make_context() -> Context:
    """Return a context for as many sockets as there may be."""
    context: Context = zmq.Context()
    context.set(zmq.MAX_SOCKETS, context.get(zmq.SOCKET_LIMIT))
    return context


def dial(
    context: Context,
    kind: int,
    server: Server,
    port: str,
    *,
    keys: tuple[bytes, bytes] | None = None,
    most: int = 0,
) -> zmq.Socket[bytes]:
    """Return a socket that talks to one of a server's ports; encrypted where the server has a key.

    `keys` are its own, public and secret; without them it gets new ones. It holds at most `most`
    messages, 0 for any number.
    """
    socket = context.socket(kind)
    socket.linger = 0
    socket.set_hwm(most)
    if server.key:
        public, secret = keys or zmq.curve_keypair()
        socket.setsockopt(zmq.CURVE_SERVERKEY, server.key.encode())
        socket.setsockopt(zmq.CURVE_PUBLICKEY, public)
        socket.setsockopt(zmq.CURVE_SECRETKEY, secret)
    socket.connect(f"tcp://{HOST}:{server.ports[port]}")
    return socket


class Sender:
    """A member that sends as `bench.wires.Sender` does; libzmq holds what the broker can't take."""

    def __init__(self, context: Context, server: Server, nick: str) -> None:
        keys = zmq.curve_keypair()
        self.sent = 0
        self._control = dial(context, zmq.DEALER, server, "control", keys=keys)
        self._token: bytes = self._ask(op="hello", v=1, nick=nick)["session"].encode()
        self._ask(op="join", room=ROOM)
        self._push = dial(context, zmq.PUSH, server, "intake", keys=keys)

    def _ask(self, **request: Any) -> Any:
        self._control.send(json.dumps({"id": 1} | request).encode())
        while self._control.poll(int(PATIENCE * 1000)):
            answer = json.loads(self._control.recv())
            if answer.get("ok"):
                return answer
            if answer.get("kind") in ("refused", "slow", "resend") or "error" in answer:
                raise ConnectionError(f"the broker refused {request['op']}: {answer}")
        raise ConnectionError(f"the broker did not answer {request['op']}")

    def send(self, count: int, text: bytes = TEXT) -> int:
        """Send messages; return how many."""
        for n in range(self.sent + 1, self.sent + 1 + count):
            self._push.send(self._token, zmq.SNDMORE)
            self._push.send(b'{"n":%d,"room":"%s","text":"%s"}' % (n, ROOM.encode(), text))
        self.sent += count
        return count

    def flush(self) -> bool:
        """Nothing is ever stuck here."""
        return True

    def accepted(self) -> int:
        """Return how far this session's messages came."""
        accepted: int = self._ask(op="ping")["accepted"]
        return accepted


def members(context: Context, server: Server, count: int) -> Wire:
    """Return members that send to the lobby, encrypted."""
    sending = [Sender(context, server, f"sender{i}") for i in range(count)]
    return Wire(sending, [], lambda: sum(sender.accepted() for sender in sending))
