"""A client that goes on in the session of a process before it."""

from __future__ import annotations

from pathlib import Path

from chatlib import Client, Event
from tests.support import RunningBroker, eventually
from tests.system.people import clients, texts, until_said


def test_it_goes_on_in_rooms_and_inbox_without_a_leave(broker: RunningBroker) -> None:
    with clients(broker.control, "bob") as (bob,):
        with Client(broker.control, "ann") as ann:
            ann.join("lobby")
            ann.say("lobby", "back in a minute")
            ann.flush(30)
            saved, sid = ann.saved(), ann.sid
            ann.close(bye=False)
        assert saved is not None
        assert (saved.said, saved.inbox) == (1, 0)
        bob.tell("ann", "are you away?")
        bob.flush(30)
        with Client(broker.control, "ann", session=saved) as again:
            assert (again.sid, again.nick) == (sid, "ann")
            assert texts(until_said(again, "are you away?")) == ["are you away?"]
            again.join("lobby", history=0)
            again.say("lobby", "here I am")
            again.flush(30)
        told = until_said(bob, "here I am")
        events = [e for e in told if isinstance(e, Event) and e.nick == "ann"]
        assert [e.kind for e in events] == ["join", "say", "say"]
        assert [e.n for e in events] == [0, 1, 2]


def test_it_says_nothing_under_numbers_that_may_be_taken(broker: RunningBroker) -> None:
    """Who was killed could not tell how many messages it had said."""
    with clients(broker.control, "bob", "ann") as (bob, ann):
        ann.say("lobby", "one")
        ann.flush(30)
        saved = ann.saved()
        assert saved is not None
        ann.say("lobby", "two")  # and nobody wrote down that it was said
        ann.flush(30)
        ann.close(bye=False)
        with Client(broker.control, "ann", session=saved) as again:
            again.join("lobby", history=0)
            again.say("lobby", "three")
            again.flush(30)
        assert texts(until_said(bob, "three")) == ["one", "two", "three"]


def test_without_the_goodbye_the_session_lives_on_for_a_while(tmp_path: Path) -> None:
    with (
        RunningBroker(tmp_path, "--heartbeat", "0.4") as broker,
        clients(broker.control, "bob", "ann") as (bob, ann),
    ):
        ann.close(bye=False)
        assert {m.nick for m in bob.who()} == {"ann", "bob"}
        eventually("ann is gone", lambda: len(bob.who()) == 1)


def test_the_inbox_can_be_read_again(broker: RunningBroker) -> None:
    with clients(broker.control, "ann", "bob") as (ann, bob):
        bob.tell("ann", "one")
        ann.tell("bob", "two")
        bob.flush(30)
        ann.flush(30)
        first, second = ann.history(inbox=True)
        assert {first.text, second.text} == {"one", "two"}
        assert ann.history(inbox=True, after=first.seq) == [second]
