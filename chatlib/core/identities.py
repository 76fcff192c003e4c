"""Who is let in: keys that are known, invitations that make them known, and bans.

A key is a CURVE public key in Z85; without encryption there is none, and nothing here applies.
Tokens are kept as digests: who reads the history can't use them.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from chatlib.core import audit, devices, rights
from chatlib.core.batch import Batch, Note, Reply
from chatlib.core.commands import (
    Admit,
    Ban,
    Invite,
    Origin,
    Promote,
    Redeem,
    Unban,
    Uninvite,
)
from chatlib.core.meter import network
from chatlib.core.rooms import depart
from chatlib.core.sessions import end_sessions_of, removed
from chatlib.core.state import Banned, Identity, Invitation, State
from chatlib.core.streams import tell_room, timestamp
from chatlib.core.whom import shown
from chatlib.protocol.answers import Invited, Redeemed
from chatlib.protocol.fields import Error

MAX_INVITATIONS = 1_000
MAX_BANS = 10_000
Domain = Literal["control", "intake", "feed"]
Access = Literal["open", "invite", "members"]

BAD_TOKEN = Error("bad_token", "this invitation is not known, used up or expired: ask for another")


class Rule(Struct, frozen=True):
    """Who may come in: anyone who has the broker's key, who is invited, or members alone."""

    access: Access

    def fault(self, state: State, domain: str, key: str, address: str) -> str:
        """Return why a key may not connect to a socket, or nothing."""
        if key in state.bans or address in state.bans or network(address) in state.bans:
            return "banned"
        if key in state.keys or (self.access == "open" and not removed(state, key)):
            return ""
        if self.access != "members" and domain == "control":
            return ""  # to redeem a token, and for nothing else
        return "not admitted"

    def vouches(self, state: State, key: str) -> bool:
        """Tell whether somebody let a key in; where everybody comes in, whether it has a role."""
        known = state.identities.get(state.keys.get(key, ""))
        return self.access != "open" or (known is not None and bool(known.role))


def admit(state: State, command: Admit, batch: Batch) -> None:
    """Make a key known, with a role or without."""
    admit_key(state, command.key, command.role)


def admit_key(state: State, key: str, role: str = "") -> Identity:
    """Return the identity that the key has, making one where it has none."""
    known = state.identities.get(state.keys.get(key, ""))
    if known is None:
        id = key
        while id in state.identities:  # somebody's whose key it was: not to be taken for him
            id += "'"
        known = Identity(id=id, keys=(key,), role=role, since=state.at)
        state.put(state.keys, key, known.id)
    elif known.role == role or not role:
        return known
    else:
        known = replace(known, role=role)
    state.put(state.identities, known.id, known)
    return known


def promote(state: State, command: Promote, batch: Batch) -> None:
    """Give a key a role in the broker, or none; somebody must stay its operator."""
    known = state.identities.get(state.keys.get(command.key, ""))
    before = known.role if known is not None else ""
    role = "" if command.role == "none" else command.role
    if role == before:
        batch.confirm(command.origin)
        return
    operators = sum(one.role == "operator" for one in state.identities.values())
    if before == "operator" and operators == 1:
        text = "this is the last operator: promote another one first"
        batch.fail(command.origin, Error("not_allowed", text))
        return
    if role == "gateway" and known is not None and known.user:
        text = (
            f"{known.nick} is a registered nickname, a gateway is many people: unregister it first"
        )
        batch.fail(command.origin, Error("not_allowed", text))
        return
    if known is None:
        admit_key(state, command.key, role)
    else:
        state.put(state.identities, known.id, replace(known, role=role))
    known = state.identities[state.keys[command.key]]
    _put_out(state, known, batch)
    batch.notes.append(Note("promoted", "", shown(command.key), reason=command.role))
    text = command.role
    audit.note_operator(state, command, "promote", batch, to=shown(command.key), role=text)
    batch.confirm(command.origin)


def _put_out(state: State, known: Identity, batch: Batch) -> None:
    """End memberships that went with who somebody was: a gateway's sessions are each their own."""
    found = (s for s in state.sessions.values() if s.owner in known.keys)
    mine = sorted(found, key=lambda s: s.sid)
    for session in mine:
        for _, room in sorted(session.user.rooms.items()):
            if not rights.reads(state, session.user, room):
                tell_room(state, room, session, batch, kind="leave", reason="kicked")
                depart(state, session.user, room)
                batch.notes.append(Note("kicked", session.sid, session.nick, room.name))


