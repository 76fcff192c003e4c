"""What each key subscribes to on the feed, counted: libzmq keeps all of it, without a bound.

A topic costs libzmq about 46 bytes for each of its own, as long as somebody has it. Nobody can
refuse one: so who takes too much is cut off, with everybody else for a moment, and let in to the
feed again when some time has passed.

Where everybody may come in with a key made just now, a bound for each key bounds nothing. There
all keys that nobody vouches for share one, too; and when one of them takes too much, the feed is
closed for a minute to those that were not on it. When that was not enough (another one did within
the minute, or all together), it is closed to all of them: so they have everybody cut off twice a
minute at the most.

A gateway subscribes for its people, who would take the feed from each other: it is not bound here,
but by the rooms that there can be.
"""

from __future__ import annotations

from collections.abc import Callable

from chatlib.core.commands import Peer
from chatlib.core.identities import Rule
from chatlib.core.rights import role_of_key
from chatlib.core.state import State

MOST_BYTES = 256 * 1024  # of one key's topics: all 10,000 rooms of a broker, with names of 20 bytes
MOST_SHARED = 8 * 1024 * 1024  # of all keys without a voucher: 10,000 that are in 30 rooms each
BARRED_S = 600.0
CLOSED_S = 60.0  # to all keys without a voucher
OVERHEAD = 8  # of a topic, beside its bytes
MOST_KEYS = 20_000  # beyond it who came first is forgotten


class Subscribers:
    """The topics of each key; without keys (plain brokers) nobody is told apart, nor counted.

    `vouched` tells whether somebody has let a key in, which did not come by itself; `gateway`,
    whether it is one.
    """

    def __init__(self) -> None:
        self.vouched: Callable[[str], bool] = lambda key: True
        self.gateway: Callable[[str], bool] = lambda key: False
        self._topics: dict[str, set[bytes]] = {}
        self._bytes: dict[str, int] = {}
        self._barred: dict[str, float] = {}
        self._sharing: set[str] = set()  # the keys that are counted together, too
        self._shared = 0
        self._closed_until = float("-inf")
        self._known: set[str] = set()  # those of them that it is not closed to
        self.greedy: list[Peer] = []  # whom to cut off; whoever does so calls `cut_off`
        self.closing = False  # to keys without a voucher: everybody is to be cut off

    def look_up(self, rule: Rule, state: State) -> None:
        """Know keys by what the broker has of them."""
        self.vouched = lambda key: rule.vouches(state, key)
        self.gateway = lambda key: role_of_key(state, key) == "gateway"

    def took(self, peer: Peer, topic: bytes, now: float) -> None:
        """Count a subscription. The same once more costs nothing: clients connect again."""
        if self.gateway(peer.key):
            return
        topics = self._topics.get(peer.key)
        if topics is None:
            topics = self._begin(peer.key)
        if topic in topics or peer.key in self._barred:
            return
        topics.add(topic)
        size = len(topic) + OVERHEAD
        self._bytes[peer.key] += size
        shares = peer.key in self._sharing
        if shares:
            self._shared += size
        if greedy := self._bytes[peer.key] > MOST_BYTES:
            self._barred[peer.key] = now + BARRED_S
            self.greedy.append(peer)
        if shares and (greedy or self._shared > MOST_SHARED):
            self._close(now, to_all=self._shared > MOST_SHARED)

    def _close(self, now: float, *, to_all: bool) -> None:
        if to_all or (now < self._closed_until and not self.closing):
            self._known = set()
        elif not self.closing:
            self._known = set(self._sharing)
        self.closing, self._closed_until = True, now + CLOSED_S

    def _begin(self, key: str) -> set[bytes]:
        if len(self._topics) >= MOST_KEYS:
            self._forget(next(iter(self._topics)))
        if not self.vouched(key):
            self._sharing.add(key)
        self._bytes[key] = 0
        topics = self._topics[key] = set()
        return topics

    def left(self, peer: Peer, topic: bytes) -> None:
        """Note that a key gave a topic up, and nobody else has it."""
        topics = self._topics.get(peer.key, set())
        if topic in topics:
            topics.remove(topic)
            size = len(topic) + OVERHEAD
            self._bytes[peer.key] -= size
            if peer.key in self._sharing:
                self._shared -= size

    def barred(self, key: str, now: float) -> bool:
        """Tell whether a key may not have the feed now."""
        until = self._barred.get(key)
        if until is not None and until <= now:
            del self._barred[key]
        closed = now < self._closed_until and key not in self._known
        return key in self._barred or (closed and not self.vouched(key))

    @property
    def closed_to_all(self) -> bool:
        """Whether it is closed to all keys without a voucher, not only to new ones."""
        return not self._known

    def cut_off(self) -> None:
        """Note that all connections ended, and all subscriptions with them."""
        self._topics.clear()
        self._bytes.clear()
        self._sharing.clear()
        self._shared = 0
        self.greedy.clear()
        self.closing = False

    def _forget(self, key: str) -> None:
        """Count its topics no more for itself; together they count until the next cut-off."""
        del self._topics[key], self._bytes[key]
        self._sharing.discard(key)
