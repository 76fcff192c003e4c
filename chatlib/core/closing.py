"""What operators of the broker do to a room, and to the history, as a whole."""

from __future__ import annotations

from msgspec.structs import replace

from chatlib.core import audit, rights
from chatlib.core.batch import Batch, Note, Reply
from chatlib.core.commands import BackUp, CloseRoom, ReopenRoom
from chatlib.core.rooms import depart
from chatlib.core.state import State
from chatlib.core.streams import notify, tell_room
from chatlib.protocol import limits
from chatlib.protocol.answers import BackingUp
from chatlib.protocol.codec import text_fault


def close_room(state: State, command: CloseRoom, batch: Batch) -> None:
    """Put everybody out of a room, those who are away, too, and let nobody in any more.

    Its history stays, and so do the roles in it.
    """
    room = state.rooms.get(command.room)
    error = rights.no_such_room(command.room) if room is None else None
    if error is None and command.reason:
        error = text_fault(command.reason, limits.TOPIC_BYTES)
    if room is None or error is not None:
        assert error is not None
        batch.fail(command.origin, error)
        return
    known = state.rights.get(room.name, rights.NOTHING)
    if not known.closed:
        state.put(state.rights, room.name, replace(known, private=room.private, closed=True))
        by, why = audit.operator_nick(state, command), command.reason or None
        inside = [user for user in state.users.values() if room.name in user.rooms]
        for user in sorted(inside, key=lambda user: user.id):
            if user.present:
                one = state.sessions[user.sessions[0]]
                tell_room(state, room, one, batch, kind="leave", reason="kicked", by=by, text=why)
                batch.notes.append(Note("left", one.sid, one.nick, room.name, reason="kicked"))
            else:
                what = {"nick": by, "room": room.name, "to": user.nick, "text": why}
                notify(state, user, batch, kind="kick", **what)
            depart(state, user, room)
        audit.note_operator(state, command, "close", batch, room=room.name, text=why)
    batch.confirm(command.origin)


def reopen_room(state: State, command: ReopenRoom, batch: Batch) -> None:
    """Let people in again."""
    if command.room not in state.rooms:
        batch.fail(command.origin, rights.no_such_room(command.room))
        return
    known = state.rights.get(command.room, rights.NOTHING)
    if known.closed:
        state.put(state.rights, command.room, replace(known, closed=False))
        audit.note_operator(state, command, "reopen", batch, room=command.room)
    batch.confirm(command.origin)


def back_up(state: State, command: BackUp, batch: Batch) -> None:
    """Write down that a copy was asked for; who has the history makes it, behind the commit."""
    audit.note_operator(state, command, "backup", batch, text=command.name)
    batch.copies.append(command.name)
    if command.origin is not None:
        batch.replies.append(
            Reply(command.origin, BackingUp(id=command.origin.id, file=command.name))
        )
