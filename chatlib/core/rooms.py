"""Rooms: joining, leaving, topics. Whoever joins a room that is not there opens it."""

from __future__ import annotations

from chatlib.core import rights
from chatlib.core.batch import Batch, JoinReply, Note, Reply
from chatlib.core.commands import JoinRoom, LeaveRoom, SetTopic
from chatlib.core.grants import Granted, RoomRights
from chatlib.core.state import Room, Session, State, User, new_room
from chatlib.core.streams import tell_room
from chatlib.protocol import limits
from chatlib.protocol.answers import Joined, Left, TopicIs
from chatlib.protocol.codec import text_fault
from chatlib.protocol.fields import Error

MAX_ROOMS = 10_000
MAX_OPENED = 1_000  # by one, ever: rooms do not end, and nobody is to take all that there can be


def join_room(state: State, session: Session, command: JoinRoom, batch: Batch) -> None:
    """Make the user a member; for one who is a member already, only answer."""
    user = session.user
    room = state.rooms.get(command.room)
    if room is None or user.id not in room.members:
        if error := _join_fault(state, session, room):
            batch.fail(command.origin, error)
            return
        if room is None:
            room = new_room(command.room)
            state.put(state.rooms, room.name, room)
            own_room(state, session, room)
        state.set(user, "rooms", {**user.rooms, room.name: room})
        tell_room(state, room, session, batch, kind="join")
        state.put(room.members, user.id, room.head)
        batch.notes.append(Note("joined", session.sid, user.nick, room.name))
    if command.origin is not None:
        answer = Joined(
            id=command.origin.id,
            room=room.name,
            topic=room.topic,
            members=[],
            head=room.head,
            oldest=0,
            events=[],
            more=False,
            private=room.private,
        )
        # Who came as a device of a member need not read all that was said since that one's join.
        joined = max(room.members[user.id], session.since)
        batch.replies.append(JoinReply(command.origin, answer, command.after, joined, user.id))


def own_room(state: State, session: Session, room: Room) -> None:
    """Make somebody the owner of a room that is new."""
    owner, me = Granted("owner", session.user.nick, session.user.key), rights.who(state, session)
    made = RoomRights(room.private, {me: owner}, opener=me)
    state.put(state.rights, room.name, made)


def _join_fault(state: State, session: Session, room: Room | None) -> Error | None:
    if len(session.user.rooms) >= limits.ROOMS_PER_SESSION:
        text = f"a session is in at most {limits.ROOMS_PER_SESSION} rooms: leave one first"
        return Error("too_many_rooms", text)
    return opening_fault(state, session) if room is None else None


def opening_fault(state: State, session: Session) -> Error | None:
    """Return why somebody may open no more rooms, or None; operators may as long as there can be.

    All rooms are counted each time: that is seldom, and there are no more than MAX_ROOMS.
    """
    if len(state.rooms) >= MAX_ROOMS:
        return Error("too_many_rooms", f"this broker holds at most {MAX_ROOMS} rooms")
    me = rights.who(state, session)
    opened = sum(known.opener == me for known in state.rights.values())
    if opened >= MAX_OPENED and not rights.operates(state, session.owner):
        text = (
            f"you have opened {MAX_OPENED} rooms, which is all that one may: join those there are"
        )
        return Error("too_many_rooms", text)
    return None


def member_fault(state: State, session: Session, name: str) -> Error | None:
    """Return why the session may not act as a member of the room, or None."""
    if name in session.user.rooms:
        return None
    if rights.sees(state, session, state.rooms.get(name)):
        return Error("not_joined", f"you are not in the room {name}: join it first")
    return rights.no_such_room(name)


def leave_room(state: State, session: Session, command: LeaveRoom, batch: Batch) -> None:
    """End a membership. The room stays, with its history, when the last one leaves."""
    if error := member_fault(state, session, command.room):
        batch.fail(command.origin, error)
        return
    room, user = state.rooms[command.room], session.user
    depart(state, user, room)
    tell_room(state, room, session, batch, kind="leave", reason="left")
    batch.notes.append(Note("left", session.sid, user.nick, room.name, reason="left"))
    if command.origin is not None:
        batch.replies.append(Reply(command.origin, Left(id=command.origin.id, room=room.name)))


def depart(state: State, user: User, room: Room) -> None:
    """End a membership, and what the user keeps of it; he may be away."""
    if user.id in room.members:
        state.drop(room.members, user.id)
    others = {name: other for name, other in user.rooms.items() if other is not room}
    state.set(user, "rooms", others)
    if room.name in user.read:
        cursors = {name: seq for name, seq in user.read.items() if name != room.name}
        state.set(user, "read", cursors)


def set_topic(state: State, session: Session, command: SetTopic, batch: Batch) -> None:
    """Change a room's topic; one line, empty for none. The same topic again is no event."""
    error = member_fault(state, session, command.room)
    if error is None and command.text:
        error = text_fault(command.text, limits.TOPIC_BYTES)
        if error is None and "\n" in command.text:
            error = Error("bad_text", "a topic is one line")
    if error is not None:
        batch.fail(command.origin, error)
        return
    room = state.rooms[command.room]
    if command.text != room.topic:
        state.set(room, "topic", command.text)
        tell_room(state, room, session, batch, kind="topic", text=command.text)
    if command.origin is not None:
        answer = TopicIs(id=command.origin.id, room=room.name, topic=room.topic)
        batch.replies.append(Reply(command.origin, answer))
