"""Rights in rooms, given and taken: roles, kicks, mutes, bans. Whether one may, `rights` has said.

What is asked once more changes nothing, and is answered the same: clients ask again. Everything is
an event of the room, and an entry of the audit log; whom it concerns is told in his inbox where he
is not in the room.
"""

from __future__ import annotations

from collections.abc import Collection
from math import inf
from typing import Any, NamedTuple

from msgspec.structs import replace

from chatlib.core import audit, commands, grants, rights
from chatlib.core.batch import Batch, Note, Reply
from chatlib.core.grants import Granted, Kept, Muted, RoomRights
from chatlib.core.rooms import depart, opening_fault, own_room
from chatlib.core.state import Room, Session, State, User, new_room
from chatlib.core.streams import notify, tell_room, timestamp
from chatlib.protocol import limits
from chatlib.protocol.answers import Created, RoleIs
from chatlib.protocol.codec import text_fault
from chatlib.protocol.fields import Error

SAME_MS = 20_000  # a mute that ends so near to the one before it is that one, asked again


class Target(NamedTuple):
    """Whom something is done to: who he is, how he is called, and the users that he is now."""

    who: str
    nick: str
    key: str
    users: list[User]

    @property
    def names(self) -> list[str]:
        """Under what he is muted or banned; without a key of his own by his nickname, too."""
        passing = any(self.who in user.sessions for user in self.users)
        return [self.who, rights.by_nick(self.key)] if passing else [self.who]


# -- rooms ----------------------------------------------------------------------------------------


def create_room(state: State, session: Session, command: commands.CreateRoom, batch: Batch) -> None:
    """Make a room that its creator owns. For him who made it just so, only answer."""
    room = state.rooms.get(command.room)
    if room is not None:
        mine = rights.role_of(state, rights.who(state, session), room.name) == "owner"
        if not mine or room.private != command.private:
            text = f"there is a room {command.room} already, or one that you can't see"
            batch.fail(command.origin, Error("room_taken", f"{text}: take another name"))
            return
    elif error := opening_fault(state, session):
        batch.fail(command.origin, error)
        return
    else:
        room = new_room(command.room, command.private)
        state.put(state.rooms, room.name, room)
        own_room(state, session, room)
        kind = "private" if room.private else None
        audit.note(state, session, "create", batch, room=room.name, text=kind)
    if command.origin is not None:
        made = Created(id=command.origin.id, room=room.name, private=room.private)
        batch.replies.append(Reply(command.origin, made))


# -- roles ----------------------------------------------------------------------------------------


def set_role(state: State, session: Session, command: commands.SetRole, batch: Batch) -> None:
    """Give a role, or take it; in a private room who has none is out."""
    found = _find(state, session, command, batch)
    if found is None:
        return
    room, them = found
    role = command.role
    if role == "member" and not room.private:
        role = "none"  # which in a public room is the same
    known = state.rights.get(room.name, rights.NOTHING)
    before = known.roles.get(them.who)
    if (before.role if before is not None else "none") != role:
        if error := _role_fault(state, known, them, role, command.room):
            batch.fail(command.origin, error)
            return
        _grant(state, room.name, them, role)
        told = {"kind": "role", "role": role}
        tell_room(state, room, session, batch, kind="role", to=them.nick, role=role)
        if role == "none" and room.private:
            _expel(state, session, found, "", batch)
        if before is None and room.private:
            told["kind"] = "invite"
        _tell(state, session, room, them.users, batch, **told)
        audit.note(state, session, "role", batch, room=room.name, to=them.nick, role=role)
    if command.origin is not None:
        answer = RoleIs(id=command.origin.id, room=room.name, nick=them.nick, role=role)
        batch.replies.append(Reply(command.origin, answer))


def _role_fault(
    state: State, known: RoomRights, them: Target, role: str, room: str
) -> Error | None:
    if role == "none":
        return None
    if any(name in known.banned for name in them.names):
        return Error("not_allowed", f"{them.nick} is banned from {room}: unban him first")
    if them.who not in known.roles and len(_living(state, known.roles)) >= grants.MAX_ROLES:
        text = f"{room} has {grants.MAX_ROLES} roles: take some first"
        return Error("too_many_roles", text)
    return None


def _grant(state: State, room: str, them: Target, role: Any) -> None:
    known = state.rights.get(room, rights.NOTHING)
    roles = _living(state, known.roles)
    roles.pop(them.who, None)
    if role != "none":
        roles[them.who] = Granted(role, them.nick, them.key)
    _keep(state, room, replace(known, roles=roles))


# -- out, and silent ------------------------------------------------------------------------------


