"""Long answers that wait their turn: pages of history, the events of joins, lists.

Each connection has its own queue, and they take turns, so that who asks much waits longer than who
asks little. Nothing is read for a connection that does not take what it was sent already
(`net.backlog`). Pages are large until too many were answered in a short time; then they are small,
so that thousands of peers that ask and never read cost little each. docs/protocol.md, "Limits".
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection

from chatlib.core.batch import Count, JoinReply
from chatlib.core.commands import Question
from chatlib.protocol import limits

READ_BYTES = 4 * limits.ANSWER_BYTES  # read in one pass at the most
TURN_BYTES = 256 * 1024  # a connection that had so much in a pass has had its turn
MOST_WAITING = 256  # of one connection; a client that rejoins all its rooms asks about 200
ALWAYS_WAITING = 8  # of one connection, when MOST_WAITING_AT_ALL is reached
MOST_WAITING_AT_ALL = 10_000

LARGE_BYTES = 64 * 1024 * 1024  # answered in large pages, of all connections together, ...
LARGE_BYTES_S = LARGE_BYTES // 10  # ... and so much more each second
SMALL_PAGE_BYTES = 32 * 1024

Wanted = Question | JoinReply | Count


class Reads:
    """What waits to be read; `answer(wanted)` of `serve` answers it and returns the bytes."""

    def __init__(self) -> None:
        self._queues: dict[bytes, deque[Wanted]] = {}  # by connection, who is next comes first
        self._count = 0
        self._allowed = float(LARGE_BYTES)
        self._refilled = 0.0

    @property
    def page_bytes(self) -> int:
        """How large a page may be now."""
        return limits.ANSWER_BYTES if self._allowed > 0 else SMALL_PAGE_BYTES

    def full(self, routing: bytes) -> bool:
        """Tell whether no more may wait for this connection."""
        waiting = len(self._queues.get(routing, ()))
        return waiting >= (
            MOST_WAITING if self._count < MOST_WAITING_AT_ALL else min(ALWAYS_WAITING, MOST_WAITING)
        )

    def add(self, wanted: Wanted) -> None:
        """Let something wait."""
        self._queues.setdefault(wanted.origin.routing, deque()).append(wanted)
        self._count += 1

    def drop(self, routing: bytes) -> None:
        """Forget what waits for a connection that is no more."""
        self._count -= len(self._queues.pop(routing, ()))

    def ready(self, congested: Collection[bytes]) -> bool:
        """Tell whether something waits for a connection that takes what it is sent."""
        return any(routing not in congested for routing in self._queues)

    def serve(
        self, congested: Collection[bytes], now: float, answer: Callable[[Wanted], int]
    ) -> None:
        """Answer what one pass has room for, a turn each."""
        earned = max(0.0, now - self._refilled) * LARGE_BYTES_S
        self._allowed = min(LARGE_BYTES, self._allowed + earned)
        self._refilled = now
        turns = deque((routing, TURN_BYTES) for routing in self._queues if routing not in congested)
        left = READ_BYTES
        while turns and left > 0:
            routing, own = turns.popleft()
            queue = self._queues.pop(routing)
            cost = answer(queue.popleft())
            self._count -= 1
            self._allowed -= cost
            left -= cost
            if queue:
                self._queues[routing] = queue  # behind the others, in the next pass, too
                if own > cost:
                    turns.append((routing, own - cost))
