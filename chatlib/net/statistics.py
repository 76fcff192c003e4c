"""What the broker counts of itself: plain numbers of the loop's thread, read between two turns.

Counting must cost the hot path nothing: a pass counts its batch, never its lines one by one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from chatlib.core.batch import Batch, Note
from chatlib.core.commands import NOBODY, Peer, Question
from chatlib.core.state import Session, State
from chatlib.net.refusals import Refusals
from chatlib.protocol import requests
from chatlib.protocol.events import Notice

EVENTS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000)  # of a batch
SECONDS = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)


class Histogram:
    """How many values there were up to each of `bounds`, and beyond the last; and their sum."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float, times: int = 1) -> None:
        """Count a value, so many times."""
        self.counts[bisect_left(self.bounds, value)] += times
        self.sum += value * times


class Statistics:
    """Counts since the start. `clock` measures how long things take, in seconds.

    Without a clock nothing takes any time, as in a simulation.
    """

    def __init__(self, clock: Callable[[], float] = lambda: 0.0) -> None:
        self.clock = clock
        self.accepted = 0  # lines of intake that became events
        self.repeats = 0  # lines that had been accepted before
        self.refused: Counter[str] = Counter()  # requests and lines, by error code
        self.refusals = Refusals(clock)  # of whom
        self.published = 0  # events on the feed
        self.feed_messages = 0
        self.delivered = 0  # private events and notices, on control
        self.answered = 0  # requests
        self.resends = 0
        self.slowed: Counter[str] = Counter()  # times that a session was told `slow`, by sid
        self.slow = 0  # the same, of all since the start
        self.gaps = 0  # pages that were asked for behind a cursor
        self.batches = Histogram(EVENTS)
        self.commits = Histogram(SECONDS)
        self.turns = Histogram(SECONDS)
        self.messages = Histogram(SECONDS)  # lines, from being taken in to being sent
        self._unsent = 0  # lines accepted in this turn
        self.rooms: Counter[str] = Counter()  # events by stream
        self.said: Counter[str] = Counter()  # lines that came, by sid
        self._cursors: dict[str, Mapping[str, int]] = {}  # by sid, what a ping told

    def asked(self, state: State, question: Question) -> None:
        """Count a question, and keep how far a ping tells that its session has come."""
        request = question.request
        if type(request) is requests.History:
            self.gaps += request.after is not None
        elif type(request) is requests.Ping and request.cursors is not None:
            session = state.sessions.get(question.sid)
            if session is not None:  # of rooms that it is not in nothing is kept
                told = {n: seq for n, seq in request.cursors.items() if n in session.user.rooms}
                self._cursors[session.sid] = told

    def committed(self, batch: Batch) -> None:
        """Count the lines of a batch that is stored."""
        accepted = batch.used
        if batch.notices:
            accepted -= sum(notice.kind == "refused" for _, notice in batch.notices)
        self.accepted += accepted
        self._unsent += accepted
        self.repeats += batch.repeats

    def sent(self, seconds: float) -> None:
        """Count how long the lines of a turn took, now that all that came of them is sent."""
        if self._unsent:
            self.messages.observe(seconds, self._unsent)
            self._unsent = 0

    def failed(self, code: str, routing: bytes) -> None:
        """Count a request that was refused."""
        self.refused[code] += 1
        self.refusals.answered(code, routing)

    def noticed(self, state: State, peers: Mapping[str, Peer], sid: str, notice: Notice) -> None:
        """Count a notice to a session."""
        if notice.kind == "resend":
            self.resends += 1
        elif notice.kind == "slow":
            self.slow += 1
            self.slowed[sid] += 1
        elif notice.error is not None:
            self.refused[notice.error.code] += 1
            if (session := state.sessions.get(sid)) is not None:
                self.refusals.note(notice.error.code, peers.get(sid, NOBODY), session.nick)

    def emitted(self, stream: str, events: int, messages: int) -> None:
        """Count what was published of a room."""
        self.published += events
        self.feed_messages += messages
        self.rooms[stream] += events

    def lag(self, session: Session) -> int | None:
        """Return how far the session's cursor that is furthest behind is, in seqs.

        None of one that never told its cursors.
        """
        cursors = self._cursors.get(session.sid)
        if cursors is None:
            return None
        rooms, most = session.user.rooms, 0
        for name, seq in cursors.items():
            if (room := rooms.get(name)) is not None and room.head - seq > most:
                most = room.head - seq
        return most

    def noted(self, notes: Iterable[Note]) -> None:
        """Forget sessions that ended."""
        for note in notes:
            if note.what == "ended":
                self._cursors.pop(note.sid, None)
                self.slowed.pop(note.sid, None)
                self.said.pop(note.sid, None)

    def counts(self) -> dict[str, int]:
        """Return what is told to operators, by name."""
        return {
            "accepted": self.accepted,
            "repeats": self.repeats,
            "refused": self.refused.total(),
            "published": self.published,
            "delivered": self.delivered,
            "answered": self.answered,
            "resends": self.resends,
            "slowed": self.slow,
            "gaps": self.gaps,
            "commits": sum(self.commits.counts),
        }
