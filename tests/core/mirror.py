"""A store of the state alone: what a broker has that starts again after its end."""

from __future__ import annotations

from typing import Any

from chatlib.core.state import Changes, Ended, Saved, SavedRoom, SavedSession


class Mirror:
    """What a store would know that is told of the changes alone."""

    def __init__(self) -> None:
        self.counts = (0, 0, 0)
        self.rooms: dict[str, SavedRoom] = {}
        self.sessions: dict[str, SavedSession] = {}
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
            joins = {name: room.members[s.sid] for name, room in s.rooms.items()}
            self.sessions[s.sid] = SavedSession(
                s.sid, s.digest, s.nick, s.bot, s.accepted, s.inbox, joins, s.read
            )
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
        records = {kind: dict(of_kind) for kind, of_kind in self.records.items()}
        return Saved(*self.counts, rooms, sessions, self.ended, records)
