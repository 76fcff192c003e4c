"""Registered nicknames: who has one keeps it, with his inbox, cursors and rooms, on every device.

docs/protocol.md, "Registered nicknames", has the rules that this obeys.
"""

from __future__ import annotations

from msgspec.structs import replace

from chatlib.core import audit, devices, moderation, rights, users
from chatlib.core.batch import Batch, Note, Reply
from chatlib.core.commands import (
    AddDevice,
    Command,
    Deregister,
    Register,
    RemoveDevice,
    Reset,
    Unregister,
)
from chatlib.core.identities import admit_key, forget_expired, keep_invitation
from chatlib.core.state import Identity, Invitation, Session, State
from chatlib.names import LOBBY
from chatlib.protocol.answers import Registered
from chatlib.protocol.fields import Error
from chatlib.protocol.keys import fingerprint

MAX_REGISTERED = 100_000
MAX_IDENTITIES = 2 * MAX_REGISTERED  # who gives a nickname up stays known
MAX_LINKS = 5  # of one identity; beyond it the oldest is dropped
MAX_ALL_LINKS = 10_000
NOT_REGISTERED = Error("not_registered", "your nickname is not registered: /register it first")


def identity_of(state: State, session: Session) -> Identity | None:
    """Return the identity under which the session's nickname is registered, or None."""
    return state.identities.get(session.user.identity)


def register(state: State, session: Session, command: Register, batch: Batch) -> None:
    """Make the user that of his key's identity: he outlives his sessions from now on."""
    user = session.user
    if not session.owner:
        batch.fail(command.origin, Error("not_encrypted", "a nickname is registered for a key"))
        return
    if rights.role_of_key(state, session.owner) == "gateway":
        text = "you come through a gateway, whose key others share: register with a key of your own"
        batch.fail(command.origin, Error("not_allowed", text))
        return
    if not user.identity:
        known = state.identities.get(state.keys.get(session.owner, ""))
        if known is not None and known.user:
            text = f"your key has registered {known.nick} already: unregister that first"
            batch.fail(command.origin, Error("already_registered", text))
            return
        if _all_taken(state, known):
            text = f"this broker keeps at most {MAX_REGISTERED} registered nicknames"
            batch.fail(command.origin, Error("too_many_nicks", text))
            return
        known = admit_key(state, session.owner)
        state.put(state.identities, known.id, replace(known, nick=user.nick, user=user.id))
        state.set(user, "identity", known.id)
        batch.notes.append(Note("registered", session.sid, user.nick))
    if command.origin is not None:
        answer = Registered(id=command.origin.id, nick=user.nick)
        batch.replies.append(Reply(command.origin, answer))


def _all_taken(state: State, known: Identity | None) -> bool:
    if len(state.identities) < MAX_REGISTERED:
        return False
    if known is None and len(state.identities) >= MAX_IDENTITIES:
        return True
    return sum(bool(known.user) for known in state.identities.values()) >= MAX_REGISTERED


def unregister(state: State, session: Session, command: Unregister, batch: Batch) -> None:
    """Give the nickname up: the user goes with the last of his sessions, as all others do."""
    if (known := identity_of(state, session)) is not None:
        _unregister(state, known, batch)
    batch.confirm(command.origin)


def deregister(state: State, command: Deregister, batch: Batch) -> None:
    """Take a nickname from whoever has it registered."""
    known = _found(state, command, command.nick, batch)
    if known is not None:
        _unregister(state, known, batch)
        audit.note_operator(state, command, "unregister", batch, to=known.nick)
        batch.confirm(command.origin)


def _unregister(state: State, known: Identity, batch: Batch) -> None:
    user = state.users[known.user]
    _drop_links(state, known.id, 0)
    if known.keys:
        plain = replace(known, nick="", user="", salt=b"", password=b"", setter="")
        state.put(state.identities, known.id, plain)
    else:  # after a reset: who has the lost key must not come back to its roles
        state.drop(state.identities, known.id)
        moderation.forget(state, known.id)
    state.set(user, "identity", "")
    batch.notes.append(Note("unregistered", "", user.nick))
    if not user.present:
        users.drop_user(state, user)


