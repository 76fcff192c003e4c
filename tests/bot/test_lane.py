"""The events of a room, one after the other: bounded, caught up with, each of them once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from chatlib.bot import lane as module
from chatlib.bot.lane import MOST_WAITING, Lane
from chatlib.errors import TimedOut
from chatlib.protocol.events import Event
from tests.support import eventually


def event(seq: int, at: str = "2026") -> Event:
    return Event(kind="say", room="lobby", seq=seq, prev=seq - 1, at=at, text=str(seq))


class Handled:
    """A lane's room: its history, and what was handled. `gate` holds the handler up."""

    def __init__(self) -> None:
        self.history: list[Event] = []
        self.faults = 0
        self.seqs: list[int] = []
        self.epochs: list[str] = []
        self.old: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.asked: list[int] = []

    def fetch(self, room: str | None, after: int, limit: int) -> list[Event]:
        self.asked.append(after)
        if self.faults:
            self.faults -= 1
            raise TimedOut("not now")
        return [e for e in self.history if e.seq > after][:limit]

    def handle(self, epoch: str, event: Event, old: bool) -> None:
        assert self.gate.wait(30)
        self.seqs.append(event.seq)
        self.epochs.append(epoch)
        if old:
            self.old.append(event.seq)


@pytest.fixture
def handled() -> Handled:
    return Handled()


@pytest.fixture
def make(handled: Handled) -> Iterator[Callable[..., Lane]]:
    """Make a lane that is started, and ended with the test."""
    made: list[Lane] = []

    def begin(after: int | None = None) -> Lane:
        made.append(Lane("lobby", "e1", after, fetch=handled.fetch, handle=handled.handle))
        made[-1].start()
        return made[-1]

    yield begin
    handled.gate.set()
    for lane in made:
        lane.stop()
        lane.thread.join()


def test_in_order_and_once(make: Callable[..., Lane], handled: Handled) -> None:
    lane = make()
    for seq in (3, 4, 4, 3, 7):
        lane.offer(event(seq))
    eventually("all are handled", lambda: handled.seqs == [3, 4, 7])
    assert handled.asked == []


def test_it_begins_behind_its_cursor(make: Callable[..., Lane], handled: Handled) -> None:
    handled.history = [event(seq) for seq in range(1, 1_203)]
    lane = make(after=2)
    lane.offer(event(1_202))
    eventually("all are handled", lambda: len(handled.seqs) == 1_200)
    lane.offer(event(1_203))
    eventually("and what is new", lambda: handled.seqs == list(range(3, 1_204)))
    assert handled.asked == [2, 502, 1_002, 1_202]


def test_what_comes_faster_than_it_is_handled_is_fetched_later(
    make: Callable[..., Lane], handled: Handled
) -> None:
    handled.gate.clear()
    lane = make()
    for seq in range(1, 5_001):
        handled.history.append(event(seq))
        lane.offer(handled.history[-1])
    assert len(lane._queue) <= MOST_WAITING
    handled.gate.set()
    eventually("all are handled", lambda: handled.seqs == list(range(1, 5_001)))


def test_history_that_does_not_answer_is_asked_again(
    make: Callable[..., Lane], handled: Handled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.01)
    handled.history = [event(5)]
    handled.faults = 3
    make(after=4)
    eventually("it is handled", lambda: handled.seqs == [5])
    assert handled.asked[:4] == [4, 4, 4, 4]


def test_what_is_gone_is_told_and_passed_over(
    make: Callable[..., Lane], handled: Handled, caplog: pytest.LogCaptureFixture
) -> None:
    handled.history = [event(seq) for seq in (8, 9)]
    lane = make(after=4)
    eventually("what is left is handled", lambda: handled.seqs == [8, 9])
    assert "lobby: events are gone from the history" in caplog.text
    eventually("it is not behind", lambda: handled.asked[-1] == 9)
    lane.offer(event(10))
    eventually("what is new is handled", lambda: handled.seqs == [8, 9, 10])


def test_a_head_whose_events_are_gone_does_not_keep_it_waiting(
    make: Callable[..., Lane], handled: Handled, caplog: pytest.LogCaptureFixture
) -> None:
    lane = Lane("lobby", "e1", 4, fetch=handled.fetch, handle=handled.handle)
    lane.offer(event(6))
    lane.start()
    eventually("it is told", lambda: "are gone" in caplog.text)
    lane.offer(event(7))
    eventually("what is new is handled", lambda: handled.seqs == [7])
    lane.stop()
    lane.thread.join()


def test_another_history_begins_anew_and_what_was_seen_is_old(
    make: Callable[..., Lane], handled: Handled
) -> None:
    lane = make()
    handled.gate.clear()
    lane.offer(event(70, at="2026-01"))
    lane.offer(event(71, at="2026-02"))
    lane.restart("e2")
    lane.offer(event(1, at="2026-01"))  # imported from the history before
    lane.offer(event(2, at="2026-03"))
    handled.gate.set()
    eventually("all are handled", lambda: handled.seqs == [70, 71, 1, 2])
    assert handled.epochs == ["e1", "e1", "e2", "e2"]
    assert handled.old == [1]


def test_once_stopped_nothing_more_begins(make: Callable[..., Lane], handled: Handled) -> None:
    handled.gate.clear()
    lane = make()
    lane.offer(event(1))
    lane.offer(event(2))
    eventually("the first one began", lambda: len(lane._queue) == 1)
    lane.stop()
    handled.gate.set()
    lane.thread.join(30)
    assert handled.seqs == [1]
