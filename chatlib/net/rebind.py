"""Throwing somebody out: a server socket is replaced by a new one on the same endpoint.

libzmq can't end one connection, and asks the doorman only in handshakes. So to expel a key: first
let the decision refuse it, take in what has arrived on the socket, then `rebind`. Everyone is cut
off; those who are still admitted come back by themselves, and subscribe anew.

What is lost with the old socket: what was not received yet, and what was not sent yet. The `n`
window, the chain and the marker of each subscription repair both. The new ROUTER gives new routing
ids, and an old id may be given to somebody else: forget all of them before the first request.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import zmq

from chatlib.errors import CannotCreate
from chatlib.protocol.links import Endpoint

PATIENCE_S = 2.0  # until the port is free: libzmq closes in its own thread, in milliseconds
_RETRY_S = 0.001

Socket = zmq.Socket[bytes]


def rebind(
    socket: Socket, make: Callable[[], Socket], endpoint: Endpoint, patience: float = PATIENCE_S
) -> Socket:
    """Close `socket`, every connection with it, and return what `make` made, bound to `endpoint`.

    `endpoint` is where `socket` was bound, with its true port. Raises CannotCreate when it is not
    free within `patience` seconds; then there is no socket any more.
    """
    deadline = time.monotonic() + patience
    socket.close(linger=0)
    new = make()
    while True:
        try:
            new.bind(str(endpoint))
            return new
        except zmq.ZMQError as e:
            if e.errno != zmq.EADDRINUSE or time.monotonic() >= deadline:
                new.close(linger=0)
                raise CannotCreate(f"cannot listen on {endpoint} again: {e.strerror}") from e
        time.sleep(_RETRY_S)
