"""Requests that need no session, most of them operators', to commands and questions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chatlib.core import commands, whom
from chatlib.core.commands import Command, Question, Unhashed
from chatlib.core.passwords import salt_of
from chatlib.core.requested import Admitted, Context, asked, of_a_room
from chatlib.core.rights import role_of_key
from chatlib.core.state import State, digest
from chatlib.core.streams import timestamp
from chatlib.core.users import find_user
from chatlib.errors import Misuse, ProtocolViolation
from chatlib.names import nick_key, room_name
from chatlib.protocol import requests
from chatlib.protocol.links import DEVICE_TOKEN


def _redeem(request: requests.Redeem, context: Context, state: State) -> Command:
    return commands.Redeem(
        at=context.at,
        origin=context.origin,
        key=context.peer.key,
        digest=digest(request.token),
    )


def _invite(request: requests.Invite, context: Context, state: State) -> Command:
    token = context.fresh(16)
    return commands.Invite(
        at=context.at,
        origin=context.origin,
        id=context.fresh(4),
        token=token,
        digest=digest(token),
        room=room_name(request.room),
        uses=request.uses,
        seconds=request.seconds,
        by=context.peer.key,
        local=context.local,
    )


def _ban(request: requests.Ban, context: Context, state: State) -> Command:
    given = [w for w in (request.key, request.address, request.nick) if w is not None]
    if len(given) != 1 or not given[0]:
        raise ProtocolViolation("bad_request", "ban one: key, address or nick", request.id)
    if request.nick is not None:
        who = _key_of(request.nick, request.id, state)
    else:
        who = _meant(request, state)
    return commands.Ban(
        at=context.at,
        origin=context.origin,
        who=who,
        reason=request.reason,
        by=context.peer.key,
        local=context.local,
    )


def _meant(request: requests.Ban | requests.Promote, state: State) -> str:
    """Return the key or the address that is named. Raises ProtocolViolation."""
    try:
        if request.key is None and isinstance(request, requests.Ban):
            return whom.address_meant(request.address or "")
        return whom.key_meant(state, request.key or "")
    except Misuse as e:
        raise ProtocolViolation("bad_request", str(e), request.id) from None


def _key_of(nick: str, id: Any, state: State) -> str:
    """Return a key of who has a nickname, here or away. Raises ProtocolViolation."""
    user = find_user(state, nick)
    if user is None:
        key = ""
    elif user.identity:
        key = next(iter(state.identities[user.identity].keys), "")
    else:
        key = state.sessions[user.sessions[0]].owner
    if not key:
        raise ProtocolViolation("no_such_nick", f"nobody here is called {nick}", id)
    if role_of_key(state, key) == "gateway":
        text = f"{nick} comes through a gateway, whose key others share: name the key, or a room"
        raise ProtocolViolation("not_allowed", text, id)
    return key


def _promote(request: requests.Promote, context: Context, state: State) -> Command:
    if (request.key is None) == (request.nick is None) or request.key == "":
        raise ProtocolViolation("bad_request", "promote one: key or nick", request.id)
    if request.nick is not None:
        key = _key_of(request.nick, request.id, state)
    else:
        key = _meant(request, state)
    return commands.Promote(
        at=context.at,
        origin=context.origin,
        key=key,
        role=request.role,
        by=context.peer.key,
        local=context.local,
    )


def _audit(request: requests.Audit, context: Context, state: State) -> Question:
    if request.after is not None and request.before is not None:
        raise ProtocolViolation("bad_request", "audit takes after or before, not both", request.id)
    return asked(request, context)


def _whereis(request: requests.Whereis, context: Context, state: State) -> Question:
    checked(request.nick)
    return asked(request, context)


def _reset(request: requests.Reset, context: Context, state: State) -> Command:
    token = DEVICE_TOKEN + context.fresh(16)
    return commands.Reset(
        at=context.at,
        origin=context.origin,
        nick=checked(request.nick),
        id=context.fresh(4),
        token=token,
        digest=digest(token),
        seconds=request.seconds,
        by=context.peer.key,
        local=context.local,
    )


def _close(request: requests.Close, context: Context, state: State) -> Command:
    return commands.CloseRoom(
        at=context.at,
        origin=context.origin,
        room=room_name(request.room),
        reason=request.reason,
        by=context.peer.key,
        local=context.local,
    )


def _reopen(request: requests.Reopen, context: Context, state: State) -> Command:
    return commands.ReopenRoom(
        at=context.at,
        origin=context.origin,
        room=room_name(request.room),
        by=context.peer.key,
        local=context.local,
    )


def _backup(request: requests.Backup, context: Context, state: State) -> Command:
    when = timestamp(context.at).replace(":", "").replace(".", "")
    return commands.BackUp(
        at=context.at,
        origin=context.origin,
        name=f"hubbub-{when}.sqlite3",
        by=context.peer.key,
        local=context.local,
    )


def _login(request: requests.Login, context: Context, state: State) -> Unhashed:
    command = commands.LogIn(
        at=context.at,
        origin=context.origin,
        key=context.peer.key,
        nick=checked(request.nick),
        salt=salt_of(state, request.nick),
    )
    return Unhashed(command, request.password, context.peer.address)


def checked(nick: str) -> str:
    """Return the nickname as it is. Raises BadName."""
    nick_key(nick)
    return nick


WITHOUT_SESSION: dict[type[Any], Callable[[Any, Context, State], Admitted]] = {
    requests.Redeem: _redeem,
    requests.Invite: _invite,
    requests.Uninvite: lambda r, c, s: commands.Uninvite(
        at=c.at, origin=c.origin, invitation=r.invitation, by=c.peer.key, local=c.local
    ),
    requests.Ban: _ban,
    requests.Unban: lambda r, c, s: commands.Unban(
        at=c.at, origin=c.origin, who=whom.ban_meant(s, r.who), by=c.peer.key, local=c.local
    ),
    requests.Promote: _promote,
    requests.Audit: _audit,
    requests.Invitations: lambda r, c, s: asked(r, c),
    requests.Bans: lambda r, c, s: asked(r, c),
    requests.Unregister: lambda r, c, s: commands.Deregister(
        at=c.at, origin=c.origin, nick=checked(r.nick), by=c.peer.key, local=c.local
    ),
    requests.Login: _login,
    requests.Reset: _reset,
    requests.Status: lambda r, c, s: asked(r, c),
    requests.Whereis: _whereis,
    requests.Drain: lambda r, c, s: asked(r, c),
    requests.Close: _close,
    requests.Reopen: _reopen,
    requests.Backup: _backup,
}
NEED_KEYS = frozenset((
    requests.Redeem, requests.Invite, requests.Ban, requests.Promote, requests.Register,
    requests.Unregister, requests.Device, requests.Devices, requests.Undevice, requests.Password,
    requests.Login, requests.Reset,
))  # fmt: skip
WITH_PASSWORDS = (requests.Password, requests.Login)


def needs_session(request: Any) -> bool:
    """Tell whether it is asked in a session: what operators ask of others is not."""
    if type(request) is requests.Unregister:
        return request.nick is None
    return type(request) not in WITHOUT_SESSION or of_a_room(request)
