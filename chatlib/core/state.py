"""The broker's state: who is here, what rooms there are, how far each stream has come.

Changed by apply alone, and only through `set`, `put` and `drop`, which remember what was before:
so a batch whose commit failed is taken back as if it had never been.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from chatlib.core.grants import Head, RoomRights
from chatlib.names import LOBBY, nick_key
from chatlib.protocol.topics import private_stream, room_topic
from chatlib.skeleton import skeletons

MISSING: Any = object()


def digest(token: str) -> bytes:
    """Return what is kept of a session token: enough to know it again, too little to use it."""
    return hashlib.blake2b(token.encode("utf-8", "replace"), digest_size=16).digest()


class Room(Struct):
    """A room; `head` is its newest event's seq, `members` are users and the seqs of their joins."""

    name: str
    stream: str
    topic: str = ""
    head: int = 0
    members: dict[str, int] = {}
    private: bool = False


def new_room(name: str, private: bool = False) -> Room:
    """Return an empty room; its stream is its topic on the feed, where a private one has none."""
    stream = private_stream(name) if private else room_topic(name).decode()
    return Room(name, stream, private=private)


class User(Struct):
    """Somebody under a nickname: what all of his sessions share.

    The `id` is the sid of his first session. `inbox` is the seq of the newest event in his inbox,
    `read` has his read cursors (see `cursors`). Who is not registered ends with his last session;
    who is (`identity` is whose) outlives them, and while he is away `rooms` are those to which he
    comes back.
    """

    id: str
    nick: str
    key: str
    inbox: int = 0
    rooms: dict[str, Room] = {}
    read: dict[str, int] = {}
    sessions: tuple[str, ...] = ()  # their sids, the oldest first
    identity: str = ""

    @property
    def present(self) -> bool:
        """Tell whether he has a session: then he is a member of his rooms."""
        return bool(self.sessions)


class Session(Struct):
    """A live session of a user: one device's, or one program's."""

    sid: str
    digest: bytes
    user: User
    bot: bool = False
    accepted: int = 0
    owner: str = ""  # the key under which it was opened
    since: int = 0  # the broker's seq when it was opened

    @property
    def nick(self) -> str:
        """The user's nickname."""
        return self.user.nick


class Identity(Struct, frozen=True):
    """Somebody whom the broker knows by his keys; `role` is `operator`, `gateway` or empty.

    `id` is his first key. With a nickname registered `nick` and `user` (the id) say which. `times`
    are those (ms) at which the last so many of the keys were added, `since` that of the others.
    """

    id: str
    keys: tuple[str, ...]
    role: str = ""
    since: int = 0
    nick: str = ""
    user: str = ""
    times: tuple[int, ...] = ()
    salt: bytes = b""
    password: bytes = b""  # its hash, see `passwords`
    setter: str = ""  # the key that set it

    def dated(self) -> list[tuple[str, int]]:
        """Return the keys, and when each was added (ms)."""
        times = (*(self.since for _ in range(len(self.keys) - len(self.times))), *self.times)
        return list(zip(self.keys, times, strict=True))

    def keeping(self, dated: list[tuple[str, int]]) -> Identity:
        """Return it with these keys."""
        keys, times = tuple(key for key, _ in dated), tuple(at for _, at in dated)
        return replace(self, keys=keys, times=times)


class Invitation(Struct, frozen=True):
    """What lets so many more keys in, until `expires` (ms). The token is kept as its digest.

    With an `identity` it adds one key to that, and is kept with it (`by`), so that asking again
    for the same key does no harm.
    """

    id: str
    digest: bytes
    room: str
    uses: int
    expires: int
    identity: str = ""
    by: str = ""

    def used(self) -> Invitation:
        """Return it with one use less."""
        return replace(self, uses=self.uses - 1)


class Banned(Struct, frozen=True):
    """A key or an address that is kept out."""

    who: str
    reason: str
    at: int


RECORDS: dict[str, type[Any]] = {
    "identity": Identity, "invitation": Invitation, "ban": Banned, "room": RoomRights,
    "audit": Head,
}  # fmt: skip


