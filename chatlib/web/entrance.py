"""Who may come in by the page: anybody, or who has an invitation of the broker's."""

from __future__ import annotations

import asyncio
import time

from chatlib.errors import Refused
from chatlib.net.curve import make_pair
from chatlib.net.handshake import Keys
from chatlib.net.oneshot import OneShot
from chatlib.protocol import answers, requests
from chatlib.protocol.links import DEVICE_TOKEN, Endpoint

MOST_AT_ONCE = 8
OWED_S = 600.0  # in which who was let in, and did not come in, may try again


class Entrance:
    """Checks invitations, with the broker that made them.

    An invitation is for so many keys. People of the page have none of their own, so each of them
    redeems it with a key that is thrown away: it is counted, expires and is revoked like any other.
    """

    def __init__(self, endpoint: Endpoint, keys: Keys | None, *, invited: bool) -> None:
        self._endpoint = endpoint
        self._keys = keys
        self._invited = invited and keys is not None
        self._turns = asyncio.Semaphore(MOST_AT_ONCE)
        self._owed: list[tuple[str, str, float]] = []  # tokens, their rooms, and until when

    async def admit(self, token: str) -> str:
        """Return the room that an invitation leads to, empty without one.

        Raises Refused (not_admitted, bad_token, ...), TimedOut.
        """
        if not token and self._invited:
            raise Refused("not_admitted", "this chat is for who was invited: ask for a link")
        if not token or self._keys is None:
            return ""
        if token.startswith(DEVICE_TOKEN):
            text = "this link adds a device to a nickname: open it with hubbub join"
            raise Refused("bad_token", text)
        if (room := self._owing(token)) is not None:
            return room
        async with self._turns:
            return await asyncio.to_thread(self._redeem, token)

    def owe(self, token: str, room: str) -> None:
        """Let a token be good once more: who came with it did not get in, for his nickname."""
        if token and self._keys is not None:
            self._owed.append((token, room, time.monotonic() + OWED_S))

    def _owing(self, token: str) -> str | None:
        self._owed = [owed for owed in self._owed if time.monotonic() < owed[2]]
        found = next((owed for owed in self._owed if owed[0] == token), None)
        if found is None:
            return None
        self._owed.remove(found)
        return found[1]

    def _redeem(self, token: str) -> str:
        assert self._keys is not None
        keys = Keys(self._keys.server, make_pair())
        with OneShot(self._endpoint, keys) as broker:
            return broker.ask(requests.Redeem(token=token), answers.Redeemed).room
