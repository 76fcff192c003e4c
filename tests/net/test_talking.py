"""What a client does to what was said, with a real broker; and what it does not even send."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chatlib import Client, Event, Misuse, Refused, fold
from tests.support import PATIENCE, RunningBroker
from tests.system.people import clients, until, until_said


def heard(client: Client, text: str) -> Event:
    """Wait for a message and return it."""
    event: Event = until_said(client, text)[-1]
    return event


def about(client: Client, kind: str) -> Event:
    """Wait for an event of a kind and return it."""
    event: Event = until(client, lambda told: isinstance(told, Event) and told.kind == kind)[-1]
    return event


def test_in_a_room(broker: RunningBroker) -> None:
    with clients(broker.control, "ann", "bob") as (ann, bob):
        ann.say("lobby", "hello")
        first = heard(bob, "hello")
        ann.edit("lobby", first.seq, "hello!")
        edit = about(bob, "edit")
        assert (edit.re, edit.text, edit.nick) == (first.seq, "hello!", "ann")
        bob.say("#Lobby", "hi", reply_to=first.seq)
        assert heard(ann, "hi").re == first.seq
        bob.react("lobby", first.seq, "👋")
        assert about(ann, "react").text == "👋"
        (message, reply) = fold(ann.history("lobby"))
        assert (message.text, list(message.reactions), reply.text) == ("hello!", ["👋"], "hi")
        ann.delete("lobby", first.seq)
        gone = about(bob, "delete")
        assert (gone.re, gone.text) == (first.seq, None)
        assert [m.text for m in fold(bob.history("lobby"))] == ["", "hi"]
        texts = [e.text for e in bob.history("lobby")]
        assert "hello" not in texts and "hello!" not in texts


def test_in_private(broker: RunningBroker) -> None:
    with clients(broker.control, "ann", "bob") as (ann, bob):
        ann.tell("bob", "psst")
        first = heard(bob, "psst")
        bob.tell("ann", "what?", reply_to=first.seq)
        assert heard(ann, "what?").re == first.seq
        bob.react(None, first.seq, "ok", peer="ann")
        ann.edit(None, first.seq, "pst", peer="bob")
        assert about(bob, "edit").text == "pst"
        ann.delete(None, first.seq, peer="Bob")
        assert about(bob, "delete").re == first.seq
        for one, other in ((ann, "bob"), (bob, "ann")):
            assert [m.text for m in fold(one.history(peer=other))] == ["", "what?"]


def test_a_refusal_says_why(broker: RunningBroker) -> None:
    with clients(broker.control, "ann", "bob") as (ann, bob):
        ann.say("lobby", "mine")
        seq = heard(bob, "mine").seq
        bob.delete("lobby", seq)
        with pytest.raises(Refused, match="only who said it may delete") as refused:
            bob.flush(PATIENCE)
        assert refused.value.code == "not_yours"
        bob.react("lobby", seq + 99, "x")
        with pytest.raises(Refused, match="there is no message") as refused:
            bob.flush(PATIENCE)
        assert refused.value.code == "no_such_event"


def test_more_than_a_pass_can_look_up(broker: RunningBroker) -> None:
    with clients(broker.control, "ann") as (ann,):
        ann.say("lobby", "hello")
        seq = heard(ann, "hello").seq
        for _ in range(1_201):
            ann.react("lobby", seq, "👋")
        ann.flush(PATIENCE)
        first = ann.history("lobby", after=0, limit=1_000)
        rest = ann.history("lobby", after=first[-1].seq, limit=1_000)
        assert [e.n for e in (*first, *rest)[1:]] == list(range(1, 1_203))
        (message,) = fold((*first, *rest))
        assert list(message.reactions) == ["👋"]  # an odd number of times


@pytest.mark.parametrize(
    ("use", "why"),
    [
        (lambda c: c.edit("lobby", 1, ""), "there is no text"),
        (lambda c: c.edit("lobby", 1, "x" * 9_000), "at most 8192 bytes"),
        (lambda c: c.react("lobby", 1, "two words"), "without a space"),
        (lambda c: c.react("lobby", 1, "👋" * 9), "at most 32 bytes"),
        (lambda c: c.react(None, 1, "x"), "name one of them"),
        (lambda c: c.delete("lobby", 1, peer="bob"), "name one of them"),
        (lambda c: c.delete("ops", 1), "not in the room ops"),
        (lambda c: c.delete(None, 1, peer="a b"), "no space"),
    ],
)
def test_misuse(broker: RunningBroker, use: Callable[[Client], Any], why: str) -> None:
    with clients(broker.control, "ann") as (ann,):
        with pytest.raises(Misuse, match=why):
            use(ann)
        assert not ann.pending()
