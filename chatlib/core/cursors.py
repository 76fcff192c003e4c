"""Read cursors: how far somebody has read each of his rooms and each private conversation.

They are the user's, so that whoever takes a session up again, or comes back under a registered
nickname, knows what is unread. A room that was
never marked is read up to one's own join; a conversation, not at all.
"""

from __future__ import annotations

from chatlib.core.batch import INBOX, Batch, Count
from chatlib.core.commands import MarkRead, Origin
from chatlib.core.rooms import member_fault
from chatlib.core.state import Session, State, User

PEER = "/"  # in front of a nick key in `User.read`; no room's name has it
MAX_PEERS = 1_000  # conversations with a cursor; beyond it the one marked longest ago goes


def mark_read(state: State, session: Session, command: MarkRead, batch: Batch) -> None:
    """Move a cursor forward, never back and never beyond what there is."""
    user = session.user
    if command.room is not None:
        if error := member_fault(state, session, command.room):
            batch.fail(command.origin, error)
            return
        room = user.rooms[command.room]
        key, head = room.name, room.head
    else:
        key, head = PEER + (command.peer or ""), user.inbox
    seq = min(command.seq, head)
    if seq > user.read.get(key, 0):
        others = {name: cursor for name, cursor in user.read.items() if name != key}
        peers = [name for name in others if name.startswith(PEER)]
        if key.startswith(PEER) and len(peers) >= MAX_PEERS:
            del others[peers[0]]
        state.set(user, "read", {**others, key: seq})
    if command.origin is not None:
        batch.replies.append(count(user, command.origin, command.room, command.peer))


def count(user: User, origin: Origin, room: str | None = None, peer: str | None = None) -> Count:
    """Return what is to be counted for one room or peer; for everything where none is named."""
    everything = room is None and peer is None
    names = sorted(user.rooms) if everything else [room] if room is not None else []
    rooms = [(user.rooms[name], name) for name in names]
    return Count(
        origin,
        user.id,
        [(name, r.stream, user.read.get(name) or r.members[user.id]) for r, name in rooms],
        INBOX + user.id if room is None else None,
        {
            key.removeprefix(PEER): seq
            for key, seq in user.read.items()
            if key.startswith(PEER) and room is None
        },
        peer,
    )
