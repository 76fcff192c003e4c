"""A reader's place in one stream: what was delivered, what came too early, what is missing.

Each event names the one before it (`prev`). Whoever's last seq is not that has a gap, asks
`history` for what lies between, and delivers in order: each event once.
"""

from __future__ import annotations

from collections.abc import Sequence

from chatlib.core.signals import Gap
from chatlib.protocol.events import Event

MOST_AHEAD = 2_000  # events kept beyond a gap; what comes after them is fetched again
GRACE = 1.0  # seconds in which the feed may still bring what another channel already told


class Stream:
    """The chain of one room, or of one's own inbox (`room` is None).

    `cursor` is the seq of the last event delivered; None before the join was answered. `head` is
    the newest seq that is known to exist.
    """

    def __init__(self, room: str | None, cursor: int | None = None) -> None:
        self.room = room
        self.cursor = cursor
        self.head = cursor or 0
        self.fetching = False
        self.since = 0  # the seq of one's own newest join that is known
        self.private = False  # its events come on control, and there is nothing on the feed
        self._ahead: dict[int, Event] = {}
        self._rumour: tuple[int, float] | None = None

    @property
    def missing(self) -> bool:
        """Tell whether history must be asked for what comes after the cursor."""
        return self.cursor is not None and not self.fetching and self.head > self.cursor

    def receive(self, event: Event) -> Sequence[Event]:
        """Take an event as it comes and return what can be delivered now."""
        cursor = self.cursor
        if cursor is not None:
            if event.seq <= cursor:
                return ()
            if event.prev <= cursor and not self._ahead:
                self.cursor = event.seq
                self.head = max(self.head, event.seq)
                return (event,)
        self.learn(event.seq)
        if len(self._ahead) < MOST_AHEAD:
            self._ahead[event.seq] = event
        return self._catch_up()

    def learn(self, head: int) -> None:
        """Learn that everything up to `head` was published."""
        self.head = max(self.head, head)

    def hear(self, head: int, now: float) -> None:
        """Hear of a head on another channel than the events': it may have overtaken them."""
        if self.cursor is not None and head > self.cursor and self._rumour is None:
            self._rumour = (head, now)

    def believe(self, now: float) -> None:
        """Learn what was heard long enough ago."""
        if self._rumour is not None and now - self._rumour[1] >= GRACE:
            self.learn(self._rumour[0])
            self._rumour = None

    def start(self, events: Sequence[Event], head: int, history: int, user: str) -> list[Event]:
        """Begin with the events of a join: return the last `history`, and all since one's own."""
        joined = next(
            (i for i, e in enumerate(events) if e.kind == "join" and e.author == user), len(events)
        )
        self.cursor = events[-1].seq if events else 0  # gone: all that is left came after it
        self.learn(head)
        found = [*events[max(0, joined - history) : joined], *events[joined:]]
        return [*found, *self._catch_up()]

    def page(self, events: Sequence[Event], head: int, more: bool) -> list[Event | Gap]:
        """Take in what history answered for the cursor, and return what can be delivered."""
        assert self.cursor is not None
        found: list[Event | Gap] = []
        for event in events:
            if event.seq <= self.cursor:
                continue
            if event.prev > self.cursor:
                found.append(Gap(self.room, self.cursor, event.seq))
            found.append(event)
            self.cursor = event.seq
        if not more:
            if head > self.cursor:  # what led there is gone
                found.append(Gap(self.room, self.cursor, head + 1))
                self.cursor = head
            if not events:  # whatever promised more was wrong: don't ask for ever
                self.head = self.cursor
        self.learn(self.cursor)
        self.fetching = False
        found.extend(self._catch_up())
        return found

    def _catch_up(self) -> list[Event]:
        if self.cursor is None:
            return []
        found: list[Event] = []
        for seq in sorted(self._ahead):
            event = self._ahead[seq]
            if event.prev > self.cursor:
                break
            del self._ahead[seq]
            if seq > self.cursor:
                self.cursor = seq
                found.append(event)
        self.learn(max(self._ahead, default=self.cursor))
        return found