class Ended(Struct):
    """What is kept for a day of a session that ended, for its owner's return."""

    accepted: int
    at: int


class SavedRoom(NamedTuple):
    """A room as a store gives it back."""

    name: str
    topic: str
    head: int


class SavedUser(NamedTuple):
    """A user as a store gives him back; `rooms` has the seqs of his joins."""

    id: str
    nick: str
    inbox: int
    rooms: dict[str, int]
    read: dict[str, int]
    identity: str = ""


class SavedSession(NamedTuple):
    """A session as a store gives it back."""

    sid: str
    digest: bytes
    user: str
    bot: bool
    accepted: int
    owner: str = ""
    since: int = 0


class Saved(NamedTuple):
    """The state as of a store's last commit."""

    seq: int
    at: int
    guests: int
    rooms: list[SavedRoom]
    users: list[SavedUser]
    sessions: list[SavedSession]
    ended: dict[bytes, Ended]
    records: dict[str, dict[str, Any]] = {}  # by kind and id, see RECORDS  # noqa: RUF012


class Changes(NamedTuple):
    """What has to be stored of the state beside a batch's events."""

    seq: int
    at: int
    guests: int
    rooms: list[Room]
    sessions: list[Session]
    gone: list[str]  # sids of sessions that are no more
    ended: list[tuple[bytes, Ended]]
    forgotten: list[bytes]  # digests of ended sessions of which nothing is kept any more
    records: Sequence[tuple[str, str, Any]] = ()  # kind, id, and what there is now: None for gone
    users: Sequence[User] = ()
    departed: Sequence[str] = ()  # ids of users that are no more

    @property
    def any(self) -> bool:
        """Tell whether there is anything to store."""
        changed = self.rooms or self.sessions or self.gone or self.ended or self.forgotten
        return bool(changed or self.records or self.users or self.departed)


