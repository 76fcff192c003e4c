"""What a client has said and the broker has not yet acknowledged, in the order it was said.

The broker takes exactly `n = accepted + 1` (docs/protocol.md, "Intake"). So everything here is
numbered without holes, sent ahead within a window, sent again from where the broker says, and let
go of when it is known to be accepted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice

from msgspec import Struct

from chatlib.core.signals import Pending
from chatlib.protocol.codec import encode
from chatlib.protocol.events import Line

MOST_MESSAGES, MOST_BYTES = 10_000, 16 * 1024 * 1024  # held before say() has to wait
WINDOW = 2_000  # messages on the wire and not acknowledged
SLOWED_WINDOW = 50  # the same when told to be slow again and again: what comes is sent in vain
FRAME_LINES, FRAME_BYTES = 500, 64 * 1024
AGAIN = 0.5  # seconds in which a repeated call to resend from the same place is one call
OVERHEAD = 80
REMEMBERED = 1_000  # messages accepted, whose refusal may still be on its way
STUCK = 4  # pongs without progress, after which the intake connection is made anew
HASTE_S = 0.3  # what was sent so long ago and is not acknowledged is worth sending again
SETTLED_S = 2.0  # so long nothing may come of a process before us until its session's numbers count


class Message(Struct):
    """One message of one's own; `done` when it is known to be accepted or used up."""

    ticket: int
    line: Line
    done: bool = False

    @property
    def size(self) -> int:
        """What it counts for in the outbox's bound, in bytes."""
        return len(self.line.text) + OVERHEAD


