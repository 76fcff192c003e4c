"""Numbered messages on their way: each gets through once, in order, or its sender is told."""

from __future__ import annotations

import json
import random

from hypothesis import given
from hypothesis import strategies as st

from chatlib.core import outbox as module
from chatlib.core.outbox import AGAIN, FRAME_BYTES, FRAME_LINES, SLOWED_WINDOW, WINDOW, Outbox
from chatlib.core.signals import Pending
from chatlib.protocol.events import Line


def filled(*texts: str, sent: bool = True) -> Outbox:
    outbox = Outbox()
    for text in texts:
        outbox.add(Line(n=1, room="lobby", text=text))
    if sent:
        list(outbox.frames(0.0))
    return outbox


def numbers(outbox: Outbox, now: float = 0.0) -> list[list[int]]:
    """Return the numbers of the lines that may go out now, by frame."""
    return [[json.loads(line)["n"] for line in body.split(b"\n")] for body in outbox.frames(now)]


def test_messages_are_numbered_from_one_without_holes() -> None:
    outbox = filled("a", "b", sent=False)
    assert numbers(outbox) == [[1, 2]]
    outbox.add(Line(n=1, room="lobby", text="c"))
    assert numbers(outbox) == [[3]]
    assert numbers(outbox) == []
    assert (len(outbox), outbox.in_flight, outbox.last_ticket) == (3, 3, 3)


def test_frames_are_bounded_in_lines_and_bytes() -> None:
    outbox = filled(*["x"] * (FRAME_LINES + 1), sent=False)
    assert list(map(len, numbers(outbox))) == [FRAME_LINES, 1]
    outbox = filled(*["x" * 8_000] * 20, sent=False)
    frames = list(outbox.frames(0.0))
    assert len(frames) == 3
    assert max(map(len, frames)) <= FRAME_BYTES
    huge = filled("x" * (FRAME_BYTES + 1), "y", sent=False)
    assert numbers(huge) == [[1], [2]]


def test_no_more_than_a_window_is_on_the_wire() -> None:
    outbox = filled(*["x"] * (WINDOW + 5), sent=False)
    assert sum(map(len, numbers(outbox))) == WINDOW
    outbox.acknowledge(3, 1.0)
    assert numbers(outbox, 1.0) == [[WINDOW + 1, WINDOW + 2, WINDOW + 3]]


def test_it_is_full_by_count_and_by_bytes() -> None:
    outbox = Outbox()
    while not outbox.full:
        outbox.add(Line(n=1, room="lobby", text=""))
    assert len(outbox) == module.MOST_MESSAGES
    outbox = Outbox()
    while not outbox.full:
        outbox.add(Line(n=1, room="lobby", text="x" * 1_000_000))
    assert len(outbox) == 17  # the last one that still came in may reach beyond the bound
    outbox.acknowledge(1, 0.0)
    outbox.acknowledge(2, 0.0)
    assert not outbox.full


def test_what_is_acknowledged_is_settled_and_let_go() -> None:
    outbox = filled("a", "b", "c")
    outbox.acknowledge(2, 1.0)
    assert (outbox.settled(2), outbox.settled(3), len(outbox)) == (True, False, 1)
    assert outbox.pending() == [Pending(3, "c", "lobby")]
    outbox.acknowledge(1, 2.0)
    assert len(outbox) == 1
    outbox.acknowledge(99, 2.0)
    assert (outbox.accepted, len(outbox)) == (3, 0)


def test_one_that_is_known_alone_waits_for_those_before_it() -> None:
    outbox = filled("a", "b", "c")
    outbox.mark(2, 1.0)
    assert not outbox.settled(1)
    assert [p.ticket for p in outbox.pending()] == [1, 3]
    outbox.mark(1, 1.0)
    assert outbox.settled(2)
    assert not outbox.settled(3)


def test_a_mark_of_what_was_never_said_says_nothing() -> None:
    outbox = filled("a")
    assert outbox.mark(2, 1.0) is None
    assert outbox.mark(10**9, 1.0) is None
    assert outbox.accepted == 0


def test_what_was_let_go_is_still_known_for_its_refusal() -> None:
    outbox = filled("a", "b")
    outbox.acknowledge(2, 1.0)
    late = outbox.mark(1, 2.0)
    assert late is not None
    assert late.ticket == 1


