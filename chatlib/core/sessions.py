"""Sessions and nicknames: opening, taking up again, renaming, ending."""

from __future__ import annotations

from chatlib.core.batch import Batch, Note, Opened, Reply
from chatlib.core.commands import ChangeNick, EndSession, OpenSession
from chatlib.core.state import Ended, Session, State, digest
from chatlib.core.streams import tell_room
from chatlib.errors import BadName
from chatlib.names import nick_key, suggest_nick
from chatlib.protocol import limits
from chatlib.protocol.answers import Answer, Renamed, Welcome
from chatlib.protocol.fields import Error
from chatlib.skeleton import skeletons

DAY = 24 * 3600 * 1000  # milliseconds: how long `accepted` of an ended session is kept
MAX_ENDED = 100_000
MAX_SESSIONS = 10_000

WRONG_KEY = Error("wrong_key", "this session belongs to another key: open one of your own")


def open_session(state: State, command: OpenSession, batch: Batch) -> None:
    """Take up the session that the token names; where there is none (any more), open one."""
    if error := _key_fault(state, command):
        batch.fail(command.origin, error)
        return
    named = digest(command.token) if command.token else b""
    sid = state.digests.get(named)
    if sid is not None and state.sessions[sid].owner != command.key:
        batch.fail(command.origin, WRONG_KEY)
        return
    if sid is not None and command.token is not None:
        session = state.sessions[sid]
        batch.notes.append(Note("resumed", sid, session.nick))
        welcome = _welcome(session, command, state.epoch, command.token, session.accepted)
        batch.replies.append(welcome)
        return
    ended = state.ended.get(named)
    accepted = ended.accepted if ended else None if command.token else 0
    made = _make_session(state, command, batch)
    if made is not None:
        batch.notes.append(Note("opened", made.sid, made.nick))
        welcome = _welcome(made, command, state.epoch, command.new_token, accepted)
        batch.replies.append(welcome)


def _key_fault(state: State, command: OpenSession) -> Error | None:
    if command.key in state.bans:
        return Error("banned", "this key is banned from this broker")
    if command.members_only and command.key not in state.keys:
        return Error("not_admitted", "this key is not known here: redeem an invitation first")
    return None


def _make_session(state: State, command: OpenSession, batch: Batch) -> Session | None:
    if len(state.sessions) >= MAX_SESSIONS:
        text = f"this broker has room for {MAX_SESSIONS} sessions, all are taken: try again later"
        batch.fail(command.origin, Error("too_many_sessions", text))
        return None
    nick = command.nick if command.nick is not None else _guest(state)
    if error := _nick_fault(state, nick, command.sid):
        batch.fail(command.origin, error)
        return None
    session = Session(
        command.sid,
        digest(command.new_token),
        nick,
        nick_key(nick),
        command.bot,
        owner=command.key,
    )
    state.put(state.sessions, session.sid, session)
    state.put(state.digests, session.digest, session.sid)
    _take_nick(state, session)
    return session


def _guest(state: State) -> str:
    while True:
        state.set(state, "guests", state.guests + 1)
        if (nick := f"guest{state.guests}") not in _Taken(state):
            return nick


def _take_nick(state: State, session: Session) -> None:
    state.put(state.nicks, session.key, session.sid)
    for look in sorted(skeletons(session.nick)):
        state.put(state.looks, look, session.sid)


def _free_nick(state: State, session: Session) -> None:
    state.drop(state.nicks, session.key)
    for look in sorted(skeletons(session.nick)):
        if state.looks.get(look) == session.sid:  # two of one session may share a look
            state.drop(state.looks, look)


class _Taken:
    """Nicknames that are in use, or look like one that is."""

    def __init__(self, state: State) -> None:
        self._state = state

    def __contains__(self, key: object) -> bool:
        return key in self._state.nicks or not skeletons(str(key)).isdisjoint(self._state.looks)


def _nick_fault(state: State, nick: str, sid: str) -> Error | None:
    try:
        owner = state.nicks.get(nick_key(nick))
    except BadName as e:
        return Error(e.code, str(e))
    text = f"the nickname {nick} is in use"
    if owner is None:
        alike = {state.looks.get(look, sid) for look in skeletons(nick)} - {sid}
        if alike:
            owner = min(alike)
            text = f"the nickname {nick} looks like {state.sessions[owner].nick}, who is here"
    if owner is None or owner == sid:
        return None
    free = suggest_nick(nick, _Taken(state))
    return Error("nick_taken", text + (f"; {free} is free" if free else ""), free or None)


def _welcome(
    session: Session, command: OpenSession, epoch: str, token: str, accepted: int | None
) -> Opened:
    assert command.origin is not None
    answer = Welcome(
        id=command.origin.id,
        v=limits.WIRE_VERSION,
        session=token,
        sid=session.sid,
        resumed=session.sid != command.sid,
        nick=session.nick,
        epoch=epoch,
        intake="",
        feed="",
        heartbeat=0,
        accepted=accepted,
        inbox=session.inbox,
        waiting=0,
        rooms={name: room.head for name, room in sorted(session.rooms.items())},
        limits=limits.announced(),
        server="",
    )
    return Opened(command.origin, answer)


def end_session(state: State, session: Session, command: EndSession, batch: Batch) -> None:
    """Tell the session's rooms, free its nickname, keep its `accepted` for a day."""
    for _, room in sorted(session.rooms.items()):
        state.drop(room.members, session.sid)
        tell_room(state, room, session, batch, kind="leave", reason=command.reason)
    state.drop(state.sessions, session.sid)
    state.drop(state.digests, session.digest)
    _free_nick(state, session)
    state.put(state.ended, session.digest, Ended(session.accepted, state.at))
    _forget_ended(state)
    batch.notes.append(Note("ended", session.sid, session.nick, reason=command.reason))
    if command.origin is not None:
        batch.replies.append(Reply(command.origin, Answer(id=command.origin.id)))


def _forget_ended(state: State) -> None:
    while state.ended:
        oldest = next(iter(state.ended))
        if len(state.ended) <= MAX_ENDED and state.ended[oldest].at >= state.at - DAY:
            return
        state.drop(state.ended, oldest)


def change_nick(state: State, session: Session, command: ChangeNick, batch: Batch) -> None:
    """Rename, and tell each of the session's rooms."""
    if error := _nick_fault(state, command.nick, session.sid):
        batch.fail(command.origin, error)
        return
    old = session.nick
    if command.nick != old:
        _free_nick(state, session)
        state.set(session, "nick", command.nick)
        state.set(session, "key", nick_key(command.nick))
        _take_nick(state, session)
        for _, room in sorted(session.rooms.items()):
            tell_room(state, room, session, batch, kind="nick", old=old)
        batch.notes.append(Note("renamed", session.sid, session.nick, old=old))
    if command.origin is not None:
        batch.replies.append(
            Reply(command.origin, Renamed(id=command.origin.id, nick=session.nick))
        )
