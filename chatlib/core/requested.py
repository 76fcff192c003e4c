"""Requests in a session to commands and questions, a function each: shape and names are checked.

What needs more than the request itself, `core.admission` has done before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from chatlib.core import commands
from chatlib.core.commands import Command, Origin, Peer, Question, Unhashed
from chatlib.core.state import digest
from chatlib.errors import ProtocolViolation
from chatlib.names import nick_key, room_name
from chatlib.protocol import requests
from chatlib.protocol.links import DEVICE_TOKEN

Fresh = Callable[[int], str]
Admitted = Command | Question | Unhashed


class Context(NamedTuple):
    """What a request is admitted with; `fresh(bytes)` returns a new random token."""

    origin: Origin
    sid: str
    at: int
    peer: Peer
    fresh: Fresh
    local: bool = False  # an operator, by the user that he is on this machine


def asked(request: Any, context: Context) -> Question:
    """Return a question of a request as it is."""
    return Question(context.origin, context.sid, request)


def _topic(request: requests.Topic, context: Context) -> Command | Question:
    room = room_name(request.room)
    if request.text is None:
        return asked(requests.Topic(room=room, id=request.id), context)
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
    return asked(request, context)


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
        return asked(request, context)
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
    return asked(request, context)


def of_a_room(request: Any) -> bool:
    """Tell whether this is the form of `ban`, `unban` or `bans` that is about one room."""
    return type(request) in (requests.Ban, requests.Unban, requests.Bans) and (
        request.room is not None
    )


def _who(request: requests.Who, context: Context) -> Question:
    if request.room is not None:
        request.room = room_name(request.room)
    return asked(request, context)


def _device(request: requests.Device, context: Context) -> Command:
    token = DEVICE_TOKEN + context.fresh(16)
    return commands.AddDevice(
        at=context.at,
        sid=context.sid,
        origin=context.origin,
        id=context.fresh(4),
        token=token,
        digest=digest(token),
        seconds=request.seconds,
    )


def _password(request: requests.Password, context: Context) -> Unhashed:
    command = commands.SetPassword(
        at=context.at, sid=context.sid, origin=context.origin, salt=digest(context.fresh(16))
    )
    return Unhashed(command, request.password, context.peer.address)


def _in_room(kind: type[Any], *fields: str) -> Callable[[Any, Context], Command]:
    """Return what makes a command of a request that has a room, a nickname, and these fields."""

    def make(request: Any, context: Context) -> Command:
        made: Command = kind(
            at=context.at,
            sid=context.sid,
            origin=context.origin,
            room=room_name(request.room),
            nick=nick_key(request.nick),
            local=context.local,
            **{name: getattr(request, name) for name in fields},
        )
        return made

    return make


def _create(request: requests.Create, context: Context) -> Command:
    return commands.CreateRoom(
        at=context.at,
        sid=context.sid,
        origin=context.origin,
        room=room_name(request.room),
        private=request.private,
    )


def _room_ban(request: requests.Ban, context: Context) -> Command:
    if request.nick is None or request.key is not None or request.address is not None:
        raise ProtocolViolation("bad_request", "a ban from a room takes a nick", request.id)
    return _in_room(commands.RoomBan, "reason")(request, context)


def _room_unban(request: requests.Unban, context: Context) -> Command:
    return commands.RoomUnban(
        at=context.at,
        sid=context.sid,
        origin=context.origin,
        room=room_name(request.room or ""),
        nick=nick_key(request.who),
        local=context.local,
    )


def _of_room(request: Any, context: Context) -> Question:
    request.room = room_name(request.room)
    return asked(request, context)


IN_SESSION: dict[type[Any], Callable[[Any, Context], Admitted]] = {
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
    requests.Rooms: asked,
    requests.Search: _search,
    requests.Who: _who,
    requests.Ping: asked,
    requests.Register: lambda r, c: commands.Register(at=c.at, sid=c.sid, origin=c.origin),
    requests.Unregister: lambda r, c: commands.Unregister(at=c.at, sid=c.sid, origin=c.origin),
    requests.Device: _device,
    requests.Devices: asked,
    requests.Undevice: lambda r, c: commands.RemoveDevice(
        at=c.at, sid=c.sid, origin=c.origin, key=r.key
    ),
    requests.Password: _password,
    requests.Create: _create,
    requests.Role: _in_room(commands.SetRole, "role"),
    requests.Kick: _in_room(commands.Kick, "reason"),
    requests.Mute: _in_room(commands.Mute, "seconds"),
    requests.Unmute: _in_room(commands.Unmute),
    requests.Roles: _of_room,
    requests.Ban: _room_ban,
    requests.Unban: _room_unban,
    requests.Bans: _of_room,
}