def test_a_rewind_sends_again_from_there_once_in_a_while() -> None:
    outbox = filled("a", "b", "c")
    outbox.rewind(2, 1.0)
    assert numbers(outbox, 1.0) == [[2, 3]]
    outbox.rewind(2, 1.0 + AGAIN / 2)
    assert numbers(outbox, 1.2) == []
    outbox.rewind(3, 1.3)
    assert numbers(outbox, 1.3) == [[3]]
    outbox.rewind(3, 1.3 + AGAIN)
    assert numbers(outbox, 2.0) == [[3]]


def test_slow_sends_nothing_for_a_while() -> None:
    outbox = filled("a", "b")
    outbox.slow(1, 1_000, 5.0)
    outbox.slow(1, 1_000, 5.1)
    assert numbers(outbox, 6.0) == []
    assert numbers(outbox, 6.2) == [[1, 2]]


def test_a_resumed_session_sends_again_what_was_in_flight() -> None:
    outbox = filled("a", "b", "c")
    outbox.resume(1, 5.0)
    assert numbers(outbox, 5.0) == [[2, 3]]


def test_a_new_session_counts_from_one() -> None:
    outbox = filled("a", "b", "c")
    assert outbox.renew(1, 5.0) == []
    assert numbers(outbox, 5.0) == [[1, 2]]
    assert [p.text for p in outbox.pending()] == ["b", "c"]


def test_of_an_unknown_session_only_what_was_never_sent_is_sent() -> None:
    outbox = filled("a", "b", "c")
    outbox.add(Line(n=1, room="lobby", text="d"))
    outbox.mark(2, 1.0)
    assert [m.line.text for m in outbox.renew(None, 5.0)] == ["a", "c"]
    assert [p.text for p in outbox.pending()] == ["d"]
    assert numbers(outbox, 5.0) == [[1]]


def test_what_was_called_back_was_sent_all_the_same() -> None:
    outbox = filled("a", "b", "c")
    outbox.add(Line(n=1, room="lobby", text="d"))
    outbox.mark(2, 1.0)
    outbox.rewind(1, 1.0)
    assert outbox.in_flight == 0
    assert [m.line.text for m in outbox.renew(None, 5.0)] == ["a", "c"]
    assert [p.text for p in outbox.pending()] == ["d"]
    assert outbox.renew(None, 6.0) == []  # in the new session nothing was sent yet


def test_a_session_taken_over_sends_nothing_before_its_count_stands_still() -> None:
    outbox = Outbox()
    outbox.take_over(None)
    outbox.add(Line(n=1, room="lobby", text="ours"))
    outbox.resume(7, 5.0)
    assert (numbers(outbox, 5.0), outbox.uncertain, outbox.said) == ([], True, None)
    outbox.acknowledge(8, 6.0)  # another one of the process before us arrived
    outbox.acknowledge(8, 7.9)
    assert numbers(outbox, 7.9) == []
    outbox.acknowledge(8, 8.0)
    assert numbers(outbox, 8.0) == [[9]]
    outbox.mark(9, 8.1)
    assert (outbox.uncertain, outbox.said, outbox.pending()) == (False, 9, [])


def test_a_session_taken_over_goes_on_at_once_where_nothing_was_left() -> None:
    outbox = Outbox()
    outbox.take_over(7)
    outbox.add(Line(n=1, room="lobby", text="ours"))
    outbox.resume(7, 5.0)
    assert numbers(outbox, 5.0) == [[8]]


def test_a_session_taken_over_in_vain_counts_from_one() -> None:
    for end in (lambda o: o.renew(7, 5.0), lambda o: o.renew(None, 5.0), Outbox.restart):
        outbox = Outbox()
        outbox.take_over(None)
        outbox.add(Line(n=1, room="lobby", text="ours"))
        assert not end(outbox)
        assert numbers(outbox, 5.0) == [[1]]


def test_what_is_done_does_not_come_back_in_a_new_session() -> None:
    outbox = filled("a", "b", "c")
    outbox.mark(2, 1.0)
    assert outbox.renew(0, 5.0) == []
    assert [p.text for p in outbox.pending()] == ["a", "c"]
    assert numbers(outbox, 5.0) == [[1, 2]]


def test_in_another_history_everything_is_said_again_but_what_is_done() -> None:
    outbox = filled("a", "b", "c")
    outbox.mark(2, 1.0)
    outbox.restart()
    assert [p.text for p in outbox.pending()] == ["a", "c"]
    assert numbers(outbox, 5.0) == [[1, 2]]


def test_tickets_count_on_whatever_the_numbers_do() -> None:
    outbox = filled("a", "b")
    outbox.renew(2, 1.0)
    assert outbox.add(Line(n=1, room="lobby", text="c")) == 3
    assert numbers(outbox, 1.0) == [[1]]


