"""Who knocks, and whether they may come in: ZAP (ZeroMQ RFC 27) as plain values.

libzmq asks once in each handshake, for each connection of a peer anew. An answer can't be taken
back: who is in stays in until the connection ends (`Doors.cut_off`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from chatlib.security.keys import KEY_BYTES, encode_z85

VERSION = b"1.0"
CURVE = "CURVE"
# libzmq's client takes 400 and 500 alike: it hears of it at once and never dials again. With 300
# nobody tells it anything, and the connection stays half open for HANDSHAKE_IVL: never sent.
# Who is refused for the moment gets 500: after it our client, unlike libzmq, tries again.
ADMITTED, REFUSED, BROKEN = b"200", b"400", b"500"
_MOST_BYTES = 255  # of a reason or a user id: their length is one byte
_LEAST_FRAMES = 6  # version, request id, domain, address, routing id, mechanism


class Knock(NamedTuple):
    """Somebody in a handshake. `domain` is the socket's, `address` the peer's without its port.

    `key` is the peer's public key (Z85), which it has shown to own; empty without CURVE.
    """

    domain: str
    address: str
    mechanism: str
    key: bytes


class Verdict(NamedTuple):
    """Whether to let them in: as whom (None for nobody, else what `User-Id` will be), and why.

    `later` tells of a refusal that it may be another one in a moment.
    """

    user_id: bytes | None
    reason: str = ""
    later: bool = False


Decide = Callable[[Knock], Verdict]


def as_its_key(knock: Knock) -> Verdict:
    """Return the verdict that admits: every frame of the peer then carries its key as `User-Id`."""
    return Verdict(knock.key, "admitted")


class BadKnock(ValueError):
    """The request is none of RFC 27; `status` is what to answer."""

    def __init__(self, status: bytes, message: str) -> None:
        super().__init__(message)
        self.status = status


def read_knock(request: Sequence[bytes]) -> Knock:
    """Return who knocks, of a request without its envelope. Raises BadKnock."""
    if len(request) < _LEAST_FRAMES or request[0] != VERSION:
        raise BadKnock(BROKEN, "no request of ZAP 1.0")
    try:
        domain, address, mechanism = (request[at].decode() for at in (2, 3, 5))
    except UnicodeDecodeError:
        raise BadKnock(BROKEN, "a request that is no text") from None
    if mechanism != CURVE:
        raise BadKnock(REFUSED, "only CURVE comes in here")
    if len(request) != _LEAST_FRAMES + 1 or len(request[6]) != KEY_BYTES:
        raise BadKnock(BROKEN, "CURVE without one key")
    return Knock(domain, address, mechanism, encode_z85(request[6]))


def answer(request: Sequence[bytes], decide: Decide) -> tuple[list[bytes], str]:
    """Return the answer to a request without its envelope, and why not (empty when admitted).

    Whatever the request is and whatever `decide` does, there is an answer, and nobody comes in by
    a fault.
    """
    try:
        knock = read_knock(request)
    except BadKnock as e:
        return _reply(request, e.status, str(e)), str(e)
    try:
        user_id, reason, later = decide(knock)
        if user_id is not None:
            if not 0 < len(user_id) <= _MOST_BYTES or not user_id.isascii():
                raise ValueError("no User-Id")
            return _reply(request, ADMITTED, reason, bytes(user_id)), ""
        return _reply(request, BROKEN if later else REFUSED, reason), reason or "refused"
    except Exception:  # noqa: BLE001 - a fault in here must keep people out, not end the broker
        return _reply(request, BROKEN, "the decision failed"), "the decision failed"


def _reply(
    request: Sequence[bytes], status: bytes, reason: str, user_id: bytes = b""
) -> list[bytes]:
    identity = request[1] if len(request) > 1 else b""
    # Of the reason nothing reaches the peer; libzmq sends it the status alone.
    return [VERSION, identity, status, reason.encode()[:_MOST_BYTES], user_id, b""]
