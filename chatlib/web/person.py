"""Somebody who chats by the page: a session of the broker, and the tabs that show it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from chatlib.core.actions import Attach, HangUp, SendControl, SendIntake
from chatlib.core.sharing import SharingFollower
from chatlib.core.signals import Connection, Gap, Refusal, SavedSession
from chatlib.errors import HubbubError, ProtocolViolation, Unreachable
from chatlib.net.gateway import Control
from chatlib.protocol import answers, limits, requests
from chatlib.protocol.codec import encode
from chatlib.protocol.events import Event, Line
from chatlib.version import __version__
from chatlib.web.journal import KeptPerson, Statement
from chatlib.web.messages import events_frame, told
from chatlib.web.saying import OK, Outcome, Saying
from chatlib.web.wire import text_frame

if TYPE_CHECKING:
    from chatlib.web.hub import Hub

RETRY_S = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
PROGRAM = f"hubbub web {__version__}"
MOST_TABS = 20

_CHANGE = "UPDATE persons SET nick = ?, token = ?, epoch = ?, inbox = ?, rooms = ? WHERE id = ?"

Push = Callable[[bytes], bool]


class Tab:
    """One WebSocket; `push` writes a frame, and is False when it is gone."""

    def __init__(self, push: Push) -> None:
        self.push = push

    def tell(self, payload: bytes) -> None:
        """Send one JSON text."""
        self.push(text_frame(payload))


class Person:
    """One person: awake with a session, or asleep with what it takes to come back."""

    def __init__(self, hub: Hub, kept: KeptPerson) -> None:
        self.id, self.cookie = kept.id, kept.cookie
        self.tabs: set[Tab] = set()
        self.rooms: set[str] = set()  # those whose events go to the tabs
        self.opening: set[str] = set()  # those that are heard, and joined perhaps
        self.private: set[str] = set()  # those of which the tabs know
        self.seen = kept.seen
        self.sid = ""  # of the session that the hub knows of
        self.due = 0.0
        self.retry_at: float | None = None
        self.awake = False
        self.verdict: Connection | None = None  # why the broker does not take us, for good
        self.saying = Saying(kept.id, hub.journal, self._tell_outcome)
        self._hub = hub
        self._kept = kept
        self._control: Control | None = None
        self._tries = 0
        self._answers: dict[int, Callable[[Any], None]] = {}
        self._later: list[Callable[[], None]] = []  # when all that was said is acknowledged
        self._settling = False
        self._state: tuple[Any, ...] = ()  # what `kept` and `rooms` were made of, the last time
        self.follower = self._make_follower(kept)

    def _make_follower(self, kept: KeptPerson) -> SharingFollower:
        past = None
        if kept.token:
            past = SavedSession(kept.token, kept.epoch, kept.inbox, kept.accepted)
        rooms = kept.rooms.split()
        return SharingFollower(kept.nick or None, program=PROGRAM, past=past, shared=rooms)

    # -- life ---------------------------------------------------------------------------------

    def wake(self, now: float) -> None:
        """Open the session, or take it up again."""
        self.awake, self.verdict, self._tries, self._state = True, None, 0, ()
        self._hub.awake.add(self)
        self.follower = self._make_follower(self._kept)
        self.saying.begin(self.follower.outbox, self._kept.accepted)
        self.connect(now)

    def connect(self, now: float) -> None:
        """Say hello on a new connection."""
        self._hang_up()
        self.retry_at = None
        try:
            self._control = self._hub.gateway.control(self._took)
        except Unreachable as e:
            self.lost(str(e), now, RETRY_S[-1])
            return
        self.follower.connected(now)
        self.settle(now)

    def lost(self, detail: str, now: float, retry_in: float) -> None:
        """Note that the connection is gone."""
        self._hang_up()
        if self.follower.state != "refused":
            self.retry_at = now + retry_in
        self.follower.disconnected(detail, now, retry_in)
        self.settle(now)

    def _hang_up(self) -> None:
        if self._control is not None:
            self._control.close()
        self._control = None

    def leave(self, now: float) -> None:
        """End the session."""
        if self.follower.state == "online":
            self.ask(requests.Bye(), answers.Answer, lambda answer: None, now)
        self.close()

    def close(self) -> None:
        """Let go of the connection; the session goes on, for a while."""
        self._kept = self.kept()
        self.awake, self.retry_at = False, None
        self._hub.awake.discard(self)
        self._hang_up()
        self._answers.clear()
        self._later.clear()

    def kept(self) -> KeptPerson:
        """Return what is written of a person."""
        saved = self.follower.saved
        return KeptPerson(
            self.id,
            self.cookie,
            self.nick,
            saved.token if saved else "",
            saved.epoch if saved else "",
            saved.inbox if saved else 0,
            " ".join(self.follower.shared),
            self.follower.outbox.accepted,
            self.seen,
        )

    @property
    def idle(self) -> bool:
        """Whether nobody looks, and nothing is to be done."""
        return self.awake and not self.tabs and not len(self.saying)

    @property
    def nick(self) -> str:
        """The nickname now."""
        return self.follower.nick or ""

    # -- the broker's side --------------------------------------------------------------------

    def _took(self, frame: bytes) -> None:
        now = time.monotonic()
        try:
            self.follower.control(frame, now)
        except ProtocolViolation as e:  # dropped; the chain shows what was in it
            self.follower.violations += 1
            self.follower.last_violation = str(e)
        self.settle(now)

    def tick(self, now: float) -> None:
        """Do what is due."""
        if self.retry_at is not None and now >= self.retry_at:
            self.connect(now)
        self.follower.tick(now)
        self.settle(now)

    def witness(self, event: Event, now: float) -> None:
        """Take in an event of one's own in a public room."""
        if event.n and event.sid == self.follower.sid:
            self.saying.seen(event.n, event.seq)
        self.follower.witness(event, now)
        self.settle(now)

    def settle(self, now: float) -> None:
        """Do and tell all that the follower has left."""
        if self._settling:
            return
        self._settling = True
        try:
            self._settle(now)
        finally:
            self._settling = False
        self.due = now + self.follower.next_tick(now)

    def _settle(self, now: float) -> None:
        follower = self.follower
        while follower.actions or follower.delivered or follower.answers:
            actions, follower.actions[:] = follower.actions.copy(), []
            delivered, follower.delivered[:] = follower.delivered.copy(), []
            found, follower.answers[:] = follower.answers.copy(), []
            for action in actions:
                self._perform(action, now)
            for one in delivered:
                self._deliver(one)
            for id, answer in found:
                if (then := self._answers.pop(id, None)) is not None:
                    then(answer)
        self.saying.settle(lambda: self.tick(time.monotonic()), *self._changes())
        if self._later and not len(follower.outbox):
            later, self._later = self._later, []
            self._hub.soon(later)

    def _perform(self, action: Any, now: float) -> None:
        match action:
            case SendControl(frame):
                if self._control is not None:
                    self._control.send(frame)
            case SendIntake(token, body):
                self._hub.gateway.push(token, body)
            case Attach():
                self._hub.attach(action, now)
            case HangUp(reason):
                wait = RETRY_S[min(self._tries, len(RETRY_S) - 1)]
                self._tries += 1
                self.lost(reason, now, wait)

    def _changes(self) -> list[Statement]:
        """Return what is to be written of who one is now, where that changed; note new rooms.

        It is asked several times for each message, and hardly anything ever changed.
        """
        follower, saved = self.follower, self.follower.saved
        session = (saved.token, saved.epoch, saved.inbox) if saved else None
        state = (follower.nick, session, follower.rooms, self.awake)
        if state == self._state:
            return []
        self._state = state
        self._hub.rooms_of(self)
        self._kept = kept = self.kept()
        values = (kept.nick, kept.token, kept.epoch, kept.inbox, kept.rooms, kept.id)
        return [(_CHANGE, values)]

    # -- the page's side ----------------------------------------------------------------------

    def tell(self, payload: bytes) -> None:
        """Send a JSON text to every tab."""
        self.pass_on(text_frame(payload))

    def pass_on(self, frame: bytes) -> None:
        """Send a WebSocket frame to every tab; those that are gone are forgotten."""
        for tab in list(self.tabs):
            if not tab.push(frame):
                self.tabs.discard(tab)

    def _deliver(self, one: Any) -> None:
        match one:
            case Event():
                if one.n and one.sid == self.follower.sid:
                    self.saying.seen(one.n, one.seq)
                self.tell(events_frame(one.place, [encode(one)]))
            case Gap(room, after, before):
                self.tell(told("gap", room=room, after=after, before=before))
            case Refusal():
                if one.ticket:
                    self.saying.refused(one)
                elif one.room is not None:
                    self.tell(told("left", room=one.room, code=one.code, message=one.message))
            case Connection():
                self._connection(one)

    def _connection(self, one: Connection) -> None:
        if one.state == "online":
            self._tries = 0
            self.verdict = None
        elif one.state == "refused":
            self.verdict = one
            self._hang_up()
        self._hub.changed(self, one)
        self.tell(self.welcome())

    def welcome(self) -> bytes:
        """Return what a page must know of who and where one is."""
        follower = self.follower
        saved = follower.saved
        refused = self.verdict
        return told(
            "welcome",
            state=follower.state,
            nick=self.nick,
            sid=follower.sid,
            user=follower.user,
            epoch=saved.epoch if saved else "",
            rooms=follower.rooms,
            private=sorted(set(follower.rooms) - set(follower.shared)),
            code=refused.code if refused else None,
            message=refused.detail if refused else None,
        )

    def _tell_outcome(self, outcome: Outcome) -> None:
        if outcome.code == OK:
            self.tell(told("ack", key=outcome.key, seq=outcome.seq or None))
        else:
            error = {"code": outcome.code, "message": outcome.message}
            self.tell(told("refused", key=outcome.key, error=error))

    # -- what a page asks ---------------------------------------------------------------------

    def say(self, key: str, line: Line, now: float) -> None:
        """Say something, where that was not done before under the same key."""
        if self.saying.known(key):
            return
        ticket = self.follower.say(line, now)
        self.saying.add(key, line, ticket, lambda: self.tick(time.monotonic()))
        self.settle(now)

    def ask(self, request: Any, kind: type[Any], then: Callable[[Any], None], now: float) -> None:
        """Ask the broker; `then` gets the answer, or the error."""
        self._answers[self.follower.ask(request, kind, now)] = then
        self.settle(now)

    def join(self, room: str, after: int | None, then: Callable[[Any], None], now: float) -> None:
        """Join a room, or look at one that one is in."""
        if room not in self.follower.rooms:
            self._answers[self.follower.join(room, 0, now, after)] = then
            self.settle(now)
        elif after is not None:
            self.ask(requests.Join(room=room, after=after), answers.Joined, then, now)
        else:
            self._look(room, then, now)

    def _look(self, room: str, then: Callable[[Any], None], now: float) -> None:
        """Look at the newest events: a `join` brings a member those up to the own one."""

        def found(page: Any) -> None:
            def joined(answer: Any) -> None:
                if not isinstance(answer, HubbubError):
                    answer.events, answer.head, answer.more = page.events, page.head, False
                then(answer)

            if isinstance(page, HubbubError):
                then(page)
            else:
                asked = requests.Join(room=room, after=page.head)
                self.ask(asked, answers.Joined, joined, time.monotonic())

        newest = requests.History(room=room, limit=limits.JOIN_EVENTS)
        self.ask(newest, answers.Page, found, now)

    def when_said(self, do: Callable[[], None], now: float) -> None:
        """Do something when all that was said is acknowledged: nothing else orders the two."""
        self._later.append(do)
        self.settle(now)

    def leave_room(self, room: str, then: Callable[[Any], None], now: float) -> None:
        """Leave a room."""
        self._answers[self.follower.leave(room, now)] = then
        self.settle(now)

    def rename(self, nick: str, then: Callable[[Any], None], now: float) -> None:
        """Take another nickname."""

        def renamed(answer: Any) -> None:
            then(answer)
            self.tell(self.welcome())

        self._answers[self.follower.rename(nick, now)] = renamed
        self.settle(now)