@given(st.integers(0, 2**32))
def test_everything_gets_through_once_and_in_order(seed: int) -> None:
    """Against a broker's window, with frames lost, repeated and out of order."""
    chance = random.Random(seed)
    outbox, taken, accepted, now = Outbox(), [], 0, 0.0
    wire: list[bytes] = []
    for number in range(30):
        outbox.add(Line(n=1, room="lobby", text=str(number)))
    while len(outbox):
        now += 0.6
        wire += [body for body in outbox.frames(now) for _ in range(chance.choice((0, 1, 1, 2)))]
        chance.shuffle(wire)
        while wire and chance.random() < 0.8:
            for line in map(json.loads, wire.pop().split(b"\n")):
                if line["n"] == accepted + 1:
                    accepted += 1
                    taken.append(line["text"])
                elif line["n"] > accepted:
                    outbox.rewind(accepted + 1, now)
                    break
        if chance.random() < 0.3:
            outbox.acknowledge(accepted, now)
            outbox.rewind(accepted + 1, now)
        if chance.random() < 0.1:
            wire.clear()
            outbox.resume(accepted, now)
        if chance.random() < 0.1:
            wire.clear()  # what is still under way is for a session that has ended
            assert outbox.renew(accepted, now) == []
            accepted = 0
    assert taken == [str(number) for number in range(30)]


def test_who_is_slowed_again_and_again_sends_less_ahead() -> None:
    outbox = filled(*["x"] * (2 * WINDOW))
    ahead = []
    for second in range(1, 8):
        outbox.slow(1, 500, second)
        outbox.slow(1, 400, second + 0.1)  # of a frame that was on its way: counts once
        assert numbers(outbox, second + 0.4) == []
        ahead.append(sum(map(len, numbers(outbox, second + 0.5))))
    assert ahead == [1_000, 500, 250, 125, 62, SLOWED_WINDOW, SLOWED_WINDOW]


def test_what_is_acknowledged_lets_more_be_sent_ahead() -> None:
    outbox = filled(*["x"] * (3 * WINDOW))
    for second in range(1, 8):
        outbox.slow(1, 0, second)
    accepted = 0
    ahead = []
    for second in range(10, 17):
        accepted += sum(map(len, numbers(outbox, second)))
        ahead.append(outbox.in_flight)
        outbox.acknowledge(accepted, second)
    assert ahead == [50, 100, 200, 400, 800, 1_600, WINDOW]


def test_what_is_held_goes_out_when_it_is_released() -> None:
    outbox = Outbox()
    outbox.holding = True
    first, second, third = (outbox.add(Line(n=1, room="lobby", text=t)) for t in "abc")
    assert numbers(outbox) == []
    outbox.release(second)
    assert numbers(outbox) == [[1, 2]]
    outbox.release(first)  # known already
    assert numbers(outbox) == []
    outbox.release(third)
    assert numbers(outbox) == [[3]]


def test_a_new_session_holds_all_again() -> None:
    outbox = Outbox()
    outbox.holding = True
    tickets = [outbox.add(Line(n=1, room="lobby", text=t)) for t in "abc"]
    outbox.release(tickets[-1])
    assert numbers(outbox) == [[1, 2, 3]]
    before = outbox.generation
    assert outbox.renew(1, 0.0) == []
    assert outbox.generation != before and numbers(outbox) == []
    assert outbox.numbered() == [(tickets[1], 1), (tickets[2], 2)]
    outbox.release(tickets[2])
    assert numbers(outbox) == [[1, 2]]


def test_what_a_process_before_us_said_keeps_its_numbers() -> None:
    outbox = Outbox()
    tickets = outbox.restore(Line(n=n, room="lobby", text="x") for n in (8, 9))
    outbox.resume(8, 0.0)  # the first had got through
    assert numbers(outbox) == []
    outbox.release(tickets[-1])
    assert numbers(outbox) == [[9]]
    assert outbox.settled(tickets[0]) and not outbox.settled(tickets[1])
    refused = Outbox()
    refused.restore(Line(n=n, room="lobby", text="x") for n in (8, 10))  # 9 was used up
    assert [n for _, n in refused.numbered()] == [8, 10] and refused.accepted == 7
    refused.resume(9, 0.0)
    refused.release(refused.last_ticket)
    assert numbers(refused) == [[10]]
    lost = Outbox()
    lost.restore(Line(n=n, room="lobby", text="x") for n in (8, 9))
    assert [m.line.n for m in lost.renew(None, 0.0)] == [8, 9]  # nobody knows their fate
