"""Rights of registered nicknames: they hold on every device, and while nobody is there."""

from __future__ import annotations

import json

from chatlib.core import commands, rights
from chatlib.core.batch import Batch
from chatlib.core.devices import add_key
from chatlib.core.state import State
from tests.core.test_rights import do


def registered_ann() -> State:
    """Return a broker with a private room of bob's, and ann in it, who is registered."""
    state = State("e")
    for sid in ("ann", "bob"):
        key = sid.ljust(rights.KEY_CHARS, "k")
        do(state, commands.OpenSession(at=1, sid=sid, new_token=sid, nick=sid, key=key))
    do(state, commands.Register(at=1, sid="ann"))
    do(state, commands.CreateRoom(at=1, sid="bob", room="den", private=True))
    do(state, commands.JoinRoom(at=1, sid="bob", room="den"))
    do(state, commands.SetRole(at=1, sid="bob", room="den", nick="ann", role="member"))
    do(state, commands.JoinRoom(at=1, sid="ann", room="den"))
    return state


def back(state: State, sid: str) -> None:
    key = "ann".ljust(rights.KEY_CHARS, "k")
    do(state, commands.OpenSession(at=3, sid=sid, new_token=sid, key=key))


def test_who_is_kicked_while_away_does_not_come_back() -> None:
    state = registered_ann()
    do(state, commands.EndSession(at=2, sid="ann", reason="left"))
    batch = do(state, commands.Kick(at=2, sid="bob", room="den", nick="ann", reason=""))
    assert [entry.stream for entry in batch.entries] == ["private/den/", "inbox/ann", "audit"]
    back(state, "ann2")
    assert state.users["ann"].rooms == {}
    assert list(state.rooms["den"].members) == ["bob"]


def test_all_devices_are_told_of_a_private_room_and_put_out_once() -> None:
    state = registered_ann()
    back(state, "ann2")
    batch = do(state, commands.SetTopic(at=3, sid="bob", room="den", text="x"))
    assert batch.entries[0].readers == ("bob", "ann")
    batch = do(state, commands.Kick(at=4, sid="bob", room="den", nick="ann", reason=""))
    assert [json.loads(e.line)["kind"] for e in batch.entries] == ["leave", "audit"]
    assert list(state.rooms["den"].members) == ["bob"]


def test_rights_follow_a_key_that_becomes_a_device() -> None:
    state = registered_ann()
    phone = "phone".ljust(rights.KEY_CHARS, "k")
    do(state, commands.OpenSession(at=2, sid="p", new_token="p", nick="phone", key=phone))
    do(state, commands.CreateRoom(at=2, sid="p", room="mine", private=True))
    do(state, commands.RoomBan(at=2, sid="bob", room="den", nick="phone"))
    assert add_key(state, state.identities[state.users["ann"].identity], phone, Batch()) is None
    me = rights.who(state, state.sessions["ann"])
    assert rights.role_of(state, me, "mine") == "owner"
    assert rights.banned_here(state, state.sessions["ann"], "den")
    assert phone not in state.rights["mine"].roles


def test_every_key_of_who_becomes_a_gateway_is_put_out_of_private_rooms() -> None:
    state = registered_ann()
    phone = "phone".ljust(rights.KEY_CHARS, "k")
    assert add_key(state, state.identities[state.users["ann"].identity], phone, Batch()) is None
    do(state, commands.Unregister(at=2, sid="ann"))
    do(state, commands.OpenSession(at=2, sid="p", new_token="p", nick="phone", key=phone))
    do(state, commands.JoinRoom(at=2, sid="p", room="den"))
    laptop = state.sessions["ann"].owner
    do(state, commands.Promote(at=3, local=True, key=laptop, role="gateway"))
    assert list(state.rooms["den"].members) == ["bob"]
