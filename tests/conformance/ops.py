"""Which class of the code each op of docs/protocol.md is asked with, and answered by."""

from __future__ import annotations

from typing import get_args

from chatlib.protocol import answers, requests

REQUESTS = {cls.__struct_config__.tag: cls for cls in get_args(requests.AnyRequest)}
ANSWERS = {
    "hello": answers.Welcome,
    "nick": answers.Renamed,
    "join": answers.Joined,
    "leave": answers.Left,
    "history": answers.Page,
    "read": answers.ReadList,
    "redeem": answers.Redeemed,
    "invite": answers.Invited,
    "uninvite": answers.Answer,
    "invitations": answers.InvitationList,
    "ban": answers.Answer,
    "unban": answers.Answer,
    "bans": answers.BanList,
    "promote": answers.Answer,
    "audit": answers.Page,
    "register": answers.Registered,
    "unregister": answers.Answer,
    "device": answers.Invited,
    "devices": answers.DeviceList,
    "undevice": answers.Answer,
    "password": answers.Answer,
    "login": answers.Registered,
    "reset": answers.Invited,
    "create": answers.Created,
    "role": answers.RoleIs,
    "kick": answers.Answer,
    "mute": answers.Answer,
    "unmute": answers.Answer,
    "roles": answers.RoleList,
    "status": answers.BrokerStatus,
    "whereis": answers.Whereabouts,
    "drain": answers.Draining,
    "close": answers.Answer,
    "reopen": answers.Answer,
    "backup": answers.BackingUp,
    "rooms": answers.RoomList,
    "search": answers.Hits,
    "who": answers.WhoList,
    "topic": answers.TopicIs,
    "ping": answers.Pong,
    "bye": answers.Answer,
}
