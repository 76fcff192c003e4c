"""What holds of the broker's state at all times."""

from __future__ import annotations

from typing import Any

from chatlib.core.rights import who
from chatlib.core.state import Room, Session, State
from chatlib.names import nick_key, room_name
from chatlib.skeleton import skeletons


def check(state: State) -> None:
    """See that the tables agree with each other. Raises AssertionError."""
    for sid, session in state.sessions.items():
        _check_session(state, sid, session)
    for name, room in state.rooms.items():
        _check_room(state, name, room)
    assert len(state.nicks) == len(state.digests) == len(state.sessions)
    assert not state.ended.keys() & state.digests.keys()


def _check_session(state: State, sid: str, session: Session) -> None:
    assert session.sid == sid
    assert state.digests[session.digest] == sid
    assert state.nicks[session.key] == sid
    assert {state.looks[look] for look in skeletons(session.nick)} == {sid}
    assert session.key == nick_key(session.nick)
    assert session.inbox <= state.seq
    for name, room in session.rooms.items():
        assert state.rooms[name] is room
        assert sid in room.members


def _check_room(state: State, name: str, room: Room) -> None:
    assert room.name == name == room_name(name)
    assert room.head <= state.seq
    rights = state.rights.get(name)
    assert room.private == (rights is not None and rights.private)
    assert room.stream.startswith("private/" if room.private else "room/")
    for sid, joined in room.members.items():
        assert state.sessions[sid].rooms[name] is room
        assert 0 < joined <= room.head
        if rights is not None and room.private:
            assert who(state, state.sessions[sid]) in rights.roles


def picture(state: State) -> dict[str, Any]:
    """Return all that the state holds, as values that later changes leave alone."""
    return {
        "sessions": {
            sid: (s.digest, s.nick, s.key, s.bot, s.accepted, s.inbox, set(s.rooms), dict(s.read))
            for sid, s in state.sessions.items()
        },
        "rooms": {r.name: (r.topic, r.head, dict(r.members)) for r in state.rooms.values()},
        "tables": (dict(state.nicks), dict(state.looks), dict(state.digests), dict(state.ended)),
        "records": {kind: dict(records) for kind, records in state.records.items()},
        "private": {r.name for r in state.rooms.values() if r.private},
        "counts": (state.seq, state.at, state.guests),
    }
