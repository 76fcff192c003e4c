"""One person's chat, whatever shows it: the current room, unread counts, what a typed line does."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Literal

from chatlib.core.signals import Connection, Gap, Refusal
from chatlib.core.words import PLAIN
from chatlib.errors import HubbubError, Misuse
from chatlib.names import LOBBY
from chatlib.net.client import Client, Delivery, JoinedRoom
from chatlib.protocol.events import Event
from chatlib.sanitize import sanitize
from chatlib.tui.recent import Recent
from chatlib.tui.render import DIM, ERROR, NOTICE, Line, Renderer, View

Show = Callable[[list[Line]], None]
MEMBERS_SHOWN = 30
NOTHING = "there is nothing yet to react to"
NICKS_KEPT = 500  # nicknames offered for completion


class Conversation:
    """What a person sees and does; `show` takes lines as they come, from any thread."""

    def __init__(self, client: Client, show: Show) -> None:
        self.client = client
        self.room = ""
        self.quitting = False
        self.unread: Counter[str] = Counter()
        self.offline = ""
        self.secret: Callable[[str], None] | None = None  # takes the next line, which is not shown
        self._show = show
        self._renderer = Renderer()
        self._recent = Recent()
        self._nicks: dict[str, None] = {}
        self._rooms: set[str] = {LOBBY}
        self._newest: dict[str, int] = {}  # the newest event shown of each room
        self._lock = threading.Lock()
        self._unseen: Counter[str] = Counter()  # messages said whose event has not come, by room
        self._arrivals: dict[str, str] = {}  # what is to be told of a room behind one's own join

    # -- what is shown ------------------------------------------------------------------------

    def take(self, told: Delivery) -> list[Line]:
        """Take in something delivered and return its lines."""
        if isinstance(told, Event):
            return self._event(told)
        if isinstance(told, Connection):
            return self._connection(told)
        self._settle(told)
        if isinstance(told, Refusal) and not told.ticket and told.room not in self.client.joined:
            self.left(told.room or "")
        return self._renderer.signal(told)

    def _settle(self, told: Gap | Refusal) -> None:
        """Wait no longer for an event that will not come."""
        if isinstance(told, Gap):
            self._unseen.pop(told.room or "", None)
        elif told.ticket and told.kind in PLAIN:
            self._expect(told.room or "", -1)

    def _expect(self, room: str, more: int) -> None:
        with self._lock:
            self._unseen[room] = max(0, self._unseen[room] + more)

    def _event(self, event: Event) -> list[Line]:
        for nick in filter(None, (event.nick, event.to, event.old)):
            self._nicks.pop(nick, None)  # newest last
            self._nicks[nick] = None
        if event.kind == "leave" and event.reason != "left":
            self._nicks.pop(event.nick, None)
        if len(self._nicks) > NICKS_KEPT:
            del self._nicks[next(iter(self._nicks))]
        self._put_out(event)
        if event.room is not None and event.kind in PLAIN:
            self._said(event, event.room)
        self._mark(event)
        lines = self._renderer.event(event, self._view(event, self._recent))
        mine = event.author == self.client.user and event.room is not None
        if mine and event.kind == "join":
            lines += self._arrival(event.room or "", "")
        elif mine and event.kind == "leave" and event.room not in self.client.joined:
            self.left(event.room or "")  # on another device
        return lines

    def _said(self, event: Event, room: str) -> None:
        if room != self.room:
            self.unread[room] += 1
        if event.sid == self.client.sid and event.n and self._recent.find(event.seq) is None:
            self._expect(room, -1)

    def _put_out(self, event: Event) -> None:
        """Go on in another room after one was put out of this one."""
        mine = event.sid == self.client.sid and event.kind == "leave" and event.reason == "kicked"
        if mine and event.room is not None and event.room not in self.client.joined:
            self.left(event.room)

    def _view(self, event: Event, recent: Recent) -> View:
        about = recent.find(event.re)  # as it was before this event
        return View(self.client.user, self.room, about, takes_back=recent.take(event))

    def _mark(self, event: Event) -> None:
        """Tell the broker what was read: the current room, and what was said to oneself."""
        if event.inbox:
            return  # nobody said it
        if event.room is None:
            self.client.mark_read(event.seq, peer=event.nick)
            return
        self._newest[event.room] = event.seq
        if event.room == self.room:
            self.client.mark_read(event.seq, event.room)

    def arrived(self, room: JoinedRoom) -> None:
        """Tell of a room that was joined, once its events up to one's own join are shown."""
        names = [m.nick for m in room.members[:MEMBERS_SHOWN]]
        more = " …" if len(room.members) > MEMBERS_SHOWN else ""
        name = f"{room.room} (private)" if room.private else room.room
        text = f"{name}: {room.topic or 'no topic'}; here: {', '.join(names)}{more}"
        self._show(self._arrival(room.room, text))

    def _arrival(self, room: str, text: str) -> list[Line]:
        """Return the line about a room when both its own text and the join have come.

        The room's history may hold more joins of one's own.
        """
        with self._lock:
            before = self._arrivals.get(room)
            if before is None or before == text == "":
                self._arrivals[room] = text
                return []
            del self._arrivals[room]
        return [[(NOTICE, sanitize(text or before))]]

    def _connection(self, told: Connection) -> list[Line]:
        was, self.offline = self.offline, told.detail if told.state == "offline" else ""
        if told.state == "online" and not told.resumed:
            self._unseen.clear()  # said in a session that is over
        if told.state == "online" and not was:
            return []
        if told.state == "offline" and was:  # one line for an outage, not one for each try
            return []
        return self._renderer.signal(told)

    def error(self, text: str) -> None:
        """Show what went wrong."""
        self._show([[(ERROR, sanitize(text))]])

    def note(self, text: str) -> None:
        """Show something about the chat that nobody said."""
        self._show([[(NOTICE, sanitize(text))]])

    def rows(self, rows: Iterable[str]) -> None:
        """Show a list."""
        self._show([[(DIM, "  "), ("", sanitize(row))] for row in rows])

    def old_events(self, events: Iterable[Event]) -> None:
        """Show events of the past once more."""
        renderer, recent = Renderer(), Recent(self._recent)
        self._show([x for e in events for x in renderer.event(e, self._view(e, recent))])

    # -- what one does ------------------------------------------------------------------------

    def enter(self, text: str) -> None:
        """Do what a typed line says. Shows an error instead of raising one."""
        from chatlib.tui.commands import run_command

        secret, self.secret = self.secret, None
        try:
            if secret is not None:
                secret(text)
            elif text.strip() == "exit":
                self.quitting = True
            elif text.startswith("/") and not text.startswith("//"):
                run_command(self, text[1:])
            elif text.strip():
                self.say(text[1:] if text.startswith("//") else text)
        except HubbubError as e:
            self.error(str(e))

    def say(self, text: str, kind: str = "say", reply_to: int | None = None) -> None:
        """Say something in the current room. Raises Misuse without one."""
        if not self.room:
            raise Misuse("you are in no room: /join one first")
        act_or_say: Literal["act", "say"] = "act" if kind == "act" else "say"
        room = self.room
        self._expect(room, 1)
        try:
            self.client.say(room, text.rstrip(), kind=act_or_say, reply_to=reply_to)
        except HubbubError:
            self._expect(room, -1)
            raise

    def my_last(self) -> int:
        """Return the seq of one's own last message in the room. Raises Misuse."""
        if self._unseen[self.room]:
            raise Misuse(f"what you said last in {self.room} is still on its way: try again then")
        if (event := self._recent.last(self.room, user=self.client.user)) is None:
            raise Misuse(f"you said nothing in {self.room} of late")
        return event.seq

    def last_of(self, nick: str) -> int:
        """Return the seq of the last message of somebody, or of anybody. Raises Misuse."""
        if (event := self._recent.last(self.room, nick=nick or None)) is None:
            raise Misuse(f"{nick} said nothing in {self.room} of late" if nick else NOTHING)
        return event.seq

    def go(self, room: str) -> None:
        """Make a room the current one."""
        self.room = room
        self.unread.pop(room, None)
        self._rooms.add(room)
        if room in self._newest:
            self.client.mark_read(self._newest[room], room)

    def left(self, room: str) -> None:
        """Go on in another room after one was left."""
        self.unread.pop(room, None)
        self._newest.pop(room, None)
        self._arrivals.pop(room, None)
        if self.room == room:
            self.room = next(iter(self.client.joined), "")

    # -- completion ---------------------------------------------------------------------------

    def nicks(self) -> list[str]:
        """Nicknames to offer, the most recently heard first."""
        return list(reversed(self._nicks))

    def rooms(self) -> list[str]:
        """Rooms to offer."""
        return sorted(self._rooms | set(self.client.joined))

    def learn_rooms(self, rooms: Iterable[str]) -> None:
        """Remember rooms that were listed."""
        self._rooms.update(rooms)
