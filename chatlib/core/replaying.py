"""What a log subscriber asks for on the feed itself: replays, told apart by their topics.

An answer counts when it is whole: its marker tells how many events came before it, so that one of
which the feed dropped a part is asked for again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from msgspec import Struct

from chatlib.core.actions import Subscribe, Unsubscribe
from chatlib.protocol.events import Event
from chatlib.protocol.topics import Place

MOST_AT_ONCE = 8  # replays under way; the others wait here
ANSWER_S = 3.0  # that an answer may take before it is asked for again, then twice that, ...
SLOW_ANSWER_S = 30.0  # ... up to this


class Heard(NamedTuple):
    """An event, and the line of the feed that it is."""

    event: Event
    line: bytes


class Replay(NamedTuple):
    """A whole answer: events (or heads of rooms), the head, and whether there is more."""

    heard: Sequence[Heard]
    head: int
    more: bool


Then = Callable[[Replay, float], None]


class Asked(Struct):
    """A replay that is not answered yet."""

    place: Place
    then: Then
    at: float
    wait: float
    heard: list[Heard]


class Replaying:
    """Asks for replays and puts their answers together.

    `actions` is where subscriptions are left to be done; `nonce` makes topics nobody else's.
    """

    def __init__(self, actions: list[Subscribe | Unsubscribe], nonce: str) -> None:
        self._actions = actions
        self._nonce = nonce
        self._number = 0
        self._asked: dict[bytes, Asked] = {}
        self._waiting: deque[tuple[Place, Then]] = deque()

    @property
    def idle(self) -> bool:
        """Tell whether all is answered."""
        return not self._asked and not self._waiting

    def ask(self, place: Place, then: Then, now: float) -> None:
        """Ask, now or when others are answered; `then` is given the answer."""
        self._waiting.append((place, then))
        self._go_on(now)

    def _go_on(self, now: float) -> None:
        while self._waiting and len(self._asked) < MOST_AT_ONCE:
            place, then = self._waiting.popleft()
            self._subscribe(Asked(place, then, now, ANSWER_S, []))

    def _subscribe(self, asked: Asked) -> None:
        self._number += 1
        topic = asked.place.topic(f"{self._nonce}-{self._number}")
        self._asked[topic] = asked
        self._actions.append(Subscribe(topic))

    def take(self, topic: bytes, heard: Sequence[Heard], now: float) -> None:
        """Take in a feed message of a replay topic; those of others are left alone."""
        asked = self._asked.get(topic)
        if asked is None:
            return
        asked.at = now
        for one in heard:
            if one.event.kind != "replayed":
                asked.heard.append(one)
                continue
            self._close(topic)
            if len(asked.heard) == one.event.count:
                asked.then(Replay(asked.heard, one.event.seq, one.event.more), now)
            else:
                self._again(asked, now)
            self._go_on(now)
            return

    def _again(self, asked: Asked, now: float) -> None:
        wait = min(2 * asked.wait, SLOW_ANSWER_S)
        self._subscribe(Asked(asked.place, asked.then, now, wait, []))

    def _close(self, topic: bytes) -> None:
        del self._asked[topic]
        self._actions.append(Unsubscribe(topic))

    def tick(self, now: float, drained: bool) -> None:
        """Ask again what stayed unanswered; not before all was read that came (`drained`).

        Where it is never all read, the answer may have been dropped all the same.
        """
        for topic, asked in list(self._asked.items()):
            if now - asked.at >= (asked.wait if drained else SLOW_ANSWER_S):
                self._close(topic)
                self._again(asked, now)

    def forget(self) -> None:
        """Ask for nothing any more."""
        self._waiting.clear()
        for topic in list(self._asked):
            self._close(topic)
