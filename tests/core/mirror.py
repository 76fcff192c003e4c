"""A store of the state alone: what a broker has that starts again after its end."""

from __future__ import annotations

from typing import Any

from chatlib.core.state import Changes, Ended, Saved, SavedRoom, SavedSession, SavedUser


class Mirror:
    """What a store would know that is told of the changes alone."""

    def __init__(self) -> None:
        self.counts = (0, 0, 0)
        self.rooms: dict[str, SavedRoom] = {}
        self.users: dict[str, SavedUser] = {}
        self.sessions: dict[str, SavedSession] = {}
        self.records: dict[str, dict[str, Any]] = {}
        self.ended: dict[bytes, Ended] = {}
        self.records: dict[str, dict[str, Any]] = {}

    def take(self, changes: Changes) -> None:
        """Do what was told."""
        self.counts = changes.seq, changes.at, changes.guests
        for room in changes.rooms:
            self.rooms[room.name] = SavedRoom(room.name, room.topic, room.head)
        for sid in changes.gone:
            self.sessions.pop(sid, None)
        for s in changes.sessions:
            self.sessions[s.sid] = SavedSession(
                s.sid, s.digest, s.user.id, s.bot, s.accepted, s.owner, s.since
            )
        for id in changes.departed:
            self.users.pop(id, None)
        for u in changes.users:
            joins = {name: room.members.get(u.id, 0) for name, room in u.rooms.items()}
            self.users[u.id] = SavedUser(u.id, u.nick, u.inbox, joins, u.read, u.identity)
        for kind, name, record in changes.records:
            self.records.setdefault(kind, {})[name] = record
        for gone in changes.forgotten:
            self.ended.pop(gone, None)
        self.ended.update(changes.ended)
        for kind, name, record in changes.records:
            of_kind = self.records.setdefault(kind, {})
            of_kind.pop(name, None)
            if record is not None:
                of_kind[name] = record

    def saved(self) -> Saved:
        """Return the state as it comes back."""
        rooms, sessions = list(self.rooms.values()), list(self.sessions.values())
        users = list(self.users.values())
        records = {
            kind: {name: record for name, record in known.items() if record is not None}
            for kind, known in self.records.items()
        }
        return Saved(*self.counts, rooms, users, sessions, self.ended, records)
