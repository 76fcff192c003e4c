"""What holds of the broker's state at all times."""

from __future__ import annotations

from typing import Any

from chatlib.core.rights import who_is
from chatlib.core.state import Room, Session, State, User
from chatlib.names import nick_key, room_name
from chatlib.skeleton import skeletons


def check(state: State) -> None:
    """See that the tables agree with each other. Raises AssertionError."""
    for sid, session in state.sessions.items():
        _check_session(state, sid, session)
    for name, room in state.rooms.items():
        _check_room(state, name, room)
    for id, user in state.users.items():
        _check_user(state, id, user)
    assert len(state.digests) == len(state.sessions)
    assert len(state.nicks) == len(state.users)
    assert not state.ended.keys() & state.digests.keys()


def _check_session(state: State, sid: str, session: Session) -> None:
    assert session.sid == sid
    assert state.digests[session.digest] == sid
    assert state.users[session.user.id] is session.user
    assert sid in session.user.sessions


def _check_user(state: State, id: str, user: User) -> None:
    assert user.id == id
    assert user.sessions or user.identity
    assert all(state.sessions[sid].user is user for sid in user.sessions)
    assert state.nicks[user.key] == id
    assert {state.looks[look] for look in skeletons(user.nick)} == {id}
    assert user.key == nick_key(user.nick)
    assert user.inbox <= state.seq
    for name, room in user.rooms.items():
        assert state.rooms[name] is room
        assert (id in room.members) == user.present
    if user.identity:
        known = state.identities[user.identity]
        assert (known.user, known.nick) == (id, user.nick)


def _check_room(state: State, name: str, room: Room) -> None:
    assert room.name == name == room_name(name)
    assert room.head <= state.seq
    rights = state.rights.get(name)
    assert room.private == (rights is not None and rights.private)
    assert room.stream.startswith("private/" if room.private else "room/")
    for id, joined in room.members.items():
        assert state.users[id].rooms[name] is room
        assert 0 < joined <= room.head
        if rights is not None and room.private:
            assert who_is(state, state.users[id]) in rights.roles


def picture(state: State) -> dict[str, Any]:
    """Return all that the state holds, as values that later changes leave alone."""
    return {
        "sessions": {
            sid: (s.digest, s.user.id, s.bot, s.accepted, s.owner, s.since)
            for sid, s in state.sessions.items()
        },
        "users": {
            id: (u.nick, u.key, u.inbox, set(u.rooms), dict(u.read), u.sessions, u.identity)
            for id, u in state.users.items()
        },
        "records": {kind: dict(known) for kind, known in state.records.items()},
        "keys": dict(state.keys),
        "rooms": {r.name: (r.topic, r.head, dict(r.members)) for r in state.rooms.values()},
        "tables": (dict(state.nicks), dict(state.looks), dict(state.digests), dict(state.ended)),
        "private": {r.name for r in state.rooms.values() if r.private},
        "counts": (state.seq, state.at, state.guests),
    }
