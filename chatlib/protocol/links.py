"""Addresses: what a user types, what ZeroMQ takes, and where intake and feed are.

Users give one address, the control endpoint. Intake and feed are the next two ports of TCP, and
`.intake` and `.feed` behind the path of ipc.
"""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

from chatlib.errors import BadAddress

DEFAULT_ADDRESS = "tcp://127.0.0.1:5555"
DEFAULT_PORT = 5555
IPC_BYTES = 107  # sockaddr_un.sun_path, less its closing zero

_tcp = re.compile(r"(?:tcp://)?(\[[0-9a-fA-F:.]+(?:%\w+)?\]|[^\s:/\[\]]+)(?::([0-9]{1,5}|\*))?/?")


class Endpoint(NamedTuple):
    """A parsed endpoint. For ipc, `host` is empty and `path` is set."""

    host: str
    port: int
    path: str = ""

    def __str__(self) -> str:
        return f"ipc://{self.path}" if self.path else f"tcp://{self.host}:{self.port}"

    @property
    def ipv6(self) -> bool:
        """Tell whether the host is an IPv6 literal: libzmq must be told before it is used."""
        return self.host.startswith("[")

    @property
    def loopback(self) -> bool:
        """Tell whether only this machine can reach it."""
        if self.path or self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.strip("[]").split("%")[0]).is_loopback
        except ValueError:
            return False


def parse_endpoint(text: str) -> Endpoint:
    """Return the endpoint that `text` names: `tcp://HOST:PORT`, `HOST`, `HOST:PORT`, `ipc://PATH`.

    Without a port it is 5555; port 0 or `*` takes a free one. Raises BadAddress.
    """
    if text.startswith("ipc://"):
        path = text.removeprefix("ipc://")
        if not path or len(f"{path}.intake".encode()) > IPC_BYTES:
            raise BadAddress(f"{text!r}: an ipc path has 1 to {IPC_BYTES - 7} bytes")
        return Endpoint("", 0, path)
    found = _tcp.fullmatch(text)
    port = (found[2] or DEFAULT_PORT) if found else 0
    if found is None or (port != "*" and int(port) > 65535):
        raise BadAddress(f"{text!r} is no address: give tcp://HOST:PORT or ipc://PATH")
    return Endpoint(found[1], 0 if port == "*" else int(port))


def beside(control: Endpoint) -> tuple[Endpoint, Endpoint]:
    """Return the intake and the feed that belong to `control` unless configured otherwise."""
    if control.path:
        return (
            control._replace(path=control.path + ".intake"),
            control._replace(path=control.path + ".feed"),
        )
    if control.port == 0:
        return control, control
    if control.port > 65533:
        raise BadAddress(f"{control}: the next two ports are needed too; take one up to 65533")
    return control._replace(port=control.port + 1), control._replace(port=control.port + 2)


def dialled(answered: str, control: Endpoint) -> str:
    """Return the endpoint that `hello` answered; its host `*` is the one that was dialled."""
    return answered.replace("tcp://*:", f"tcp://{control.host}:", 1)
