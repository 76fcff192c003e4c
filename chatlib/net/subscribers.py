"""What each key subscribes to on the feed, counted: libzmq keeps all of it, without a bound.

A topic costs libzmq about 46 bytes for each of its own, as long as somebody has it. Nobody can
refuse one: so who takes too much is cut off, with everybody else for a moment, and let in to the
feed again when some time has passed.
"""

from __future__ import annotations

from chatlib.core.commands import Peer

MOST_BYTES = 256 * 1024  # of one key's topics: all 10,000 rooms of a broker, with names of 20 bytes
BARRED_S = 600.0
OVERHEAD = 8  # of a topic, beside its bytes
MOST_KEYS = 20_000  # beyond it who came first is forgotten


class Subscribers:
    """The topics of each key; without keys (plain brokers) nobody is told apart, nor counted."""

    def __init__(self) -> None:
        self._topics: dict[str, set[bytes]] = {}
        self._bytes: dict[str, int] = {}
        self._barred: dict[str, float] = {}
        self.greedy: list[Peer] = []  # whom to cut off; whoever does so calls `cut_off`

    def took(self, peer: Peer, topic: bytes, now: float) -> None:
        """Count a subscription. The same once more costs nothing: clients connect again."""
        topics = self._topics.get(peer.key)
        if topics is None:
            if len(self._topics) >= MOST_KEYS:
                self._forget(next(iter(self._topics)))
            topics = self._topics[peer.key] = set()
            self._bytes[peer.key] = 0
        if topic in topics or peer.key in self._barred:
            return
        topics.add(topic)
        self._bytes[peer.key] += len(topic) + OVERHEAD
        if self._bytes[peer.key] > MOST_BYTES:
            self._barred[peer.key] = now + BARRED_S
            self.greedy.append(peer)

    def left(self, peer: Peer, topic: bytes) -> None:
        """Note that a key gave a topic up, and nobody else has it."""
        topics = self._topics.get(peer.key, set())
        if topic in topics:
            topics.remove(topic)
            self._bytes[peer.key] -= len(topic) + OVERHEAD

    def barred(self, key: str, now: float) -> bool:
        """Tell whether a key may not have the feed now."""
        until = self._barred.get(key)
        if until is not None and until <= now:
            del self._barred[key]
        return key in self._barred

    def cut_off(self) -> None:
        """Note that all connections ended, and all subscriptions with them."""
        self._topics.clear()
        self._bytes.clear()
        self.greedy.clear()

    def _forget(self, key: str) -> None:
        del self._topics[key], self._bytes[key]
