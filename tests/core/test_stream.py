"""A reader's place in one stream: each event once, in order, and gaps are told."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from chatlib.core.signals import Gap
from chatlib.core.stream import GRACE, MOST_AHEAD, Stream
from chatlib.protocol.events import Event


def chain(*seqs: int, prev: int = 0, kind: str = "say", sid: str = "s") -> list[Event]:
    """Return events of these seqs, each naming the one before it."""
    return [
        Event(seq=seq, prev=before, kind=kind, room="lobby", sid=sid)
        for before, seq in zip((prev, *seqs), seqs, strict=False)
    ]


def seqs(found: object) -> list[int]:
    return [event.seq for event in found]  # type: ignore[attr-defined]


def test_events_that_follow_are_delivered_at_once() -> None:
    stream = Stream("lobby", 0)
    assert [seqs(stream.receive(event)) for event in chain(1, 5, 6)] == [[1], [5], [6]]
    assert (stream.cursor, stream.head, stream.missing) == (6, 6, False)


def test_what_was_delivered_is_not_delivered_again() -> None:
    stream = Stream("lobby", 0)
    events = chain(1, 2)
    assert seqs([e for event in events + events for e in stream.receive(event)]) == [1, 2]


def test_what_lies_beyond_a_gap_waits_for_it() -> None:
    stream = Stream("lobby", 0)
    one, two, three, four = chain(1, 2, 3, 4)
    stream.receive(one)
    assert not stream.receive(four)
    assert not stream.receive(three)
    assert stream.missing
    assert seqs(stream.receive(two)) == [2, 3, 4]
    assert not stream.missing


def test_before_the_join_is_answered_everything_waits() -> None:
    stream = Stream("lobby")
    one, two, three = chain(1, 2, 3)
    assert not stream.receive(three)
    stream.learn(9)
    assert not stream.missing
    assert seqs(stream.start([one, two], 2, 50, "me")) == [1, 2, 3]


def test_a_start_brings_so_much_history_and_all_since_ones_own_join() -> None:
    events = chain(1, 2, 3, 4, 5)
    events[3].kind, events[3].sid = "join", "me"
    assert seqs(Stream("lobby").start(events, 5, 2, "me")) == [2, 3, 4, 5]
    assert seqs(Stream("lobby").start(events, 5, 0, "me")) == [4, 5]
    assert seqs(Stream("lobby").start(events, 5, 50, "somebody else")) == [1, 2, 3, 4, 5]


def test_a_start_that_ends_before_the_head_is_missing_the_rest() -> None:
    stream = Stream("lobby")
    stream.start(chain(1, 2), 7, 50, "me")
    assert stream.missing


def test_a_start_whose_own_join_is_gone_begins_with_what_is_left() -> None:
    stream = Stream("lobby")
    assert not stream.start([], 9, 50, "me")
    assert stream.missing
    assert stream.cursor == 0


def test_a_page_is_taken_where_it_joins_what_came_meanwhile() -> None:
    stream = Stream("lobby", 1)
    events = chain(2, 3, 4, 5, prev=1)
    stream.receive(events[2])
    stream.fetching = True
    assert seqs(stream.receive(events[0])) == [2]
    found = stream.page(events[:2], 3, False)
    assert seqs(found) == [3, 4]
    assert not stream.fetching


def test_a_page_with_more_behind_it_tells_no_gap() -> None:
    stream = Stream("lobby", 1)
    stream.learn(9)
    assert seqs(stream.page(chain(2, 3, prev=1), 9, True)) == [2, 3]
    assert stream.missing


def test_what_is_gone_is_told() -> None:
    stream = Stream("lobby", 1)
    stream.learn(9)
    page = chain(5, 7, prev=4)
    assert stream.page(page, 9, False) == [
        Gap("lobby", 1, 5), *page, Gap("lobby", 7, 10),
    ]  # fmt: skip
    assert (stream.cursor, stream.missing) == (9, False)


def test_a_promise_that_was_wrong_is_not_asked_for_ever() -> None:
    stream = Stream("lobby", 5)
    stream.learn(9)
    assert stream.page([], 5, False) == []
    assert not stream.missing


def test_a_head_heard_elsewhere_is_believed_after_a_while() -> None:
    stream = Stream("lobby", 1)
    stream.hear(3, 10.0)
    stream.believe(10.0 + GRACE / 2)
    assert not stream.missing
    stream.believe(10.0 + GRACE)
    assert stream.missing


def test_a_head_heard_elsewhere_that_the_feed_brings_in_time_changes_nothing() -> None:
    stream = Stream("lobby", 1)
    stream.hear(2, 10.0)
    stream.receive(chain(2, prev=1)[0])
    stream.believe(10.0 + GRACE)
    assert not stream.missing
    stream.hear(2, 20.0)
    stream.believe(20.0 + GRACE)
    assert not stream.missing


def test_so_much_is_kept_beyond_a_gap_and_the_rest_fetched_again() -> None:
    stream = Stream("lobby", 1)
    events = chain(*range(3, MOST_AHEAD + 5), prev=2)
    for event in events:
        assert not stream.receive(event)
    assert stream.head == events[-1].seq
    found = stream.page(chain(2, prev=1), 2, False)
    assert seqs(found) == list(range(2, MOST_AHEAD + 3))
    assert stream.missing


@given(st.integers(0, 2**32), st.integers(1, 30))
def test_whatever_order_they_come_in_they_are_delivered_once_and_in_order(
    seed: int, count: int
) -> None:
    """Drops, repeats and any order, with pages of any size between them, as a room would see."""
    chance = random.Random(seed)
    numbers = sorted(chance.sample(range(1, 100), count))
    events = chain(*numbers)
    stream, told = Stream("lobby", 0), []
    arrivals = [event for event in events * 2 if chance.random() < 0.5]
    chance.shuffle(arrivals)
    for event in arrivals:
        told += stream.receive(event)
        if stream.missing and chance.random() < 0.3:
            told += fetch(stream, events, chance.randint(1, 4))
    stream.learn(numbers[-1])
    while stream.missing:
        told += fetch(stream, events, chance.randint(1, 4))
    assert told == events


def fetch(stream: Stream, events: list[Event], limit: int) -> list[Event | Gap]:
    """Answer as history would."""
    assert stream.cursor is not None
    behind = [event for event in events if event.seq > stream.cursor]
    return stream.page(behind[:limit], events[-1].seq, len(behind) > limit)
