"""Messages: the send window of a session, and what each line in it becomes."""

from __future__ import annotations

from chatlib.core import audit, rights, words
from chatlib.core.batch import Batch
from chatlib.core.commands import Regarding, Say
from chatlib.core.rooms import member_fault
from chatlib.core.state import Room, Session, State
from chatlib.core.streams import changing, tell_inbox, tell_room, timestamp
from chatlib.core.users import find_user
from chatlib.errors import BadName
from chatlib.names import room_name
from chatlib.protocol.events import BadLine, Event, Line
from chatlib.protocol.fields import Error


def say(state: State, session: Session, command: Say, batch: Batch) -> None:
    """Take exactly n = accepted + 1, again and again (docs/protocol.md, "Intake")."""
    accepted = session.accepted
    for line in command.lines:
        if line.n <= accepted:
            batch.repeats += 1
            continue
        if line.n != accepted + 1:
            batch.resend(session.sid, accepted + 1)
            break
        accepted = line.n
        if isinstance(line, BadLine):
            batch.refuse(session.sid, line.n, line.error)
        elif line.re is not None and not (isinstance(line, Regarding) and line.looked_up):
            batch.slow(session.sid, line.n, words.AGAIN_MS, words.TOO_MANY)
            accepted -= 1
            break
        elif line.to is None:
            _say_room(state, session, line, batch)
        else:
            _say_privately(state, session, line, batch)
    if accepted != session.accepted:
        batch.used += accepted - session.accepted
        state.set(session, "accepted", accepted)


def _say_room(state: State, session: Session, line: Line, batch: Batch) -> None:
    room = session.user.rooms.get(line.room or "")
    if room is None:  # misspelt, or not joined: off the fast path
        try:
            name = room_name(line.room or "")
        except BadName as e:
            batch.refuse(session.sid, line.n, Error(e.code, str(e)))
            return
        if error := member_fault(state, session, name):
            batch.refuse(session.sid, line.n, error)
            return
        room = session.user.rooms[name]
    if error := rights.line_fault(state, session, room, line.kind):
        batch.refuse(session.sid, line.n, error)
        return
    if line.re is None:
        tell_room(state, room, session, batch, kind=line.kind, n=line.n, text=line.text)
    elif isinstance(line, Regarding):
        _say_about(state, session, room, line, batch)


def _say_about(state: State, session: Session, room: Room, line: Regarding, batch: Batch) -> None:
    if error := words.fault(session, line, None, moderates=rights.moderates(state, session, room)):
        batch.refuse(session.sid, line.n, error)
        return
    tell_room(state, room, session, batch, **words.told(line))
    batch.entries[-1] = changing(batch.entries[-1], line.kind, line.re)
    if line.kind == "delete" and line.original and not words.is_author(session, line.original):
        audit.note(state, session, "delete", batch, room=room.name, re=line.re)


def _say_privately(state: State, session: Session, line: Line, batch: Batch) -> None:
    try:
        recipient = find_user(state, line.to or "")
    except BadName as e:
        batch.refuse(session.sid, line.n, Error(e.code, str(e)))
        return
    if recipient is None:
        batch.refuse(session.sid, line.n, Error("no_such_nick", f"nobody here is called {line.to}"))
        return
    if isinstance(line, Regarding) and (error := words.fault(session, line, recipient.id)):
        batch.refuse(session.sid, line.n, error)
        return
    sender = session.user
    event = Event(
        seq=state.next_seq(),
        at=timestamp(state.at),
        to=recipient.nick,
        nick=sender.nick,
        sid=session.sid,
        user=None if sender.id == session.sid else sender.id,
        bot=session.bot,
        **words.told(line),
    )
    tell_inbox(state, recipient, sender, event, batch)
    if recipient is not sender:
        tell_inbox(state, sender, recipient, event, batch)
