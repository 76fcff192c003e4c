"""A broker behind CURVE, in a thread; whom it admits, bans and invites, the test says."""

from __future__ import annotations

import json
import threading
from collections import Counter
from typing import Any, Self

from chatlib import Client
from chatlib.core.identities import Rule
from chatlib.net.broker import Broker
from chatlib.net.curve import make_pair
from chatlib.net.doors import Security
from chatlib.net.pipeline import Arrival
from chatlib.protocol.links import Link, parse_endpoint
from chatlib.security.door import Knock, Verdict, as_its_key
from chatlib.security.keys import KeyPair, to_link

HEARTBEAT = 0.4
ANYWHERE = ("tcp://127.0.0.1:0",) * 3


class _Guarded(Broker):
    """A broker whose sockets are behind a doorman; requests of keys not admitted end here."""

    house: Encrypted

    def bind(self) -> Any:
        bound = super().bind()
        drain = self._doors.drain_control
        self._doors.drain_control = lambda: self._guarded(drain())  # type: ignore[method-assign]
        return bound

    def _decide(self, knock: Knock) -> Verdict:
        return self.house.decide(knock)

    def _guarded(self, arrived: list[Arrival]) -> list[Arrival]:
        found = []
        for parts, peer in arrived:
            if answer := self.house.guard(peer.key.encode(), parts[-1]):
                self._doors.control.send_multipart([parts[0], json.dumps(answer).encode()])
            else:
                found.append((parts, peer))
        return found


class Encrypted:
    """`with Encrypted() as house`: it listens on `address`; `again()` is its next life."""

    def __init__(self, pair: KeyPair | None = None, places: tuple[str, ...] = ANYWHERE) -> None:
        self.pair = pair or make_pair()
        self.admitted: set[bytes] = set()
        self.banned: set[bytes] = set()
        self.tokens: set[str] = set()
        self.shut: set[str] = set()  # domains where nobody is let in
        self.at_a_loss = 0  # knocks that are answered with 500
        self.refused: Counter[str] = Counter()
        self.knocks: list[Knock] = []
        self.requests: list[str] = []
        self._places = places
        self._up = False

    # -- the decisions ------------------------------------------------------------------------

    def decide(self, knock: Knock) -> Verdict:
        self.knocks.append(knock)
        if self.at_a_loss:
            self.at_a_loss -= 1
            raise RuntimeError("at a loss")
        if knock.key in self.banned or knock.domain in self.shut:
            self.refused[knock.domain] += 1
            return Verdict(None, "banned")
        if knock.domain != "control" and knock.key not in self.admitted:
            return Verdict(None, "not admitted")
        return as_its_key(knock)

    def guard(self, key: bytes, frame: bytes) -> dict[str, Any] | None:
        """Return the answer to a request that the broker itself is not to see."""
        asked = json.loads(frame)
        self.requests.append(asked["op"])
        if asked["op"] == "redeem":
            if asked["token"] not in self.tokens:
                return no(asked, "bad_token")
            self.tokens.discard(asked["token"])
            self.admitted.add(key)
            return {"id": asked["id"], "ok": True, "room": "lobby"}
        return None if key in self.admitted else no(asked, "not_admitted")

    # -- life ---------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        control, intake, feed = self._places
        self.broker = _Guarded(
            control,
            intake=intake,
            feed=feed,
            heartbeat=HEARTBEAT,
            security=Security(self.pair, Rule("open")),
        )
        self.broker.house = self
        self._places = tuple(map(str, self.broker.bind()))
        self.address = self._places[0]
        self._serving = threading.Thread(target=self.broker.run, daemon=True)
        self._serving.start()
        self._up = True
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End it, where it has not ended."""
        if not self._up:
            return
        self._up = False
        self.broker.stop()
        self._serving.join()

    def again(self, pair: KeyPair | None = None) -> Encrypted:
        """Return a broker for the same address, not started: by default with the same key."""
        made = Encrypted(pair or self.pair, self._places)
        made.admitted, made.banned = self.admitted, self.banned
        return made

    # -- who comes ----------------------------------------------------------------------------

    def client(self, nick: str, *, admit: bool = True, **given: Any) -> Client:
        """Return a client that was not started; its key is admitted unless said otherwise."""
        pair = given.pop("key", None) or make_pair()
        if admit:
            self.admitted.add(pair.public)
        known: dict[str, Any] = {"server_key": self.pair.public, "key": pair}
        return Client(self.address, nick, **(known | given))

    def link(self, room: str = "lobby", token: str | None = None) -> str:
        """Return a link that leads here; its token is one that admits."""
        if token is not None:
            self.tokens.add(token)
        return str(Link(parse_endpoint(self.address), room, to_link(self.pair.public), token))


def no(asked: dict[str, Any], code: str) -> dict[str, Any]:
    return {"id": asked["id"], "ok": False, "error": {"code": code, "message": "the broker's"}}
