"""Why a client was not let in, and whether waiting helps.

libzmq says only that it was hung up on when the broker has another key than we think, when one side
uses keys and the other does not, and when the broker ended just then. The second is told apart by
what is greeted with there (ZMTP 3.1: the mechanism comes first, in the clear), the third by trying
again.
"""

from __future__ import annotations

import socket as posix
import time
from contextlib import suppress
from typing import NamedTuple

import zmq

from chatlib.errors import Misuse, Refused, Unreachable
from chatlib.net.curve import handshake_fault, make_pair
from chatlib.net.dial import dial
from chatlib.protocol.links import Endpoint
from chatlib.security.door import REFUSED
from chatlib.security.keys import KeyPair, decode_z85, fingerprint

LOOK_S = 1.0  # that a look at a greeting may take
DIAL_S = 3.0
QUICK_S = 5.0  # who does not understand us hangs up at once; one that is stopped does it later
LOST = "the connection to the broker was lost"
CUT_OFF = 3  # times in a row, which a broker that starts anew is not

_OURS = b"\xff" + bytes(8) + b"\x7f\x03"  # the signature, and a major version: theirs answers it
_MECHANISM = slice(12, 32)


class Keys(NamedTuple):
    """What an encrypted connection takes: the server's public key (Z85), and one's own pair."""

    server: bytes
    own: KeyPair


def keys_for(server_key: bytes | None, key: KeyPair | None, token: str | None) -> Keys | None:
    """Return the keys of a client, None where nothing is encrypted. Raises Misuse."""
    if server_key is None:
        if key is not None or token is not None:
            raise Misuse(
                "a key and a token are for an encrypted broker: give its server_key, or its link"
            )
        return None
    decode_z85(server_key)
    return Keys(server_key, key or make_pair())


class Handshakes:
    """What came of the handshakes with one broker so far; `pending` while one is going on."""

    def __init__(self, endpoint: Endpoint, keys: Keys | None) -> None:
        self._endpoint = endpoint
        self._keys = keys
        self.pending = False
        self._began = 0.0
        self._cut_off = 0

    def begin(self) -> None:
        """Note that one begins."""
        self._began = time.monotonic()
        self.pending = True

    def succeeded(self) -> None:
        """Note that the broker has shown its key."""
        self._cut_off = 0
        self.pending = False

    def failed(self, event: int, value: int) -> Refused | Unreachable | None:
        """Return why, of a monitor's event: Refused when no waiting helps, else Unreachable.

        None when it isn't known yet: then try again at once. This may take LOOK_S.
        """
        if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
            return self._not_admitted(value)
        mechanism = self._mechanism(event, value)
        if mechanism is None:
            return Unreachable(LOST)
        if (fault := self.mismatch(mechanism)) is not None:
            return fault
        return Unreachable(LOST) if self._keys is None else self._hung_up_on(self._keys)

    def mismatch(self, mechanism: str) -> Refused | Unreachable | None:
        """Return why who greets with this is not our broker; None where he may be."""
        if mechanism == "":
            return Unreachable(
                f"what answers at {self._endpoint} does not speak ZeroMQ: is it the address of "
                f"a broker?"
            )
        if self._keys is None:
            return self._encrypted() if mechanism == "CURVE" else None
        return None if mechanism == "CURVE" else self._not_encrypted()

    def _mechanism(self, event: int, value: int) -> str | None:
        if (event, value) == (
            zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL,
            zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH,
        ):
            return "NULL" if self._keys else "CURVE"
        return mechanism_of(self._endpoint)

    def _hung_up_on(self, keys: Keys) -> Refused | Unreachable | None:
        if time.monotonic() - self._began > QUICK_S:
            return Unreachable(LOST)
        self._cut_off += 1
        if self._cut_off < CUT_OFF:
            return None
        return Refused(
            "wrong_server_key",
            f"the broker at {self._endpoint} has another key than the link says "
            f"({fingerprint(keys.server)}): the link is old, or somebody else answers there; "
            f"ask whoever runs the broker for a new link",
        )

    def _not_admitted(self, status: int) -> Refused | Unreachable:
        if status != int(REFUSED):
            return Unreachable(handshake_fault(zmq.EVENT_HANDSHAKE_FAILED_AUTH, status))
        return Refused(
            "key_refused",
            f"the broker at {self._endpoint} refuses your key: it was banned, or never let in; "
            f"ask its operator",
        )

    def _encrypted(self) -> Refused:
        return Refused(
            "encrypted",
            f"the broker at {self._endpoint} is encrypted: join with the link that its operator "
            f"gives you (hubbub join LINK)",
        )

    def _not_encrypted(self) -> Refused:
        return Refused(
            "not_encrypted",
            f"the broker at {self._endpoint} is not encrypted, but it should have a key: ask its "
            f"operator; nothing was sent",
        )


def look(endpoint: Endpoint, keys: Keys | None) -> None:
    """See whether a broker is there that these keys fit, without asking it anything.

    Raises Unreachable; Refused where no waiting helps.
    """
    dial(endpoint, DIAL_S)
    mechanism = mechanism_of(endpoint)
    fault = None if mechanism is None else Handshakes(endpoint, keys).mismatch(mechanism)
    if fault is not None:
        raise fault


def mechanism_of(endpoint: Endpoint, timeout: float = LOOK_S) -> str | None:
    """Return what security whoever listens there greets with: `NULL`, `CURVE`, ...

    Empty for one that does not speak ZMTP 3; None when nobody answers.
    """
    greeting = b""
    # One that hangs up on us may have greeted before: what was read counts.
    with suppress(OSError, UnicodeError), _connected(endpoint, timeout) as probe:
        with suppress(OSError):
            probe.sendall(_OURS)
        while len(greeting) < _MECHANISM.stop and (more := probe.recv(64)):
            greeting += more
    if greeting and greeting[:1] != _OURS[:1]:
        return ""
    if len(greeting) < _MECHANISM.stop:
        return None
    return greeting[_MECHANISM].rstrip(b"\0").decode("ascii", "replace")


def _connected(endpoint: Endpoint, timeout: float) -> posix.socket:
    if not endpoint.path:
        return posix.create_connection((endpoint.host.strip("[]"), endpoint.port), timeout)
    made = posix.socket(posix.AF_UNIX)
    try:
        made.settimeout(timeout)
        made.connect(endpoint.path)
    except OSError:
        made.close()
        raise
    return made
