"""Everybody who chats by the page, and the one connection to the broker that they share."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import heapq
import logging
import secrets
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from chatlib.core.actions import Attach, Subscribe
from chatlib.core.relay import Followed, Relay
from chatlib.core.replaying import Heard
from chatlib.core.signals import Connection, Gap
from chatlib.errors import BadAddress, BadName, ProtocolViolation, Refused, TimedOut
from chatlib.names import nick_key
from chatlib.net import heap
from chatlib.net.gateway import Gateway
from chatlib.net.handshake import Keys
from chatlib.protocol.events import Event
from chatlib.protocol.links import Endpoint
from chatlib.web.audience import Audience
from chatlib.web.journal import Journal, KeptPerson
from chatlib.web.messages import told
from chatlib.web.person import Person, Tab

DATABASE = "web.db"
TICK_S = 0.1
LOOK_S = 5.0  # between two looks at who went away
TIDY_S = 600.0  # between two looks for garbage everywhere, which stop the loop for a moment
AWAY_S = 15 * 60.0  # that a session stays for somebody without a tab
SEEN_S = 60.0  # how exactly it is written when somebody was here
ENTER_S = 8.0
MOST_PERSONS = 20_000  # that are known
FOLLOW_S = 5.0
SILENT_S = 30.0  # without a message of the feed, not even a beacon: the SUB is made anew
RETRY_S = 5.0
SPREAD_S = 0.002  # between one session that comes back and the next

log = logging.getLogger("hubbub.web")


def cookie_digest(cookie: str) -> str:
    """Return what is kept of a cookie: who reads web.db can't pass for anybody."""
    return hashlib.sha256(cookie.encode()).hexdigest()


