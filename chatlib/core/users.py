"""Users: who is behind sessions. Nicknames are theirs, and so are rooms, inbox and cursors.

One who is not registered has one session and ends with it. One who is has as many as he likes, and
stays when the last of them ends: then he leaves his rooms, and comes back to them with the next.
Rooms are told of him once, whatever his devices do.
"""

from __future__ import annotations

from chatlib.core.batch import Batch
from chatlib.core.state import Session, State, User
from chatlib.core.streams import tell_room
from chatlib.errors import BadName
from chatlib.names import nick_key, suggest_nick
from chatlib.protocol.fields import Error
from chatlib.skeleton import skeletons


def new_user(state: State, id: str, nick: str) -> User:
    """Return a new user; he is there when a session enters."""
    user = User(id, nick, nick_key(nick))
    state.put(state.users, user.id, user)
    _take_nick(state, user)
    return user


def enter(state: State, session: Session, batch: Batch) -> None:
    """Add a session to those of its user; the first one brings him back to his rooms."""
    user = session.user
    came = not user.present
    sids = {*user.sessions, session.sid}
    order = sorted(sids, key=lambda sid: (state.sessions[sid].since, sid))
    state.set(user, "sessions", tuple(order))
    if came:
        for _, room in sorted(user.rooms.items()):
            tell_room(state, room, session, batch, kind="join")
            state.put(room.members, user.id, room.head)


def withdraw(state: State, session: Session, reason: str, batch: Batch) -> None:
    """Take a session from those of its user; with the last one he leaves his rooms."""
    user = session.user
    left = tuple(sid for sid in user.sessions if sid != session.sid)
    if not left:
        _go_away(state, session, reason, batch)
    state.set(user, "sessions", left)
    if not left and not user.identity:
        drop_user(state, user)


def _go_away(state: State, session: Session, reason: str, batch: Batch) -> None:
    user = session.user
    if user.identity:  # what is said from now on is unread, in rooms that were never marked, too
        joins = {name: room.members[user.id] for name, room in sorted(user.rooms.items())}
        state.set(user, "read", {**user.read, **{n: user.read.get(n, joins[n]) for n in joins}})
    for _, room in sorted(user.rooms.items()):
        state.drop(room.members, user.id)
        tell_room(state, room, session, batch, kind="leave", reason=reason)


def drop_user(state: State, user: User) -> None:
    """Forget a user who has no session any more; the nickname is free."""
    state.drop(state.users, user.id)
    _free_nick(state, user)


def rename(state: State, user: User, nick: str) -> None:
    """Give a user another nickname, which was found to be free."""
    _free_nick(state, user)
    state.set(user, "nick", nick)
    state.set(user, "key", nick_key(nick))
    _take_nick(state, user)


def find_user(state: State, nick: str) -> User | None:
    """Return who has the nickname, here or away. Raises BadName."""
    return state.users.get(state.nicks.get(nick_key(nick), ""))


# -- nicknames ------------------------------------------------------------------------------------


def guest(state: State) -> str:
    """Return a nickname for somebody who wants none."""
    while True:
        state.set(state, "guests", state.guests + 1)
        if (nick := f"guest{state.guests}") not in _Taken(state):
            return nick


def nick_fault(state: State, nick: str, id: str) -> Error | None:
    """Return why the user of this id can't have the nickname, or None."""
    try:
        owner = state.nicks.get(nick_key(nick))
    except BadName as e:
        return Error(e.code, str(e))
    text = f"the nickname {nick} is "
    if owner is None:
        alike = {state.looks.get(look, id) for look in skeletons(nick)} - {id}
        if not alike:
            return None
        owner = min(alike)
        registered = state.users[owner].identity
        text = f"the nickname {nick} looks like {state.users[owner].nick}, "
        text += "which is registered" if registered else "who is here"
    elif owner == id:
        return None
    else:
        text += "registered" if state.users[owner].identity else "in use"
    free = suggest_nick(nick, _Taken(state))
    return Error("nick_taken", text + (f"; {free} is free" if free else ""), free or None)


def _take_nick(state: State, user: User) -> None:
    state.put(state.nicks, user.key, user.id)
    for look in sorted(skeletons(user.nick)):
        state.put(state.looks, look, user.id)


def _free_nick(state: State, user: User) -> None:
    state.drop(state.nicks, user.key)
    for look in sorted(skeletons(user.nick)):
        if state.looks.get(look) == user.id:  # two of one user may share a look
            state.drop(state.looks, look)


class _Taken:
    """Nicknames that are in use or registered, or look like one that is."""

    def __init__(self, state: State) -> None:
        self._state = state

    def __contains__(self, key: object) -> bool:
        return key in self._state.nicks or not skeletons(str(key)).isdisjoint(self._state.looks)
