"""Finding where a log is to begin: at a time, or so many events before the end.

`seq` and `at` rise together over the whole broker, so one seq says it for all rooms. Each search is
a generator: it yields a Place to be asked for and is sent the Replay.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator, Sequence
from typing import NamedTuple

from chatlib.core.replaying import Replay
from chatlib.core.streams import moment
from chatlib.protocol.events import Event
from chatlib.protocol.limits import HISTORY_EVENTS
from chatlib.protocol.topics import Place

Search = Generator[Place, Replay, int]
Heads = Sequence[tuple[str, int]]  # rooms, and the seq of the newest event of each

MOST_NEWEST = 200  # events asked for at the end of a room, as long as few are wanted


class Plan(NamedTuple):
    """Where to begin: with the `newest` events that `keep` likes, of those between two times.

    Times are Unix time in ms; `newest` None is all of them.
    """

    newest: int | None = None
    since: int | None = None
    until: int | None = None
    keep: Callable[[Event], bool] = lambda event: True


def find_start(plan: Plan, heads: Heads) -> Search:
    """Return the seq behind which to begin in all rooms."""
    first = 0
    if plan.since is not None:
        first = yield from older_than(plan.since, heads)
    if plan.newest is None:
        return first
    end = None
    if plan.until is not None:
        end = (yield from older_than(plan.until, heads)) + 1
    newest = yield from behind_newest(plan.newest, heads, plan.keep, end)
    return max(first, newest)


def older_than(at: int, heads: Heads) -> Search:
    """Return a seq up to which all is older than `at` (ms), and behind which nothing is."""
    low, high = 0, max((head for _, head in heads), default=0)
    for room, head in sorted(heads, key=lambda item: -item[1]):
        top = min(head, high)  # nothing of this room behind it is older
        while low < top:
            middle = (low + top) // 2
            answer = yield Place(room, after=middle, limit=1)
            found = answer.heard[0].event if answer.heard else None
            if found is not None and moment_of(found) < at:
                low = found.seq
                continue
            top = middle
            if found is not None:
                high = min(high, found.seq - 1)
    return low


def moment_of(event: Event) -> int:
    """Return the Unix time in ms of an event; 0 where it can't be read."""
    try:
        return moment(event.at) or 0
    except ValueError:
        return 0


def behind_newest(
    count: int, heads: Heads, keep: Callable[[Event], bool], end: int | None
) -> Search:
    """Return the seq ahead of the newest `count` events that are liked, before the seq `end`."""
    last = max((head for _, head in heads), default=0)
    if end is not None:
        last = min(last, end - 1)
    if count == 0:
        return last
    found: list[int] = []  # a heap, the oldest first
    for room, head in sorted(heads, key=lambda item: -item[1]):
        if len(found) == count and head < found[0]:
            break
        yield from _look_back(room, count, keep, end, found)
    return found[0] - 1 if found else last


def _look_back(
    room: str, count: int, keep: Callable[[Event], bool], end: int | None, found: list[int]
) -> Generator[Place, Replay, None]:
    """Put into `found` what is liked and among the newest `count`, page by page from `end`."""
    before, limit = end, min(count, MOST_NEWEST)
    while True:
        answer = yield Place(room, before=before, limit=limit)
        for heard in answer.heard:
            if keep(heard.event):
                heapq.heappush(found, heard.event.seq)
        while len(found) > count:
            heapq.heappop(found)
        if not answer.more or not answer.heard:
            return
        before, limit = answer.heard[0].event.seq, HISTORY_EVENTS
        if len(found) == count and before <= found[0]:
            return
