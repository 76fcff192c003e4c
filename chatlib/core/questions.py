"""Answers that change nothing, given after the commit: from the state, or as a read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from chatlib.core import audit, cursors, rights
from chatlib.core.apply import NO_SESSION
from chatlib.core.batch import INBOX, Count
from chatlib.core.commands import Origin, Question
from chatlib.core.grants import Granted, Kept, Muted
from chatlib.core.registering import NOT_REGISTERED, identity_of
from chatlib.core.rooms import member_fault
from chatlib.core.state import Room, Session, State, User
from chatlib.core.streams import members, moment, timestamp
from chatlib.core.users import find_user
from chatlib.protocol import answers, limits, requests
from chatlib.protocol.answers import Answer, Failure
from chatlib.protocol.fields import Error
from chatlib.protocol.keys import fingerprint

MAX_LIST = 2_000  # rooms or people in one answer; then `more`


class Read(NamedTuple):
    """Events to be read from the store for an answer; `head` is the newest seq of the stream.

    With `after`, the oldest `limit` events behind it; with `before`, the newest `limit` ahead of
    it; with neither, the newest. Always in the order of their seq.
    """

    origin: Origin
    stream: str
    head: int
    after: int | None = None
    before: int | None = None
    limit: int = limits.HISTORY_EVENTS
    peer: str | None = None
    deleted: bool = False  # with the texts of what was deleted


class Find(NamedTuple):
    """Messages to be searched for, the newest `limit`: in `streams`, and in every public room.

    `who` is a nick key; `since` and `before` are milliseconds of the broker's clock, `below` a seq.
    """

    origin: Origin
    words: str
    streams: tuple[str, ...]
    public: bool = False
    who: str | None = None
    since: int | None = None
    before: int | None = None
    below: int | None = None
    limit: int = limits.SEARCH_EVENTS
    user: str = ""
    rooms: tuple[str, ...] = ()  # private ones among the streams


Unanswered = Read | Count | Find  # what the store has to be asked for an answer


def answer(state: State, question: Question) -> Answer | Failure | Unanswered:
    """Answer a question from the state, or say what has to be read for it."""
    if not question.sid and (without := _OPERATORS.get(type(question.request))) is not None:
        return without(state, question)
    session = state.sessions.get(question.sid)
    if session is None:
        return Failure(id=question.origin.id, error=NO_SESSION)
    return _ANSWERS[type(question.request)](state, session, question)


def _ping(state: State, session: Session, question: Question) -> Answer:
    heads = {name: room.head for name, room in session.user.rooms.items()}
    return answers.Pong(
        id=question.origin.id, accepted=session.accepted, heads=heads, inbox=session.user.inbox
    )


def _rooms(state: State, session: Session, question: Question) -> Answer:
    seen = [r for r in state.rooms.values() if rights.sees(state, session, r)]
    rooms = sorted(seen, key=lambda r: (-len(r.members), r.name))
    listed = [_room_line(state, session, room) for room in rooms[:MAX_LIST]]
    return answers.RoomList(id=question.origin.id, rooms=listed, more=len(rooms) > MAX_LIST)


def _room_line(state: State, session: Session, room: Room) -> answers.RoomLine:
    """Return a line of the list; of a private room that one has not joined, only its name."""
    if not rights.reads(state, session.user, room):
        return answers.RoomLine(room.name, 0, private=True)
    return answers.RoomLine(
        room.name, len(room.members), room.topic, room.head, private=room.private
    )


def _room(state: State, session: Session, question: Question, act: Any = None) -> Room | Failure:
    """Return the room that is asked about, where whoever asks may know of it."""
    name = question.request.room
    error = rights.fault(state, session, act or type(question.request), name)
    room = state.rooms.get(name)
    if error is None and room is not None:
        return room
    return Failure(id=question.origin.id, error=error or rights.no_such_room(name))


def _who(state: State, session: Session, question: Question) -> Answer | Failure:
    ids: Iterable[str] = state.users
    if question.request.room is not None:
        room = _room(state, session, question)
        if isinstance(room, Failure):
            return room
        ids = room.members
    people = members(state, ids)
    return answers.WhoList(
        id=question.origin.id, members=people[:MAX_LIST], more=len(people) > MAX_LIST
    )


def _topic(state: State, session: Session, question: Question) -> Answer | Failure:
    room = _room(state, session, question)
    if isinstance(room, Failure):
        return room
    return answers.TopicIs(id=question.origin.id, room=room.name, topic=room.topic)


def _history(state: State, session: Session, question: Question) -> Failure | Read:
    asked: requests.History = question.request
    read = Read(
        question.origin,
        INBOX + session.user.id,
        session.user.inbox,
        asked.after,
        asked.before,
        min(asked.limit, limits.HISTORY_EVENTS),
    )
    if asked.peer is not None:
        return read._replace(peer=asked.peer)
    if asked.room is None:
        return read
    room = _room(state, session, question, rights.SeeDeleted if asked.deleted else None)
    if isinstance(room, Failure):
        return room
    return read._replace(stream=room.stream, head=room.head, deleted=asked.deleted)


def _read(state: State, session: Session, question: Question) -> Failure | Count:
    asked: requests.Read = question.request
    if asked.room is not None and isinstance(found := _room(state, session, question), Failure):
        return found
    if asked.room is not None and asked.room not in session.user.rooms:
        fault = member_fault(state, session, asked.room)
        return Failure(id=question.origin.id, error=fault or NO_SESSION)
    return cursors.count(session.user, question.origin, asked.room, asked.peer)


def _search(state: State, session: Session, question: Question) -> Failure | Find:
    asked: requests.Search = question.request
    if asked.from_ is None and not any(c.isalnum() for c in asked.words):
        error = Error("bad_search", "there is nothing to look for: give words, or from")
        return Failure(id=question.origin.id, error=error)
    private = [r for _, r in sorted(session.user.rooms.items()) if r.private]
    private = [room for room in private if rights.reads(state, session.user, room)]
    try:
        since, before = moment(asked.since), moment(asked.before)
    except ValueError as e:
        return Failure(id=question.origin.id, error=Error("bad_search", str(e)))
    find = Find(
        question.origin,
        asked.words,
        (INBOX + session.user.id, *(room.stream for room in private)),
        public=True,
        who=asked.from_,
        since=since,
        before=before,
        below=asked.below,
        limit=min(asked.limit, limits.SEARCH_EVENTS),
        user=session.user.id,
        rooms=tuple(room.name for room in private),
    )
    if asked.room is None:
        return find
    room = _room(state, session, question)
    if isinstance(room, Failure):
        return room
    rooms = (room.name,) if room.private else ()
    return find._replace(streams=(room.stream,), public=False, rooms=rooms)


def _devices(state: State, session: Session, question: Question) -> Answer | Failure:
    known = identity_of(state, session)
    if known is None:
        return Failure(id=question.origin.id, error=NOT_REGISTERED)
    listed = [
        answers.DeviceLine(fingerprint(key.encode()), timestamp(at), key == session.owner)
        for key, at in known.dated()
    ]
    return answers.DeviceList(id=question.origin.id, devices=listed)


def _roles(state: State, session: Session, question: Question) -> Answer | Failure:
    room = _room(state, session, question)
    if isinstance(room, Failure):
        return room
    known = state.rights.get(room.name, rights.NOTHING)
    names = _Names(state)
    living = {me: granted for me, granted in known.roles.items() if rights.lives(state, me)}
    ranked = sorted(
        (-rights.RANKS[granted.role], key, nick, granted.role)
        for me, granted in living.items()
        for key, nick in [names.of(me, granted)]
    )
    muted = {names.of(me, m): m for me, m in known.muted.items() if m.holds(state.at)}
    mutes = [
        answers.MuteLine(nick, timestamp(m.until) if m.until else None)
        for (_, nick), m in sorted(muted.items())
    ]
    return answers.RoleList(
        id=question.origin.id,
        roles=[answers.RoleLine(nick, role) for _, _, nick, role in ranked[:MAX_LIST]],
        mutes=mutes,
        bans=_banned(state, room, names),
        more=len(ranked) > MAX_LIST,
    )


class _Names:
    """How those are called who have rights: now, or when they got them, where nobody is they."""

    def __init__(self, state: State) -> None:
        self._users: dict[str, list[User]] = {}
        for user in state.users.values():
            self._users.setdefault(rights.who_is(state, user), []).append(user)

    def of(self, me: str, kept: Granted | Muted | Kept) -> tuple[str, str]:
        """Return the nick key and the nickname of somebody."""
        found = [(user.key, user.nick) for user in self._users.get(me, ())]
        return min((one for one in found if one[0] == kept.key), default=None) or min(
            found, default=(kept.key, kept.nick)
        )


def _banned(state: State, room: Room, names: _Names) -> list[answers.BanLine]:
    """Return who is kept out of a room, the newest first."""
    known = state.rights.get(room.name, rights.NOTHING)
    banned = {names.of(me, b): b for me, b in known.banned.items()}
    listed = sorted(banned.items(), key=lambda one: (-one[1].at, one[0]))
    return [answers.BanLine(nick, timestamp(b.at), b.reason) for (_, nick), b in listed]


def _room_bans(state: State, session: Session, question: Question) -> Answer | Failure:
    room = _room(state, session, question, rights.RoomBans)
    if isinstance(room, Failure):
        return room
    return answers.BanList(id=question.origin.id, bans=_banned(state, room, _Names(state)))


_ANSWERS: dict[type[Any], Callable[[State, Session, Any], Answer | Failure | Unanswered]] = {
    requests.Ping: _ping,
    requests.Rooms: _rooms,
    requests.Who: _who,
    requests.Search: _search,
    requests.Topic: _topic,
    requests.History: _history,
    requests.Read: _read,
    requests.Devices: _devices,
    requests.Roles: _roles,
    requests.Bans: _room_bans,
}


def _invitations(state: State, question: Question) -> Answer:
    good = [i for i in state.invitations.values() if i.expires > state.at and not i.identity]
    good.sort(key=lambda i: (i.expires, i.id))
    listed = [answers.InvitationLine(i.id, i.room, i.uses, timestamp(i.expires)) for i in good]
    return answers.InvitationList(id=question.origin.id, invitations=listed)


def _bans(state: State, question: Question) -> Answer:
    # By their times, not as they stand in the table: that is another order after a restart.
    bans = sorted(state.bans.values(), key=lambda b: (-b.at, b.who))
    listed = [answers.BanLine(b.who, timestamp(b.at), b.reason) for b in bans[:MAX_LIST]]
    return answers.BanList(id=question.origin.id, bans=listed, more=len(bans) > MAX_LIST)


def _status(state: State, question: Question) -> Answer:
    # What the state does not know (counts, addresses, lags), net/status.py puts in.
    return answers.BrokerStatus(
        id=question.origin.id, epoch=state.epoch, seq=state.seq, at=timestamp(state.at)
    )


def _whereis(state: State, question: Question) -> Answer | Failure:
    user = find_user(state, question.request.nick)
    if user is None:
        error = Error("no_such_nick", f"nobody here is called {question.request.nick}")
        return Failure(id=question.origin.id, error=error)
    names = sorted(name for name, room in user.rooms.items() if not room.private)
    listed = [answers.Place(name, _muted(state, name, user)) for name in names[:MAX_LIST]]
    more = len(names) > MAX_LIST
    return answers.Whereabouts(id=question.origin.id, places=listed, more=more)


def _muted(state: State, room: str, user: User) -> bool:
    muted, me = state.rights.get(room, rights.NOTHING).muted, rights.who_is(state, user)
    names = (me, rights.by_nick(user.key)) if me in user.sessions else (me,)
    return any(muted[name].holds(state.at) for name in names if name in muted)


def _drain(state: State, question: Question) -> Answer:
    return answers.Draining(id=question.origin.id, told=len(state.sessions))


def _audit(state: State, question: Question) -> Read:
    asked: requests.Audit = question.request
    limit = min(asked.limit, limits.HISTORY_EVENTS)
    head = audit.head(state)
    return Read(question.origin, audit.STREAM, head, asked.after, asked.before, limit)


# What operators ask, without a session; admission knows who they are.
_OPERATORS: dict[type[Any], Callable[[State, Question], Answer | Failure | Read]] = {
    requests.Invitations: _invitations,
    requests.Bans: _bans,
    requests.Status: _status,
    requests.Whereis: _whereis,
    requests.Drain: _drain,
    requests.Audit: _audit,
}
