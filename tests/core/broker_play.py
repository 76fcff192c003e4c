"""Plays a dialogue with a broker that has no socket: a whole pass after each bundle of lines.

    ann > hello v=1 nick=ann          a request on the control connection of ann
    ann req> ping                     the same from a REQ
    t1 >> n=1 room=lobby text=hi      lines on intake, behind a session token
    subscribe room/lobby/             a subscription arrives at the feed
    wait 30                           seconds pass, with a pass of the broker in each
    stop 30                           the broker itself stands still for so long
    disk full                         commits fail from now on, until `disk free`
    --                                nothing: makes two passes of what would be one
        ann < 1 ok head=3             (indented) what the pass sends on control: id, ok, fields
            1<0 join lobby ann        (indented more) an event, or a room, that is in it
        room/lobby/ < 1<0 join ...    (indented) what it publishes; beacons are left out

The broker gives out the sids s1, s2 ... and with them the tokens t1, t2 ...
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Sequence

from chatlib.core.admission import SID_BYTES
from chatlib.core.batch import Entry
from chatlib.core.buckets import Limits
from chatlib.core.commands import NOBODY, Peer
from chatlib.history.memory import MemoryStore
from chatlib.history.store import StoreFailed
from chatlib.net.pipeline import Pipeline, Place
from tests.core.notation import agree, fields, show_bundle, show_frame

EPOCH_MS = 1_800_000_000_000


class Disk(MemoryStore):
    """A store that can be full."""

    full = False
    unreadable = False

    def event(self, stream: str, seq: int) -> bytes | None:
        if self.unreadable:
            raise StoreFailed("the disk is broken")
        return super().event(stream, seq)

    def commit(self, entries: Sequence[Entry], changes: object = None) -> None:
        if self.full:
            raise StoreFailed("the disk is full")
        super().commit(entries, None)


class BrokerPlay:
    """A broker, a clock and the connections to it; `peers` are those that are somebody, by name."""

    def __init__(
        self,
        limits: Limits | None = None,
        fingerprint: Callable[[str], str] = str,
        **peers: Peer,
    ) -> None:
        self.now = 0.0
        self.disk = Disk("e1")
        self._given = {SID_BYTES: 0, 24: 0}
        self.pipeline = Pipeline(
            self.disk,
            Place("i", "f", "test"),
            fresh=self._fresh,
            limits=limits,
            fingerprint=fingerprint,
        )
        self._peers = peers
        self._intake: list[tuple[list[bytes], Peer]] = []
        self._control: list[tuple[list[bytes], Peer]] = []
        self._subscriptions: list[bytes] = []
        self._names: dict[bytes, str] = {}

    def _fresh(self, size: int) -> str:
        self._given[size] += 1
        return f"{'s' if size == SID_BYTES else 't'}{self._given[size]}"

    def play(self, script: str) -> None:
        """Play a script and compare what comes of it. Raises AssertionError with a diff."""
        script = inspect.cleandoc(script)
        happened: list[str] = []
        for line in script.splitlines():
            if line.startswith((" ", "wait ", "--")):
                happened += self._pass()
            if line.startswith(" "):
                continue
            happened.append(line)
            if line.startswith("wait "):
                for _ in range(int(line.removeprefix("wait "))):
                    self.now += 1
                    happened += self._pass(always=True)
            elif line != "--":
                self._take(line)
        agree(script, happened + self._pass())

    def given(self, **members: str) -> None:
        """Let people open sessions and join rooms, quietly."""
        for name, rooms in members.items():
            self._take(f"{name} > hello v=1 nick={name}")
            for room in rooms.split():
                self._take(f"{name} > join room={room}")
        self._pass()

    def _take(self, line: str) -> None:
        who, _, what = line.partition(" ")
        sign, _, rest = what.partition(" ")
        if sign in (">", "req>"):
            op, _, asked = rest.partition(" ")
            frame = json.dumps({"op": op, **fields(asked)}).encode()
            middle = [b""] if sign == "req>" else []
            self._control.append(([self.routing(who), *middle, frame], self._peer(who)))
        elif sign == ">>":
            body = b"\n".join(json.dumps(fields(one)).encode() for one in rest.split(" | "))
            self._intake.append(([who.encode(), body], self._peer(who)))
        elif who == "subscribe":
            self._subscriptions.append(what.encode())
        elif who == "stop":
            self.now += float(what)
        else:
            assert who == "disk", f"no such line: {line}"
            self.disk.full = what == "full"

    def _peer(self, name: str) -> Peer:
        return self._peers.get(name, NOBODY)

    def routing(self, name: str) -> bytes:
        """Return the routing id of a connection, which is new when nobody has named it before."""
        for routing, known in self._names.items():
            if known == name:
                return routing
        routing = len(self._names).to_bytes(5, "big")
        self._names[routing] = name
        return routing

    def _pass(self, *, always: bool = False) -> list[str]:
        if not (always or self._intake or self._control or self._subscriptions):
            return []
        self.pipeline.run(
            self._intake, self._control, self._subscriptions,
            self.now, EPOCH_MS + int(self.now * 1000),
        )  # fmt: skip
        self._intake, self._control, self._subscriptions = [], [], []
        lines: list[str] = []
        for routing, *frames in self.pipeline.control:
            sign = "<" if len(frames) == 1 else "req<"
            before = f"    {self._names[routing]} {sign} "
            lines += show_frame(before, json.loads(frames[-1]))
        for topic, body in self.pipeline.feed:
            events = [json.loads(line) for line in body.split(b"\n")]
            if topic != b"beacon/":
                lines += show_bundle(f"    {topic.decode()} < ", events)
        return lines


def play(script: str, **members: str) -> None:
    """Play a script to a new broker; `members` are there already, in the rooms that they name."""
    broker = BrokerPlay()
    broker.given(**members)
    broker.play(script)
