"""Who may do what: one table, looked up by apply before any handler, and by all that is asked.

A right is bound to *who* somebody is: his identity, by his key. Without keys he is his session, and
all that he is ends with it. In a private room who has no role there is told the same as if there
were no such room.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from chatlib.core import commands
from chatlib.core.grants import RoomRights
from chatlib.core.state import Room, Session, State, User
from chatlib.core.streams import timestamp
from chatlib.protocol import requests
from chatlib.protocol.fields import Error

Level = Literal["none", "member", "moderator", "owner", "operator"]
RANKS: dict[str, int] = {"none": 0, "member": 1, "moderator": 2, "owner": 3}
KEY_CHARS = 40  # of a CURVE key in Z85
NOTHING = RoomRights()


class Needs(NamedTuple):
    """What somebody has to be for it: in the room, or `operator` of the broker.

    `inside`: of a private room he must have joined it, too. `everywhere`: operators of the broker
    may do it in private rooms, where they are nobody else.
    `speaks`: who is muted may not.
    """

    role: Level
    inside: bool = False
    everywhere: bool = False
    speaks: bool = False


MODERATOR = Needs("moderator")
OPERATOR = Needs("operator")
READS = Needs("member", inside=True)
SPEAKS = READS._replace(speaks=True)


class RoomBans:
    """Asking who is banned from a room."""


class SeeDeleted:
    """Asking for what was deleted in a room."""


TABLE: dict[Any, Needs] = {
    commands.JoinRoom: Needs("member"),
    commands.LeaveRoom: Needs("member"),
    commands.SetTopic: SPEAKS,
    commands.MarkRead: READS,
    commands.SetRole: Needs("member", everywhere=True),  # and see `_rank_fault`
    commands.Kick: MODERATOR,
    commands.RoomBan: Needs("moderator", everywhere=True),
    commands.RoomUnban: Needs("moderator", everywhere=True),
    commands.Mute: MODERATOR,
    commands.Unmute: MODERATOR,
    requests.History: READS,
    requests.Read: READS,
    requests.Search: READS,
    requests.Topic: READS,
    requests.Who: READS,
    requests.Roles: Needs("member"),
    RoomBans: MODERATOR,
    SeeDeleted: Needs("moderator", inside=True),
    # Lines, by their kinds. Who is in the room may say them unless he is muted.
    "say": SPEAKS,
    "act": SPEAKS,
    "edit": SPEAKS,
    "react": SPEAKS,
    "delete": READS,
    "delete another's": Needs("moderator", inside=True),
    # Of the broker, as commands and as what is asked on the wire.
    commands.Invite: OPERATOR,
    commands.Uninvite: OPERATOR,
    commands.Ban: OPERATOR,
    commands.Unban: OPERATOR,
    commands.Promote: OPERATOR,
    commands.Deregister: OPERATOR,
    commands.Reset: OPERATOR,
    requests.Invite: OPERATOR,
    requests.Uninvite: OPERATOR,
    requests.Invitations: OPERATOR,
    requests.Ban: OPERATOR,
    requests.Unban: OPERATOR,
    requests.Bans: OPERATOR,
    requests.Promote: OPERATOR,
    requests.Unregister: OPERATOR,  # another's; one's own takes no right
    requests.Reset: OPERATOR,
    requests.Audit: OPERATOR,
    requests.Status: OPERATOR,
    requests.Whereis: OPERATOR,
    requests.Drain: OPERATOR,
    commands.CloseRoom: OPERATOR,
    commands.ReopenRoom: OPERATOR,
    commands.BackUp: OPERATOR,
    requests.Close: OPERATOR,
    requests.Reopen: OPERATOR,
    requests.Backup: OPERATOR,
}


# -- who somebody is ------------------------------------------------------------------------------


def who(state: State, session: Session) -> str:
    """Return to what the rights of a session are bound; each session of a gateway is somebody."""
    known = state.keys.get(session.owner)
    if known is not None and state.identities[known].role == "gateway":
        return session.sid
    return known or session.owner or session.sid


def who_is(state: State, user: User) -> str:
    """Return to what the rights of a user are bound, here or away."""
    return user.identity or who(state, state.sessions[user.sessions[0]])


def names_of(state: State, session: Session) -> tuple[str, ...]:
    """Return by what a session is muted or banned: without a key of its own by its nick, too."""
    me = who(state, session)
    return (me, by_nick(session.user.key)) if me == session.sid else (me,)


def by_nick(key: str) -> str:
    """Return under what a nickname without a key is muted or banned."""
    return "@" + key


def lives(state: State, me: str) -> bool:
    """Tell whether somebody of this name can ever come again: sessions end for good."""
    known = me in state.identities or me in state.sessions
    return known or len(me) == KEY_CHARS or me.startswith("@")


def users_of(state: State, me: str) -> list[User]:
    """Return under what nicknames somebody is here, or registered; the order is always the same."""
    if me in state.sessions:
        return [state.sessions[me].user]
    found = {s.user.id for s in state.sessions.values() if s.owner and who(state, s) == me}
    if (known := state.identities.get(me)) is not None and known.user:
        found.add(known.user)
    return [state.users[id] for id in sorted(found)]


def operates(state: State, key: str, local: bool = False) -> bool:
    """Tell whether a key, or a user of this machine, is an operator of the broker."""
    return local or role_of_key(state, key) == "operator"


def role_of_key(state: State, key: str) -> str:
    """Return the role that a key has in the broker; empty for none."""
    known = state.identities.get(state.keys.get(key, "")) if key else None
    return known.role if known is not None else ""


# -- what he is in a room -------------------------------------------------------------------------


def role_of(state: State, me: str, room: str) -> Level:
    """Return what somebody is in a room: in a public one everybody is a member."""
    rights = state.rights.get(room, NOTHING)
    granted = rights.roles.get(me)
    if granted is not None:
        return granted.role
    return "none" if rights.private else "member"


def sees(state: State, session: Session, room: Room | None) -> bool:
    """Tell whether a room is there for somebody."""
    return room is not None and (
        not room.private or role_of(state, who(state, session), room.name) != "none"
    )


def reads(state: State, user: User, room: Room) -> bool:
    """Tell whether somebody may be told what happens in a room."""
    return not room.private or (
        user.id in room.members and role_of(state, who_is(state, user), room.name) != "none"
    )


def owned(state: State, room: str) -> bool:
    """Tell whether a room has an owner who can come again, and may."""
    roles = state.rights.get(room, NOTHING).roles.items()
    owners = [me for me, granted in roles if granted.role == "owner" and lives(state, me)]
    return any(me not in state.bans for me in owners)


def banned_here(state: State, session: Session, room: str) -> bool:
    """Tell whether somebody is kept out of a room."""
    banned = state.rights.get(room, NOTHING).banned
    return bool(banned) and any(name in banned for name in names_of(state, session))


def _muted_fault(state: State, session: Session, room: str) -> Error | None:
    muted = state.rights.get(room, NOTHING).muted
    found = (muted[name] for name in names_of(state, session) if name in muted) if muted else ()
    for held in found:
        if held.holds(state.at):
            end = timestamp(held.until) if held.until else "a moderator unmutes you"
            return Error("muted", f"you are muted in {room} until {end}")
    return None


# -- may he? --------------------------------------------------------------------------------------


def no_such_room(name: str) -> Error:
    """Return what is told of a room that is not there, or not there for who asks."""
    return Error("no_such_room", f"there is no room {name}: joining it opens it")


def fault(
    state: State, session: Session, act: Any, name: str, *, local: bool = False
) -> Error | None:
    """Return why somebody may not do this (a key of TABLE) in a room, or None.

    None, too, where there is no such room: whoever carries it out says so.
    """
    room, needs = state.rooms.get(name), TABLE[act]
    if room is None:
        return None
    me = who(state, session)
    role, operator = role_of(state, me, name), operates(state, session.owner, local)
    if operator and (needs.everywhere or not room.private):
        return None
    if role == "none":
        return no_such_room(name)
    if needs.inside and room.private and session.user.id not in room.members:
        return Error("not_joined", f"you are not in the room {name}: join it first")
    if RANKS[role] < RANKS[needs.role]:
        return Error("not_allowed", f"that takes the role {needs.role} in {name}, yours is {role}")
    return None


def command_fault(state: State, session: Session, command: Any) -> Error | None:
    """Return why apply may not carry out a command of a session, or None."""
    name = getattr(command, "room", None)
    if type(command) not in TABLE or name is None:
        return None
    local = getattr(command, "local", False)
    error = fault(state, session, type(command), name, local=local)
    if error is not None and type(command) is commands.JoinRoom:  # it would open one, else
        text = f"there is no room {name} for you: ask who is in it to let you in, or open another"
        return Error(error.code, text)
    if error is None and isinstance(command, commands.InRoom):
        return _rank_fault(state, session, command)
    if error is None and type(command) is commands.JoinRoom:
        return _join_fault(state, session, name)
    if error is None and TABLE[type(command)].speaks:
        return _muted_fault(state, session, name)
    return error


def _join_fault(state: State, session: Session, room: str) -> Error | None:
    if _kept_out(state, session, room):
        return banned(room)
    if state.rights.get(room, NOTHING).closed:
        text = f"{room} was closed by an operator of this broker: take another room"
        return Error("room_closed", text)
    return None


def _kept_out(state: State, session: Session, room: str) -> bool:
    return banned_here(state, session, room) and session.user.id not in state.rooms[room].members


def banned(room: str) -> Error:
    """Return what somebody is told who is kept out of a room."""
    return Error("banned_here", f"you are banned from {room}: ask one of its moderators")


def _rank_fault(state: State, session: Session, command: Any) -> Error | None:
    """Return why somebody may not touch this one, or give that much; None for whom nobody knows."""
    if type(command) is commands.CreateRoom or command.room not in state.rooms:
        return None
    private = state.rooms[command.room].private
    operator = operates(state, session.owner, command.local)
    if operator and type(command) is commands.SetRole and private and owned(state, command.room):
        if role_of(state, who(state, session), command.room) == "none":
            text = f"{command.room} has an owner: only owners and moderators give roles there"
            return Error("not_allowed", text)
        operator = False
    if operator:
        return None
    mine = RANKS[role_of(state, who(state, session), command.room)]
    needed = _rank_needed(state, session, command)
    if mine >= needed:
        return None
    role = next(role for role, rank in RANKS.items() if rank == needed)
    return Error("not_allowed", f"that takes the role {role} in {command.room}")


def _rank_needed(state: State, session: Session, command: Any) -> int:
    """Return what one must be: an owner for what touches moderators and owners, or makes them."""
    theirs = target(state, command.room, command.nick)
    touched = {theirs} - {""}
    if type(command) is commands.Unmute:  # it lifts all that the nickname ever meant
        muted = state.rights.get(command.room, NOTHING).muted
        touched |= meant(state, muted, command.nick).keys()
    rank = max((RANKS[role_of(state, one, command.room)] for one in touched), default=0)
    given = RANKS[command.role] if type(command) is commands.SetRole else 0
    if type(command) is commands.SetRole and theirs == who(state, session) and given <= rank:
        return given  # everybody may be less than he is
    return RANKS["owner"] if max(rank, given) >= RANKS["moderator"] else RANKS["moderator"]


def target(state: State, room: str, key: str) -> str:
    """Return who has a nickname (a nick key): now, or had it when he got his role in the room."""
    id = state.nicks.get(key)
    if id is not None:
        return who_is(state, state.users[id])
    rights = state.rights.get(room, NOTHING)
    tables: tuple[dict[str, Any], ...] = (rights.roles, rights.muted, rights.banned)
    found = (me for table in tables for me, kept in table.items() if kept.key == key)
    return next((me for me in found if not me.startswith("@")), "")


def meant(state: State, table: dict[str, Any], key: str) -> dict[str, Any]:
    """Return the entries of a table that a nickname means: now, or when they were made."""
    user = state.users.get(state.nicks.get(key, ""))
    me = who_is(state, user) if user is not None else ""
    here = (me, by_nick(key)) if user is not None and me in user.sessions else (me,)
    return {one: kept for one, kept in table.items() if kept.key == key or one in here}


def line_fault(state: State, session: Session, room: Room, kind: str) -> Error | None:
    """Return why somebody who is in a room may not say a line of this kind there, or None."""
    rights = state.rights.get(room.name)
    if rights is None or not (rights.muted or rights.banned or rights.private):
        return None
    if (error := fault(state, session, kind, room.name)) is not None:
        return error
    if banned_here(state, session, room.name):
        return banned(room.name)
    return _muted_fault(state, session, room.name) if TABLE[kind].speaks else None


def moderates(state: State, session: Session, room: Room) -> bool:
    """Tell whether somebody may delete what others said in a room, and read what was deleted."""
    return fault(state, session, "delete another's", room.name) is None


def broker_fault(state: State, act: Any, key: str, local: bool) -> Error | None:
    """Return why somebody may not do this (a key of TABLE) with the broker, or None."""
    needs = TABLE.get(act)
    if needs is None or needs.role != "operator" or operates(state, key, local):
        return None
    return Error("not_allowed", "only operators of this broker may do that")
