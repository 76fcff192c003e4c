"""nats-server: where it is, how it is configured, and its text protocol over a plain socket."""

from __future__ import annotations

import json
import shutil
import socket
import sys
from pathlib import Path
from typing import Any

from bench.zmtp import HOST, PATIENCE

STREAM = "bench"
SUBJECT = "room.lobby"


def find() -> str | None:
    """Return the path of nats-server, beside this Python or on the PATH; None where it is not."""
    beside = Path(sys.executable).parent / "nats-server"
    return str(beside) if beside.exists() else shutil.which("nats-server")


def configure(directory: Path, sync: str | None = None) -> Path:
    """Write a configuration; with `sync` (its sync_interval) JetStream is on, in files."""
    lines = ['listen: "127.0.0.1:-1"', f"ports_file_dir: {json.dumps(str(directory))}"]
    if sync is not None:
        store = json.dumps(str(directory / "jetstream"))
        lines.append(f"jetstream {{ store_dir: {store}, sync_interval: {json.dumps(sync)} }}")
    path = directory / "nats.conf"
    path.write_text("\n".join(lines) + "\n")
    return path


def dial(port: int, subscribe: str | None = None) -> socket.socket:
    """Return a connection that is ready, subscribed to a subject where one is given."""
    link = socket.create_connection((HOST, port), PATIENCE)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    link.sendall(b'CONNECT {"verbose":false,"pedantic":false}\r\n')
    if subscribe is not None:
        link.sendall(b"SUB %s 1\r\n" % subscribe.encode())
    link.sendall(b"PING\r\n")
    _read_until(link, b"PONG\r\n")
    return link


def publish(text: bytes, reply: str = "") -> bytes:
    """Return the bytes that publish a text, acknowledged to `reply` by JetStream."""
    return b"PUB %s %s %d\r\n%s\r\n" % (SUBJECT.encode(), reply.encode(), len(text), text)


def make_stream(port: int) -> None:
    """Make the JetStream stream, one copy, in a file."""
    wanted = {"name": STREAM, "subjects": [SUBJECT], "storage": "file", "num_replicas": 1}
    _request(port, f"$JS.API.STREAM.CREATE.{STREAM}", wanted)


def stored(port: int) -> int:
    """Return how many messages the stream holds."""
    messages: int = _request(port, f"$JS.API.STREAM.INFO.{STREAM}", {})["state"]["messages"]
    return messages


def _request(port: int, subject: str, body: Any) -> dict[str, Any]:
    with dial(port, "_INBOX.bench") as link:
        text = json.dumps(body).encode()
        link.sendall(b"PUB %s _INBOX.bench %d\r\n%s\r\n" % (subject.encode(), len(text), text))
        answer = _read_until(link, b"}\r\n")
    found: dict[str, Any] = json.loads(answer[answer.index(b"{") :])
    if "error" in found:
        raise ConnectionError(f"nats-server refused {subject}: {found['error']}")
    return found


def _read_until(link: socket.socket, end: bytes) -> bytes:
    data = b""
    while not data.endswith(end):
        part = link.recv(65536)
        if not part:
            raise ConnectionError("nats-server closed the connection")
        data += part
    return data
