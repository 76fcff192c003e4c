"""What the store has of an earlier event, or has not, and what becomes of lines about it."""

from __future__ import annotations

from typing import Any

import pytest

from chatlib.core.apply import apply
from chatlib.core.batch import Batch, Entry
from chatlib.core.commands import Original, Regarding, Say
from chatlib.net import lookups
from chatlib.protocol import limits
from chatlib.protocol.codec import encode
from chatlib.protocol.events import Line
from tests.core.broker_play import BrokerPlay, play
from tests.core.registered_play import House


def test_a_deletion_that_could_not_be_stored_did_not_happen() -> None:
    play(
        """
        t1 >> n=1 room=lobby text=one
            room/lobby/ < 2<1 say lobby ann.1 "one"
        --
        disk full
        t1 >> n=2 room=lobby kind=delete re=2
            ann < kind=slow from=2 after_ms=1000 reason="the disk is full"
        --
        ann > history room=lobby after=1
            ann < 0 ok head=2 oldest=1
                2<1 say lobby ann.1 "one"
        --
        disk free
        t1 >> n=2 room=lobby kind=delete re=2
            room/lobby/ < 3<2 delete lobby ann.2 re=2
        """,
        ann="lobby",
    )


def test_what_can_be_looked_up_in_a_pass_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookups, "MOST", 2)
    play(
        """
        t1 >> n=1 room=lobby text=one | n=2 room=lobby text=two
            room/lobby/ <
                3<2 say lobby ann.1 "one"
                4<3 say lobby ann.2 "two"
        --
        t1 >> n=1 room=lobby kind=delete re=3 | n=3 room=lobby kind=delete re=3
        t2 >> n=1 room=lobby kind=react re=4 text=x | n=2 room=lobby kind=react re=4 text=y
        t2 >> n=3 room=lobby text=plain
        t1 >> n=4 room=lobby text=plain | n=5 room=lobby kind=react re=4 text=z
            bob < kind=slow from=2 after_ms=100 reason="what these lines are about could not be looked up yet"
            ann < kind=slow from=5 after_ms=100 reason="what these lines are about could not be looked up yet"
            room/lobby/ <
                5<4 delete lobby ann.3 re=3
                6<5 react lobby bob.1 "x" re=4
                7<6 say lobby ann.4 "plain"
        """,  # noqa: E501
        ann="lobby",
        bob="lobby",
    )


def test_a_store_that_cannot_be_read_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = BrokerPlay()
    broker.given(ann="lobby")
    broker.disk.unreadable = True
    broker.play(
        """
        t1 >> n=1 room=lobby text=plain | n=2 room=lobby kind=react re=1 text=z
            ann < kind=slow from=2 after_ms=100 reason="what these lines are about could not be looked up yet"
            room/lobby/ < 2<1 say lobby ann.1 "plain"
        """  # noqa: E501
    )


def test_the_nickname_may_be_somebody_elses_since_it_was_looked_up() -> None:
    """Where another broker's commands come between the two."""
    broker = BrokerPlay()
    broker.given(ann="", bob="", eve="")
    for peer, kinds in (("s2", []), ("s3", ["refused"]), (None, ["refused"])):
        state, batch = broker.pipeline.state, Batch()
        line = Regarding(1, "x", to="bob", kind="react", re=7, looked_up=True)
        line.original = Original("s1", "say", peer=peer)
        apply(state, Say(at=1, sid="s1", lines=[line]), batch)
        assert [notice.kind for _, notice in batch.notices] == kinds
        state.take_back()


def test_a_line_that_was_not_looked_up_is_not_used_up() -> None:
    broker = BrokerPlay()
    broker.given(ann="lobby")
    state, batch = broker.pipeline.state, Batch()
    apply(state, Say(at=1, sid="s1", lines=[Line(1, "x", room="lobby", re=1)]), batch)
    assert [(notice.kind, notice.from_) for _, notice in batch.notices] == [("slow", 1)]
    assert (state.sessions["s1"].accepted, batch.entries) == (0, [])


def test_a_deleted_message_is_not_unread() -> None:
    play(
        """
        t1 >> n=1 room=lobby text=one | n=2 room=lobby text=two
            room/lobby/ <
                3<2 say lobby ann.1 "one"
                4<3 say lobby ann.2 "two"
        --
        t1 >> n=3 room=lobby kind=delete re=3
            room/lobby/ < 5<4 delete lobby ann.3 re=3
        --
        bob > read room=lobby
            bob < 0 ok read=[{seq=2 unread=1 room=lobby}]
        """,
        ann="lobby",
        bob="lobby",
    )


def test_a_line_that_is_damaged_on_disk_is_none() -> None:
    broker = BrokerPlay()
    broker.given(ann="lobby")
    broker.disk.commit([Entry("room/lobby/", 9, b"{")])
    broker.play(
        """
        t1 >> n=1 room=lobby kind=react re=9 text=x
            ann < kind=refused n=1 code=no_such_event
        --
        ann > read room=lobby
            ann < 0 ok read=[{seq=1 unread=0 room=lobby}]
        """
    )


def test_what_was_deleted_is_answered_in_pages_of_the_usual_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is stored in its place is short: a page of that would be many pages of the texts."""
    house = House("ann")
    house.hello("ann", "ann")
    house.ask("ann", "join", room="ops")
    texts = [f"{n}".ljust(600, "x") for n in range(8)]
    for n, text in enumerate(texts, 1):
        house.say("ann", n, room="ops", text=text)
    events = house.ask("ann", "history", room="ops")["events"]
    for n, event in enumerate(events[1:], 9):
        house.say("ann", n, room="ops", kind="delete", re=event["seq"])
    monkeypatch.setattr(limits, "ANSWER_BYTES", 2_000)
    for place in ("after", "before"):
        begin = 0 if place == "after" else 2**53
        found: list[dict[str, Any]] = []
        page: dict[str, Any] = {"more": True}
        while page["more"]:
            page = house.ask("ann", "history", room="ops", deleted=True, **{place: begin})
            assert 0 < sum(len(encode(event)) for event in page["events"]) <= 2_000
            found = found + page["events"] if place == "after" else page["events"] + found
            begin = page["events"][-1 if place == "after" else 0]["seq"]
        assert [event["text"] for event in found if event["kind"] == "say"] == texts
        assert [event["kind"] for event in found] == ["join"] + ["say"] * 8 + ["delete"] * 8