class Hub:
    """Made and used in asyncio's loop, whose descriptors it watches. `directory` has web.db."""

    def __init__(self, endpoint: Endpoint, keys: Keys | None, directory: Path) -> None:
        self._loop = asyncio.get_running_loop()
        self.journal = Journal(directory / DATABASE, self._loop)
        self.gateway = Gateway(endpoint, keys, self._loop, self)
        self.relay = Relay(secrets.token_urlsafe(8))
        self.audience = Audience(self._loop.call_later)
        self.persons: dict[str, Person] = {}  # by the digest of their cookie
        self.awake: set[Person] = set()
        self._by_sid: dict[str, Person] = {}
        self._entering: dict[int, asyncio.Future[None]] = {}
        self._following: dict[str, list[tuple[float, Callable[[bool], None]]]] = {}
        self._ids = 0
        self._fed_at = 0.0
        self._unsaid: set[int] = set()  # who has lines open, and did not wake yet
        self._closing = False

    # -- life ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Take up everybody who was here lately, and begin."""
        self._fed_at, wall = time.monotonic(), time.time()
        everybody = self.journal.persons(wall, MOST_PERSONS)
        self._unsaid = self.journal.unsaid()
        for n, kept in enumerate(everybody):
            self._ids = max(self._ids, kept.id)
            person = self.persons[kept.cookie] = Person(self, kept)
            if kept.token and (kept.id in self._unsaid or wall - kept.seen < AWAY_S):
                self._loop.call_later(n * SPREAD_S, self._wake, person)
        self._loop.call_later(TICK_S, self._tick)
        self._loop.call_later(LOOK_S, self._look)
        self._loop.call_later(TIDY_S, self._tidy)

    def _wake(self, person: Person) -> None:
        if not person.awake and not self._closing and self.knows(person):
            self._unsaid.discard(person.id)
            person.wake(time.monotonic())

    def close(self) -> None:
        """End; sessions go on for a while, for who starts again."""
        self._closing = True
        for person in self.persons.values():
            person.seen = time.time() if person.tabs else person.seen
            self._write_seen(person)
            person.close()
        self.gateway.close()
        self.journal.close()

    def _tick(self) -> None:
        if self._closing:
            return
        self._loop.call_later(TICK_S, self._tick)
        now = time.monotonic()
        self.relay.tick(now)
        self._perform()
        self.give_up(now)
        for person in list(self.awake):
            if now >= person.due or (person.retry_at is not None and now >= person.retry_at):
                person.tick(now)
        if self.gateway.online and now - self._fed_at > SILENT_S:
            self._renew_feed(now)

    def _look(self) -> None:
        """Note who is still here; let those sleep who went away."""
        if self._closing:
            return
        self._loop.call_later(LOOK_S, self._look)
        wall = time.time()
        for person in list(self.awake):
            if person.tabs and wall - person.seen > SEEN_S:
                person.seen = wall
                self._write_seen(person)
            elif wall - person.seen > AWAY_S and person.idle:
                person.leave(time.monotonic())
                person.saying.rest()
                self._by_sid.pop(person.sid, None)
                self.rooms_of(person)

    def _tidy(self) -> None:
        self._loop.call_later(TIDY_S, self._tidy)
        gc.collect()
        heap.give_back()

    def _write_seen(self, person: Person) -> None:
        self.journal.write(("UPDATE persons SET seen = ? WHERE id = ?", (person.seen, person.id)))

    def soon(self, calls: Iterable[Callable[[], None]]) -> None:
        """Call these when whatever goes on now is done."""
        for call in calls:
            self._loop.call_soon(call)

    # -- people -------------------------------------------------------------------------------

    def find(self, cookie: str | None) -> Person | None:
        """Return whose cookie this is."""
        return self.persons.get(cookie_digest(cookie)) if cookie else None

    def knows(self, person: Person) -> bool:
        """Tell whether a person was not forgotten."""
        return self.persons.get(person.cookie) is person

    def _make_place(self) -> None:
        """Forget who is away longest, some at once, where there are too many. Raises Refused."""
        if len(self.persons) < MOST_PERSONS:
            return
        busy = self._unsaid | self._entering.keys()
        away = [
            person
            for person in self.persons.values()
            if not (person.tabs or len(person.saying) or person.id in busy)
        ]
        for person in heapq.nsmallest(1 + MOST_PERSONS // 100, away, key=lambda one: one.seen):
            self.forget(person)
        if len(self.persons) >= MOST_PERSONS:
            raise Refused("too_many_sessions", "too many people are here: try again in a while")

    async def enter(self, nick: str) -> str:
        """Open a session under a nickname, and return the cookie by which its person is known.

        Raises Refused (nick_taken, too_many_sessions, ...), TimedOut (no broker is there), BadName.
        """
        nick_key(nick)
        self._make_place()
        cookie = secrets.token_urlsafe(32)
        self._ids += 1
        kept = KeptPerson(self._ids, cookie_digest(cookie), nick, "", "", 0, "", 0, time.time())
        row = (kept.id, kept.cookie, nick, kept.seen)
        self.journal.write(
            ("INSERT INTO persons (id, cookie, nick, seen) VALUES (?, ?, ?, ?)", row)
        )
        person = self.persons[kept.cookie] = Person(self, kept)
        online = self._entering[kept.id] = self._loop.create_future()
        self._wake(person)
        try:
            await asyncio.wait_for(online, ENTER_S)
        except (Refused, TimeoutError) as e:
            self.forget(person)
            if isinstance(e, Refused):
                raise
            raise TimedOut("the broker does not answer: try again in a moment") from None
        finally:
            del self._entering[kept.id]
        return cookie

    def forget(self, person: Person) -> None:
        """End a person's session, and forget who had the cookie."""
        person.leave(time.monotonic())
        person.tell(told("bye"))
        self.rooms_of(person)
        self.persons.pop(person.cookie, None)
        self._by_sid.pop(person.sid, None)
        self.journal.write(
            ("DELETE FROM said WHERE person = ?", (person.id,)),
            ("DELETE FROM persons WHERE id = ?", (person.id,)),
        )

    def came(self, person: Person, tab: Tab) -> None:
        """Note that somebody opened the page."""
        person.seen = time.time()
        person.tabs.add(tab)
        self._write_seen(person)
        self._wake(person)
        tab.tell(person.welcome())

    def went(self, person: Person, tab: Tab) -> None:
        """Note that a page was closed."""
        person.tabs.discard(tab)
        person.seen = time.time()

    def changed(self, person: Person, to: Connection) -> None:
        """Note that a person's session began, ended or was refused."""
        if to.state == "online":
            self._by_sid.pop(person.sid, None)
            person.sid = person.follower.sid
            self._by_sid[person.sid] = person
        waiting = self._entering.get(person.id)
        if waiting is None or waiting.done():
            return
        if to.state == "online":
            waiting.set_result(None)
        elif to.state == "refused":
            waiting.set_exception(Refused(to.code, to.detail, to.suggestion))

    def called(self, nick: str) -> list[Person]:
        """Return who of us has a nickname."""
        with suppress(BadName):
            key = nick_key(nick)
            return [p for p in self.awake if nick_key(p.nick) == key]
        return []

    # -- rooms --------------------------------------------------------------------------------

    def rooms_of(self, person: Person) -> None:
        """Let a person hear the public rooms that they are in, and no other ones."""
        now = time.monotonic()
        rooms = set(person.follower.shared) if person.awake else set()
        self._private_rooms_of(person, rooms)
        if not person.awake:
            for room in list(person.opening):
                self.unfollow(room, person)
        if rooms == person.rooms:
            return
        for room in rooms - person.rooms:
            person.opening.discard(room)
            self.audience.add(room, person)
            self.relay.follow(room, now)
            person.tell(told("joined", room=room))
        for room in person.rooms - rooms:
            if self.audience.remove(room, person, now):
                self.relay.unfollow(room)
            person.tell(told("left", room=room))
        person.rooms = rooms
        self._perform()

    def _private_rooms_of(self, person: Person, public: set[str]) -> None:
        """Tell all tabs of a person of the private rooms that they are in, or not any more."""
        if not person.awake or person.follower.state != "online":
            return
        rooms = set(person.follower.rooms) - public
        for room in rooms - person.private:
            person.tell(told("joined", room=room, private=True))
        for room in person.private - rooms:
            person.tell(told("left", room=room))
        person.private = rooms

    def follow(self, room: str, person: Person, then: Callable[[bool], None]) -> None:
        """Let a person hear a room; `then` is told whether it is heard, once that is known."""
        if room not in person.rooms:
            person.opening.add(room)
        self.audience.add(room, person)
        now = time.monotonic()
        self.relay.follow(room, now)
        self._perform()
        if self.relay.tail(room) is not None:
            then(True)
        else:
            self._following.setdefault(room, []).append((now + FOLLOW_S, then))

    def give_up(self, now: float) -> None:
        """Tell those that the room is not heard who have waited for too long."""
        for room, waiting in list(self._following.items()):
            late = [then for deadline, then in waiting if deadline <= now]
            del waiting[: len(late)]
            if not waiting:
                del self._following[room]
            for then in late:
                then(False)

    def unfollow(self, room: str, person: Person) -> None:
        """Let a person not hear a room that they turned out not to be in."""
        now = time.monotonic()
        person.opening.discard(room)
        if room not in person.rooms and self.audience.remove(room, person, now):
            self.relay.unfollow(room)
            self._perform()

    # -- the feed -----------------------------------------------------------------------------

    def attach(self, to: Attach, now: float) -> None:
        """Connect to where the broker says that intake and feed are."""
        with suppress(BadAddress):
            if self.gateway.attach(to.intake, to.feed, self.relay.topics, stuck=to.stuck):
                self._fed_at = now
                self.relay.renewed(now)
                self._perform()

    def _renew_feed(self, now: float) -> None:
        self._fed_at = now
        self.gateway.renew_feed(self.relay.topics)
        self.relay.renewed(now)
        self._perform()

    def fed(self, messages: list[list[bytes]]) -> None:
        """Take in messages of the feed."""
        now = self._fed_at = time.monotonic()
        for parts in messages:
            if len(parts) == 2:
                try:
                    self.relay.take(parts[0], parts[1], now)
                except ProtocolViolation:  # dropped; the chain shows what was in it
                    self.relay.violations += 1
        self._perform()
        self._spread(now)

    def _spread(self, now: float) -> None:
        delivered, self.relay.delivered[:] = self.relay.delivered.copy(), []
        lines: dict[str, list[bytes]] = {}
        mine: list[tuple[Person, Event]] = []
        for one in delivered:
            if isinstance(one, Heard):
                event = one.event
                lines.setdefault(event.room or "", []).append(one.line)
                if (person := self._by_sid.get(event.sid)) is not None:
                    mine.append((person, event))
            elif isinstance(one, Followed):
                for _, then in self._following.pop(one.room, []):
                    then(True)
            elif isinstance(one, Gap) and one.room is not None:
                self.audience.put(one.room, lines.pop(one.room, []), now)
                gap = told("gap", room=one.room, after=one.after, before=one.before)
                self.audience.send(one.room, gap, now)
        for room, some in lines.items():
            self.audience.put(room, some, now)
        for person, event in mine:
            person.witness(event, now)

    def _perform(self) -> None:
        actions, self.relay.actions[:] = self.relay.actions.copy(), []
        for action in actions:
            if isinstance(action, Subscribe):
                self.gateway.subscribe(action.topic)
            else:
                self.gateway.unsubscribe(action.topic)

    def feed_came(self) -> None:
        """Let everybody come back: the broker is there."""
        now = self._fed_at = time.monotonic()
        self.relay.check(now)
        self._perform()
        away = [p for p in self.awake if p.retry_at is not None]
        for n, person in enumerate(away):
            person.retry_at = now + n * SPREAD_S

    def feed_lost(self, refused: bool) -> None:
        """Tell everybody that the broker is gone."""
        now = time.monotonic()
        if refused:
            log.error(
                "the broker's feed refuses this page server's key: let its operator say "
                "`hubbub promote gateway --key KEY`"
            )
            self._loop.call_later(RETRY_S, lambda: self._renew_feed(time.monotonic()))
            return
        for person in list(self.awake):
            wait = RETRY_S + person.id % 50 * SPREAD_S
            person.lost("the connection to the broker was lost", now, wait)
