"""Whom an operator means: a key in every form that people meet, or the address of a peer.

What is taken for a key and is none would be banned or promoted in vain, and nobody would notice.
"""

from __future__ import annotations

import ipaddress
from contextlib import suppress

from chatlib.core.meter import network
from chatlib.core.state import State
from chatlib.errors import Misuse
from chatlib.protocol.keys import decode_z85, fingerprint, from_link, parse_fingerprint


def shown(who: str) -> str:
    """Return what people compare: of a key its fingerprint, all else as it is."""
    try:
        return fingerprint(who.encode())
    except Misuse:
        return who


def key_meant(state: State, text: str) -> str:
    """Return the key (Z85) that is meant: in Z85, as links have it, or a fingerprint.

    By its fingerprint one is found that is here, has a role or is banned. Raises Misuse.
    """
    with suppress(Misuse):
        decode_z85(text.encode())
        return text
    with suppress(Misuse):
        return from_link(text).decode()
    wanted = parse_fingerprint(text)
    known = {session.owner for session in state.sessions.values()} | state.bans.keys()
    known.update(key for one in state.identities.values() if one.role for key in one.keys)
    found = [key for key in known if shown(key) == wanted]
    if not found:
        raise Misuse(f"nobody here has a key with the fingerprint {wanted}: name the key itself")
    return found[0]


def address_meant(text: str) -> str:
    """Return what a ban of an address is kept under: of IPv6 the /64. Raises Misuse."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        raise Misuse(f"{text!r} is no IP address") from None
    return network(text)


def ban_meant(state: State, text: str) -> str:
    """Return under what somebody is banned who is named so; the text itself where none fits."""
    if text not in state.bans:
        with suppress(Misuse):
            return address_meant(text)
        with suppress(Misuse):
            return key_meant(state, text)
    return text
