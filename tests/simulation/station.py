"""The broker's end of the simulated network: its pipeline, its store and its peers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

from chatlib.core.batch import Note
from chatlib.core.buckets import Limits
from chatlib.core.commands import NOBODY
from chatlib.core.commands import Peer as Sender
from chatlib.net.pipeline import Place
from tests.simulation.crash import Crashed, Fate, FragilePipeline, Torn
from tests.simulation.disk import Disk
from tests.simulation.judge import Judge
from tests.simulation.network import Feed, Network

EPOCH_MS = 1_800_000_000_000


class Peer(Protocol):
    """Whoever has a connection to the ROUTER."""

    routing: bytes

    def deliver(self, frame: bytes) -> None:
        """Take what the ROUTER has for it."""

    def lose(self) -> None:
        """Note that the broker is gone."""


class Station:
    """Gathers what arrives into passes, and sends on what they leave."""

    def __init__(
        self,
        network: Network,
        judge: Judge,
        disk: Disk,
        fate: Fate,
        limits: Limits | None = None,
    ) -> None:
        self._network = network
        self._judge = judge
        self._disk = disk
        self._fate = fate
        self._limits = limits
        self.down = False
        self._downtime = 0.0  # of the crash that is due
        self._skew = 0  # ms that the wall clock is off
        self._connections: dict[bytes, Peer] = {}
        self._subscribers: dict[bytes, dict[Feed, None]] = {}
        self._routings = 0
        self._speaks: dict[bytes, set[str]] = defaultdict(set)  # connection -> its sids, ever
        self._start()
        self._beat()

    def _start(self) -> None:
        self.down = self._called = False
        self._intake: list[tuple[tuple[bytes, ...], Sender]] = []
        self._control: list[tuple[tuple[bytes, ...], Sender]] = []
        self._subscriptions: list[bytes] = []
        self.store = self._disk.open()
        self.pipeline = FragilePipeline(
            self.store,
            Place("tcp://*:2", "tcp://*:3", "simulated"),
            fresh=lambda size: self._network.chance.randbytes(size).hex(),
            fate=self._fate,
            limits=self._limits,
            committed=self._committed,
        )
        self._judge.started(self.pipeline.state)

    def _committed(self, notes: Sequence[Note]) -> None:
        self._judge.passed(notes, self._network.clock.now)

    def crash(self, point: str, downtime: float) -> None:
        """End without a word when the pipeline comes to that point; start again later."""
        self._fate.due = point
        self._downtime = downtime

    def _die(self, torn: Torn | None) -> None:
        self._send(torn)
        self.down = True
        self._network.clock.after(self._downtime, self._start)
        self._subscribers.clear()
        for connection in list(self._connections.values()):
            connection.lose()
        self._connections.clear()

    # -- what arrives -------------------------------------------------------------------------

    def take_intake(self, token: bytes, body: bytes) -> None:
        """Take a frame of the PULL."""
        self._intake.append(((token, body), NOBODY))
        self._call()

    def take_parts(self, *parts: bytes) -> None:
        """Take any number of frames at the PULL."""
        self._intake.append((parts, NOBODY))
        self._call()

    def take_topic(self, topic: bytes) -> None:
        """Take a subscription of somebody who is published nothing."""
        self._subscriptions.append(topic)
        self._call()

    def take_control(self, routing: bytes, frame: bytes) -> None:
        """Take a frame of the ROUTER."""
        self._control.append(((routing, frame), NOBODY))
        self._call()

    def take_subscription(self, feed: Feed, frame: bytes) -> None:
        """Take a frame of the XPUB."""
        topic = frame[1:]
        if frame[:1] == b"\x01":
            self._subscribers.setdefault(topic, {})[feed] = None
            self._subscriptions.append(topic)
            self._call()
        else:
            self._subscribers.get(topic, {}).pop(feed, None)

    def unsubscribed(self, feed: Feed) -> None:
        """Forget a subscriber that is gone."""
        for feeds in self._subscribers.values():
            feeds.pop(feed, None)

    def connect(self, connection: Peer) -> None:
        """Take a new connection."""
        self._connections[connection.routing] = connection

    def new_routing(self) -> bytes:
        """Return a routing id as libzmq gives them out."""
        self._routings += 1
        return self._routings.to_bytes(5, "big")

    def gone(self, routing: bytes) -> None:
        """Notice that a connection is no more."""
        self._connections.pop(routing, None)

    def shift_clock(self) -> None:
        """Set the wall clock, forwards or back."""
        self._skew += self._network.chance.randint(-20_000, 20_000)

    # -- passes -------------------------------------------------------------------------------

    def _call(self) -> None:
        if not self._called:
            self._called = True
            self._network.clock.after(0.02 * self._network.chance.random(), self._pass)

    def _beat(self) -> None:
        self._pass()
        pause = self.pipeline.next_beat(self._network.clock.now)
        self._network.clock.after(max(0.05, pause), self._beat)

    def _pass(self) -> None:
        self._called = False
        if self.down:
            return
        arrived = self._intake, self._control, self._subscriptions
        self._intake, self._control, self._subscriptions = [], [], []
        now = self._network.clock.now
        try:
            self.pipeline.run(*arrived, now, EPOCH_MS + int(now * 1000) + self._skew)
        except Crashed as crash:
            self._die(Torn(self._network.happens) if str(crash) == "in the emit" else None)
            return
        self._send()
        if self.pipeline.waiting:
            self._call()

    def _send(self, torn: Torn | None = None) -> None:
        for topic, body in self.pipeline.feed:
            self._judge.published(topic, body)
            for feed in self._subscribers.get(topic, ()):
                if torn is None or torn.gets(feed):
                    feed.publish(topic, body)
        for routing, sid in self.pipeline.admission._bound.items():
            self._speaks[routing].add(sid)
        for routing, frame in self.pipeline.control:
            self._judge.answered(self._speaks[routing], frame)
            self._judge.sent(self._speaks[routing], frame)
            connection = self._connections.get(routing)
            if connection is None:
                self.pipeline.admission.vanished(routing)
            elif torn is None or torn.gets(connection):
                connection.deliver(frame)