def _found(state: State, command: Command, nick: str, batch: Batch) -> Identity | None:
    user = users.find_user(state, nick)
    if user is None or not user.identity:
        text = f"the nickname {nick} is not registered"
        batch.fail(command.origin, Error("no_such_nick", text))
        return None
    return state.identities[user.identity]


# -- keys -----------------------------------------------------------------------------------------


def add_device(state: State, session: Session, command: AddDevice, batch: Batch) -> None:
    """Keep a token for one more key."""
    known = identity_of(state, session)
    if known is None:
        batch.fail(command.origin, NOT_REGISTERED)
        return
    if len(known.keys) >= devices.MAX_DEVICES:
        text = f"a nickname has at most {devices.MAX_DEVICES} keys: remove one first"
        batch.fail(command.origin, Error("too_many_devices", text))
        return
    _keep_link(state, known, command, batch)


def _drop_password(state: State, id: str) -> None:
    without = replace(state.identities[id], salt=b"", password=b"", setter="")
    state.put(state.identities, id, without)


def _keep_link(state: State, known: Identity, command: AddDevice | Reset, batch: Batch) -> None:
    forget_expired(state)
    if sum(bool(i.identity) for i in state.invitations.values()) >= MAX_ALL_LINKS:
        text = "there are too many links for devices now: try again in some minutes"
        batch.fail(command.origin, Error("too_many_invitations", text))
        return
    _drop_links(state, known.id, MAX_LINKS - 1)
    link = Invitation(
        id=command.id,
        digest=command.digest,
        room=LOBBY,
        uses=1,
        expires=state.at + command.seconds * 1000,
        identity=known.id,
    )
    keep_invitation(state, link, command.token, command.origin, batch)


def _drop_links(state: State, id: str, left: int) -> None:
    """Drop the oldest links of an identity, so that so many are left."""
    links = [link for link in state.invitations.values() if link.identity == id]
    links.sort(key=lambda link: (link.expires, link.id))
    for link in links[: len(links) - left] if len(links) > left else ():
        state.drop(state.invitations, link.id)


def remove_device(state: State, session: Session, command: RemoveDevice, batch: Batch) -> None:
    """Take a key away, by its fingerprint or the beginning of that; never the one that asks."""
    known = identity_of(state, session)
    if known is None:
        batch.fail(command.origin, NOT_REGISTERED)
        return
    found = [key for key in known.keys if fingerprint(key.encode()).startswith(command.key)]
    if len(found) != 1:
        text = f"no one key of yours begins with {command.key}: /devices lists them"
        batch.fail(command.origin, Error("no_such_device", text))
    elif found[0] == session.owner:
        text = "that is the key that you ask with: remove it from another device"
        batch.fail(command.origin, Error("not_allowed", text))
    else:
        devices.remove_keys(state, known.id, (found[0],), batch)
        batch.removed.append(found[0])
        _drop_links(state, known.id, 0)  # who had the device may have made one
        if known.setter == found[0]:  # or this, by which he would come back
            _drop_password(state, known.id)
        batch.confirm(command.origin)


def reset(state: State, command: Reset, batch: Batch) -> None:
    """Take all keys and the password of a nickname, and keep a token for a new key."""
    known = _found(state, command, command.nick, batch)
    if known is None:
        return
    if known.role:
        text = f"{known.nick} is an operator: take the role from that key first"
        batch.fail(command.origin, Error("not_allowed", text))
        return
    if known.keys:
        devices.remove_keys(state, known.id, known.keys, batch)
        batch.expelled += known.keys
    _drop_password(state, known.id)
    _drop_links(state, known.id, 0)
    batch.notes.append(Note("reset", "", known.nick))
    audit.note_operator(state, command, "reset", batch, to=known.nick)
    _keep_link(state, known, command, batch)
