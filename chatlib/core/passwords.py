"""Passwords: another way to add a key to a registered nickname, where the operator allows it.

Hashes come in with the commands: they take a tenth of a second, which is spent elsewhere. What a
guess finds out is the same for a nickname that is not registered and for a wrong password.
"""

from __future__ import annotations

import hmac
import math

from msgspec.structs import replace

from chatlib.core import devices, users
from chatlib.core.batch import Batch, Note, Reply
from chatlib.core.buckets import Buckets, Rate
from chatlib.core.commands import LogIn, SetPassword, Unhashed
from chatlib.core.meter import network
from chatlib.core.registering import NOT_REGISTERED, identity_of
from chatlib.core.state import Session, State, digest
from chatlib.names import nick_key
from chatlib.protocol.answers import Registered
from chatlib.protocol.fields import Error

PER_MINUTE = 5  # of one address, and for one nickname
WRONG = Error("wrong_password", "there is no such registered nickname, or that is not its password")


def set_password(state: State, session: Session, command: SetPassword, batch: Batch) -> None:
    """Keep a password's hash."""
    known = identity_of(state, session)
    if known is None:
        batch.fail(command.origin, NOT_REGISTERED)
    elif known.role:
        text = "an operator's nickname has no password: add a device with a link"
        batch.fail(command.origin, Error("not_allowed", text))
    else:
        made = replace(known, salt=command.salt, password=command.hash, setter=session.owner)
        state.put(state.identities, known.id, made)
        batch.confirm(command.origin)


def log_in(state: State, command: LogIn, batch: Batch) -> None:
    """Add a key to the identity whose password was known."""
    user = users.find_user(state, command.nick)
    known = state.identities.get(user.identity) if user is not None else None
    right = (
        known is not None
        and not known.role
        and bool(known.password)
        and known.salt == command.salt
        and hmac.compare_digest(known.password, command.hash)
    )
    if known is None or not right:
        batch.fail(command.origin, WRONG)
        batch.notes.append(Note("wrong password", "", command.nick))
        return
    if error := devices.add_key(state, known, command.key, batch):
        batch.fail(command.origin, error)
    elif command.origin is not None:
        answer = Registered(id=command.origin.id, nick=known.nick)
        batch.replies.append(Reply(command.origin, answer))


def salt_of(state: State, nick: str) -> bytes:
    """Return the salt of a nickname's password; of one without, some salt that stays the same.

    Raises BadName.
    """
    user = users.find_user(state, nick)
    known = state.identities.get(user.identity) if user is not None else None
    if known is not None and known.salt:
        return known.salt
    return digest(f"{state.epoch} {nick_key(nick)}")


class Attempts:
    """Who may try a password now: one try at a time, and so many a minute."""

    def __init__(self) -> None:
        rate = Rate(PER_MINUTE / 60, PER_MINUTE)
        self._buckets = Buckets(rate)
        self._trying: set[str] = set()

    def begin(self, wanted: Unhashed, now: float) -> Error | None:
        """Return why it may not be tried now; else it is being tried, until `end`."""
        places = _places(wanted)
        if not self._trying.isdisjoint(places):
            return Error("busy", "a password is being tried for you already: wait for its answer")
        wait = max(self._buckets.wait(place, 1, now) for place in places)
        if wait:
            text = f"more than {PER_MINUTE} passwords a minute: try again in {math.ceil(wait)} s"
            return Error("slow_down", text, after_ms=math.ceil(wait * 1000))
        for place in places:
            self._buckets.spend(place, 1, now)
        self._trying.update(places)
        return None

    def end(self, wanted: Unhashed) -> None:
        """Note that it was tried."""
        self._trying.difference_update(_places(wanted))


def _places(wanted: Unhashed) -> set[str]:
    command = wanted.command
    if isinstance(command, LogIn):
        return {f"nick {nick_key(command.nick)}", f"address {network(wanted.address)}"}
    return {f"session {command.sid}", f"address {network(wanted.address)}"}
