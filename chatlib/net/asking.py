"""The requests of a client that change nothing: lists, pages of history, what is unread."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime
from typing import Any

from chatlib.names import room_name
from chatlib.protocol import answers, requests
from chatlib.protocol.answers import Member, RoomLine, Unread
from chatlib.protocol.codec import decode_event
from chatlib.protocol.events import Event


class Asking(ABC):
    """Asks the broker, waits at most `timeout` seconds, and returns what it answered."""

    @abstractmethod
    def _ask(self, request: requests.Request, kind: type[Any], timeout: float) -> Any: ...

    def rooms(self, *, timeout: float = 10) -> list[RoomLine]:
        """List the rooms, the fullest first."""
        found: list[RoomLine] = self._ask(requests.Rooms(), answers.RoomList, timeout).rooms
        return found

    def who(self, room: str | None = None, *, timeout: float = 10) -> list[Member]:
        """List the members of a room; without one, everybody."""
        asked = requests.Who(room=None if room is None else room_name(room))
        found: list[Member] = self._ask(asked, answers.WhoList, timeout).members
        return found

    def topic(self, room: str, text: str | None = None, *, timeout: float = 10) -> str:
        """Set a room's topic; without `text`, return it."""
        asked = requests.Topic(room=room_name(room), text=text)
        found: str = self._ask(asked, answers.TopicIs, timeout).topic
        return found

    def history(
        self,
        room: str | None = None,
        *,
        peer: str | None = None,
        after: int | None = None,
        before: int | None = None,
        limit: int = 50,
        deleted: bool = False,
        timeout: float = 10,
    ) -> list[Event]:
        """Read stored events of a room, or of the private conversation with `peer`.

        By seq: the oldest `limit` (1,000 at most) behind `after`, or the newest ahead of `before`.
        `deleted`: with the texts of what was deleted, which the room's moderators may read.
        """
        asked = requests.History(
            room=None if room is None else room_name(room),
            peer=peer,
            after=after,
            before=before,
            limit=limit,
            deleted=deleted,
        )
        page: answers.Page = self._ask(asked, answers.Page, timeout)
        return [decode_event(raw) for raw in page.events]

    def search(
        self,
        words: str = "",
        *,
        sender: str | None = None,
        room: str | None = None,
        since: datetime | None = None,
        before: datetime | None = None,
        below: int | None = None,
        limit: int = 50,
        timeout: float = 10,
    ) -> list[Event]:
        """Find the newest `limit` (100 at most) messages, in the order of their seq.

        All `words` must be in it: `"two words"` together, `begin*` as the beginning of one. Without
        a `room`, every room is searched, and one's own private messages. `below` is a seq: for
        those before what was found. A time without a zone is local. Raises Refused: bad_search,
        no_search, search_failed.
        """
        asked = requests.Search(
            words=words,
            from_=sender,
            room=None if room is None else room_name(room),
            since=None if since is None else since.astimezone().isoformat(),
            before=None if before is None else before.astimezone().isoformat(),
            below=below,
            limit=limit,
        )
        hits: answers.Hits = self._ask(asked, answers.Hits, timeout)
        return [decode_event(raw) for raw in hits.events]

    def unread(self, *, timeout: float = 10) -> list[Unread]:
        """Tell what this session has not read: each of its rooms, and each who wrote to it.

        `unread` counts messages of others behind the cursor that `mark_read` moves, up to 100.
        """
        found: list[Unread] = self._ask(requests.Read(), answers.ReadList, timeout).read
        return found

    def ping(self, *, timeout: float = 10) -> None:
        """Ask the broker for a sign of life."""
        self._ask(requests.Ping(), answers.Pong, timeout)
