"""Read cursors: how far somebody has read each of his rooms and each private conversation.

They live with the session, so that whoever takes it up again knows what is unread. A room that was
never marked is read up to one's own join; a conversation, not at all.
"""

from __future__ import annotations

from chatlib.core.batch import INBOX, Batch, Count
from chatlib.core.commands import MarkRead, Origin
from chatlib.core.rooms import member_fault
from chatlib.core.state import Session, State

PEER = "/"  # in front of a nick key in `Session.read`; no room's name has it
MAX_PEERS = 1_000  # conversations with a cursor; beyond it the one marked longest ago goes


def mark_read(state: State, session: Session, command: MarkRead, batch: Batch) -> None:
    """Move a cursor forward, never back and never beyond what there is."""
    if command.room is not None:
        if error := member_fault(state, session, command.room):
            batch.fail(command.origin, error)
            return
        room = session.rooms[command.room]
        key, head = room.name, room.head
    else:
        key, head = PEER + (command.peer or ""), session.inbox
    seq = min(command.seq, head)
    if seq > session.read.get(key, 0):
        others = {name: cursor for name, cursor in session.read.items() if name != key}
        peers = [name for name in others if name.startswith(PEER)]
        if key.startswith(PEER) and len(peers) >= MAX_PEERS:
            del others[peers[0]]
        state.set(session, "read", {**others, key: seq})
    if command.origin is not None:
        batch.replies.append(count(session, command.origin, command.room, command.peer))


def count(
    session: Session, origin: Origin, room: str | None = None, peer: str | None = None
) -> Count:
    """Return what is to be counted for one room or peer; for everything where none is named."""
    everything = room is None and peer is None
    names = sorted(session.rooms) if everything else [room] if room is not None else []
    rooms = [(session.rooms[name], name) for name in names]
    return Count(
        origin,
        session.sid,
        [(name, r.stream, session.read.get(name) or r.members[session.sid]) for r, name in rooms],
        INBOX + session.sid if room is None else None,
        {
            key.removeprefix(PEER): seq
            for key, seq in session.read.items()
            if key.startswith(PEER) and room is None
        },
        peer,
    )
