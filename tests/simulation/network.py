"""What lies between the members and the broker: connections that delay, reorder, drop and break.

As libzmq does it: one connection keeps its order as long as it lives; nothing orders one
connection against another; a broken one takes with it what was under way.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from tests.simulation.clock import Clock

if TYPE_CHECKING:
    from tests.simulation.station import Station


class Weather(NamedTuple):
    """How bad the network is; all but `delay` are probabilities. `delay` is a mean, in seconds."""

    delay: float = 0.01
    overtaken: float = 0.0  # a data frame comes after one that was sent later
    feed_loss: float = 0.0  # a subscriber was too slow for this message
    control_loss: float = 0.0  # a peer was full: this frame to it is dropped
    commit_loss: float = 0.0  # the disk is full


CALM = Weather()


class Network:
    """The weather, and the chance that rules it."""

    def __init__(self, clock: Clock, chance: Random) -> None:
        self.clock = clock
        self.chance = chance
        self.weather = CALM

    def happens(self, probability: float) -> bool:
        """Tell whether something of this probability happens now."""
        return probability > 0 and self.chance.random() < probability

    def delay(self) -> float:
        """Return how long a frame takes."""
        return self.chance.expovariate(1 / self.weather.delay)


class Way:
    """One direction of one connection."""

    def __init__(self, network: Network, arrive: Callable[..., None]) -> None:
        self._network = network
        self._arrive = arrive
        self._last = 0.0
        self._until = float("inf")

    def send(self, *frames: bytes, overtaken: bool = False) -> None:
        """Send frames; one that is overtaken comes after what is sent behind it."""
        clock = self._network.clock
        due = clock.now + self._network.delay()
        if overtaken:
            due += 0.3
        else:
            due = self._last = max(self._last, due)
        clock.after(due - clock.now, self._come, frames)

    def _come(self, frames: tuple[bytes, ...]) -> None:
        if self._network.clock.now < self._until:
            self._arrive(*frames)

    def cut(self, spill: float = 0.0) -> None:
        """Break; what would arrive within `spill` seconds still does."""
        self._until = min(self._until, self._network.clock.now + spill)


class Control:
    """A DEALER's connection to the ROUTER."""

    def __init__(
        self,
        network: Network,
        station: Station,
        take: Callable[[bytes], None],
        lost: Callable[[], None],
    ) -> None:
        self._network = network
        self._station = station
        self._lost = lost
        self._closed = False
        self.routing = routing = station.new_routing()
        self._up = Way(network, lambda frame: station.take_control(routing, frame))
        self._down = Way(network, take)

    def send(self, frame: bytes) -> None:
        """Send a request."""
        self._up.send(frame)

    def deliver(self, frame: bytes) -> None:
        """Send what the ROUTER has for this peer; a full one loses it."""
        if not self._network.happens(self._network.weather.control_loss):
            self._down.send(frame)

    def lose(self) -> None:
        """Break from the broker's end; what it has sent still comes, until the member notices."""
        self._up.cut()
        self._network.clock.after(0.1 * self._network.chance.random(), self._notice)

    def _notice(self) -> None:
        if not self._closed:
            self._lost()

    def close(self, spill: float = 1.0) -> None:
        """Break; the broker hears of it a little later. What was sent may come until `spill`."""
        chance = self._network.chance
        self._closed = True
        self._down.cut()
        self._up.cut(chance.choice((0.0, spill * chance.random())))
        self._network.clock.after(chance.random(), self._station.gone, self.routing)


class Feed:
    """A SUB's connection to the XPUB."""

    def __init__(
        self, network: Network, station: Station, take: Callable[[bytes, bytes], None]
    ) -> None:
        self._network = network
        self._station = station
        self._take = take
        self.topics: dict[bytes, None] = {}
        self._connect()

    def _connect(self) -> None:
        self._up = Way(self._network, lambda frame: self._station.take_subscription(self, frame))
        self._down = Way(self._network, self._take)

    def subscribe(self, topic: bytes) -> None:
        """Send a subscription."""
        self.topics[topic] = None
        self._up.send(b"\x01" + topic)

    def unsubscribe(self, topic: bytes) -> None:
        """Send the end of a subscription."""
        self.topics.pop(topic, None)
        self._up.send(b"\x00" + topic)

    def publish(self, topic: bytes, body: bytes) -> None:
        """Send what the XPUB has for this subscriber; a slow one loses it."""
        weather = self._network.weather
        if not self._network.happens(weather.feed_loss):
            late = self._network.happens(weather.overtaken)
            self._down.send(topic, body, overtaken=late)

    def close(self) -> None:
        """Break for good."""
        self._up.cut()
        self._down.cut()
        self._station.unsubscribed(self)

    def flicker(self) -> None:
        """Break, and connect again by itself: the SUB sends all its subscriptions anew."""
        self.close()
        self._connect()
        for topic in self.topics:
            self._up.send(b"\x01" + topic)


class Intake:
    """A PUSH's connection to the PULL."""

    def __init__(self, network: Network, station: Station) -> None:
        self._network = network
        self._station = station
        self._connect()

    def _connect(self) -> None:
        self._up = Way(self._network, self._station.take_intake)

    def send(self, token: bytes, body: bytes) -> None:
        """Push lines."""
        late = self._network.happens(self._network.weather.overtaken)
        self._up.send(token, body, overtaken=late)

    def close(self) -> None:
        """Break; what the broker's end has already taken in still arrives."""
        self._up.cut(self._network.chance.choice((0.0, 0.5 * self._network.chance.random())))

    def flicker(self) -> None:
        """Break, and connect again by itself."""
        self.close()
        self._connect()
