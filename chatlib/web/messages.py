"""What page and page server tell each other over the WebSocket; docs/web.md is the text of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Raw, Struct

from chatlib.errors import ProtocolViolation
from chatlib.protocol import answers, requests
from chatlib.protocol.codec import encode
from chatlib.protocol.fields import Error, Id, Name, Seq

Key = Annotated[str, Meta(min_length=1, max_length=64)]


class Say(Struct, tag_field="op", tag="say", kw_only=True):
    """Say something; `key` is the page's own name for it, the same whenever it is sent again."""

    key: Key
    text: str = ""
    room: Name | None = None
    to: Name | None = None
    kind: Literal["say", "act", "edit", "delete", "react"] = "say"
    re: Seq | None = None


class Open(Struct, tag_field="op", tag="open", kw_only=True):
    """Join a room, or look at one that one is in."""

    id: Id
    room: Name
    after: Seq | None = None


class Typing(Struct, tag_field="op", tag="typing", kw_only=True):
    """Let others see that one is writing."""

    room: Name | None = None
    to: Name | None = None


class Bye(Struct, tag_field="op", tag="bye", kw_only=True):
    """Go for good: the session ends, and the cookie is worth nothing."""

    id: Id


PASSED_ON: dict[type[requests.Request], type[answers.Answer]] = {
    requests.Nick: answers.Renamed,
    requests.Leave: answers.Left,
    requests.History: answers.Page,
    requests.Read: answers.ReadList,
    requests.Rooms: answers.RoomList,
    requests.Search: answers.Hits,
    requests.Who: answers.WhoList,
    requests.Topic: answers.TopicIs,
    requests.Create: answers.Created,
    requests.Role: answers.RoleIs,
    requests.Kick: answers.Answer,
    requests.Mute: answers.Answer,
    requests.Unmute: answers.Answer,
    requests.Roles: answers.RoleList,
    requests.Ban: answers.Answer,
    requests.Unban: answers.Answer,
    requests.Bans: answers.BanList,
}
"""What is asked of the broker as it is, in the person's session, and the class of the answer."""

_frames: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
    Say | Open | Typing | Bye
    | requests.Nick | requests.Leave | requests.History | requests.Read | requests.Rooms
    | requests.Search | requests.Who | requests.Topic | requests.Create | requests.Role
    | requests.Kick | requests.Mute | requests.Unmute | requests.Roles | requests.Ban
    | requests.Unban | requests.Bans
)  # fmt: skip


def decode_frame(text: str | bytes) -> Any:
    """Return what a page asks. Raises ProtocolViolation: bad_request."""
    try:
        found = _frames.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise ProtocolViolation("bad_request", str(e), id_of(text)) from None
    if isinstance(found, requests.Ban | requests.Unban | requests.Bans) and found.room is None:
        # Without a room they are of the whole broker, and an operator's.
        raise ProtocolViolation("bad_request", "name the room", found.id)
    return found


def id_of(text: str | bytes) -> int | str | None:
    """Return the id of what was asked, where nothing else of it may be understood."""
    try:
        whole = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    found = whole.get("id") if isinstance(whole, dict) else None
    return found if isinstance(found, int | str) else None


def failure(id: Id | None, code: str, message: str, **more: Any) -> bytes:
    """Return the answer to what was not granted."""
    return encode(answers.Failure(id=id, error=Error(code, message, **more)))


def told(kind: str, **fields: Any) -> bytes:
    """Return what is told unasked; fields that are None are left out."""
    return encode({"kind": kind, **{k: v for k, v in fields.items() if v is not None}})


def events_frame(room: str | None, lines: Sequence[bytes]) -> bytes:
    """Return events of a room, or of one's inbox, as the broker wrote them."""
    head = {"kind": "inbox"} if room is None else {"kind": "events", "room": room}
    return encode({**head, "events": [Raw(line) for line in lines]})
