"""Answers that change nothing, given after the commit: from the state, or as a read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from chatlib.core import cursors
from chatlib.core.apply import NO_SESSION
from chatlib.core.batch import INBOX, Count
from chatlib.core.commands import Origin, Question
from chatlib.core.rooms import member_fault
from chatlib.core.state import Session, State
from chatlib.core.streams import members, moment, timestamp
from chatlib.protocol import answers, limits, requests
from chatlib.protocol.answers import Answer, Failure
from chatlib.protocol.fields import Error

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


Unanswered = Read | Count | Find  # what the store has to be asked for an answer


def answer(state: State, question: Question) -> Answer | Failure | Unanswered:
    """Answer a question from the state, or say what has to be read for it."""
    if (without := _OPERATORS.get(type(question.request))) is not None:
        return without(state, question)
    session = state.sessions.get(question.sid)
    if session is None:
        return Failure(id=question.origin.id, error=NO_SESSION)
    return _ANSWERS[type(question.request)](state, session, question)


def _ping(state: State, session: Session, question: Question) -> Answer:
    heads = {name: room.head for name, room in session.rooms.items()}
    return answers.Pong(
        id=question.origin.id, accepted=session.accepted, heads=heads, inbox=session.inbox
    )


def _rooms(state: State, session: Session, question: Question) -> Answer:
    rooms = sorted(state.rooms.values(), key=lambda r: (-len(r.members), r.name))
    listed = [answers.RoomLine(r.name, len(r.members), r.topic, r.head) for r in rooms[:MAX_LIST]]
    return answers.RoomList(id=question.origin.id, rooms=listed, more=len(rooms) > MAX_LIST)


def _who(state: State, session: Session, question: Question) -> Answer | Failure:
    sids: Iterable[str] = state.sessions
    if question.request.room is not None:
        room = state.rooms.get(question.request.room)
        if room is None:
            return _no_room(question, question.request.room)
        sids = room.members
    people = members(state, sids)
    return answers.WhoList(
        id=question.origin.id, members=people[:MAX_LIST], more=len(people) > MAX_LIST
    )


def _topic(state: State, session: Session, question: Question) -> Answer | Failure:
    room = state.rooms.get(question.request.room)
    if room is None:
        return _no_room(question, question.request.room)
    return answers.TopicIs(id=question.origin.id, room=room.name, topic=room.topic)


def _history(state: State, session: Session, question: Question) -> Failure | Read:
    asked: requests.History = question.request
    read = Read(
        question.origin,
        INBOX + session.sid,
        session.inbox,
        asked.after,
        asked.before,
        min(asked.limit, limits.HISTORY_EVENTS),
    )
    if asked.peer is not None:
        return read._replace(peer=asked.peer)
    if asked.room is None:
        return read
    room = state.rooms.get(asked.room)
    if room is None:
        return _no_room(question, asked.room)
    return read._replace(stream=room.stream, head=room.head)


def _read(state: State, session: Session, question: Question) -> Failure | Count:
    asked: requests.Read = question.request
    if asked.room is not None and asked.room not in session.rooms:
        fault = member_fault(state, session, asked.room)
        return Failure(id=question.origin.id, error=fault or NO_SESSION)
    return cursors.count(session, question.origin, asked.room, asked.peer)


def _search(state: State, session: Session, question: Question) -> Failure | Find:
    asked: requests.Search = question.request
    if asked.from_ is None and not any(c.isalnum() for c in asked.words):
        error = Error("bad_search", "there is nothing to look for: give words, or from")
        return Failure(id=question.origin.id, error=error)
    try:
        since, before = moment(asked.since), moment(asked.before)
    except ValueError as e:
        return Failure(id=question.origin.id, error=Error("bad_search", str(e)))
    find = Find(
        question.origin,
        asked.words,
        (INBOX + session.sid,),
        public=True,
        who=asked.from_,
        since=since,
        before=before,
        below=asked.below,
        limit=min(asked.limit, limits.SEARCH_EVENTS),
    )
    if asked.room is None:
        return find
    room = state.rooms.get(asked.room)
    if room is None:
        return _no_room(question, asked.room)
    return find._replace(streams=(room.stream,), public=False)


def _no_room(question: Question, name: str) -> Failure:
    error = Error("no_such_room", f"there is no room {name}: joining it opens it")
    return Failure(id=question.origin.id, error=error)


_ANSWERS: dict[type[Any], Callable[[State, Session, Any], Answer | Failure | Unanswered]] = {
    requests.Ping: _ping,
    requests.Rooms: _rooms,
    requests.Who: _who,
    requests.Search: _search,
    requests.Topic: _topic,
    requests.History: _history,
    requests.Read: _read,
}


def _invitations(state: State, question: Question) -> Answer:
    listed = [
        answers.InvitationLine(i.id, i.room, i.uses, timestamp(i.expires))
        for i in state.invitations.values()
        if i.expires > state.at
    ]
    return answers.InvitationList(id=question.origin.id, invitations=listed)


def _bans(state: State, question: Question) -> Answer:
    listed = [answers.BanLine(b.who, timestamp(b.at), b.reason) for b in state.bans.values()]
    return answers.BanList(id=question.origin.id, bans=listed[:MAX_LIST])


def _status(state: State, question: Question) -> Answer:
    # What the state does not know (counts, addresses, lags), net/status.py puts in.
    return answers.BrokerStatus(
        id=question.origin.id, epoch=state.epoch, seq=state.seq, at=timestamp(state.at)
    )


def _drain(state: State, question: Question) -> Answer:
    return answers.Draining(id=question.origin.id, told=len(state.sessions))


# What operators ask, without a session; admission knows who they are.
_OPERATORS: dict[type[Any], Callable[[State, Question], Answer]] = {
    requests.Invitations: _invitations,
    requests.Bans: _bans,
    requests.Status: _status,
    requests.Drain: _drain,
}
