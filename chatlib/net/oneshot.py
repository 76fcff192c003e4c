"""One question to a broker on a connection of its own, before there is any session."""

from __future__ import annotations

from types import TracebackType
from typing import Self, TypeVar

import zmq

from chatlib.errors import ProtocolViolation, Refused, TimedOut
from chatlib.net.curve import use_curve
from chatlib.net.handshake import Keys
from chatlib.net.sockets import ANSWER_FRAME_BYTES, make_context, make_socket
from chatlib.protocol import answers, requests
from chatlib.protocol.codec import decode_answer, decode_head, encode_request
from chatlib.protocol.links import Endpoint

T = TypeVar("T")


class OneShot:
    """A connection to the control endpoint of a broker, encrypted where there are `keys`."""

    def __init__(self, endpoint: Endpoint, keys: Keys | None) -> None:
        self._endpoint = endpoint
        self._context = make_context()
        self._socket = make_socket(self._context, zmq.DEALER, ANSWER_FRAME_BYTES, endpoint)
        if keys is not None:
            use_curve(self._socket, keys.server, keys.own)
        self._socket.connect(str(endpoint))

    def ask(self, request: requests.Request, kind: type[T], timeout: float = 5.0) -> T:
        """Return the answer. Raises Refused, TimedOut, Misuse."""
        request.id = 1
        self._socket.send(encode_request(request))
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


def log_in(endpoint: Endpoint, keys: Keys, nick: str, password: str, timeout: float = 10) -> str:
    """Add one's key to a registered nickname, by its password; return the nickname.

    Raises Refused (wrong_password, no_passwords, ...), TimedOut.
    """
    with OneShot(endpoint, keys) as broker:
        asked = requests.Login(nick=nick, password=password)
        return broker.ask(asked, answers.Registered, timeout).nick
