"""Asking the broker of a data directory what only operators may ask, over its ipc endpoint.

Who may read and write the directory is an operator: libzmq tells the broker which user asks.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import zmq

from chatlib.errors import ProtocolViolation, Refused, TimedOut, Unreachable
from chatlib.net.curve import make_pair, use_curve
from chatlib.net.sockets import ANSWER_FRAME_BYTES, make_context, make_socket
from chatlib.protocol.codec import decode_answer, decode_head, encode
from chatlib.protocol.links import parse_endpoint
from chatlib.protocol.requests import Request
from chatlib.security.keys import load_key

SOCKET = "operator.sock"
PLACE = "broker.json"  # written when a broker starts on the directory: where it can be asked
SERVER_KEY, OPERATOR_KEY = "broker.key", "operator.key"

T = TypeVar("T")


class Operator:
    """A connection to the broker that runs on `directory`. Raises Unreachable without one."""

    def __init__(self, directory: Path) -> None:
        try:
            place = json.loads((directory / PLACE).read_text())
            self._endpoint = parse_endpoint(place["operator"])
        except (OSError, ValueError, KeyError, TypeError) as e:
            raise Unreachable(
                f"no broker runs on {directory}: start one (hubbub broker), or name another --data"
            ) from e
        self._context = make_context()
        self._socket = make_socket(self._context, zmq.DEALER, ANSWER_FRAME_BYTES, self._endpoint)
        if place.get("encrypted"):
            path = directory / OPERATOR_KEY
            own = load_key(path) if path.exists() else make_pair()
            use_curve(self._socket, load_key(directory / SERVER_KEY).public, own)
        self._socket.connect(str(self._endpoint))

    def ask(self, request: Request, kind: type[T], timeout: float = 5.0) -> T:
        """Return the answer. Raises Refused, Unreachable, TimedOut."""
        request.id = 1
        self._socket.send(encode(request))
        if not self._socket.poll(int(timeout * 1000)):
            raise TimedOut(f"the broker does not answer at {self._endpoint}: is it still running?")
        frame = self._socket.recv()
        head = decode_head(frame)
        if head.ok is None:
            raise ProtocolViolation("bad_json", "the broker told something that was not asked")
        if head.error is not None:
            raise Refused(head.error.code, head.error.message)
        return decode_answer(frame, kind)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._socket.close(linger=0)
        self._context.term()


def write_place(directory: Path, operator: str, encrypted: bool, **more: Any) -> None:
    """Say in `directory` where its broker can be asked."""
    new = directory / f"{PLACE}.new"
    new.write_text(json.dumps({"operator": operator, "encrypted": encrypted, **more}) + "\n")
    new.replace(directory / PLACE)
