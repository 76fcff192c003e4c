"""Events in their streams: timestamps, chains, lists of people."""

from __future__ import annotations

import json

import pytest

from chatlib.core.batch import Batch
from chatlib.core.state import Session, State, User
from chatlib.core.streams import members, moment, tell_inbox, tell_room, timestamp
from chatlib.protocol.answers import Member
from chatlib.protocol.events import Event


def state_with(*nicks: str) -> State:
    state = State("e")
    for nick in nicks:
        user = state.users[nick] = User(nick, nick, nick.lower(), sessions=(nick,))
        state.sessions[nick] = Session(nick, nick.encode(), user)
    return state


def test_a_timestamp_has_milliseconds_and_is_utc() -> None:
    assert timestamp(0) == "1970-01-01T00:00:00.000Z"
    assert timestamp(1_795_253_400_123) == "2026-11-21T09:30:00.123Z"
    assert timestamp(1_795_253_400_999) < timestamp(1_795_253_401_000)


def test_a_moment_is_what_a_timestamp_can_say() -> None:
    assert moment("2026-11-21T10:30:00.123+01:00") == moment("2026-11-21T09:30:00.123Z")
    assert timestamp(moment("2026-11-21T10:30:00.123+01:00") or 0) == "2026-11-21T09:30:00.123Z"


@pytest.mark.parametrize(
    "text",
    [
        "", "yesterday", "2026-11-21T09:30:00", "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59.999999Z",
    ],
)  # fmt: skip
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(ValueError, match="is no time like"):
        moment(text)


def test_members_are_sorted_by_their_folded_nicknames() -> None:
    state = state_with("bob", "Zoe", "Ann", "carl")
    state.sessions["bob"].bot = True
    assert members(state, state.sessions) == [
        Member("Ann", "Ann"), Member("bob", "bob", True), Member("carl", "carl"),
        Member("Zoe", "Zoe"),
    ]  # fmt: skip


def test_a_rooms_event_is_one_line_behind_the_one_before() -> None:
    state, batch = state_with("Ann"), Batch()
    state.at = 1_795_253_400_123
    room = state.rooms["lobby"]
    tell_room(state, room, state.sessions["Ann"], batch, kind="say", n=1, text="a\nb")
    tell_room(state, room, state.sessions["Ann"], batch, kind="leave", reason="left")
    first, second = batch.entries
    assert (first.stream, first.seq, first.peer) == ("room/lobby/", 1, None)
    assert b"\n" not in first.line
    assert json.loads(first.line) == {
        "seq": 1, "prev": 0, "at": "2026-11-21T09:30:00.123Z", "kind": "say", "room": "lobby",
        "nick": "Ann", "sid": "Ann", "n": 1, "text": "a\nb",
    }  # fmt: skip
    assert json.loads(second.line)["prev"] == 1
    assert room.head == state.seq == 2


def test_an_inboxs_event_chains_in_that_inbox() -> None:
    state, batch = state_with("Ann", "bob"), Batch()
    ann, bob = state.users["Ann"], state.users["bob"]
    ann.inbox = 5
    event = Event(seq=9, kind="say", to="bob", nick="Ann", sid="Ann", text="psst")
    tell_inbox(state, bob, ann, event, batch)
    tell_inbox(state, ann, bob, event, batch)
    to_bob, to_ann = batch.entries
    assert (to_bob.stream, to_bob.peer, json.loads(to_bob.line)["prev"]) == ("inbox/bob", "ann", 0)
    assert (to_ann.stream, to_ann.peer, json.loads(to_ann.line)["prev"]) == ("inbox/Ann", "bob", 5)
    assert (ann.inbox, bob.inbox) == (9, 9)
