"""Counting what somebody has not read, in the store: `read` asks for it, `hello` tells of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice

from chatlib.core import cursors
from chatlib.core.batch import Count
from chatlib.core.commands import Origin
from chatlib.core.state import User
from chatlib.errors import ProtocolViolation
from chatlib.history.store import Page, Store, StoreFailed
from chatlib.names import nick_key
from chatlib.protocol import limits
from chatlib.protocol.answers import Unread
from chatlib.protocol.codec import decode_event
from chatlib.protocol.events import Event

ROOM_BYTES = 64 * 1024  # read to count one room
INBOX_BYTES = 256 * 1024
NOBODY = Origin(b"", None)


def count(store: Store, wanted: Count) -> tuple[list[Unread], int]:
    """Return what is unread, and how many bytes were read for it. Raises StoreFailed."""
    found, size = [], 0
    for name, stream, cursor in wanted.rooms:
        page = store.page(stream, after=cursor, limit=limits.HISTORY_EVENTS, size=ROOM_BYTES)
        messages = sum(1 for _ in islice(_of_others(page, wanted.user), limits.UNREAD))
        found.append(Unread(cursor, limits.UNREAD if page.more else messages, room=name))
        size += sum(map(len, page.lines))
    if wanted.inbox is not None:
        people, read = _count_inbox(store, wanted, wanted.inbox)
        found, size = found + people, size + read
    return found, size


def _count_inbox(store: Store, wanted: Count, inbox: str) -> tuple[list[Unread], int]:
    """Count each conversation among the newest events of an inbox."""
    page = store.page(inbox, limit=limits.HISTORY_EVENTS, size=INBOX_BYTES, peer=wanted.peer)
    unread = Counter(_behind(page, wanted.user, wanted.peers))
    if wanted.peer is not None:
        people = [wanted.peer]
    else:
        people = sorted(wanted.peers.keys() | unread.keys())
    found = [Unread(wanted.peers.get(p, 0), _most(unread[p]), peer=p) for p in people]
    return found, sum(map(len, page.lines))


def _behind(page: Page, user: str, cursors: Mapping[str, int]) -> list[str]:
    """Return for each unread message of a page of the inbox whose it is, as nick keys."""
    senders = [(nick_key(e.nick), e.seq) for e in _of_others(page, user)]
    return [key for key, seq in senders if seq > cursors.get(key, 0)]


def _of_others(page: Page, user: str) -> Iterator[Event]:
    for line in page.lines:
        try:
            event = decode_event(line)
        except ProtocolViolation:  # damaged on disk: `hubbub check` finds it
            continue
        if event.author != user and event.kind in ("say", "act") and not event.deleted:
            yield event


def _most(messages: int) -> int:
    return min(messages, limits.UNREAD)


def waiting(store: Store, user: User) -> int | None:
    """Return how many private messages are unread; None when the store can't be read."""
    wanted = cursors.count(user, NOBODY)
    if not user.inbox or wanted.inbox is None:
        return 0
    try:
        page = store.page(wanted.inbox, limit=limits.HISTORY_EVENTS, size=INBOX_BYTES)
    except StoreFailed:
        return None
    return _most(len(_behind(page, user.id, wanted.peers)))
