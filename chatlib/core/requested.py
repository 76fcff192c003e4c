"""Requests to commands and questions, a function each: shape and names are checked here.

What needs more than the request itself, `core.admission` has done before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from chatlib.core import commands
from chatlib.core.commands import NOBODY, Command, Origin, Peer, Question
from chatlib.core.state import State, digest
from chatlib.errors import ProtocolViolation
from chatlib.names import nick_key, room_name
from chatlib.protocol import requests

Fresh = Callable[[int], str]


class Context(NamedTuple):
    """What a request is admitted with."""

    origin: Origin
    sid: str
    at: int
    peer: Peer = NOBODY


def _asked(request: Any, context: Context) -> Question:
    return Question(context.origin, context.sid, request)


def _topic(request: requests.Topic, context: Context) -> Command | Question:
    room = room_name(request.room)
    if request.text is None:
        return _asked(requests.Topic(room=room, id=request.id), context)
    return commands.SetTopic(
        at=context.at, sid=context.sid, origin=context.origin, room=room, text=request.text
    )


def _history(request: requests.History, context: Context) -> Question:
    places = (request.room is not None) + (request.peer is not None) + request.inbox
    if places != 1 or (request.after is not None and request.before is not None):
        text = "history takes one of room, peer or inbox, and after or before, not both"
        raise ProtocolViolation("bad_request", text, request.id)
    if request.room is not None:
        request.room = room_name(request.room)
    if request.peer is not None:
        request.peer = nick_key(request.peer)
    return _asked(request, context)


def _read(request: requests.Read, context: Context) -> Command | Question:
    places = (request.room is not None) + (request.peer is not None)
    if places > 1 or (request.seq is not None and not places):
        text = "read takes a room or a peer, and seq with one of them; or nothing, for all"
        raise ProtocolViolation("bad_request", text, request.id)
    if request.room is not None:
        request.room = room_name(request.room)
    if request.peer is not None:
        request.peer = nick_key(request.peer)
    if request.seq is None:
        return _asked(request, context)
    return commands.MarkRead(
        at=context.at,
        sid=context.sid,
        origin=context.origin,
        room=request.room,
        peer=request.peer,
        seq=request.seq,
    )


def _search(request: requests.Search, context: Context) -> Question:
    if request.room is not None:
        request.room = room_name(request.room)
    if request.from_ is not None:
        request.from_ = nick_key(request.from_)
    return _asked(request, context)


def _who(request: requests.Who, context: Context) -> Question:
    if request.room is not None:
        request.room = room_name(request.room)
    return _asked(request, context)


IN_SESSION: dict[type[Any], Callable[[Any, Context], Command | Question]] = {
    requests.Nick: lambda r, c: commands.ChangeNick(
        at=c.at, sid=c.sid, origin=c.origin, nick=r.nick
    ),
    requests.Join: lambda r, c: commands.JoinRoom(
        at=c.at, sid=c.sid, origin=c.origin, room=room_name(r.room), after=r.after
    ),
    requests.Leave: lambda r, c: commands.LeaveRoom(
        at=c.at, sid=c.sid, origin=c.origin, room=room_name(r.room)
    ),
    requests.Topic: _topic,
    requests.Bye: lambda r, c: commands.EndSession(
        at=c.at, sid=c.sid, origin=c.origin, reason="left"
    ),
    requests.History: _history,
    requests.Read: _read,
    requests.Rooms: _asked,
    requests.Search: _search,
    requests.Who: _who,
    requests.Ping: _asked,
}


# -- what needs no session ------------------------------------------------------------------------


def _redeem(request: requests.Redeem, context: Context, state: State, fresh: Fresh) -> Command:
    return commands.Redeem(
        at=context.at,
        origin=context.origin,
        key=context.peer.key,
        digest=digest(request.token),
    )


def _invite(request: requests.Invite, context: Context, state: State, fresh: Fresh) -> Command:
    token = fresh(16)
    return commands.Invite(
        at=context.at,
        origin=context.origin,
        id=fresh(4),
        token=token,
        digest=digest(token),
        room=room_name(request.room),
        uses=request.uses,
        seconds=request.seconds,
    )


def _ban(request: requests.Ban, context: Context, state: State, fresh: Fresh) -> Command:
    given = [w for w in (request.key, request.address, request.nick) if w is not None]
    if len(given) != 1 or not given[0]:
        raise ProtocolViolation("bad_request", "ban one: key, address or nick", request.id)
    who = given[0]
    if request.nick is not None:
        session = state.sessions.get(state.nicks.get(nick_key(request.nick), ""))
        who = session.owner if session else ""
        if not who:
            text = f"nobody here is called {request.nick}"
            raise ProtocolViolation("no_such_nick", text, request.id)
    return commands.Ban(at=context.at, origin=context.origin, who=who, reason=request.reason)


WITHOUT_SESSION: dict[type[Any], Callable[[Any, Context, State, Fresh], Command | Question]] = {
    requests.Redeem: _redeem,
    requests.Invite: _invite,
    requests.Uninvite: lambda r, c, s, f: commands.Uninvite(
        at=c.at, origin=c.origin, invitation=r.invitation
    ),
    requests.Ban: _ban,
    requests.Unban: lambda r, c, s, f: commands.Unban(at=c.at, origin=c.origin, who=r.who),
    requests.Invitations: lambda r, c, s, f: _asked(r, c),
    requests.Bans: lambda r, c, s, f: _asked(r, c),
    requests.Status: lambda r, c, s, f: _asked(r, c),
    requests.Drain: lambda r, c, s, f: _asked(r, c),
}
NEED_KEYS = frozenset((requests.Redeem, requests.Invite, requests.Ban))
