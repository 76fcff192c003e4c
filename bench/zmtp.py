"""ZMTP 3.0 over a plain socket, NULL mechanism: what the load speaks instead of using libzmq.

So one select loop reads any server's bytes at the same small cost, and a server that sends many
small messages is not made slow by the price of receiving each of them in Python.
See https://rfc.zeromq.org/spec/23/.
"""

from __future__ import annotations

import socket
import struct

HOST = "127.0.0.1"
PATIENCE = 20.0  # seconds that a handshake or an answer may take
_GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
_MORE, _LONG, _COMMAND = 1, 2, 4


def dial(port: int, kind: str, topic: bytes | None = None) -> socket.socket:
    """Return a connected socket of a ZeroMQ kind, subscribed to `topic` where one is given."""
    link = socket.create_connection((HOST, port), PATIENCE)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    link.sendall(_GREETING)
    receive_exactly(link, len(_GREETING))
    value = kind.encode()
    ready = b"\x05READY\x0bSocket-Type" + struct.pack(">I", len(value)) + value
    link.sendall(bytes((_COMMAND, len(ready))) + ready)
    flags, size = receive_exactly(link, 2)
    if flags != _COMMAND or receive_exactly(link, size)[:6] != b"\x05READY":
        raise ConnectionError(f"no ZMTP peer on port {port}")
    if topic is not None:
        link.sendall(frame(b"\x01" + topic))
    return link


def frame(body: bytes, more: bool = False) -> bytes:
    """Return one frame."""
    if len(body) < 256:
        return bytes((more, len(body))) + body
    return struct.pack(">BQ", _LONG | more, len(body)) + body


def receive_exactly(link: socket.socket, size: int) -> bytes:
    """Return the next `size` bytes. Raises ConnectionError when the peer closes before."""
    data = b""
    while len(data) < size:
        part = link.recv(size - len(data))
        if not part:
            raise ConnectionError("the server closed the connection")
        data += part
    return data


class Splitter:
    """Takes bytes as they come and gives back the frames that they complete."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the bodies of the frames that are complete now, commands left out."""
        data = self._rest + data
        bodies, at = [], 0
        while len(data) - at >= 2:
            flags, size, start = data[at], data[at + 1], at + 2
            if flags & _LONG:
                if len(data) - at < 9:
                    break
                size, start = struct.unpack_from(">Q", data, at + 1)[0], at + 9
            if len(data) < start + size:
                break
            if not flags & _COMMAND:
                bodies.append(data[start : start + size])
            at = start + size
        self._rest = data[at:]
        return bodies


class Headers:
    """Counts a byte in the headers of a stream's frames, where it stands for a length.

    Whoever counts that byte in all that was read takes these away; the bodies are not looked at.
    """

    def __init__(self, byte: int) -> None:
        self._byte = byte
        self._skip = 0  # bytes until the next header
        self._part = b""  # of a header whose end is still to come

    def count(self, buffer: bytearray, size: int) -> int:
        """Return how often the byte stands in the headers that end in buffer[:size]."""
        at, found = self._skip, 0
        while at < size:
            head = self._part + bytes(buffer[at : min(size, at + 9 - len(self._part))])
            need = 9 if head[0] & _LONG else 2
            if len(head) < need:
                self._part, at = head, size
                break
            found += head.count(self._byte, 0, need)
            length = struct.unpack_from(">Q", head, 1)[0] if need == 9 else head[1]
            at += need - len(self._part) + length
            self._part = b""
        self._skip = at - size
        return found
