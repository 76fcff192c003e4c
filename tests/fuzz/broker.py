"""The broker's passes, whatever comes in: every request is answered once, every chain is whole.

    c1{"op":"ping"}     a request on control connection 1; `r` the same from a REQ
    q1...               a request made of bytes (see script)
    i2{"n":1}           lines on intake behind the token t2; `l` the same made of bytes
    I..., C...          parts on intake and on control as they are, with FE between them
    sroom/lobby/        a subscription
    p, w5               a pass; so many seconds go by before it; `b` sets the wall clock back
    v1                  connection 1 vanishes; `g` it takes nothing any more, or takes again
    d                   the disk is full, or free again
    x                   the broker starts again

Nothing here asks a socket or a clock: a script plays the same each time.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from chatlib.core.admission import SID_BYTES
from chatlib.core.batch import Entry
from chatlib.core.commands import NOBODY
from chatlib.core.questions import Find
from chatlib.core.state import Changes, Saved
from chatlib.history.memory import MemoryStore
from chatlib.history.store import Found, StoreFailed
from chatlib.net.pipeline import Pipeline, Place
from chatlib.protocol import limits
from chatlib.protocol.codec import decode_event
from chatlib.protocol.events import Event
from chatlib.protocol.topics import BEACON, ROOMS, room_topic
from tests.conformance.document import names, table
from tests.core import consistency
from tests.core.mirror import Mirror
from tests.fuzz import script

EPOCH_MS = 1_800_000_000_000
CONNECTIONS = 4
PASSES = 500  # after which everything must be answered
CODES = {names(row[0])[0] for row in table("code")}


class Finder:
    """A search that finds nothing, a pass later."""

    def __init__(self) -> None:
        self._asked: list[Find] = []

    def start(self, wake: Any) -> None:
        """Have no thread."""

    def ask(self, wanted: Find) -> bool:
        self._asked.append(wanted)
        return len(self._asked) <= 3

    def found(self) -> list[Found]:
        asked, self._asked = self._asked, []
        return [Found(wanted.origin) for wanted in asked]


class Disk(MemoryStore):
    """A store that can be full, brings the state back, and sees that each stream is one chain."""

    def __init__(self) -> None:
        super().__init__("e1")
        self.full = self.failed = False
        self.heads: dict[str, int] = {}
        self.stored: set[bytes] = set()
        self._mirror = Mirror()
        self.search = Finder()

    def load(self) -> Saved:  # type: ignore[override]
        return self._mirror.saved()

    def commit(self, entries: Sequence[Entry], changes: Changes | None = None) -> None:
        if self.full:
            self.failed = True
            raise StoreFailed("the disk is full")
        assert changes is not None
        for entry in entries:
            event = decode_event(entry.line)
            assert event.prev == self.heads.get(entry.stream, 0) < event.seq == entry.seq
            self.heads[entry.stream] = event.seq
            self.stored.add(entry.line)
        self._mirror.take(changes)
        super().commit(entries, changes)


class Connection:
    """One peer on control: what it asked, and how often that was answered, by id and delimiter."""

    def __init__(self, routing: bytes) -> None:
        self.routing = routing
        self.asked: Counter[tuple[str, bool]] = Counter()
        self.answered: Counter[tuple[str, bool]] = Counter()
        self.gone = False

    def check(self) -> None:
        """See that all was answered, once each; of some requests nobody can tell the id."""
        for delimiter in (False, True):
            asked = {key: n for key, n in self.asked.items() if key[1] == delimiter}
            answered = {key: n for key, n in self.answered.items() if key[1] == delimiter}
            told = f"{asked} were asked, {answered} answered"
            assert sum(asked.values()) == sum(answered.values()), told
            for key, count in asked.items():
                assert key[0] == "?" or answered.get(key, 0) >= count, told


def _id(frame: bytes) -> str:
    """Return the id that must come back, as JSON; `?` where that is for the broker to say."""
    whole = script.readable(frame, limits.CONTROL_FRAME_BYTES)
    id = whole.get("id") if isinstance(whole, dict) else None
    if isinstance(id, str) and len(id) <= 64:
        return json.dumps(id)
    number = isinstance(id, int) and not isinstance(id, bool) and abs(id) <= 2**53
    return json.dumps(id) if number else "?"


class Play:
    """A broker and all who send to it."""

    def __init__(self) -> None:
        self._now = self._skew = 0.0
        self._given = {SID_BYTES: 0, 24: 0}
        self._routings = 0
        self._disk = Disk()
        self._published: dict[bytes, int] = {}
        self._by_routing: dict[bytes, Connection] = {}
        self._congested: set[bytes] = set()
        self._start()

    def _start(self) -> None:
        self._connections = [self._connect() for _ in range(CONNECTIONS)]
        self._clear()
        self._pipeline = Pipeline(self._disk, Place("i", "f", "fuzz"), fresh=self._fresh)
        self._pipeline.congested = self._congested

    def _connect(self) -> Connection:
        self._routings += 1
        made = Connection(self._routings.to_bytes(5, "big"))
        self._by_routing[made.routing] = made
        return made

    def _clear(self) -> None:
        self._intake: list[list[bytes]] = []
        self._control: list[list[bytes]] = []
        self._subscriptions: list[bytes] = []

    def _fresh(self, size: int) -> str:
        self._given[size] += 1
        return f"{'s' if size == SID_BYTES else 't'}{self._given[size]}"

    # -- what comes in ------------------------------------------------------------------------

    def play(self, data: bytes) -> None:
        """Do what a script says, and see that all is well."""
        script.play(data, {
            "c": lambda rest: self._ask(rest[:1], rest[1:]),
            "r": lambda rest: self._ask(rest[:1], rest[1:], delimiter=True),
            "q": lambda rest: self._ask(rest[:1], script.request(self._routings, rest[1:])),
            "i": lambda rest: self._intake.append([b"t" + rest[:1], rest[1:]]),
            "l": lambda rest: self._intake.append([b"t" + rest[:1], script.lines(rest[1:])]),
            "I": lambda rest: self._intake.append(rest.split(b"\xfe")),
            "C": self._misshape,
            "s": lambda rest: self._subscriptions.append(rest[: limits.SUBSCRIPTION_BYTES]),
            "p": lambda rest: self._pass(),
            "w": lambda rest: self._pass(rest[0] if rest else 1),
            "b": lambda rest: self._turn_back(),
            "v": self._vanish,
            "g": self._stall,
            "d": lambda rest: setattr(self._disk, "full", not self._disk.full),
            "x": lambda rest: self._restart(),
        })  # fmt: skip
        self._finish()

    def _peer(self, name: bytes) -> int:
        return name[0] % CONNECTIONS if name else 0

    def _ask(self, name: bytes, frame: bytes, *, delimiter: bool = False) -> None:
        peer = self._connections[self._peer(name)]
        peer.asked[_id(frame), delimiter] += 1
        self._control.append([peer.routing, *([b""] if delimiter else []), frame])

    def _misshape(self, rest: bytes) -> None:
        parts = rest.split(b"\xfe")
        own_id = len(parts[0]) != 5 or parts[0][0] != 0
        if own_id or not (len(parts) == 2 or (len(parts) == 3 and not parts[1])):
            self._control.append(parts)  # nothing may come of it

    def _turn_back(self) -> None:
        self._skew -= 100

    def _vanish(self, rest: bytes) -> None:
        number = self._peer(rest)
        gone = self._connections[number]
        gone.gone = True
        self._pipeline.vanished(gone.routing)
        self._congested.discard(gone.routing)
        self._connections[number] = self._connect()

    def _stall(self, rest: bytes) -> None:
        self._congested ^= {self._connections[self._peer(rest)].routing}

    def _restart(self) -> None:
        self._pass()
        for connection in self._connections:
            connection.gone = True
        self._congested.clear()
        before = consistency.picture(self._pipeline.state)
        self._start()
        # Its clock and the guests' count go on from what was stored last.
        after = consistency.picture(self._pipeline.state)
        for part in ("sessions", "rooms", "tables"):
            assert after[part] == before[part], "another state after a restart"

    # -- what comes of it ---------------------------------------------------------------------

    def _pass(self, seconds: float = 0.01) -> None:
        self._now += seconds
        at = EPOCH_MS + int((self._now + self._skew) * 1_000)
        before = consistency.picture(self._pipeline.state) if self._disk.full else None
        self._disk.failed = False
        intake, control = ([(parts, NOBODY) for parts in q] for q in (self._intake, self._control))
        arrived = intake, control, self._subscriptions
        self._clear()
        self._pipeline.run(*arrived, self._now, at)
        consistency.check(self._pipeline.state)
        if self._disk.failed:
            assert consistency.picture(self._pipeline.state) == before, "half taken back"
        self._look_at_feed()
        self._look_at_control()

    def _look_at_feed(self) -> None:
        for topic, body in self._pipeline.feed:
            assert len(body) <= limits.FEED_BYTES
            lines = body.split(b"\n")
            assert len(lines) <= limits.FEED_LINES
            for line in lines:
                event = decode_event(line)
                if event.prev < 0:
                    self._look_at_marker(topic, event)
                    continue
                assert line in self._disk.stored, "published, and not stored"
                rights = event.kind in ("role", "mute", "unmute", "ban", "unban")
                assert (event.to is None) != rights and topic == room_topic(event.room or "")
                assert not self._pipeline.state.rooms[event.room or ""].private
                assert event.prev == self._published.get(topic, 0)
                self._published[topic] = event.seq

    def _look_at_marker(self, topic: bytes, event: Event) -> None:
        if event.kind == "beacon":
            assert topic == BEACON
        elif topic == ROOMS:
            assert event.kind == "head" and event.room is None
            assert event.seq >= max(self._published.values(), default=0)
        else:
            assert event.kind == "head" and topic == room_topic(event.room or "")
            assert event.seq == self._published.get(topic, 0), "a head that was not published"

    def _look_at_control(self) -> None:
        rewound: Counter[bytes] = Counter()
        for routing, *rest in self._pipeline.control:
            connection = self._by_routing[routing]  # else it goes to nobody who may ask
            told = json.loads(rest[-1])
            if "ok" in told:
                assert len(rest) == 1 or (len(rest) == 2 and rest[0] == b"")
                connection.answered[json.dumps(told["id"]), len(rest) == 2] += 1
                assert told["ok"] or told["error"]["code"] in CODES
                continue
            assert len(rest) == 1, "a delivery to a REQ"
            if "seq" in told:
                assert rest[0] in self._disk.stored
                room = self._pipeline.state.rooms.get(told.get("room", ""))
                assert "to" in told or (room is not None and room.private)
            else:
                rewound[routing] += told["kind"] in ("resend", "slow")
                assert told["kind"] != "refused" or told["error"]["code"] in CODES
        assert max(rewound.values(), default=0) <= 1

    def _finish(self) -> None:
        """Let all be answered, and look whether it was."""
        self._disk.full = False
        self._congested.clear()
        for _ in range(PASSES):
            self._pass()
            if not self._pipeline.waiting:
                break
        self._pass()  # in which the last search is answered
        assert not self._pipeline.waiting
        for connection in self._by_routing.values():
            if not connection.gone:
                connection.check()
        for stream, head in self._disk.heads.items():
            if stream.startswith(ROOMS.decode()):
                assert self._published.get(stream.encode(), 0) == head, "stored, never published"


def play(data: bytes) -> None:
    Play().play(data)