class State:
    """All that apply knows. `at` is in milliseconds since the epoch of Unix and never goes back."""

    def __init__(self, epoch: str) -> None:
        self.epoch = epoch
        self.seq = 0
        self.at = 0
        self.guests = 0
        self.sessions: dict[str, Session] = {}
        self.users: dict[str, User] = {}
        self.rooms: dict[str, Room] = {LOBBY: new_room(LOBBY)}
        self.nicks: dict[str, str] = {}  # nick key -> id of its user
        self.looks: dict[str, str] = {}  # what a nickname looks like -> id of its user
        self.digests: dict[bytes, str] = {}  # token digest -> sid
        self.ended: dict[bytes, Ended] = {}  # token digest -> what is kept, oldest first
        self.identities: dict[str, Identity] = {}
        self.invitations: dict[str, Invitation] = {}
        self.bans: dict[str, Banned] = {}  # by key or address
        self.keys: dict[str, str] = {}  # key -> id of its identity
        self.rights: dict[str, RoomRights] = {}  # by room; none where nobody has any
        self.audits: dict[str, Head] = {}  # the audit log's head
        self.records: dict[str, dict[str, Any]] = {
            "identity": self.identities, "invitation": self.invitations, "ban": self.bans,
            "room": self.rights, "audit": self.audits,
        }  # fmt: skip
        self._undo: list[tuple[Any, Any, Any]] = []
        self._heads: dict[str, tuple[Room, int]] = {}
        self._base = (0, 0)

    def set(self, owner: Any, name: str, value: Any) -> None:
        """Set the attribute `name` of `owner`, so that it can be taken back."""
        self._undo.append((owner, name, getattr(owner, name)))
        setattr(owner, name, value)

    def put(self, table: dict[Any, Any], key: Any, value: Any) -> None:
        """Set `table[key]`, so that it can be taken back."""
        self._undo.append((table, key, table.get(key, MISSING)))
        table[key] = value

    def drop(self, table: dict[Any, Any], key: Any) -> None:
        """Remove `table[key]`, so that it can be taken back."""
        # Taken back, the key stands last: so nothing that is told may hang on a table's order.
        self._undo.append((table, key, table.pop(key)))

    def tick(self, at: int) -> None:
        """Let time pass; it never goes back."""
        self.at = max(self.at, at)

    def next_seq(self) -> int:
        """Return the next seq."""
        self.seq += 1
        return self.seq

    def advance(self, room: Room) -> int:
        """Make the next seq the head of the room, and return the head that was."""
        # Not by `set`: a pass moves a head thousands of times, and only its first place counts.
        head = room.head
        if room.name not in self._heads:
            self._heads[room.name] = (room, head)
        room.head = self.next_seq()
        return head

    def changes(self) -> Changes:
        """Return what changed since the last `keep` or `take_back`."""
        touched: dict[int, dict[Any, None]] = {}  # by table, the names in it
        for owner, name, _ in self._undo:
            table, place = self._place(owner, name)
            touched.setdefault(id(table), {})[place] = None

        def now(table: dict[Any, Any]) -> dict[Any, Any]:
            return {name: table.get(name) for name in touched.get(id(table), ())}

        rooms = {name: room for name, (room, _) in self._heads.items()}
        rooms |= _parted(now(self.rooms))[0]
        (now_sessions, gone), (now_users, departed) = (
            _parted(now(self.sessions)),
            _parted(now(self.users)),
        )
        now_ended, forgotten = _parted(now(self.ended))
        return Changes(
            self.seq,
            self.at,
            self.guests,
            list(rooms.values()),
            list(now_sessions.values()),
            gone,
            list(now_ended.items()),
            forgotten,
            [(k, name, record) for k, t in self.records.items() for name, record in now(t).items()],
            list(now_users.values()),
            departed,
        )

    def _place(self, owner: Any, name: Any) -> tuple[Any, Any]:
        """Return the table in which something stands that was changed, and under what name."""
        if isinstance(owner, Session):
            return self.sessions, owner.sid
        if isinstance(owner, User):
            return self.users, owner.id
        return (self.rooms, owner.name) if isinstance(owner, Room) else (owner, name)

    def restore(self, saved: Saved) -> None:
        """Take over what a store kept of an earlier life."""
        self.seq, self.at, self.guests = saved.seq, saved.at, saved.guests
        for kind, records in saved.records.items():
            self.records[kind].update(records)
        for room in saved.rooms:
            rights = self.rights.get(room.name)
            private = rights is not None and rights.private
            made = self.rooms[room.name] = new_room(room.name, private)
            made.topic, made.head = room.topic, room.head
        for u in saved.users:
            rooms = {name: self.rooms[name] for name in u.rooms}
            key = nick_key(u.nick)
            self.users[u.id] = User(u.id, u.nick, key, u.inbox, rooms, u.read, (), u.identity)
            self.nicks[key] = u.id
            self.looks |= dict.fromkeys(skeletons(u.nick), u.id)
        for s in sorted(saved.sessions, key=lambda s: (s.since, s.sid)):
            user = self.users[s.user]
            session = Session(s.sid, s.digest, user, s.bot, s.accepted, s.owner, s.since)
            user.sessions = (*user.sessions, s.sid)
            self.sessions[s.sid] = session
            self.digests[s.digest] = s.sid
        for u in saved.users:
            if self.users[u.id].present:
                for name, joined in u.rooms.items():
                    self.rooms[name].members[u.id] = joined
        self.ended = dict(saved.ended)
        self.keys = {key: known.id for known in self.identities.values() for key in known.keys}
        self.keep()

    def keep(self) -> None:
        """Make all changes since the last `keep` or `take_back` final: they are committed."""
        self._undo.clear()
        self._heads.clear()
        self._base = (self.seq, self.at)

    def take_back(self) -> None:
        """Undo all changes since the last `keep`: the commit failed."""
        for owner, name, before in reversed(self._undo):
            if not isinstance(owner, dict):
                setattr(owner, name, before)
            elif before is MISSING:
                del owner[name]
            else:
                owner[name] = before
        for room, head in self._heads.values():
            room.head = head
        self.seq, self.at = self._base
        self.keep()


def _parted(found: dict[Any, Any]) -> tuple[dict[Any, Any], list[Any]]:
    """Return what there is now, and what is no more."""
    there = {key: value for key, value in found.items() if value is not None}
    return there, [key for key, value in found.items() if value is None]
