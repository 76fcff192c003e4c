"""Sessions and nicknames: opening, taking up again, renaming, ending."""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import replace

from chatlib.core import users
from chatlib.core.batch import Batch, Note, Opened, Reply
from chatlib.core.commands import ChangeNick, EndSession, OpenSession
from chatlib.core.state import Ended, Session, State, User, digest
from chatlib.core.streams import tell_room
from chatlib.protocol import limits
from chatlib.protocol.answers import Answer, Renamed, Welcome
from chatlib.protocol.fields import Error

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
    if removed(state, command.key):
        text = "this key was taken from its nickname: redeem a new link first"
        return Error("not_admitted", text)
    if command.members_only and command.key not in state.keys:
        return Error("not_admitted", "this key is not known here: redeem an invitation first")
    return None


def removed(state: State, key: str) -> bool:
    """Tell whether a key names an identity whose it is no longer.

    Who has it may not come in under it, wherever strangers may: what was granted to that identity
    would be his.
    """
    return key in state.identities and key not in state.keys


def _make_session(state: State, command: OpenSession, batch: Batch) -> Session | None:
    if len(state.sessions) >= MAX_SESSIONS:
        text = f"this broker has room for {MAX_SESSIONS} sessions, all are taken: try again later"
        batch.fail(command.origin, Error("too_many_sessions", text))
        return None
    user = _registered(state, command.key)
    if user is None:
        nick = command.nick if command.nick is not None else users.guest(state)
        if error := users.nick_fault(state, nick, command.sid):
            batch.fail(command.origin, error)
            return None
        user = users.new_user(state, command.sid, nick)
    session = Session(
        command.sid,
        digest(command.new_token),
        user,
        command.bot,
        owner=command.key,
        since=state.seq,
    )
    state.put(state.sessions, session.sid, session)
    state.put(state.digests, session.digest, session.sid)
    users.enter(state, session, batch)
    return session


def _registered(state: State, key: str) -> User | None:
    """Return whose key this is, where he has registered his nickname."""
    known = state.identities.get(state.keys.get(key, ""))
    return state.users[known.user] if known is not None and known.user else None


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
        user=session.user.id,
        registered=bool(session.user.identity),
        inbox=session.user.inbox,
        waiting=0,
        rooms={name: room.head for name, room in sorted(session.user.rooms.items())},
        limits=limits.announced(),
        server="",
    )
    return Opened(command.origin, answer)


def end_session(state: State, session: Session, command: EndSession, batch: Batch) -> None:
    """Take it from its user, who may go with it; keep its `accepted` for a day."""
    users.withdraw(state, session, command.reason, batch)
    state.drop(state.sessions, session.sid)
    state.drop(state.digests, session.digest)
    state.put(state.ended, session.digest, Ended(session.accepted, state.at))
    _forget_ended(state)
    batch.notes.append(Note("ended", session.sid, session.nick, reason=command.reason))
    if command.origin is not None:
        batch.replies.append(Reply(command.origin, Answer(id=command.origin.id)))


def end_sessions_of(state: State, keys: Collection[str], batch: Batch, *, reason: str) -> None:
    """End the sessions that were opened under these keys."""
    found = [s for s in state.sessions.values() if s.owner and s.owner in keys]
    for session in sorted(found, key=lambda s: (s.since, s.sid)):
        gone = EndSession(at=state.at, sid=session.sid, reason=reason)
        end_session(state, session, gone, batch)


def _forget_ended(state: State) -> None:
    while state.ended:
        oldest = next(iter(state.ended))
        if len(state.ended) <= MAX_ENDED and state.ended[oldest].at >= state.at - DAY:
            return
        state.drop(state.ended, oldest)


def change_nick(state: State, session: Session, command: ChangeNick, batch: Batch) -> None:
    """Rename the user, and what he has registered, and tell each of his rooms."""
    user = session.user
    if error := users.nick_fault(state, command.nick, user.id):
        batch.fail(command.origin, error)
        return
    old = user.nick
    if command.nick != old:
        users.rename(state, user, command.nick)
        if user.identity:
            known = state.identities[user.identity]
            state.put(state.identities, known.id, replace(known, nick=user.nick))
        for _, room in sorted(user.rooms.items()):
            tell_room(state, room, session, batch, kind="nick", old=old)
        batch.notes.append(Note("renamed", session.sid, user.nick, old=old))
    if command.origin is not None:
        batch.replies.append(Reply(command.origin, Renamed(id=command.origin.id, nick=user.nick)))
