"""Finding out, before a ZeroMQ socket is made, whether anybody listens, and if not, why.

libzmq reconnects in silence and names no cause. A plain connection attempt does, at once.
"""

from __future__ import annotations

import errno
import os
import select
import socket as posix

from chatlib.errors import Unreachable
from chatlib.protocol.links import Endpoint

START = "is the broker running there? Start it with: hubbub broker"

_CAUSES = {
    errno.ECONNREFUSED: "connection refused",
    errno.ENOENT: "there is no such socket file",
    errno.ETIMEDOUT: "no answer",
    errno.EHOSTUNREACH: "no route to that host",
    errno.ENETUNREACH: "no route to that network",
}


def dial(endpoint: Endpoint, timeout: float, wake: posix.socket | None = None) -> bool:
    """Try to connect and hang up again; return whether IPv6 was what worked.

    `timeout` is in seconds, for each address that the name stands for. Readiness of `wake` ends
    the attempt. Raises Unreachable with the cause and the next step.
    """
    cause = "no answer"
    for family, address in _addresses(endpoint):
        try:
            code = _attempt(family, address, timeout, wake)
        except OSError as e:  # no descriptor is left, or the address can't be used here
            code = e.errno or 0
        if code == 0:
            return family == posix.AF_INET6
        cause = _CAUSES.get(code, os.strerror(code).lower())
    raise unreachable(endpoint, cause)


def deserted(path: str) -> bool:
    """Tell whether nobody listens at a socket file; one who is only busy does."""
    with posix.socket(posix.AF_UNIX, posix.SOCK_STREAM) as probe:
        probe.setblocking(False)
        return probe.connect_ex(path) in (errno.ECONNREFUSED, errno.ENOENT)


def unreachable(endpoint: Endpoint, cause: str, advice: str = START) -> Unreachable:
    """Return the error for a broker that is not there."""
    return Unreachable(f"cannot reach {endpoint} ({cause}): {advice}")


def _addresses(endpoint: Endpoint) -> list[tuple[posix.AddressFamily, str | tuple[str, int]]]:
    if endpoint.path:
        return [(posix.AF_UNIX, endpoint.path)]
    try:
        found = posix.getaddrinfo(endpoint.host.strip("[]"), endpoint.port, type=posix.SOCK_STREAM)
    except (OSError, UnicodeError) as e:
        raise unreachable(endpoint, "no such host", "is its name right?") from e
    return [(family, address) for family, _, _, _, address in found]  # type: ignore[misc]


def _attempt(
    family: posix.AddressFamily,
    address: str | tuple[str, int],
    timeout: float,
    wake: posix.socket | None,
) -> int:
    """Return 0 or the errno of one attempt."""
    with posix.socket(family, posix.SOCK_STREAM) as probe:
        probe.setblocking(False)
        code = probe.connect_ex(address)
        if code != errno.EINPROGRESS:
            return code
        poller = select.poll()
        poller.register(probe, select.POLLOUT)
        if wake is not None:
            poller.register(wake, select.POLLIN)
        ready = poller.poll(timeout * 1000)
        if (probe.fileno(), select.POLLOUT) not in ready and not any(
            fd == probe.fileno() for fd, _ in ready
        ):
            return errno.ETIMEDOUT
        return probe.getsockopt(posix.SOL_SOCKET, posix.SO_ERROR)
