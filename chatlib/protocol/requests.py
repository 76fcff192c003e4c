"""What is asked on control, as msgspec Structs; docs/protocol.md is the text that these obey."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from chatlib.protocol.fields import Id, Name, Seq
from chatlib.protocol.limits import LONGEST_S

PASSWORD_CHARS = 8  # of a new password, at least


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
    guest: bool = False


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
    deleted: bool = False


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
    seconds: Annotated[int, Meta(ge=1, le=LONGEST_S)] = 24 * 3600


class Uninvite(Request, tag="uninvite"):
    """Take an invitation back."""

    invitation: Name


class Invitations(Request, tag="invitations"):
    """List the invitations that are good now."""


class Ban(Request, tag="ban"):
    """Keep a key, an address, or who has a nickname now, out of the broker; or out of a room."""

    key: Name | None = None
    address: Name | None = None
    nick: Name | None = None
    reason: Name = ""
    room: Name | None = None


class Unban(Request, tag="unban"):
    """Let a key or an address in again; or somebody into a room, by the nickname he had."""

    who: Name
    room: Name | None = None


class Bans(Request, tag="bans"):
    """List the bans, of the broker or of a room."""

    room: Name | None = None


class Promote(Request, tag="promote"):
    """Give a role in the broker to a key, or to the key of who has a nickname now."""

    role: Literal["operator", "gateway", "none"]
    key: Name | None = None
    nick: Name | None = None


class Audit(Request, tag="audit"):
    """Read who used which right."""

    after: Seq | None = None
    before: Seq | None = None
    limit: Annotated[int, Meta(ge=1)] = 1_000


class Create(Request, tag="create"):
    """Make a room and own it; a private one can't be opened by joining it."""

    room: Name
    private: bool = False


class Role(Request, tag="role"):
    """Give somebody a role in a room; in a private one that is what lets him in."""

    room: Name
    nick: Name
    role: Literal["owner", "moderator", "member", "none"]


class Kick(Request, tag="kick"):
    """End somebody's membership of a room."""

    room: Name
    nick: Name
    reason: Name = ""


class Mute(Request, tag="mute"):
    """Let somebody say nothing in a room, for so many seconds or until he is unmuted."""

    room: Name
    nick: Name
    seconds: Annotated[int, Meta(ge=1, le=LONGEST_S)] | None = None


class Unmute(Request, tag="unmute"):
    """Let somebody speak again in a room."""

    room: Name
    nick: Name


class Roles(Request, tag="roles"):
    """List who has which role in a room, who is muted there and who is banned from it."""

    room: Name


class Status(Request, tag="status"):
    """Tell how the broker does: rooms, sessions, counts."""


class Whereis(Request, tag="whereis"):
    """List the public rooms that somebody is in."""

    nick: Name


class Drain(Request, tag="drain"):
    """Let nobody new in, and stop when all is stored; senders may go on for `seconds`."""

    seconds: Annotated[int, Meta(ge=0, le=3600)] = 10


class Close(Request, tag="close"):
    """Put everybody out of a room, and let nobody in until it is opened again."""

    room: Name
    reason: Name = ""


class Reopen(Request, tag="reopen"):
    """Let people into a room again that was closed."""

    room: Name


class Backup(Request, tag="backup"):
    """Begin to copy the history to a new file beside it."""


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


class Register(Request, tag="register"):
    """Make one's nickname one's own for good."""


class Unregister(Request, tag="unregister"):
    """Give one's registered nickname up; as an operator, take one from somebody."""

    nick: Name | None = None


class Device(Request, tag="device"):
    """Make a token that adds one key to one's registered nickname."""

    seconds: Annotated[int, Meta(ge=1, le=24 * 3600)] = 600


class Devices(Request, tag="devices"):
    """List the keys of one's registered nickname."""


class Undevice(Request, tag="undevice"):
    """Take a key from one's registered nickname; `key` is its fingerprint, or the beginning."""

    key: Annotated[str, Meta(min_length=4, max_length=64)]


class Password(Request, tag="password"):
    """Set the password by which a key is added to one's registered nickname."""

    password: Annotated[str, Meta(min_length=PASSWORD_CHARS, max_length=256)]


class Login(Request, tag="login"):
    """Add one's key to a registered nickname, by its password."""

    nick: Name
    password: Name


class Reset(Request, tag="reset"):
    """Take all keys and the password from a nickname, and make a token for a new key."""

    nick: Name
    seconds: Annotated[int, Meta(ge=1, le=LONGEST_S)] = 24 * 3600


AnyRequest = (
    Hello | Nick | Join | Leave | History | Read | Rooms | Search | Who | Topic | Ping | Bye
    | Redeem | Invite | Uninvite | Invitations | Ban | Unban | Bans | Promote | Audit
    | Register | Unregister | Device | Devices | Undevice | Password | Login | Reset
    | Create | Role | Kick | Mute | Unmute | Roles
    | Status | Whereis | Drain | Close | Reopen | Backup
)  # fmt: skip
