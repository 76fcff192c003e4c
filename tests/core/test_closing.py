"""Closing a room: everybody is out, nobody comes in, until it is opened again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatlib.core import commands
from chatlib.core.apply import apply
from chatlib.core.batch import Batch
from tests.core.test_rights import do, verdict, world


def events(room: str, *others: Any) -> list[Any]:
    """Return what came of closing a room, and of `others` after that."""
    state, batch = world(), Batch()
    for command in (commands.CloseRoom(at=2, room=room, reason="noise", local=True), *others):
        apply(state, command, batch)
    return [json.loads(entry.line) for entry in batch.entries]


@pytest.mark.parametrize("room", ["ops", "den"])
def test_everybody_is_out_and_stays_out(room: str) -> None:
    state = world()
    inside = set(state.rooms[room].members)
    assert inside
    do(state, commands.CloseRoom(at=2, room=room, local=True))
    assert not state.rooms[room].members
    assert not any(room in user.rooms for user in state.users.values())
    assert verdict(state, commands.JoinRoom(at=3, sid="owner", room=room)) == "room_closed"
    do(state, commands.ReopenRoom(at=4, room=room, local=True))
    assert verdict(state, commands.JoinRoom(at=5, sid="owner", room=room)) == "ok"


def test_who_may_not_see_a_room_does_not_learn_that_it_is_closed() -> None:
    state = world()
    do(state, commands.CloseRoom(at=2, room="den", local=True))
    assert verdict(state, commands.JoinRoom(at=3, sid="stranger", room="den")) == "no_such_room"


def test_it_is_told_in_the_room_and_written_down() -> None:
    again = commands.CloseRoom(at=3, room="ops", local=True)
    told = events("ops", again, commands.ReopenRoom(at=4, room="ops", local=True), again)
    leaves = [event for event in told if event["kind"] == "leave"]
    assert len(leaves) == len(world().rooms["ops"].members)
    assert {(e["reason"], e["by"], e["text"]) for e in leaves} == {("kicked", "operator", "noise")}
    noted = [(e["what"], e["nick"], e["room"]) for e in told if e["kind"] == "audit"]
    assert noted == [
        ("close", "operator", "ops"), ("reopen", "operator", "ops"), ("close", "operator", "ops"),
    ]  # fmt: skip
