"""Which address of this machine others on its network reach.

Asked of the routing table, by a UDP socket that sends nothing, and of the interfaces.
"""

from __future__ import annotations

import ipaddress
import socket as posix
from collections.abc import Iterable, Iterator

import ifaddr

from chatlib.errors import BadConfiguration

ELSEWHERE = (  # of RFC 5737 and 3849: nobody's, so that only a default route leads there
    (posix.AF_INET, "198.51.100.1"),
    (posix.AF_INET6, "2001:db8:ffff::1"),
)
_IN_SOCKADDR = {posix.AF_INET: (4, 4), posix.AF_INET6: (8, 16)}  # where an address is, and how long


def lan_address() -> str:
    """Return the address to listen on for the local network, as hosts are written in endpoints.

    Raises BadConfiguration when there is none, or when it can't be told which of several.
    """
    return pick(route_sources(), own_addresses())


def pick(sources: Iterable[str], own: Iterable[str]) -> str:
    """Return the first of `sources` (of default routes), else the only one of `own` that serves.

    Without a route, IPv4 comes first: a machine with one of each is no question. Raises
    BadConfiguration.
    """
    for source in filter(_serves, sources):
        return _host(source)
    found = sorted(set(filter(_serves, own)))
    of_ipv4 = [address for address in found if ":" not in address]
    for candidates in (of_ipv4, found):
        if len(candidates) == 1:
            return _host(candidates[0])
    if not found:
        raise BadConfiguration(
            "this machine has no address on a network: connect it to one, or start for this "
            "machine alone, without --lan"
        )
    listed = ", ".join(map(_host, found))
    raise BadConfiguration(
        f"this machine has several addresses, and no default route that tells which one others "
        f"reach ({listed}): name one, as --listen tcp://{_host(found[0])}:5555"
    )


def own_address() -> str:
    """Return the IPv4 address by which others reach this machine, or its name where none is known.

    This is for links of a broker that listens on all of them.
    """
    sources = (source for source in route_sources() if ":" not in source)
    return next(sources, None) or posix.gethostname()


def route_sources() -> Iterator[str]:
    """Yield the addresses from which this machine would speak to others, IPv4 first."""
    for family, elsewhere in ELSEWHERE:
        try:
            with posix.socket(family, posix.SOCK_DGRAM) as probe:
                probe.connect((elsewhere, 9))  # sends nothing: it asks the routing table
                yield str(probe.getsockname()[0])
        except OSError:  # there is no route, or not this family
            continue


def _serves(address: str) -> bool:
    """Tell whether others can dial it. fe80:: means another one on each machine."""
    known = ipaddress.ip_address(address)
    local = isinstance(known, ipaddress.IPv6Address) and known.is_link_local
    return not (known.is_loopback or known.is_unspecified or known.is_multicast or local)


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def own_addresses() -> list[str]:
    """Return the addresses of all interfaces, of both families."""
    known = (ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips)
    return [ip if isinstance(ip, str) else ip[0] for ip in known]
