"""What is answered on control: each answer comes back with its request's id."""

from __future__ import annotations

from msgspec import Raw, Struct

from chatlib.protocol.fields import Error, Id, Seq


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
    """One person in a list, under one session; `user` as in events."""

    nick: str
    sid: str
    bot: bool = False
    user: str | None = None


class RoomLine(Struct, omit_defaults=True):
    """One room in a list."""

    room: str
    members: int
    topic: str = ""
    head: Seq = 0
    private: bool = False


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
    user: str = ""
    registered: bool = False


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
    private: bool = False


class Created(Answer, kw_only=True):
    """The answer to `create`."""

    room: str
    private: bool


class RoleIs(Answer, kw_only=True):
    """The answer to `role`: what somebody is in the room now."""

    room: str
    nick: str
    role: str


class RoleLine(Struct, omit_defaults=True):
    """One role in a room, under the nickname at which it was given."""

    nick: str
    role: str


class MuteLine(Struct, omit_defaults=True):
    """One who may not speak in a room; without `until`, for as long as nobody unmutes him."""

    nick: str
    until: str | None = None


class BanLine(Struct, omit_defaults=True):
    """One ban in a list: of a key or an address; of a room, of who had that nickname."""

    who: str
    at: str
    reason: str = ""


class RoleList(Answer, kw_only=True):
    """The answer to `roles`. Each list ends after 2,000; `more` tells that one of them does."""

    roles: list[RoleLine]
    mutes: list[MuteLine]
    bans: list[BanLine]
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


class BanList(Answer, kw_only=True):
    """The answer to `bans`: the newest, and whether there are `more`."""

    bans: list[BanLine]
    more: bool = False


class RoomActivity(Struct, omit_defaults=True):
    """How lively a room is: `events` were told since the broker started."""

    room: str
    members: int
    events: int
    head: Seq = 0
    private: bool = False
    closed: bool = False


class SessionActivity(Struct, omit_defaults=True):
    """How a session does. `lag` is how far the furthest of its cursors is behind, in seqs.

    `slowed` is how often it was told `slow`; `congested` tells that it does not take what it is
    sent on control; `silent` are the seconds since its last sign of life. `said` are the lines that
    came of it since the broker started, `client` is what its program calls itself, `key` the
    fingerprint of its key.
    """

    nick: str
    sid: str
    rooms: int
    silent: float
    address: str = ""
    bot: bool = False
    lag: int | None = None
    slowed: int = 0
    congested: bool = False
    client: str = ""
    key: str = ""
    said: int = 0


class Storage(Struct, omit_defaults=True):
    """Where the history is kept, and the last copy of it. `bytes` are its own, `free` the disk's.

    `backing_up` tells that a copy is being made, `fault` why the last one was not.
    """

    durability: str
    bytes: int = 0
    free: int | None = None
    backup: str = ""
    backup_file: str = ""
    backup_bytes: int = 0
    backing_up: bool = False
    fault: str = ""


class RefusedPeer(Struct, omit_defaults=True):
    """Who was refused what, `count` times, `ago` seconds ago for the last time.

    `key` is a fingerprint, and `nick` known of who was refused in a session.
    """

    code: str
    count: int
    ago: float
    nick: str = ""
    address: str = ""
    key: str = ""


class Times(Struct):
    """How many took how long: `counts` up to each of `bounds` (seconds), then beyond the last."""

    bounds: list[float]
    counts: list[int]
    sum: float


class BrokerStatus(Answer, kw_only=True):
    """The answer to `status`. Rooms and sessions, the liveliest and the furthest behind first."""

    server: str = ""
    epoch: str
    seq: Seq
    at: str
    uptime: float = 0.0
    history: str = ""
    failing: str = ""
    draining: bool = False
    counts: dict[str, int] = {}
    activity: list[RoomActivity] = []
    sessions: list[SessionActivity] = []
    more: bool = False
    times: dict[str, Times] = {}
    storage: Storage | None = None
    refusals: dict[str, int] = {}
    refused: list[RefusedPeer] = []


class Place(Struct, omit_defaults=True):
    """A room that somebody is in, and whether he is `muted` there."""

    room: str
    muted: bool = False


class Whereabouts(Answer, kw_only=True):
    """The answer to `whereis`."""

    places: list[Place]
    more: bool = False


class BackingUp(Answer, kw_only=True):
    """The answer to `backup`: the name of the file that is being written."""

    file: str


class Draining(Answer, kw_only=True):
    """The answer to `drain`: so many sessions were told."""

    told: int


class Registered(Answer, kw_only=True):
    """The answer to `register` and `login`: the nickname that one's key has."""

    nick: str


class DeviceLine(Struct, omit_defaults=True):
    """One key of a nickname, by its fingerprint; `own` is the one that asks."""

    key: str
    since: str
    own: bool = False


class DeviceList(Answer, kw_only=True):
    """The answer to `devices`."""

    devices: list[DeviceLine]


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
