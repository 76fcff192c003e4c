"""Who is let in: keys that are known, invitations that make them known, and bans.

A key is a CURVE public key in Z85; without encryption there is none, and nothing here applies.
Tokens are kept as digests: who reads the history can't use them.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from chatlib.core import audit, rights
from chatlib.core.batch import Batch, Note, Reply
from chatlib.core.commands import (
    Admit,
    Ban,
    EndSession,
    Invite,
    Promote,
    Redeem,
    Unban,
    Uninvite,
)
from chatlib.core.rooms import depart
from chatlib.core.sessions import end_session
from chatlib.core.state import Banned, Identity, Invitation, State
from chatlib.core.streams import tell_room, timestamp
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
        if key in state.bans or address in state.bans:
            return "banned"
        if key in state.keys or self.access == "open":
            return ""
        if self.access == "invite" and domain == "control":
            return ""  # to redeem a token, and for nothing else
        return "not admitted"


def admit(state: State, command: Admit, batch: Batch) -> None:
    """Make a key known, with a role or without."""
    _admit(state, command.key, command.role)


def _admit(state: State, key: str, role: str = "") -> None:
    known = state.identities.get(state.keys.get(key, ""))
    if known is None:
        known = Identity(id=key, keys=(key,), role=role, since=state.at)
        state.put(state.keys, key, known.id)
    elif known.role == role or not role:
        return
    else:
        known = Identity(known.id, known.keys, role, known.since)
    state.put(state.identities, known.id, known)


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
    if known is None:
        _admit(state, command.key, role)
    else:
        changed = Identity(known.id, known.keys, role, known.since)
        state.put(state.identities, known.id, changed)
    _put_out(state, command.key, batch)
    batch.notes.append(Note("promoted", "", command.key, reason=command.role))
    text = command.role
    audit.note_operator(state, command, "promote", batch, to=command.key, role=text)
    batch.confirm(command.origin)


def _put_out(state: State, key: str, batch: Batch) -> None:
    """End memberships that went with who somebody was: a gateway's sessions are each their own."""
    mine = sorted((s for s in state.sessions.values() if s.owner == key), key=lambda s: s.sid)
    for session in mine:
        for _, room in sorted(session.rooms.items()):
            if not rights.reads(state, session, room):
                tell_room(state, room, session, batch, kind="leave", reason="kicked")
                depart(state, session, room)


def invite(state: State, command: Invite, batch: Batch) -> None:
    """Keep an invitation until it is used up, expired or taken back."""
    _forget_expired(state)
    if len(state.invitations) >= MAX_INVITATIONS:
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
    state.put(state.invitations, made.id, made)
    batch.notes.append(Note("invited", "", made.id, made.room))
    audit.note_operator(state, command, "invite", batch, room=made.room, text=made.id)
    if command.origin is not None:
        answer = Invited(
            id=command.origin.id,
            invitation=made.id,
            token=command.token,
            room=made.room,
            uses=made.uses,
            expires=timestamp(made.expires),
        )
        batch.replies.append(Reply(command.origin, answer))


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
    _forget_expired(state)
    found = next((i for i in state.invitations.values() if i.digest == command.digest), None)
    if found is None:
        batch.fail(command.origin, BAD_TOKEN)
        return
    if command.key not in state.keys:
        if found.uses > 1:
            state.put(state.invitations, found.id, found.used())
        else:
            state.drop(state.invitations, found.id)
        _admit(state, command.key)
        batch.notes.append(Note("redeemed", "", found.id, found.room))
        audit.write(state, "", command.key, "redeem", batch, room=found.room, text=found.id)
    if command.origin is not None:
        batch.replies.append(Reply(command.origin, Redeemed(id=command.origin.id, room=found.room)))


def _forget_expired(state: State) -> None:
    for invitation in list(state.invitations.values()):
        if invitation.expires <= state.at:
            state.drop(state.invitations, invitation.id)


def ban(state: State, command: Ban, batch: Batch) -> None:
    """Keep a key or an address out, and end the sessions that the key has."""
    if len(state.bans) >= MAX_BANS:
        batch.fail(command.origin, Error("too_many_bans", f"there are {MAX_BANS} bans already"))
        return
    known = state.identities.get(state.keys.get(command.who, ""))
    if known is not None and known.role == "operator":
        batch.fail(command.origin, Error("not_allowed", "an operator can't be banned"))
        return
    again = command.who in state.bans
    state.put(state.bans, command.who, Banned(command.who, command.reason, state.at))
    for session in [s for s in state.sessions.values() if command.who and s.owner == command.who]:
        gone = EndSession(at=command.at, sid=session.sid, reason="banned")
        end_session(state, session, gone, batch)
    batch.expelled.append(command.who)
    batch.notes.append(Note("banned", "", command.who, reason=command.reason))
    why = command.reason or None
    if not again:
        audit.note_operator(state, command, "ban", batch, to=command.who, text=why)
    batch.confirm(command.origin)


def unban(state: State, command: Unban, batch: Batch) -> None:
    """Let a key or an address in again."""
    if command.who not in state.bans:
        batch.fail(command.origin, Error("not_banned", f"{command.who} is not banned"))
        return
    state.drop(state.bans, command.who)
    batch.notes.append(Note("unbanned", "", command.who))
    audit.note_operator(state, command, "unban", batch, to=command.who)
    batch.confirm(command.origin)
