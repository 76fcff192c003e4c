"""Long answers take turns, wait for who does not read, and get short when there are many."""

from __future__ import annotations

from chatlib.core.commands import Origin, Question
from chatlib.net import reads
from chatlib.net.reads import Reads, Wanted
from chatlib.protocol import limits, requests

ONE, TWO = b"\0aaaa", b"\0bbbb"
MIB = 1024 * 1024


def want(routing: bytes, id: int) -> Question:
    return Question(Origin(routing, id), "sid", requests.History(inbox=True))


class Pages:
    """Answers of one size, and who got them."""

    def __init__(self, cost: int) -> None:
        self.cost = cost
        self.told: list[tuple[bytes, object]] = []

    def __call__(self, wanted: Wanted) -> int:
        self.told.append((wanted.origin.routing, wanted.origin.id))
        return self.cost


def test_connections_take_turns() -> None:
    waiting, pages = Reads(), Pages(1_000)
    for id in range(3):
        waiting.add(want(ONE, id))
    waiting.add(want(TWO, 9))
    waiting.serve((), 0.0, pages)
    assert pages.told == [(ONE, 0), (TWO, 9), (ONE, 1), (ONE, 2)]
    assert not waiting.ready(())


def test_a_large_answer_is_a_whole_turn() -> None:
    waiting, pages = Reads(), Pages(MIB)
    for id in range(2):
        for routing in (ONE, TWO):
            waiting.add(want(routing, id))
    waiting.serve((), 0.0, pages)
    assert pages.told == [(ONE, 0), (TWO, 0)]
    waiting.serve((), 0.0, pages)
    assert pages.told[2:] == [(ONE, 1), (TWO, 1)]


def test_a_pass_is_bounded_and_the_next_goes_on_with_the_others() -> None:
    waiting, pages = Reads(), Pages(MIB)
    connections = [b"\0aaa%d" % i for i in range(6)]
    for id in range(2):
        for routing in connections:
            waiting.add(want(routing, id))
    for _ in range(3):
        waiting.serve((), 0.0, pages)
    assert pages.told == [(routing, id) for id in range(2) for routing in connections]


def test_who_takes_nothing_waits() -> None:
    waiting, pages = Reads(), Pages(1)
    waiting.add(want(ONE, 1))
    waiting.add(want(TWO, 2))
    waiting.serve({ONE}, 0.0, pages)
    assert pages.told == [(TWO, 2)]
    assert waiting.ready(()) and not waiting.ready({ONE})
    waiting.drop(ONE)
    assert not waiting.ready(())


def test_each_connection_has_its_share() -> None:
    waiting = Reads()
    for id in range(reads.MOST_WAITING):
        assert not waiting.full(ONE)
        waiting.add(want(ONE, id))
    assert waiting.full(ONE) and not waiting.full(TWO)
    for i in range(reads.MOST_WAITING_AT_ALL):  # nobody takes the place of the others
        waiting.add(want(b"\1%4d" % (i % 1_000), i))
    for id in range(reads.ALWAYS_WAITING):
        assert not waiting.full(TWO)
        waiting.add(want(TWO, id))
    assert waiting.full(TWO)


def test_pages_get_small_and_recover() -> None:
    waiting, pages = Reads(), Pages(MIB)
    for i in range(reads.LARGE_BYTES // MIB):
        assert waiting.page_bytes == limits.ANSWER_BYTES
        waiting.add(want(b"\0%4d" % i, i))
        waiting.serve((), 0.0, pages)
    assert waiting.page_bytes == reads.SMALL_PAGE_BYTES
    waiting.serve((), 0.1, pages)
    assert waiting.page_bytes == limits.ANSWER_BYTES
