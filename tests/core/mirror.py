"""A store of the state alone: what a broker has that starts again after its end."""

from __future__ import annotations

from chatlib.core.state import Changes, Ended, Saved, SavedRoom, SavedSession


class Mirror:
    """What a store would know that is told of the changes alone."""

    def __init__(self) -> None:
        self.counts = (0, 0, 0)
        self.rooms: dict[str, SavedRoom] = {}
        self.sessions: dict[str, SavedSession] = {}
        self.ended: dict[bytes, Ended] = {}

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

    def saved(self) -> Saved:
        """Return the state as it comes back."""
        rooms, sessions = list(self.rooms.values()), list(self.sessions.values())
        return Saved(*self.counts, rooms, sessions, self.ended)