def invite(state: State, command: Invite, batch: Batch) -> None:
    """Keep an invitation until it is used up, expired or taken back."""
    forget_expired(state)
    if sum(not i.identity for i in state.invitations.values()) >= MAX_INVITATIONS:
        text = f"there are {MAX_INVITATIONS} invitations: take some back first"
        batch.fail(command.origin, Error("too_many_invitations", text))
        return
    made = Invitation(
        id=command.id,
        digest=command.digest,
        room=command.room,
        uses=command.uses,
        expires=state.at + command.seconds * 1000,
    )
    keep_invitation(state, made, command.token, command.origin, batch)
    audit.note_operator(state, command, "invite", batch, room=made.room, text=made.id)


def keep_invitation(
    state: State, made: Invitation, token: str, origin: Origin | None, batch: Batch
) -> None:
    """Keep an invitation, and tell its token to who asked for it."""
    state.put(state.invitations, made.id, made)
    if made.identity:
        nick = state.identities[made.identity].nick
        batch.notes.append(Note("linked", "", nick, reason=made.id))
    else:
        batch.notes.append(Note("invited", "", made.id, made.room))
    if origin is not None:
        answer = Invited(
            id=origin.id,
            invitation=made.id,
            token=token,
            room=made.room,
            uses=made.uses,
            expires=timestamp(made.expires),
        )
        batch.replies.append(Reply(origin, answer))


def uninvite(state: State, command: Uninvite, batch: Batch) -> None:
    """Take an invitation back."""
    if command.invitation not in state.invitations:
        text = f"there is no invitation {command.invitation}"
        batch.fail(command.origin, Error("no_such_invitation", text))
        return
    state.drop(state.invitations, command.invitation)
    audit.note_operator(state, command, "uninvite", batch, text=command.invitation)
    batch.confirm(command.origin)


def redeem(state: State, command: Redeem, batch: Batch) -> None:
    """Trade a token for being known: once for each key, as often as the invitation says."""
    forget_expired(state)
    found = next((i for i in state.invitations.values() if i.digest == command.digest), None)
    if found is None or (found.identity and found.by not in ("", command.key)):
        batch.fail(command.origin, BAD_TOKEN)
        return
    if found.identity:
        known = state.identities[found.identity]
        if error := devices.add_key(state, known, command.key, batch):
            batch.fail(command.origin, error)
            return
        if not found.by:
            state.put(state.invitations, found.id, replace(found.used(), by=command.key))
    elif command.key not in state.keys:
        if found.uses > 1:
            state.put(state.invitations, found.id, found.used())
        else:
            state.drop(state.invitations, found.id)
        admit_key(state, command.key)
        batch.notes.append(Note("redeemed", "", found.id, found.room))
        audit.write(state, "", command.key, "redeem", batch, room=found.room, text=found.id)
    if command.origin is not None:
        batch.replies.append(Reply(command.origin, Redeemed(id=command.origin.id, room=found.room)))


def forget_expired(state: State) -> None:
    """Drop the invitations whose time is over."""
    for invitation in list(state.invitations.values()):
        if invitation.expires <= state.at:
            state.drop(state.invitations, invitation.id)


def ban(state: State, command: Ban, batch: Batch) -> None:
    """Keep an address out, or a key with all others of its identity; end their sessions."""
    if len(state.bans) >= MAX_BANS:
        batch.fail(command.origin, Error("too_many_bans", f"there are {MAX_BANS} bans already"))
        return
    known = state.identities.get(state.keys.get(command.who, ""))
    if known is not None and known.role == "operator":
        batch.fail(command.origin, Error("not_allowed", "an operator can't be banned"))
        return
    kept_out = known.keys if known is not None else (command.who,)
    again = all(who in state.bans for who in kept_out)
    for who in kept_out:
        state.put(state.bans, who, Banned(who, command.reason, state.at))
    end_sessions_of(state, kept_out, batch, reason="banned")
    batch.expelled += kept_out
    batch.notes.append(Note("banned", "", shown(command.who), reason=command.reason))
    why = command.reason or None
    if not again:
        audit.note_operator(state, command, "ban", batch, to=shown(command.who), text=why)
    batch.confirm(command.origin)


def unban(state: State, command: Unban, batch: Batch) -> None:
    """Let an address in again, or a key with all others of its identity."""
    if command.who not in state.bans:
        batch.fail(command.origin, Error("not_banned", f"{command.who} is not banned"))
        return
    known = state.identities.get(state.keys.get(command.who, ""))
    for who in known.keys if known is not None else (command.who,):
        if who in state.bans:
            state.drop(state.bans, who)
    batch.notes.append(Note("unbanned", "", shown(command.who)))
    audit.note_operator(state, command, "unban", batch, to=shown(command.who))
    batch.confirm(command.origin)
