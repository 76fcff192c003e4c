"""The broker's state: who is here, what rooms there are, how far each stream has come.

Changed by apply alone, and only through `set`, `put` and `drop`, which remember what was before:
so a batch whose commit failed is taken back as if it had never been.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from msgspec import Struct

from chatlib.core.grants import Head, RoomRights
from chatlib.names import LOBBY, nick_key
from chatlib.protocol.topics import private_stream, room_topic
from chatlib.skeleton import skeletons

MISSING: Any = object()


def digest(token: str) -> bytes:
    """Return what is kept of a session token: enough to know it again, too little to use it."""
    return hashlib.blake2b(token.encode("utf-8", "replace"), digest_size=16).digest()


class Room(Struct):
    """A room; `head` is its newest event's seq, `members` are sids and the seqs of their joins."""

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


class Session(Struct):
    """A live session; `inbox` is the seq of the newest event in its inbox.

    `read` has its read cursors, see `cursors`.
    """

    sid: str
    digest: bytes
    nick: str
    key: str
    bot: bool = False
    accepted: int = 0
    inbox: int = 0
    rooms: dict[str, Room] = {}
    read: dict[str, int] = {}
    owner: str = ""  # the key under which it was opened


class Identity(Struct, frozen=True):
    """Somebody whom the broker knows by his keys; `role` is `operator`, `gateway` or empty."""

    id: str
    keys: tuple[str, ...]
    role: str = ""
    since: int = 0


class Invitation(Struct, frozen=True):
    """What lets so many more keys in, until `expires` (ms). The token is kept as its digest."""

    id: str
    digest: bytes
    room: str
    uses: int
    expires: int

    def used(self) -> Invitation:
        """Return it with one use less."""
        return Invitation(self.id, self.digest, self.room, self.uses - 1, self.expires)


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


class SavedSession(NamedTuple):
    """A session as a store gives it back; `rooms` has the seqs of its joins."""

    sid: str
    digest: bytes
    nick: str
    bot: bool
    accepted: int
    inbox: int
    rooms: dict[str, int]
    read: dict[str, int]
    owner: str = ""


class Saved(NamedTuple):
    """The state as of a store's last commit."""

    seq: int
    at: int
    guests: int
    rooms: list[SavedRoom]
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

    @property
    def any(self) -> bool:
        """Tell whether there is anything to store."""
        changed = self.rooms or self.sessions or self.gone or self.ended or self.forgotten
        return bool(changed or self.records)


class State:
    """All that apply knows. `at` is in milliseconds since the epoch of Unix and never goes back."""

    def __init__(self, epoch: str) -> None:
        self.epoch = epoch
        self.seq = 0
        self.at = 0
        self.guests = 0
        self.sessions: dict[str, Session] = {}
        self.rooms: dict[str, Room] = {LOBBY: new_room(LOBBY)}
        self.nicks: dict[str, str] = {}  # nick key -> sid
        self.looks: dict[str, str] = {}  # what a nickname looks like -> sid
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
        rooms = {name: room for name, (room, _) in self._heads.items()}
        sessions: dict[str, Session | None] = {}
        ended: dict[bytes, Ended | None] = {}
        records: dict[tuple[str, str], Any] = {}
        tables = {id(table): kind for kind, table in self.records.items()}
        for owner, name, _ in self._undo:
            if isinstance(owner, Session):
                sessions[owner.sid] = self.sessions.get(owner.sid)
            elif isinstance(owner, Room):
                rooms[owner.name] = owner
            elif owner is self.rooms:
                if name in self.rooms:
                    rooms[name] = self.rooms[name]
            elif owner is self.sessions:
                sessions[name] = self.sessions.get(name)
            elif owner is self.ended:
                ended[name] = self.ended.get(name)
            elif (kind := tables.get(id(owner))) is not None:
                records[kind, name] = owner.get(name)
        return Changes(
            self.seq,
            self.at,
            self.guests,
            list(rooms.values()),
            [s for s in sessions.values() if s is not None],
            [sid for sid, s in sessions.items() if s is None],
            [(digest, e) for digest, e in ended.items() if e is not None],
            [digest for digest, e in ended.items() if e is None],
            [(kind, name, record) for (kind, name), record in records.items()],
        )

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
        for s in saved.sessions:
            rooms = {name: self.rooms[name] for name in s.rooms}
            key = nick_key(s.nick)
            session = Session(
                s.sid, s.digest, s.nick, key, s.bot, s.accepted, s.inbox, rooms, s.read, s.owner
            )
            self.sessions[s.sid] = session
            self.digests[s.digest] = s.sid
            self.nicks[session.key] = s.sid
            self.looks |= dict.fromkeys(skeletons(s.nick), s.sid)
            for room_joined in rooms.values():
                room_joined.members[s.sid] = s.rooms[room_joined.name]
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
