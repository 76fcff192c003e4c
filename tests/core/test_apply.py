"""Apply alone judges, and always in the same way."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chatlib.core import commands
from chatlib.core.apply import NO_SESSION, apply
from chatlib.core.batch import Batch, Reply
from chatlib.core.commands import Command, Origin
from chatlib.core.state import State
from chatlib.protocol.answers import Failure
from chatlib.protocol.codec import decode_event
from tests.core.some_commands import ACTS, numbered

Acts = list[tuple[type[Command], dict[str, Any]]]


@given(st.lists(ACTS, max_size=30))
def test_the_same_commands_give_the_same_events(acts: Acts) -> None:
    outcomes = []
    for _ in range(2):
        state, batch = State("e"), Batch()
        for command in numbered(acts):
            apply(state, command, batch)
        outcomes.append((batch.entries, batch.notices, batch.notes, batch.replies))
    assert outcomes[0] == outcomes[1]


@given(st.lists(ACTS, max_size=30))
def test_seqs_rise_and_chains_are_whole(acts: Acts) -> None:
    state, batch = State("e"), Batch()
    for command in numbered(acts):
        apply(state, command, batch)
    last: dict[str, int] = {}
    newest = 0
    for entry in batch.entries:
        event = decode_event(entry.line)
        assert event.seq == entry.seq >= newest
        assert event.prev == last.get(entry.stream, 0)
        last[entry.stream] = newest = event.seq
    assert newest == state.seq


@given(st.lists(ACTS, max_size=30))
def test_each_command_that_somebody_asked_is_answered_once(acts: Acts) -> None:
    state, batch = State("e"), Batch()
    everything = list(numbered(acts))
    for command in everything:
        apply(state, command, batch)
    asked = [command.origin.id for command in everything if command.origin is not None]
    assert sorted(reply.origin.id for reply in batch.replies) == asked  # type: ignore[type-var]


def test_a_command_of_a_session_that_has_ended_is_refused() -> None:
    state, batch = State("e"), Batch()
    asked = Origin(b"\0aaaa", 7)
    apply(state, commands.ChangeNick(at=1, sid="gone", nick="x", origin=asked), batch)
    apply(state, commands.Say(at=2, sid="gone", lines=[]), batch)
    assert batch.replies == [Reply(asked, Failure(id=7, error=NO_SESSION))]
    assert not batch.entries
    assert state.at == 2
