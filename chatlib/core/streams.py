"""Adding an event to a stream: a room's or an inbox's, each one chained by `prev`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from chatlib.core.batch import INBOX, Batch, Entry
from chatlib.core.state import Room, Session, State, User
from chatlib.protocol.answers import Member
from chatlib.protocol.codec import encode
from chatlib.protocol.events import Event


@lru_cache(4)
def timestamp(at: int) -> str:
    """Return `at` (ms) as the wire writes it: `2026-11-21T09:30:00.123Z`."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def moment(text: str | None) -> int | None:
    """Return the milliseconds that a time of RFC 3339 means. Raises ValueError."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise ValueError
        moment = round(at.timestamp() * 1000)
        timestamp(moment)  # with an offset it can lie before or after all years of UTC
        return moment
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no time like 2026-11-21T09:30:00Z") from None


def members(state: State, ids: Iterable[str]) -> list[Member]:
    """Return who is behind the users' `ids`, sorted by nickname; their oldest session stands."""
    found = [state.users[id] for id in ids]
    found.sort(key=lambda u: u.key)
    return [_member(user, state.sessions[user.sessions[0]]) for user in found if user.present]


def _member(user: User, session: Session) -> Member:
    other = None if user.id == session.sid else user.id
    return Member(user.nick, session.sid, session.bot, other)


def tell_room(state: State, room: Room, session: Session, batch: Batch, **what: Any) -> None:
    """Add an event to a room's stream."""
    prev = state.advance(room)
    user = session.user
    line = encode(
        Event(
            seq=state.seq,
            prev=prev,
            at=timestamp(state.at),
            room=room.name,
            nick=user.nick,
            sid=session.sid,
            user=None if user.id == session.sid else user.id,
            bot=session.bot,
            **what,
        )
    )
    readers = tuple(room.members) if room.private else ()
    batch.entries.append(Entry(room.stream, state.seq, line, readers=readers))


def tell_inbox(state: State, owner: User, peer: User, event: Event, batch: Batch) -> None:
    """Put a private event into `owner`'s inbox; `peer` is the other one of the conversation."""
    event.prev = owner.inbox
    state.set(owner, "inbox", event.seq)
    entry = Entry(INBOX + owner.id, event.seq, encode(event), peer.key)
    batch.entries.append(entry if event.re is None else changing(entry, event.kind, event.re))


def notify(state: State, owner: User, batch: Batch, **what: Any) -> None:
    """Put into `owner`'s inbox what nobody said to him: what his rights in a room are now."""
    prev = owner.inbox
    state.set(owner, "inbox", state.next_seq())
    event = Event(seq=state.seq, prev=prev, at=timestamp(state.at), inbox=True, **what)
    batch.entries.append(Entry(INBOX + owner.id, state.seq, encode(event)))


def changing(entry: Entry, kind: str, re: int | None) -> Entry:
    """Return the entry of an event with what it edits or deletes, if it does."""
    if kind not in ("edit", "delete"):
        return entry
    return entry._replace(changes=re, erases=kind == "delete")
