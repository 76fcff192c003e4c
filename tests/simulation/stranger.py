"""A peer that obeys no rule: it sends whatever fits into frames, and counts its answers."""

from __future__ import annotations

import json
from collections import Counter
from random import Random
from typing import Any

from tests.simulation.station import Station

OPS = ("hello", "nick", "join", "leave", "history", "rooms", "who", "topic", "ping", "bye", "fly",
       "create", "role", "kick", "ban", "unban", "bans", "mute", "unmute", "roles", "promote",
       "audit", "invite")  # fmt: skip
FIELDS = ("v", "nick", "session", "client", "bot", "room", "after", "before", "limit", "peer",
          "inbox", "text", "x", "private", "role", "who", "seconds", "reason", "deleted",
          "key")  # fmt: skip
USUAL: dict[str, tuple[Any, ...]] = {
    "v": (1, 1, 1, 2, "1"),
    "nick": ("eve", "EVE", "mal", "mal_", "m0", "ŀ", "a b", "x" * 33),
    "room": ("lobby", "#Lobby", "ops", "nowhere", "den", "den", "a/b", "", "＃x", "ŀ"),
    "peer": ("m0", "eve", "a b"),
    "after": (0, 1, 50, 2**53),
    "before": (0, 1, 50, 2**53),
    "limit": (1, 5, 1_000, 2**53),
    "inbox": (True, False),
    "re": (0, 1, 2, 3, 10, 50, 2**53),
    "bot": (True, False),
    "private": (True, True, False),
    "deleted": (True, False),
    "role": ("owner", "moderator", "member", "none", "operator"),
    "who": ("m0", "eve", "mal"),
    "seconds": (1, 5, 2**40),
    "text": ("noise", "", "\x1b[2J", "n" * 9_000, "two\nlines"),
}
ODD: tuple[Any, ...] = (
    None, True, -1, 0, 2**53 + 1, 2**70, 10**400, 1.5, "", "x" * 300, "\x00", "\u202e", "👩" * 20,
    [], [1, [2]], {}, {"op": "ping"}, "m1", "lobby",
)  # fmt: skip
KINDS = ("say", "act", "sing", "edit", "delete", "react")
RAW = (b"", b"{", b"[]", b"null", b"\xff\xfe", b"7", b'"x"', b"{}", b"[" * 5_000, b'{"a":' * 5_000,
       b'{"op":"ping","id":"\\ud800"}', b'{"n":1}\n{', b"9" * 5_000)  # fmt: skip


class Stranger:
    """One connection to the broker and what came of it. All it sends is from `chance`."""

    def __init__(self, station: Station, chance: Random) -> None:
        self.routing = station.new_routing()
        self.answers: Counter[str] = Counter()  # by the id as JSON
        self.expected: Counter[str] = Counter()
        self._station = station
        self._chance = chance
        self._asked = 0
        self._tokens = ["made-up"]

    def deliver(self, frame: bytes) -> None:
        """Take what the broker sends."""
        told = json.loads(frame)
        if "ok" in told:
            self.answers[json.dumps(told["id"])] += 1
            if "session" in told:
                self._tokens.append(told["session"])

    def lose(self) -> None:
        """Take no notice of a connection that breaks."""

    # -- what it sends ------------------------------------------------------------------------

    def act(self) -> None:
        """Send one thing or another."""
        act = self._chance.choice(
            (self._ask, self._ask, self._ask, self._say, self._say, self._misshape)
        )
        act()

    def _value(self, field: str) -> Any:
        if field == "session":
            return self._chance.choice((*self._tokens, *ODD))
        if self._chance.random() < 0.8:
            return self._chance.choice(USUAL.get(field, ODD))
        return self._chance.choice(ODD)

    def _ask(self) -> None:
        if self._chance.random() < 0.1:
            frame = self._raw()
            self.expected["null"] += 1
        else:
            self._asked += 1
            id = self._chance.choice((self._asked, f"id {self._asked}"))
            fields = self._chance.sample(FIELDS, self._chance.randint(0, 4))
            op = self._chance.choice(OPS)
            wanted = {"hello": ("v",), "nick": ("nick",)}.get(op, ("room",))
            if op in ("role", "kick", "ban", "mute", "unmute") and self._chance.random() < 0.8:
                wanted = ("room", "nick", "role")
            known = {field: self._value(field) for field in (*fields, *wanted)}
            frame = json.dumps({"op": op, "id": id, **known}).encode()
            self.expected[json.dumps(id)] += 1
        self._station.take_control(self.routing, frame)

    def _raw(self) -> bytes:
        noise = self._chance.randbytes(self._chance.randint(0, 60))
        return self._chance.choice((*(raw for raw in RAW if b"ping" not in raw), b"\xff" + noise))

    def _say(self) -> None:
        lines = [self._line() for _ in range(self._chance.randint(0, 5))]
        token = self._chance.choice((self._tokens[-1], *self._tokens)).encode()
        self._station.take_intake(token, b"\n".join(lines))

    def _line(self) -> bytes:
        if self._chance.random() < 0.1:
            return self._chance.choice(RAW)
        known = {"n": self._chance.choice((1, 1, 2, 3, 4, self._chance.randint(0, 30)))}
        for field in self._chance.sample(("room", "to", "text", "kind", "re", "n"), 4):
            usual = KINDS if field == "kind" else USUAL.get(field, ("m0", "eve"))
            known[field] = self._chance.choice((*usual, *usual, self._chance.choice(ODD)))
        return json.dumps(known).encode()

    def _misshape(self) -> None:
        """Send what is dropped in silence: other numbers of frames, routing ids of its own."""
        parts = [self._chance.choice((b"", *RAW)) for _ in range(self._chance.randint(0, 4))]
        if len(parts) != 2:
            self._station.take_parts(*parts)
        own = self._chance.choice((b"me", b"\x01abcd", b"", b"\x00toolong"))
        self._station.take_control(own, b'{"op":"ping"}')
        topic = self._chance.choice((b"", b"room/", b"room/lobby/", b"room/\xff/", b"x" * 900))
        self._station.take_topic(topic)