class Outbox:
    """Numbered messages on their way; `accepted` is the last that the broker has taken."""

    def __init__(self) -> None:
        self.accepted = 0
        self.progressed = 0.0  # when `accepted` last moved, or the first went out since
        self._queue: deque[Message] = deque()  # the i-th has n = accepted + 1 + i
        self._sent = 0  # how many of the queue are on the wire
        self._reached = 0  # the highest n that ever was, in this session
        self._size = 0
        self._tickets = 0
        self._recent: deque[Message] = deque(maxlen=REMEMBERED)
        self._ahead = WINDOW
        self._not_before = 0.0
        self._rewound = (0, float("-inf"))
        self._stalled = 0
        self._foreign = False  # the session is one of a process before us: see take_over
        self._expected: int | None = None
        self._moved = 0.0
        self.holding = False  # what is added waits for `release`, with the number that it has
        self.generation = 0  # changes when numbers were given anew
        self._held = 0  # the newest of the queue

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def full(self) -> bool:
        """Tell whether nothing more is taken now."""
        return len(self._queue) >= MOST_MESSAGES or self._size >= MOST_BYTES

    @property
    def in_flight(self) -> int:
        """How many messages are on the wire and not acknowledged."""
        return self._sent

    @property
    def uncertain(self) -> bool:
        """Tell whether a ping would tell news: how far the broker has come."""
        return self._sent > 0 or self._foreign

    @property
    def said(self) -> int | None:
        """How many messages the session has said; None while some may still be on their way."""
        return None if self._queue or self._foreign else self.accepted

    @property
    def last_ticket(self) -> int:
        """The ticket of the newest message ever added."""
        return self._tickets

    def settled(self, ticket: int) -> bool:
        """Tell whether every message up to `ticket` is known to be accepted or refused."""
        return not self._queue or self._queue[0].ticket > ticket

    def pending(self) -> list[Pending]:
        """Return what is not acknowledged, oldest first."""
        return [
            Pending(m.ticket, m.line.text, m.line.room, m.line.to, m.line.kind)
            for m in self._queue
            if not m.done
        ]

    def add(self, line: Line) -> int:
        """Take a message in, number it, and return its ticket, which is the client's own number."""
        line.n = self.accepted + len(self._queue) + 1
        self._held += self.holding
        return self._append(line)

    def release(self, ticket: int) -> None:
        """Let everything up to `ticket` go out: whoever holds it back has noted its number."""
        newest = self._queue[-1].ticket if self._queue else ticket
        self._held = max(0, min(self._held, newest - ticket))

    def numbered(self) -> list[tuple[int, int]]:
        """Return ticket and number of all that waits, oldest first."""
        return [(m.ticket, m.line.n) for m in self._queue if not m.done]

    def restore(self, lines: Iterable[Line]) -> list[int]:
        """Go on with what a process before us said in the session, as it had numbered it.

        What of it may be on its way has the same numbers, and is the same. All is held. Numbers
        missing between two lines were used up: the broker had said so. Returns the tickets.
        """
        self._foreign = False
        tickets: list[int] = []
        for line in lines:
            if not self._queue:
                self.accepted = line.n - 1
            while (n := self.accepted + len(self._queue) + 1) < line.n:
                self._append(Line(n=n, text=""), done=True)
            assert line.n == n
            tickets.append(self._append(line))
        self._reached = self.accepted + len(self._queue)
        self._held = len(self._queue)
        return tickets

    def _append(self, line: Line, done: bool = False) -> int:
        self._tickets += 1
        message = Message(self._tickets, line, done)
        self._queue.append(message)
        self._size += message.size
        return message.ticket

    def frames(self, now: float) -> Iterator[bytes]:
        """Yield bodies for intake: all that may go out now."""
        if now < self._not_before or self._foreign:
            return
        if self._sent == 0:
            self.progressed = now
        most = min(len(self._queue) - self._held, self._ahead)
        while self._sent < most:
            lines: list[bytes] = []
            size = 0
            for message in islice(self._queue, self._sent, most):
                line = encode(message.line)
                if lines and (len(lines) == FRAME_LINES or size + len(line) > FRAME_BYTES):
                    break
                lines.append(line)
                size += len(line) + 1
            self._sent += len(lines)
            self._reached = max(self._reached, self.accepted + self._sent)
            yield b"\n".join(lines)

    # -- what the broker says -----------------------------------------------------------------

    def mark(self, n: int, now: float) -> Message | None:
        """Note that message `n` itself is accepted or used up; return it where it is known."""
        if self._foreign:
            self._adopt(max(n, self.accepted), now)
            return None
        if n > self.accepted + len(self._queue):
            return None
        if n <= self.accepted:
            return next((m for m in self._recent if m.line.n == n), None)
        message = self._queue[n - self.accepted - 1]
        message.done = True
        while self._queue and self._queue[0].done:
            self._let_go(now)
        return message

    def acknowledge(self, accepted: int, now: float) -> None:
        """Let go of every message up to `accepted`."""
        if self._foreign:
            self._adopt(max(accepted, self.accepted), now)
            self._foreign = now - self._moved < SETTLED_S
        while self._queue and self.accepted < accepted:
            self._let_go(now)

    def _let_go(self, now: float) -> None:
        message = self._queue.popleft()
        self._recent.append(message)
        self._size -= message.size
        self._sent = max(0, self._sent - 1)
        self._ahead = min(WINDOW, self._ahead + 1)
        self.accepted = message.line.n
        self.progressed = now

    def rewind(self, first: int, now: float) -> None:
        """Send again from `first`. Every pass may say so; it is done once in a while."""
        self.acknowledge(first - 1, now)
        place, when = self._rewound
        if place == first and now - when < AGAIN:
            return
        self._rewound = (first, now)
        self._sent = min(self._sent, max(0, first - 1 - self.accepted))

    def stuck(self, before: int, now: float) -> bool:
        """Note what a ping shows that was asked when `before` was accepted: send again at need.

        Returns whether the connection for sending should be made anew.
        """
        if not self._sent or self.accepted != before:
            self._stalled = 0
            return False
        if now - self.progressed >= HASTE_S:
            self.rewind(self.accepted + 1, now)
        self._stalled = (self._stalled + 1) % STUCK
        return self._stalled == 0

    def slow(self, first: int, after_ms: int, now: float) -> None:
        """Send again from `first`, nothing before `after_ms` have passed, and less ahead."""
        self._rewound = (0, float("-inf"))
        self.rewind(first, now)
        if now >= self._not_before:  # else it is told once more of what was on the way already
            self._ahead = max(SLOWED_WINDOW, self._ahead // 2)
        self._not_before = now + after_ms / 1000

    # -- connections and sessions -------------------------------------------------------------

    def take_over(self, said: int | None) -> None:
        """Go on in a session of another process, which said so many messages (None: not known).

        What that process sent can still be on its way, and would take the numbers of ours. So
        nothing goes out before the broker's count stood still (docs/protocol.md, "Intake").
        """
        self._foreign, self._expected = True, said

    def _adopt(self, accepted: int, now: float) -> None:
        if accepted != self.accepted:
            self.accepted, self._moved = accepted, now
            if self._queue:
                self._number()

    def resume(self, accepted: int, now: float) -> None:
        """Go on in the same session on a new connection: what was in flight may be lost."""
        self._stalled = 0
        if self._foreign:
            self._moved = now
            self._adopt(accepted, now)
            self._foreign = accepted != self._expected
        self.acknowledge(accepted, now)
        self._sent = 0
        self._rewound = (0, float("-inf"))

    def renew(self, accepted: int | None, now: float) -> list[Message]:
        """Go on in a new session, numbered from 1.

        `accepted` is the old session's. None is not known: then what was ever sent may have got
        through or not, and is returned instead of being said twice.
        """
        unsure: list[Message] = []
        if accepted is None:
            accepted = max(self.accepted, self._reached)
            unsure = [m for m in self._queue if m.line.n <= accepted and not m.done]
        self.acknowledge(accepted, now)
        self._renumber(m for m in self._queue if not m.done)
        return unsure

    def restart(self) -> None:
        """Go on with a broker that has another history: none of what waits is in it."""
        self._renumber(m for m in self._queue if not m.done)

    def _renumber(self, messages: Iterable[Message]) -> None:
        self._queue = deque(messages)
        self._size = sum(m.size for m in self._queue)
        self._recent.clear()
        self.accepted = self._sent = self._reached = self._stalled = 0
        self._foreign = False
        self._rewound = (0, float("-inf"))
        self._number()

    def _number(self) -> None:
        """Give all that waits the numbers behind what was accepted."""
        self.generation += 1
        self._held = len(self._queue) if self.holding else 0
        for n, message in enumerate(self._queue, self.accepted + 1):
            message.line.n = n