def kick(state: State, session: Session, command: commands.Kick, batch: Batch) -> None:
    """End a membership; of a private room, the role, too."""
    found = _find(state, session, command, batch, command.reason)
    if found is None:
        return
    room, them = found
    known = state.rights.get(room.name, rights.NOTHING)
    lost = room.private and them.who in known.roles
    absent = [user for user in them.users if user.id not in room.members]
    away = [user for user in absent if room.name in user.rooms]
    if lost:
        _grant(state, room.name, them, "none")
        if len(absent) == len(them.users):  # the room sees nobody leave
            tell_room(state, room, session, batch, kind="role", to=them.nick, role="none")
    if _expel(state, session, found, command.reason, batch) or lost:
        why = command.reason or None
        _tell(state, session, room, absent if lost else away, batch, kind="kick", text=why)
        audit.note(state, session, "kick", batch, room=room.name, to=them.nick, text=why)
    batch.confirm(command.origin)


def ban(state: State, session: Session, command: commands.RoomBan, batch: Batch) -> None:
    """Keep somebody out of a room, and put him out; his role ends."""
    found = _find(state, session, command, batch, command.reason)
    if found is None:
        return
    room, them = found
    known = state.rights.get(room.name, rights.NOTHING)
    if any(name not in known.banned for name in them.names):
        if len(known.banned) + len(them.names) > grants.MAX_BANS:
            text = f"{room.name} has {grants.MAX_BANS} bans: lift some first"
            batch.fail(command.origin, Error("too_many_bans", text))
            return
        kept = Kept(them.nick, them.key, state.at, command.reason)
        _grant(state, room.name, them, "none")
        known = state.rights.get(room.name, rights.NOTHING)
        banned = _living(state, known.banned) | dict.fromkeys(them.names, kept)
        _keep(state, room.name, replace(known, banned=banned))
        why = command.reason or None
        tell_room(state, room, session, batch, kind="ban", to=them.nick, text=why)
        _expel(state, session, found, command.reason, batch)
        _tell(state, session, room, them.users, batch, kind="ban", text=why)
        _note(session, "banned", room, them.nick, batch, reason=why)
        audit.note(state, session, "ban", batch, room=room.name, to=them.nick, text=why)
    batch.confirm(command.origin)


def unban(state: State, session: Session, command: commands.RoomUnban, batch: Batch) -> None:
    """Let somebody in again, by the nickname that he has or had when he was banned."""
    room = _room(state, command, batch)
    if room is None:
        return
    known = state.rights.get(room.name, rights.NOTHING)
    lifted = rights.meant(state, known.banned, command.nick)
    if not lifted:
        batch.fail(command.origin, Error("not_banned", f"{command.nick} is not banned there"))
        return
    banned = {n: k for n, k in known.banned.items() if n not in lifted}
    _keep(state, room.name, replace(known, banned=banned))
    nick = next(iter(lifted.values())).nick
    tell_room(state, room, session, batch, kind="unban", to=nick)
    _tell(state, session, room, _seeing(state, room, lifted), batch, kind="unban")
    _note(session, "unbanned", room, nick, batch)
    audit.note(state, session, "unban", batch, room=room.name, to=nick)
    batch.confirm(command.origin)


def mute(state: State, session: Session, command: commands.Mute, batch: Batch) -> None:
    """Let somebody say nothing in a room for a while."""
    found = _find(state, session, command, batch)
    if found is None:
        return
    room, them = found
    known = state.rights.get(room.name, rights.NOTHING)
    until = state.at + command.seconds * 1000 if command.seconds is not None else 0
    muted = {n: m for n, m in _living(state, known.muted).items() if m.holds(state.at)}
    if not all(_same(muted.get(name), until) for name in them.names):
        if len(muted) + len(them.names) > grants.MAX_MUTES:
            text = f"in {room.name} {grants.MAX_MUTES} are muted: unmute some first"
            batch.fail(command.origin, Error("too_many_mutes", text))
            return
        muted |= dict.fromkeys(them.names, Muted(them.nick, them.key, until))
        _keep(state, room.name, replace(known, muted=muted))
        end = timestamp(until) if until else None
        tell_room(state, room, session, batch, kind="mute", to=them.nick, until=end)
        seeing = _seeing(state, room, [them.who])
        _tell(state, session, room, seeing, batch, kind="mute", until=end)
        _note(session, "muted", room, them.nick, batch, until=end or "")
        audit.note(state, session, "mute", batch, room=room.name, to=them.nick, until=end)
    batch.confirm(command.origin)


def _same(muted: Muted | None, until: int) -> bool:
    if muted is None or bool(muted.until) != bool(until):
        return False
    return abs(muted.until - until) < SAME_MS


def unmute(state: State, session: Session, command: commands.Unmute, batch: Batch) -> None:
    """Let somebody speak again."""
    room = _room(state, command, batch)
    if room is None:
        return
    known = state.rights.get(room.name, rights.NOTHING)
    lifted = rights.meant(state, known.muted, command.nick)
    if lifted:
        muted = {n: m for n, m in known.muted.items() if n not in lifted}
        _keep(state, room.name, replace(known, muted=muted))
        nick = next(iter(lifted.values())).nick
        tell_room(state, room, session, batch, kind="unmute", to=nick)
        _tell(state, session, room, _seeing(state, room, lifted), batch, kind="unmute")
        _note(session, "unmuted", room, nick, batch)
        audit.note(state, session, "unmute", batch, room=room.name, to=nick)
    batch.confirm(command.origin)


