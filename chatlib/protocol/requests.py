"""What is asked on control, as msgspec Structs; docs/protocol.md is the text that these obey."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

from chatlib.protocol.fields import Id, Name, Seq


class Request(Struct, tag_field="op", kw_only=True, omit_defaults=True):
    """The root of all requests; `id` comes back in the answer."""

    id: Id = 0


class Hello(Request, tag="hello"):
    """Open a session, or take up the one whose token is in `session`."""

    v: int
    nick: Name | None = None
    session: Name | None = None
    client: Name | None = None
    bot: bool = False


class Nick(Request, tag="nick"):
    """Change one's nickname."""

    nick: Name


class Join(Request, tag="join"):
    """Become a member of a room; events since `after`, else the last 50, come with the answer."""

    room: Name
    after: Seq | None = None


class Leave(Request, tag="leave"):
    """Stop being a member of a room."""

    room: Name


class History(Request, tag="history"):
    """Read stored events of one of: a room, a private conversation, one's own inbox."""

    room: Name | None = None
    peer: Name | None = None
    inbox: bool = False
    after: Seq | None = None
    before: Seq | None = None
    limit: Annotated[int, Meta(ge=1)] = 1_000


class Read(Request, tag="read"):
    """Say how far one has read a room or a private conversation, or ask how much is unread."""

    room: Name | None = None
    peer: Name | None = None
    seq: Seq | None = None


class Redeem(Request, tag="redeem"):
    """Trade an invitation's token for being let in with one's key."""

    token: Name


class Invite(Request, tag="invite"):
    """Make an invitation to a room: for so many keys, for so many seconds."""

    room: Name = "lobby"
    uses: Annotated[int, Meta(ge=1, le=10_000)] = 1
    seconds: Annotated[int, Meta(ge=1, le=366 * 24 * 3600)] = 24 * 3600


class Uninvite(Request, tag="uninvite"):
    """Take an invitation back."""

    invitation: Name


class Invitations(Request, tag="invitations"):
    """List the invitations that are good now."""


class Ban(Request, tag="ban"):
    """Keep a key, an address, or who has a nickname now, out of the broker."""

    key: Name | None = None
    address: Name | None = None
    nick: Name | None = None
    reason: Name = ""


class Unban(Request, tag="unban"):
    """Let a key or an address in again."""

    who: Name


class Bans(Request, tag="bans"):
    """List the bans."""


class Status(Request, tag="status"):
    """Tell how the broker does: rooms, sessions, counts."""


class Drain(Request, tag="drain"):
    """Let nobody new in, and stop when all is stored; senders may go on for `seconds`."""

    seconds: Annotated[int, Meta(ge=0, le=3600)] = 10


class Rooms(Request, tag="rooms"):
    """List the rooms."""


class Who(Request, tag="who"):
    """List the members of a room; without one, everybody who is here."""

    room: Name | None = None


class Search(Request, tag="search"):
    """Find messages by their words, by who sent them, where and when; the newest `limit`."""

    words: Annotated[str, Meta(max_length=256)] = ""
    from_: Name | None = field(default=None, name="from")
    room: Name | None = None
    since: Annotated[str, Meta(max_length=64)] | None = None
    before: Annotated[str, Meta(max_length=64)] | None = None
    below: Seq | None = None
    limit: Annotated[int, Meta(ge=1)] = 50


class Topic(Request, tag="topic"):
    """Set a room's topic; without `text`, read it."""

    room: Name
    text: str | None = None


class Ping(Request, tag="ping"):
    """Give a sign of life; learn `accepted` and the heads.

    `cursors` tells how far one's reader has come in each room.
    """

    cursors: Annotated[dict[Name, Seq], Meta(max_length=1_000)] | None = None


class Bye(Request, tag="bye"):
    """End the session at once."""


AnyRequest = (
    Hello | Nick | Join | Leave | History | Read | Rooms | Search | Who | Topic | Ping | Bye
    | Redeem | Invite | Uninvite | Invitations | Ban | Unban | Bans | Status | Drain
)  # fmt: skip
