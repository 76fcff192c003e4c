"""CURVE on our sockets, and the doorman: the ZAP handler that libzmq asks in each handshake.

The doorman is one more socket of the broker's loop, no thread of its own:

    context = make_context()
    doorman = Doorman(context)                   # first: a socket bound before it admits nobody
    serve_curve(socket, pair.secret, "control")  # before bind
    ...
    poller.register(doorman.socket, zmq.POLLIN)
    doorman.serve(decide)                        # each turn that it is readable
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

import zmq

from chatlib.security.door import Decide, answer
from chatlib.security.keys import KeyPair

ZAP_ENDPOINT = "inproc://zeromq.zap.01"
CURVE_BYTES = 33  # added to a frame: name and flags of its command, nonce, authenticator
ZAP_HWM = 16  # one connection asks one thing at a time
MOST_KNOCKS = 256  # answered in one turn; the others wait in libzmq
MOST_REASONS = 50  # counted apart
NOT_NOW = (
    "the broker can't let you in now (too many connections from your address, or a fault of its "
    "own): try again in a moment"
)

Context = zmq.Context[zmq.Socket[bytes]]
Socket = zmq.Socket[bytes]


def make_pair() -> KeyPair:
    """Return a new pair."""
    return KeyPair(*zmq.curve_keypair())


def serve_curve(socket: Socket, secret: bytes, domain: str) -> None:
    """Let only peers in that a Doorman admits, encrypted. `domain` is what it is told; before bind.

    Without a Doorman, or with one that nobody serves, nobody comes in (ZMQ_ZAP_ENFORCE_DOMAIN).
    """
    socket.setsockopt(zmq.CURVE_SERVER, 1)
    socket.setsockopt(zmq.CURVE_SECRETKEY, secret)
    socket.setsockopt(zmq.ZAP_DOMAIN, domain.encode())
    socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)


def use_curve(socket: Socket, server_key: bytes, pair: KeyPair) -> None:
    """Talk only to the owner of `server_key` (Z85), and be known as `pair`; before connect."""
    socket.setsockopt(zmq.CURVE_SERVERKEY, server_key)
    socket.setsockopt(zmq.CURVE_PUBLICKEY, pair.public)
    socket.setsockopt(zmq.CURVE_SECRETKEY, pair.secret)


def handshake_fault(event: int, value: int) -> str:
    """Return what a monitor's event tells a client of why it is not let in; empty for nothing.

    After the first two of these libzmq never dials again: only a new socket tries anew. Hung up on,
    it dials on every RECONNECT_IVL, without waiting longer each time (zeromq/libzmq issue 883).
    """
    if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
        return "refused" if value == 400 else NOT_NOW
    if event == zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL:
        if value == zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH:
            return "one side uses keys and the other does not"
        return "what answers does not speak ZeroMQ as we do"
    if event == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL:
        return "hung up on: is its key the right one?"
    return ""


class Doorman:
    """Answers libzmq's question who may come in. `refused` counts by reason.

    One in a context; it must be there before the sockets that it keeps are bound, and stay until
    they are closed.
    """

    def __init__(self, context: Context) -> None:
        self.refused: Counter[str] = Counter()
        self.admitted = 0
        self.socket: Socket = context.socket(zmq.ROUTER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.RCVHWM, ZAP_HWM)
        self.socket.setsockopt(zmq.SNDHWM, ZAP_HWM)
        try:
            self.socket.bind(ZAP_ENDPOINT)
        except zmq.ZMQError:
            self.socket.close()
            raise

    def serve(self, decide: Decide, most: int = MOST_KNOCKS) -> int:
        """Answer those who knocked, at most `most`, and return how many they were."""
        for count in range(most):
            try:
                frames = self.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return count
            self._answer(frames, decide)
        return most

    def _answer(self, frames: list[bytes], decide: Decide) -> None:
        """Answer behind the same envelope; of what has none, nobody waits for an answer."""
        if len(frames) < 2 or frames[1] != b"":
            self._count("no envelope")
            return
        reply, fault = answer(frames[2:], decide)
        with suppress(zmq.Again):  # it stopped reading: then nobody waits for this
            self.socket.send_multipart([frames[0], b"", *reply], zmq.NOBLOCK)
        if fault:
            self._count(fault)
        else:
            self.admitted += 1

    def _count(self, reason: str) -> None:
        full = len(self.refused) >= MOST_REASONS and reason not in self.refused
        self.refused["other reasons" if full else reason] += 1

    def close(self) -> None:
        """Stop answering: from now on nobody comes in."""
        self.socket.close()
