"""Where to: an address or a link as typed, and the key that the broker there must have."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from chatlib.cli.identity import config_directory, key_path, own_key, pins, pins_path
from chatlib.errors import BadAddress, BadConfiguration, CannotCreate, Refused
from chatlib.protocol.links import SCHEME, Endpoint, Link, parse_endpoint, parse_link

if TYPE_CHECKING:
    from chatlib.net.client import Client


class Destination(NamedTuple):
    """A broker, and a room of it where one was named. Without a `server_key` it is not encrypted.

    `pinned` tells that the key was known for the address before.
    """

    endpoint: Endpoint
    room: str = ""
    server_key: bytes | None = None
    token: str | None = None
    pinned: bool = False


def is_link(typed: str) -> bool:
    """Tell whether a link was typed; people paste them with <> or spaces around."""
    return _bare(typed).lower().startswith(SCHEME)


def _bare(typed: str) -> str:
    return typed.strip().removeprefix("<").removesuffix(">").strip()


def find(typed: str) -> Destination:
    """Return where `typed`, an address or a link, leads.

    Raises BadAddress; KeyChanged when another key than the link's is known for its address.
    """
    link = parse_link(_bare(typed)) if is_link(typed) else Link(parse_endpoint(typed.strip()))
    address = str(link.endpoint)
    known = _known(address)
    if link.server_key is None:
        if link.token is not None:
            raise BadAddress(
                "this link has a token (t=), but no key (k=) that tells whom to give it to: "
                "ask for the whole link"
            )
        return Destination(link.endpoint, link.room, known, None, known is not None)
    from chatlib.security.keys import from_link

    key = from_link(link.server_key)
    if known is not None:
        pins().check(address, key)
    return Destination(link.endpoint, link.room, key, link.token, known is not None)


def _known(address: str) -> bytes | None:
    try:
        config_directory()
    except BadConfiguration:  # without a home nothing can be known
        return None
    return pins().key_of(address)


class Door:
    """Makes clients for a destination; `key_file` is given, or this user's."""

    def __init__(self, destination: Destination, key_file: Path | None, program: str) -> None:
        self._to = destination
        self._program = program
        self._own = None
        if destination.server_key is not None:
            self._own = own_key(key_path(key_file))
        elif key_file is not None:
            raise BadConfiguration(
                f"--key is for an encrypted broker, and no key is known for "
                f"{destination.endpoint}: join with its link first (hubbub join LINK)"
            )

    def look(self) -> None:
        """See whether a broker is there that these keys fit. Raises Unreachable, Refused."""
        from chatlib.net.handshake import keys_for, look

        to = self._to
        try:
            look(to.endpoint, keys_for(to.server_key, self._own, to.token))
        except Refused as e:
            raise self.advised(e) from None

    def client(self, nick: str) -> Client:
        """Return a client that was not started."""
        return self._client(nick, bot=False)

    def bot(self, nick: str) -> Client:
        """Return a client that was not started and says that it is a bot."""
        return self._client(nick, bot=True)

    def _client(self, nick: str, *, bot: bool) -> Client:
        from chatlib.net.client import Client

        return Client(
            str(self._to.endpoint),
            nick,
            server_key=self._to.server_key,
            key=self._own,
            token=self._to.token,
            bot=bot,
            program=self._program,
        )

    def opened(self) -> None:
        """Remember the key, now that the broker has shown that it owns it. Raises KeyChanged."""
        from chatlib.security.keys import fingerprint

        address, key = str(self._to.endpoint), self._to.server_key
        if key is None or self._to.pinned:
            return
        try:
            if pins().check(address, key):
                print(
                    f"first time at {address}: from now on its key is {fingerprint(key)}",
                    file=sys.stderr,
                )
        except (CannotCreate, BadConfiguration) as e:
            print(f"hubbub: the key of {address} is not remembered: {e}", file=sys.stderr)

    def advised(self, refused: Refused) -> Refused:
        """Return a refusal with what only this side knows of it."""
        from chatlib.security.keys import fingerprint

        advice = ""
        if refused.code == "not_admitted" and self._own is not None:
            advice = f"; its fingerprint is {fingerprint(self._own.public)}"
            if self._to.token is None:
                advice += " (a link must stand in quotes: the shell cuts it at '&')"
        elif refused.code in ("wrong_server_key", "not_encrypted") and self._to.pinned:
            advice = f"; only if they changed that, take the line of {self._to.endpoint} out of "
            advice += str(pins_path())
        return Refused(refused.code, f"{refused}{advice}", refused.suggestion)
