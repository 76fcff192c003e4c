"""Asking the broker of a data directory what only operators may ask, over its ipc endpoint.

Who may read and write the directory is an operator: libzmq tells the broker which user asks.
"""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

from chatlib.errors import CannotCreate, Unreachable
from chatlib.net.curve import make_pair
from chatlib.net.dial import deserted
from chatlib.net.handshake import Keys
from chatlib.net.oneshot import OneShot
from chatlib.protocol.links import parse_endpoint
from chatlib.security.keys import load_key

SOCKET = "operator.sock"
PLACE = "broker.json"  # written when a broker starts on the directory: where it can be asked
SERVER_KEY, OPERATOR_KEY = "broker.key", "operator.key"


class Operator(OneShot):
    """A connection to the broker that runs on `directory`. Raises Unreachable without one."""

    def __init__(self, directory: Path) -> None:
        try:
            place = json.loads((directory / PLACE).read_text())
            endpoint = parse_endpoint(place["operator"])
        except (OSError, ValueError, KeyError, TypeError) as e:
            raise _nobody(directory) from e
        if endpoint.path and deserted(endpoint.path) and _ended(place.get("pid")):
            raise _nobody(directory)
        keys = None
        if place.get("encrypted"):
            path = directory / OPERATOR_KEY
            own = load_key(path) if path.exists() else make_pair()
            keys = Keys(load_key(directory / SERVER_KEY).public, own)
        super().__init__(endpoint, keys)


def _ended(process: object) -> bool:
    """Tell whether a broker is gone; one that is short of descriptors closes its endpoint, too."""
    if not isinstance(process, int):
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:  # of another user
        pass
    return False


def _nobody(directory: Path) -> Unreachable:
    return Unreachable(
        f"no broker runs on {directory}: start one (hubbub broker), or use another --data. One "
        "that keeps its history in memory has told its own when it started"
    )


def write_place(directory: Path, operator: str, encrypted: bool, **more: Any) -> None:
    """Say in `directory` where its broker can be asked. Raises CannotCreate."""
    new = directory / f"{PLACE}.new"
    told = {"operator": operator, "encrypted": encrypted, "pid": os.getpid(), **more}
    try:
        new.write_text(json.dumps(told) + "\n")
        new.replace(directory / PLACE)
    except OSError as e:
        why = e.strerror
        if e.errno == errno.ENOSPC:
            why = "the disk is full; make room on it, or choose another place with --data"
        raise CannotCreate(f"cannot write {directory / PLACE}: {why}") from e
