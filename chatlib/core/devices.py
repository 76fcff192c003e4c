"""The keys of an identity: one for each device of somebody, twenty at the most.

What adds one (a link, a password) and what takes one away are elsewhere; here is what that means
for the tables, the key's sessions and its connections.
"""

from __future__ import annotations

from chatlib.core import moderation
from chatlib.core.batch import Batch, Note
from chatlib.core.sessions import end_sessions_of
from chatlib.core.state import Identity, State
from chatlib.protocol.fields import Error

MAX_DEVICES = 20


def add_key(state: State, known: Identity, key: str, batch: Batch) -> Error | None:
    """Add a key to an identity, or return why not. One that it has already is fine.

    A key that was somebody before, under no registered nickname, is one of this identity now.
    """
    before = state.identities.get(state.keys.get(key, ""))
    if before is known:
        return None
    if not state.bans.keys().isdisjoint(known.keys):
        return Error("banned", f"{known.nick} is banned from this broker")
    if len(known.keys) >= MAX_DEVICES:
        text = f"a nickname has at most {MAX_DEVICES} keys: remove one first (/devices lists them)"
        return Error("too_many_devices", text)
    if before is not None:
        if before.role:
            text = "this key is an operator's, and stays one: take another one for this nickname"
            return Error("not_allowed", text)
        if before.user:
            text = f"this key has registered {before.nick}: unregister that first"
            return Error("already_registered", text)
        _take_key(state, before, key)
    old = before.id if before is not None else key
    if old not in state.identities:  # else others of its keys are that one still
        moderation.inherit(state, old, known.id)
    end_sessions_of(state, (key,), batch, reason="left")  # they were another user's
    state.put(state.identities, known.id, known.keeping([*known.dated(), (key, state.at)]))
    state.put(state.keys, key, known.id)
    batch.notes.append(Note("devices", "", known.nick))
    return None


def _take_key(state: State, known: Identity, key: str) -> None:
    """Take a key from an identity, which ends with its last one unless it is registered."""
    left = [(k, at) for k, at in known.dated() if k != key]
    state.drop(state.keys, key)
    if left or known.user:
        state.put(state.identities, known.id, known.keeping(left))
    else:
        state.drop(state.identities, known.id)


def remove_keys(state: State, id: str, keys: tuple[str, ...], batch: Batch) -> None:
    """Take keys from an identity, and end their sessions; the caller has them cut off."""
    end_sessions_of(state, keys, batch, reason="removed")
    for key in keys:
        _take_key(state, state.identities[id], key)
    batch.notes.append(Note("devices", "", state.identities[id].nick))
