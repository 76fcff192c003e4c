"""Token buckets, and the table of what everybody may do: how much a second, how much at once.

No clock in here: `now` is an argument, in seconds of a clock that only goes on. Who is charged for
what is core/meter.py's; the table's meaning and its numbers are in docs/protocol.md, "Rates".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from chatlib.errors import Misuse
from chatlib.protocol.limits import INTAKE_FRAME_BYTES

MOST_BUCKETS = 10_000  # of one rate; the one used longest ago is forgotten first
KINDS = ("messages", "bytes", "changes", "requests", "sessions", "handshakes")
SLACK = 1e-9  # seconds: who waited as long as told must not fail by a rounding
KiB = 1024


class Rate(NamedTuple):
    """So many a second in the long run, and so many at once after a rest."""

    per_s: float
    burst: float


class Rates(NamedTuple):
    """What one peer may do. None: as much as it likes.

    `messages` are lines on intake, `bytes` those of intake messages, `changes` what whole rooms are
    told of (join, leave, nick, topic), `requests` all that is asked on control, `sessions` those
    that are opened. `most_sessions` is how many it may have at a time. `handshakes` are those that
    the doorman would let in, of an address: before them nobody is known to be anybody else.
    """

    messages: Rate | None = None
    bytes: Rate | None = None
    changes: Rate | None = None
    requests: Rate | None = None
    sessions: Rate | None = None
    handshakes: Rate | None = None
    most_sessions: int | None = None


UNLIMITED = Rates()

# A person never gets near these. A program that does is slowed, and loses nothing.
PERSON = Rates(
    messages=Rate(10, 200),
    bytes=Rate(64 * KiB, 1024 * KiB),
    changes=Rate(2, 200),  # a client that lost its session joins its 100 rooms again
    requests=Rate(20, 500),
    sessions=Rate(1, 20),
    most_sessions=20,
)
BOT = PERSON._replace(
    messages=Rate(50, 500),
    bytes=Rate(256 * KiB, 4096 * KiB),
    requests=Rate(50, 1_000),
)
# Behind one address there may be a whole classroom, which comes back all at once.
ADDRESS = Rates(
    messages=Rate(200, 2_000),
    bytes=Rate(1024 * KiB, 16 * 1024 * KiB),
    changes=Rate(20, 2_000),
    requests=Rate(200, 5_000),
    sessions=Rate(10, 500),
    handshakes=Rate(20, 1_000),
    most_sessions=500,
)


class Limits(NamedTuple):
    """The table: rates of a person, of a session that says it is a bot, and of a whole address.

    `given` has what the operator gave single keys, by fingerprint: the fields of Rates in which
    they differ from the row that they would have.
    """

    person: Rates = PERSON
    bot: Rates = BOT
    address: Rates = ADDRESS
    given: Mapping[str, Mapping[str, Any]] = {}

    @property
    def any(self) -> bool:
        """Tell whether anything is limited."""
        return any(one != UNLIMITED for one in self._rows())

    def _rows(self) -> list[Rates]:
        own = (UNLIMITED._replace(**changes) for changes in self.given.values())
        return [self.person, self.bot, self.address, *own]

    def check(self) -> None:
        """Raise Misuse where something would never pass."""
        for rates in self._rows():
            if rates.most_sessions is not None and rates.most_sessions < 1:
                raise Misuse("sessions: at least one at a time")
            for kind in KINDS:
                rate: Rate | None = getattr(rates, kind)
                least = INTAKE_FRAME_BYTES if kind == "bytes" else 1
                if rate is not None and not (0 < rate.per_s < math.inf):
                    raise Misuse(f"{kind}: {rate.per_s:g} a second is no rate")
                if rate is not None and not (least <= rate.burst < math.inf):
                    raise Misuse(f"{kind}: a burst is at least {least}, not {rate.burst:g}")


NO_LIMITS = Limits(UNLIMITED, UNLIMITED, UNLIMITED)


class Buckets:
    """Buckets of one rate, by key, each full at first.

    A bucket is kept as the time at which it is full again. One that is full is as good as none, so
    it is forgotten; that, and `most`, bound the memory.
    """

    def __init__(self, rate: Rate, most: int = MOST_BUCKETS) -> None:
        self.rate = rate
        self._most = most
        self._full_at: dict[str, float] = {}  # the one used longest ago first

    def __len__(self) -> int:
        return len(self._full_at)

    def level(self, key: str, now: float) -> float:
        """Return what can be taken at once."""
        missing = max(0.0, self._full_at.get(key, now) - now) * self.rate.per_s
        return max(0.0, self.rate.burst - missing)

    def wait(self, key: str, cost: float, now: float) -> float:
        """Return the seconds until `cost` can be taken; infinity for more than a burst."""
        per_s, burst = self.rate
        if cost > burst:
            return math.inf
        wait = max(0.0, self._full_at.get(key, now) - now) - (burst - cost) / per_s
        return wait if wait > SLACK else 0.0

    def take(self, key: str, cost: float, now: float) -> float:
        """Take `cost` and return 0.0; or take nothing, and return the seconds until it is there."""
        wait = self.wait(key, cost, now)
        if not wait:
            self.spend(key, cost, now)
        return wait

    def spend(self, key: str, cost: float, now: float) -> None:
        """Take what `wait` has just said to be there."""
        self._full_at[key] = max(self._full_at.pop(key, now), now) + cost / self.rate.per_s
        self._forget(now)

    def _forget(self, now: float) -> None:
        """Drop two at most: that is more than came, so those that are full again don't stay."""
        full_at = self._full_at
        for _ in range(2):
            oldest = next(iter(full_at), None)
            if oldest is None or (full_at[oldest] > now and len(full_at) <= self._most):
                return
            del full_at[oldest]