# -- what they share ------------------------------------------------------------------------------


def _room(state: State, command: commands.InRoom, batch: Batch) -> Room | None:
    room = state.rooms.get(command.room)
    if room is None:
        batch.fail(command.origin, rights.no_such_room(command.room))
    return room


def _find(
    state: State, session: Session, command: Any, batch: Batch, reason: str = ""
) -> tuple[Room, Target] | None:
    """Return the room and whom it is about; where there is none, answer so."""
    room = _room(state, command, batch)
    if room is None:
        return None
    fault = text_fault(reason, limits.TOPIC_BYTES) if reason else None
    them = rights.target(state, room.name, command.nick)
    if fault is None and not them:
        fault = Error("no_such_nick", f"nobody here is called {command.nick}")
    if fault is not None:
        batch.fail(command.origin, fault)
        return None
    users = rights.users_of(state, them)
    if users:
        named = state.users.get(state.nicks.get(command.nick, ""))
        one = named if named in users else users[0]
        assert one is not None
        return room, Target(them, one.nick, one.key, users)
    known = state.rights[room.name]
    kept = known.roles.get(them) or known.muted.get(them) or known.banned[them]
    return room, Target(them, kept.nick, kept.key, [])


def _expel(
    state: State, session: Session, found: tuple[Room, Target], why: str, batch: Batch
) -> bool:
    """End somebody's memberships, telling him, too; say whether there were any.

    Who is away does not come back to the room either.
    """
    room, them = found
    inside = [user for user in them.users if room.name in user.rooms]
    for user in inside:
        if user.present:
            one, by, text = state.sessions[user.sessions[0]], session.nick, why or None
            tell_room(state, room, one, batch, kind="leave", reason="kicked", by=by, text=text)
            batch.notes.append(Note("kicked", one.sid, one.nick, room.name, reason=text, by=by))
        depart(state, user, room)
    return bool(inside)


def _tell(
    state: State, session: Session, room: Room, users: list[User], batch: Batch, **what: Any
) -> None:
    """Tell people in their inboxes where they are not in the room."""
    for user in users:
        if user.id not in room.members:
            known = {"nick": session.nick, "sid": session.sid, "room": room.name, "to": user.nick}
            notify(state, user, batch, **known, **what)


def _seeing(state: State, room: Room, whom: Collection[str]) -> list[User]:
    """Return whom these are now, where the room is there for them: to others nothing is told."""
    found = {user.id: user for me in whom for user in rights.users_of(state, me)}
    passing = (state.nicks.get(me[1:], "") for me in whom if me.startswith("@"))
    found |= {id: state.users[id] for id in passing if id}
    return [
        user
        for _, user in sorted(found.items())
        if not room.private
        or rights.role_of(state, rights.who_is(state, user), room.name) != "none"
    ]


def _note(session: Session, what: Any, room: Room, nick: str, batch: Batch, **more: Any) -> None:
    batch.notes.append(Note(what, "", nick, room.name, by=session.nick, **more))


def inherit(state: State, old: str, new: str) -> None:
    """Let somebody have what the one that he was before had in rooms.

    Of two roles it is the higher one, of two mutes the longer. What he opened counts as well.
    """
    for room, known in sorted(state.rights.items()):
        opener = new if known.opener == old else known.opener
        tables = (known.roles, known.muted, known.banned)
        if opener == known.opener and not any(old in table for table in tables):
            continue
        roles, muted, banned = dict(known.roles), dict(known.muted), dict(known.banned)
        had = [roles.pop(me) for me in (old, new) if me in roles]
        if had:
            roles[new] = max(had, key=lambda granted: rights.RANKS[granted.role])
        mutes = [muted.pop(me) for me in (old, new) if me in muted]
        if mutes:
            muted[new] = max(mutes, key=lambda mute: mute.until or inf)
        if old in banned:
            banned.setdefault(new, banned.pop(old))
        changed = replace(known, roles=roles, muted=muted, banned=banned, opener=opener)
        _keep(state, room, changed)


def forget(state: State, me: str) -> None:
    """Take all roles of somebody who is no more; whoever has his key is not to be taken for him.

    What keeps him silent or out stays.
    """
    for room, known in sorted(state.rights.items()):
        if me in known.roles:
            roles = {other: granted for other, granted in known.roles.items() if other != me}
            _keep(state, room, replace(known, roles=roles))


def _keep(state: State, room: str, changed: RoomRights) -> None:
    state.put(state.rights, room, changed)


def _living(state: State, table: dict[str, Any]) -> dict[str, Any]:
    """Return those of a table who can come again."""
    return {me: kept for me, kept in table.items() if rights.lives(state, me)}
