"""Answers that change nothing: short ones at once, long ones in turns, found ones when found.

All are given after the commit, from the state and the store. What waits for its turn is in
`net.reads`; searches are answered by the store's own thread.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from msgspec import Raw

from chatlib.core import rights
from chatlib.core.batch import Count, JoinReply
from chatlib.core.commands import Origin, Question
from chatlib.core.questions import Find, Read, answer
from chatlib.core.state import State
from chatlib.core.streams import members
from chatlib.history.store import Page, Store, StoreFailed
from chatlib.net import unread
from chatlib.net.reads import Reads, Wanted
from chatlib.protocol import answers, limits, requests
from chatlib.protocol.answers import Answer, Failure
from chatlib.protocol.codec import decode_event
from chatlib.protocol.fields import Error

# Requests whose answers wait their turn.
LONG = (
    requests.Audit, requests.Bans, requests.History, requests.Read, requests.Roles, requests.Rooms,
    requests.Search, requests.Who,
)  # fmt: skip
DELETED = b'"deleted":true'
BUSY = Error("busy", "too many requests of yours are waiting: ask again in a second")
NO_SEARCH = Error("no_search", "this broker keeps its history in memory: it has no search")


class Answers:
    """Answers by `reply(origin, answer)`, which returns how many bytes that were."""

    def __init__(
        self, state: State, store: Store, reply: Callable[[Origin, Answer | Failure], int]
    ) -> None:
        self._state = state
        self._store = store
        self._reply = reply
        self._reads = Reads()
        self._searching: dict[bytes, Find] = {}  # by connection: who waits for a search

    # -- what waits ---------------------------------------------------------------------------

    def full(self, routing: bytes) -> bool:
        """Tell whether no more may wait for this connection."""
        return self._reads.full(routing)

    def ready(self, congested: Collection[bytes]) -> bool:
        """Tell whether something can be answered now."""
        return self._reads.ready(congested)

    def vanished(self, routing: bytes) -> None:
        """Forget what waits for a connection that is no more."""
        self._reads.drop(routing)
        self._searching.pop(routing, None)

    def cut_off(self) -> None:
        """Forget what waits, for all."""
        self._reads = Reads()
        self._searching.clear()

    def add(self, wanted: Wanted) -> None:
        """Let an answer wait its turn."""
        self._reads.add(wanted)

    def take(self, questions: Iterable[Question]) -> None:
        """Answer what is short, and let wait what is long."""
        for question in questions:
            if type(question.request) not in LONG:
                self._ask(question)
            elif self._reads.full(question.origin.routing):
                self._fail(question.origin, BUSY)
            else:
                self._reads.add(question)

    def serve(self, congested: Collection[bytes], now: float) -> None:
        """Answer what a pass has room for, and what was found meanwhile."""
        self._tell_found()
        self._reads.serve(congested, now, self._serve_one)

    # -- answering ----------------------------------------------------------------------------

    def _fail(self, origin: Origin, error: Error) -> int:
        return self._reply(origin, Failure(id=origin.id, error=error))

    def _serve_one(self, wanted: Wanted) -> int:
        """Answer what waited for its turn; return what it cost."""
        try:
            if isinstance(wanted, JoinReply):
                cost = self._reply(wanted.origin, self._joined(wanted))
            elif isinstance(wanted, Count):
                cost = self._count(wanted)
            else:
                cost = self._ask(wanted)
        except StoreFailed as e:
            text = f"the broker can't read its history now: {e}"
            cost = self._fail(wanted.origin, Error("unavailable", text))
        return cost + 1_000

    def _ask(self, question: Question) -> int:
        found = answer(self._state, question)
        if isinstance(found, Find):
            return self._search(found)
        if isinstance(found, Count):
            return self._count(found)
        return self._reply(question.origin, self._page(found) if isinstance(found, Read) else found)

    def _reads_still(self, id: str, room: str) -> bool:
        """Tell whether a user may still be told of a room: an answer may have waited long."""
        user, there = self._state.users.get(id), self._state.rooms.get(room)
        if there is None or not there.private:
            return True
        return user is not None and rights.reads(self._state, user, there)

    def _joined(self, wanted: JoinReply) -> answers.Joined | Failure:
        joined = wanted.answer
        room = self._state.rooms[joined.room]
        if not self._reads_still(wanted.user, room.name):
            return Failure(id=wanted.origin.id, error=rights.no_such_room(room.name))
        if wanted.after is None:  # not beyond one's own join: nothing since may be left out
            page = self._lines(room.stream, before=wanted.joined + 1, limit=limits.JOIN_EVENTS)
        else:
            page = self._lines(room.stream, after=wanted.after)
        joined.head, joined.oldest, joined.more = room.head, page.oldest, page.more
        joined.members = members(self._state, room.members)
        joined.events = [Raw(line) for line in page.lines]
        return joined

    def _page(self, read: Read) -> answers.Page:
        page = self._lines(read.stream, read.after, read.before, read.limit, read.peer)
        lines = self._undeleted(read, page.lines) if read.deleted else page.lines
        return answers.Page(
            id=read.origin.id,
            events=[Raw(line) for line in lines],
            head=read.head,
            oldest=page.oldest,
            more=page.more or len(lines) < len(page.lines),
        )

    def _undeleted(self, read: Read, lines: list[bytes]) -> list[bytes]:
        """Return lines as they were before they were deleted, to whom may still read that.

        With their texts they can be longer than a page may be: then the first of those asked for.
        """
        onward = read.after is not None
        found: list[bytes] = []
        size = 0
        for stored in lines if onward else reversed(lines):
            line = stored
            if DELETED in line:
                line = self._store.erased(read.stream, decode_event(line).seq) or line
            size += len(line)
            if found and size > self._reads.page_bytes:
                break
            found.append(line)
        return found if onward else found[::-1]

    def _lines(
        self,
        stream: str,
        after: int | None = None,
        before: int | None = None,
        limit: int = limits.HISTORY_EVENTS,
        peer: str | None = None,
    ) -> Page:
        size = self._reads.page_bytes
        return self._store.page(
            stream, after=after, before=before, limit=limit, size=size, peer=peer
        )

    def _count(self, wanted: Count) -> int:
        rooms = [r for r in wanted.rooms if self._reads_still(wanted.user, r[0])]
        wanted = wanted._replace(rooms=rooms)
        counted, size = unread.count(self._store, wanted)
        return size + self._reply(
            wanted.origin, answers.ReadList(id=wanted.origin.id, read=counted)
        )

    # -- searches -----------------------------------------------------------------------------

    def _search(self, wanted: Find) -> int:
        if self._store.search is None:
            return self._fail(wanted.origin, NO_SEARCH)
        routing = wanted.origin.routing
        if routing in self._searching or not self._store.search.ask(wanted):
            return self._fail(wanted.origin, BUSY)
        self._searching[routing] = wanted
        return 0

    def _tell_found(self) -> None:
        for found in self._store.search.found() if self._store.search else ():
            wanted = self._searching.get(found.origin.routing)
            if wanted is None or wanted.origin is not found.origin:
                continue  # that connection is gone, and its id may be another one's now
            del self._searching[found.origin.routing]
            if not all(self._reads_still(wanted.user, room) for room in wanted.rooms):
                self._fail(found.origin, BUSY)  # asked again, it looks where he still may
                continue
            if found.fault:
                self._fail(found.origin, Error("search_failed", found.fault))
                continue
            hits = answers.Hits(
                id=found.origin.id,
                events=[Raw(line) for line in found.lines],
                more=found.more,
                complete=found.complete,
            )
            self._reply(found.origin, hits)
