"""The simulation finds what it is there to find: each promise broken on purpose is seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from chatlib.core import commands, speech
from chatlib.core.apply import _HANDLERS
from chatlib.core.batch import Batch, Entry
from chatlib.core.outbox import Outbox
from chatlib.core.state import Session, State
from chatlib.core.stream import Stream
from chatlib.core.streams import INBOX
from chatlib.history.memory import MemoryStore
from chatlib.protocol.messages import Event
from tests.simulation.station import WatchedStore
from tests.simulation.world import STORM, Plan, World

PLAN = Plan(members=12, thinks=1.0, suffers=5.0)


def caught(verdict: str, plan: Plan = PLAN) -> None:
    """Expect that the judge sees in one of a few seeds what is wrong, and says so."""
    with pytest.raises(AssertionError, match=verdict):
        for seed in range(10):
            World(seed, plan).run()


def test_repeats_that_are_not_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    def say(state: State, session: Session, command: commands.Say, batch: Batch) -> None:
        if command.lines and command.lines[0].n <= session.accepted:
            state.set(session, "accepted", command.lines[0].n - 1)
        speech.say(state, session, command, batch)

    monkeypatch.setitem(_HANDLERS, commands.Say, say)
    caught("twice, or out of the sender's order")


def test_holes_that_are_not_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def say(state: State, session: Session, command: commands.Say, batch: Batch) -> None:
        if command.lines and command.lines[0].n > session.accepted + 1:
            state.set(session, "accepted", command.lines[0].n - 1)
        speech.say(state, session, command, batch)

    monkeypatch.setitem(_HANDLERS, commands.Say, say)
    caught("acknowledged and not in the history")


def test_gaps_that_are_not_repaired(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stream, "missing", False)
    caught("misses the end of")


def test_gaps_that_are_not_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def receive(self: Stream, event: Event) -> Sequence[Event]:
        if self.cursor is None or event.seq <= self.cursor:
            return ()
        self.cursor = event.seq
        return (event,)

    monkeypatch.setattr(Stream, "receive", receive)
    caught("instead of")


def test_heads_that_are_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stream, "learn", lambda self, head: None)
    caught("misses the end of")


def test_events_that_are_told_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Stream.receive

    def receive(self: Stream, event: Event) -> Sequence[Event]:
        return whole(self, event) or [event]

    monkeypatch.setattr(Stream, "receive", receive)
    caught("again, or never stored")


def test_an_outbox_that_trusts_the_wire(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Outbox, "rewind", lambda self, first, now: None)
    monkeypatch.setattr(Outbox, "resume", lambda self, accepted, now: None)
    caught("waits for .* acknowledgements")


def test_acknowledging_what_was_not_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a broker would that emits before it commits, and whose commit fails."""

    def commit(self: WatchedStore, entries: Sequence[Entry], changes: object) -> None:
        if not self.network.happens(0.05):
            self.judge.committed(entries)
            MemoryStore.commit(self, entries)

    monkeypatch.setattr(WatchedStore, "commit", commit)
    caught("again, or never stored")


def test_a_failed_commit_that_is_half_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(State, "take_back", State.keep)
    caught(
        "acknowledged and not in the history|broken chain",
        PLAN._replace(storm=STORM._replace(commit_loss=0.1)),
    )


def test_a_letter_to_somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    whole: Any = speech.tell_inbox

    def tell_inbox(state: State, owner: Session, peer: Session, event: Event, batch: Batch) -> None:
        whole(state, owner, peer, event, batch)
        other = next(s for s in state.sessions.values() if s not in (owner, peer))
        batch.entries[-1] = batch.entries[-1]._replace(stream=INBOX + other.sid)

    monkeypatch.setattr(speech, "tell_inbox", tell_inbox)
    caught("in the inbox of")


def test_a_wall_clock_that_is_followed_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(State, "tick", lambda self, at: setattr(self, "at", at))
    caught("time went back")


def test_two_of_one_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatlib.core.sessions._nick_fault", lambda state, nick, sid: None)
    caught("two are called")
