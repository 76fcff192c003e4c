"""Looking up what lines are about: between admit and order, for apply knows no history.

Only lines with a `re` pay for it. What can't be looked up now (the store fails, or too many want
it) is left as it is, and apply answers `slow`.
"""

from __future__ import annotations

from chatlib.core.batch import INBOX
from chatlib.core.commands import Original, Regarding, Say
from chatlib.core.state import State
from chatlib.errors import BadName, ProtocolViolation
from chatlib.history.store import Store, StoreFailed
from chatlib.names import nick_key, room_name
from chatlib.protocol.codec import decode_event

MOST = 500  # events of a pass: some milliseconds


def look_up(store: Store, state: State, said: Say, most: int) -> int:
    """Put into at most `most` lines what the store has of what they are about; return how many."""
    session = state.sessions.get(said.sid)
    if session is None:
        return 0
    lines = [line for line in said.lines if isinstance(line, Regarding)]
    new = [line for line in lines if line.n > session.accepted][:most]
    try:
        for line in new:
            line.original = _original(store, state, session.user.id, line)
            line.looked_up = True
    except StoreFailed:
        pass  # apply tells the sender to come again
    return len(new)


def _original(store: Store, state: State, user: str, line: Regarding) -> Original | None:
    """Return what is known of the event; None too where there is no such room or person."""
    peer = None
    try:
        if line.to is None:
            room = state.rooms.get(room_name(line.room or ""))
            if room is None or user not in room.members:
                return None
            stream = room.stream
        else:
            stream, peer = INBOX + user, state.nicks.get(nick_key(line.to))
    except BadName:
        return None
    found = store.event(stream, line.re or 0)
    # What two people said to each other lies in both of their inboxes, and in no other one.
    if found is None or (line.to is not None and not _lies(store, peer, line.re or 0)):
        return None
    try:
        event = decode_event(found)
    except ProtocolViolation:  # damaged on disk: `hubbub check` finds it
        return None
    return Original(event.author, event.kind, event.deleted, peer)


def _lies(store: Store, owner: str | None, seq: int) -> bool:
    return owner is not None and store.event(INBOX + owner, seq) is not None
