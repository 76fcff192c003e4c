"""Everything that crosses the wire, as msgspec Structs.

Requests go up on control and are named for what they ask; answers come back with the request's
id. Lines go up on intake. Events, markers and notices come down. docs/protocol.md is the text
that these obey.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Raw, Struct, field

Seq = Annotated[int, Meta(ge=0, le=2**53)]  # docs/protocol.md: integers fit in 53 bits
Absent = Annotated[int, Meta(ge=-1, le=2**53)]
Name = Annotated[str, Meta(max_length=256)]  # names.py has the real rules and the better words
Id = Annotated[int, Meta(ge=-(2**53), le=2**53)] | Annotated[str, Meta(max_length=64)]

# -- control, up ------------------------------------------------------------------------------


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
    """Give a sign of life; learn `accepted` and the heads."""


class Bye(Request, tag="bye"):
    """End the session at once."""


AnyRequest = (
    Hello | Nick | Join | Leave | History | Read | Rooms | Search | Who | Topic | Ping | Bye
    | Redeem | Invite | Uninvite | Invitations | Ban | Unban | Bans
)  # fmt: skip

# -- control, down: answers -------------------------------------------------------------------


class Error(Struct, omit_defaults=True):
    """What was refused and why. `code` is for programs, `message` for people."""

    code: str
    message: str
    suggestion: str | None = None
    after_ms: int | None = None


class Answer(Struct, kw_only=True):
    """The root of all answers, and the whole of those that say no more than yes."""

    id: Id | None
    ok: bool = True


class Failure(Struct, kw_only=True):
    """The answer to a request that was not granted."""

    id: Id | None
    ok: bool = False
    error: Error


class Member(Struct, omit_defaults=True):
    """One person in a list."""

    nick: str
    sid: str
    bot: bool = False


class RoomLine(Struct, omit_defaults=True):
    """One room in a list."""

    room: str
    members: int
    topic: str = ""
    head: Seq = 0


class Welcome(Answer, kw_only=True):
    """The answer to `hello`. `accepted` is null when the session named is not known any more."""

    v: int
    session: str
    sid: str
    resumed: bool
    nick: str
    epoch: str
    intake: str
    feed: str
    heartbeat: float
    accepted: Seq | None
    inbox: Seq
    rooms: dict[str, Seq]
    limits: dict[str, int]
    server: str
    waiting: int | None = None


class Renamed(Answer, kw_only=True):
    """The answer to `nick`."""

    nick: str


class Joined(Answer, kw_only=True):
    """The answer to `join`. `events` are the stored lines themselves."""

    room: str
    topic: str
    members: list[Member]
    head: Seq
    oldest: Seq
    events: list[Raw]
    more: bool


class Left(Answer, kw_only=True):
    """The answer to `leave`."""

    room: str


class Page(Answer, kw_only=True):
    """The answer to `history`: `oldest` is the seq of the oldest event that can still be had."""

    events: list[Raw]
    head: Seq
    oldest: Seq
    more: bool


class Unread(Struct, omit_defaults=True):
    """How far one has read a room or a conversation, and how many messages came behind that."""

    seq: Seq
    unread: Seq
    room: str | None = None
    peer: str | None = None


class ReadList(Answer, kw_only=True):
    """The answer to `read`."""

    read: list[Unread]


class Hits(Answer, kw_only=True):
    """The answer to `search`: with `complete` nothing stored was still to be indexed."""

    events: list[Raw]
    more: bool
    complete: bool


class Redeemed(Answer, kw_only=True):
    """The answer to `redeem`: where the invitation leads."""

    room: str


class Invited(Answer, kw_only=True):
    """The answer to `invite`. `token` is told this once; `address` and `key` complete a link."""

    invitation: str
    token: str
    room: str
    uses: int
    expires: str
    address: str = ""
    key: str = ""


class InvitationLine(Struct, omit_defaults=True):
    """One invitation in a list."""

    invitation: str
    room: str
    uses: int
    expires: str


class InvitationList(Answer, kw_only=True):
    """The answer to `invitations`."""

    invitations: list[InvitationLine]


class BanLine(Struct, omit_defaults=True):
    """One ban in a list: of a key or an address."""

    who: str
    at: str
    reason: str = ""


class BanList(Answer, kw_only=True):
    """The answer to `bans`."""

    bans: list[BanLine]


class RoomList(Answer, kw_only=True):
    """The answer to `rooms`."""

    rooms: list[RoomLine]
    more: bool


class WhoList(Answer, kw_only=True):
    """The answer to `who`."""

    members: list[Member]
    more: bool


class TopicIs(Answer, kw_only=True):
    """The answer to `topic`."""

    room: str
    topic: str


class Pong(Answer, kw_only=True):
    """The answer to `ping`."""

    accepted: Seq
    heads: dict[str, Seq]
    inbox: Seq


# -- intake, up -------------------------------------------------------------------------------


class Line(Struct, omit_defaults=True):
    """One message on its way in: to a room or to one person, numbered from 1 in its session.

    `re` is the seq of the event that it is about: what it answers, edits, deletes or reacts to.
    """

    n: Annotated[int, Meta(ge=1, le=2**53)]
    text: str = ""
    room: Name | None = None
    to: Name | None = None
    kind: Literal["say", "act", "edit", "delete", "react"] = "say"
    re: Seq | None = None


class BadLine(Struct):
    """A line whose `n` could be read and nothing else: it is used up, and refused."""

    n: int
    error: Error


# -- down: events, markers, notices -----------------------------------------------------------


class Event(Struct, kw_only=True, omit_defaults=True):
    """Something that happened: one line of the feed, of an inbox, of history.

    `seq` rises over the whole broker, `prev` is the seq before it in the same room or inbox.
    Markers (`head`, `beacon`, `closing`) are read into the same shape: they have no `prev`.
    """

    seq: Absent = -1  # -1 is absent: 0 is a value that must be written
    prev: Absent = -1
    at: str = ""
    kind: str
    room: str | None = None
    to: str | None = None
    nick: str = ""
    sid: str = ""
    n: Seq = 0
    re: Seq | None = None
    text: str | None = None
    deleted: bool = False
    old: str | None = None
    reason: str | None = None
    bot: bool = False
    epoch: str | None = None


class Notice(Struct, kw_only=True, omit_defaults=True):
    """Told to one session, unasked, and not part of history.

    kinds: `resend` (from), `slow` (from, after_ms, reason), `refused` (n, error; without n the
    whole message could not be read), `closing` (reason).
    """

    kind: str
    from_: Seq | None = field(default=None, name="from")
    after_ms: Seq | None = None
    n: Seq | None = None
    error: Error | None = None
    reason: str | None = None
