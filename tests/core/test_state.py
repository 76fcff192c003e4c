"""The state is whole after every command, and takes back what was not committed."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chatlib.core import commands
from chatlib.core.apply import apply
from chatlib.core.batch import Batch
from chatlib.core.commands import Command
from chatlib.core.state import State, digest, new_room
from chatlib.protocol.keys import encode_z85
from tests.core import consistency
from tests.core.mirror import Mirror
from tests.core.some_commands import ACTS, numbered

Acts = list[tuple[type[Command], dict[str, Any]]]
KEY = encode_z85(bytes(32)).decode()
START: Acts = [
    (commands.OpenSession, {"token": None, "nick": "ann", "bot": False, "key": KEY}),
    (commands.OpenSession, {"token": None, "nick": "bob", "bot": False}),
    (commands.Register, {"sid": "s0"}),
]
START += [(commands.JoinRoom, {"sid": sid, "room": "lobby", "after": None}) for sid in ("s0", "s1")]


@given(st.lists(ACTS, max_size=20), st.lists(ACTS, min_size=1, max_size=20))
def test_what_was_not_kept_is_taken_back(before: Acts, failed: Acts) -> None:
    state = State("e")
    everything = list(numbered(START + before + failed))
    for command in everything[: len(START + before)]:
        apply(state, command, Batch())
    state.keep()
    picture = consistency.picture(state)
    for command in everything[len(START + before) :]:
        apply(state, command, Batch())
    state.take_back()
    assert consistency.picture(state) == picture
    consistency.check(state)


@given(st.lists(ACTS, max_size=30))
def test_the_tables_agree_after_every_command(acts: Acts) -> None:
    state = State("e")
    for command in numbered(START + acts):
        apply(state, command, Batch())
        consistency.check(state)


@given(st.lists(ACTS, max_size=20), st.lists(ACTS, max_size=10))
def test_what_was_taken_back_may_come_again_to_the_same_effect(kept: Acts, again: Acts) -> None:
    everything = list(numbered(START + kept + again))
    first, second = State("e"), State("e")
    for command in everything[: len(START + kept)]:
        apply(first, command, Batch())
        apply(second, command, Batch())
    first.keep()
    second.keep()
    for command in everything[len(START + kept) :]:
        apply(first, command, Batch())
    first.take_back()
    told, told_again = Batch(), Batch()
    for command in everything[len(START + kept) :]:
        apply(first, command, told)
        apply(second, command, told_again)
    assert told.entries == told_again.entries
    assert told.notices == told_again.notices
    assert consistency.picture(first) == consistency.picture(second)


def test_time_does_not_go_back() -> None:
    state = State("e")
    state.tick(1_000)
    state.tick(900)
    assert state.at == 1_000


def test_a_head_moves_with_the_count_and_goes_back_with_it() -> None:
    state, room = State("e"), new_room("lobby")
    assert (state.advance(room), state.advance(room), room.head, state.seq) == (0, 1, 2, 2)
    state.keep()
    state.advance(room)
    state.take_back()
    assert (room.head, state.seq) == (2, 2)


def test_a_token_is_kept_only_as_a_digest() -> None:
    assert digest("secret") == digest("secret") != digest("secreu")
    assert b"secret" not in digest("secret")
    assert digest("\ud800")  # a JSON string can't bring it, a caller can


@given(st.lists(st.tuples(ACTS, st.sampled_from(["go on", "keep", "take back"])), max_size=30))
def test_the_changes_that_were_told_are_all_that_there_were(acts: list[tuple[Any, str]]) -> None:
    """So a broker that starts again from its store is where it was at its last commit."""
    state, mirror = State("e"), Mirror()
    start = [(act, "keep") for act in START]
    everything = [*start, *acts]
    commands = numbered([act for act, _ in everything])
    for command, (_, what) in zip(commands, everything, strict=True):
        apply(state, command, Batch())
        if what == "keep":
            mirror.take(state.changes())
            state.keep()
        elif what == "take back":
            state.take_back()
    mirror.take(state.changes())
    again = State("e")
    again.restore(mirror.saved())
    assert consistency.picture(again) == consistency.picture(state)
    consistency.check(again)
