"""Making sockets: every option that keeps out of libzmq's traps is set here, once."""

from __future__ import annotations

import errno
import os
import socket as posix

import zmq

from chatlib.errors import BadAddress, CannotCreate
from chatlib.protocol import limits
from chatlib.protocol.links import Endpoint

IO_THREADS = 1
FEED_HWM = 500  # messages that wait for one slow subscriber; its reader repairs what is dropped
CONTROL_HWM = 4  # messages that libzmq holds for one peer, each 1 MiB or so; see net.backlog
INTAKE_HWM = 128  # messages that libzmq has read of one peer before the broker has, 128 KiB each
REQUESTS_HWM = 32  # the same on control, 128 KiB each
# Subscriptions of one peer that wait. An XPUB takes in all that there are before it hands out one:
# with libzmq's 1,000 it never came to the end of a flood; 7 s in one call were seen, now 0.1 s.
SUBSCRIBING_HWM = 16
PUSH_HWM = 1_000  # messages that a client holds for a broker that is slow
STALLED_MS = 60_000  # a peer that takes nothing for so long is disconnected (TCP_USER_TIMEOUT)
ANSWER_FRAME_BYTES = 4 * limits.ANSWER_BYTES  # what a client accepts in one answer
LINGER_MS = 300
MOST_PARTS = 4  # frames kept of a message: no message of the wire has so many
BACKLOG = 4096  # connections that wait to be accepted; with more, the next ones wait for seconds
RECONNECT_MS = 100
RECONNECT_MAX_MS = 2_000
KEEPALIVE_IDLE_S = 30


def make_context() -> zmq.Context[zmq.Socket[bytes]]:
    """Return a context that can hold as many sockets as a process can open."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context(IO_THREADS)
    context.set(zmq.MAX_SOCKETS, context.get(zmq.SOCKET_LIMIT))
    return context


def library() -> tuple[tuple[int, int, int], bool]:
    """Return the version of libzmq, and whether it has CURVE."""
    return zmq.zmq_version_info(), bool(zmq.has("curve"))


def make_socket(
    context: zmq.Context[zmq.Socket[bytes]], kind: int, most: int, endpoint: Endpoint
) -> zmq.Socket[bytes]:
    """Return a socket that accepts messages of at most `most` bytes."""
    socket: zmq.Socket[bytes] = context.socket(kind)
    socket.setsockopt(zmq.MAXMSGSIZE, most)
    socket.setsockopt(zmq.LINGER, LINGER_MS)
    socket.setsockopt(zmq.BACKLOG, BACKLOG)
    socket.setsockopt(zmq.IPV6, int(endpoint.ipv6))
    socket.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, RECONNECT_MAX_MS)
    socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
    socket.setsockopt(zmq.TCP_KEEPALIVE_IDLE, KEEPALIVE_IDLE_S)
    socket.setsockopt(zmq.TCP_KEEPALIVE_INTVL, KEEPALIVE_IDLE_S // 3)
    socket.setsockopt(zmq.TCP_KEEPALIVE_CNT, 3)
    return socket


def bind(socket: zmq.Socket[bytes], endpoint: Endpoint) -> Endpoint:
    """Bind and return where. Raises CannotCreate (taken), BadAddress (not of this machine)."""
    if endpoint.path and os.path.exists(endpoint.path) and _answers(endpoint.path):
        # libzmq unlinks the path first: without this look, a second broker would steal it.
        raise CannotCreate(f"cannot listen on {endpoint}: something answers there already")
    try:
        socket.bind(str(endpoint))
    except zmq.ZMQError as e:
        raise _bind_fault(endpoint, e.errno or 0) from e
    if endpoint.path:
        return endpoint
    return endpoint._replace(port=int(bound_to(socket).rpartition(":")[2]))


def bound_to(socket: zmq.Socket[bytes]) -> str:
    """Return where a socket was bound last, as libzmq tells it."""
    bound = socket.getsockopt(zmq.LAST_ENDPOINT)
    assert isinstance(bound, bytes)
    return bound.rstrip(b"\0").decode()


def receive_frames(socket: zmq.Socket[bytes]) -> list[zmq.Frame]:
    """Return the frames of the next message, MOST_PARTS at most. Raises zmq.Again for none.

    Twice as fast as recv_multipart, which asks for RCVMORE through an enum.
    """
    frame = socket.recv(zmq.NOBLOCK, copy=False)
    frames = [frame]
    while frame.more:
        frame = socket.recv(zmq.NOBLOCK, copy=False)
        if len(frames) < MOST_PARTS:
            frames.append(frame)
    return frames


def receive(socket: zmq.Socket[bytes]) -> list[bytes]:
    """Return the bytes of the frames of the next message. Raises zmq.Again for none."""
    return [frame.bytes for frame in receive_frames(socket)]


def _answers(path: str) -> bool:
    with posix.socket(posix.AF_UNIX) as probe:
        return probe.connect_ex(path) == 0


def _bind_fault(endpoint: Endpoint, code: int) -> Exception:
    if code in (errno.EADDRINUSE, zmq.EADDRINUSE):
        return CannotCreate(
            f"cannot listen on {endpoint}: it is in use; is a broker running there already? "
            f"Choose another address with --listen"
        )
    if code in (errno.ENODEV, errno.EADDRNOTAVAIL, zmq.EADDRNOTAVAIL, errno.EINVAL):
        return BadAddress(f"cannot listen on {endpoint}: this machine has no such address")
    return CannotCreate(f"cannot listen on {endpoint}: {os.strerror(code)}")
