"""The client's half of the conversation: session, rooms, outbox, repair. No socket, no clock.

Feed it with `connected`, `disconnected`, `control`, `feed` and `tick`; ask it with `say`, `join`,
`ask`. After each call take what it left: `actions` (for whoever holds the sockets, in order),
`delivered` (for the user, in order) and `answers` (to what was asked, by id).

    offline ──connected──► greeting ──welcome──► online
       ▲                      │  │                 │
       └──────disconnected────┴──│─────────────────┘
                                 └──refused──► refused
"""

from __future__ import annotations

from typing import Any, Literal

from chatlib.core.actions import Action, Attach, Delivered, Effects, HangUp, SendIntake
from chatlib.core.arrival import Arrival
from chatlib.core.marks import Marks
from chatlib.core.outbox import HASTE_S, Message, Outbox
from chatlib.core.reader import Reader
from chatlib.core.requests import Requests, Then
from chatlib.core.signals import Connection, Refusal, SavedSession
from chatlib.errors import Refused
from chatlib.protocol import answers, fields, limits, requests
from chatlib.protocol.answers import Welcome
from chatlib.protocol.codec import decode_event, decode_head, decode_notice
from chatlib.protocol.events import Event, Line
from chatlib.protocol.topics import BEACON

GREETING_S = 5.0  # that a hello may take
FEED_SILENT = 2.5  # heartbeats
USUAL = 0.9  # heartbeats from one ping to the next, while nothing is in doubt

State = Literal["offline", "greeting", "online", "refused"]


class Follower:
    """One client's view of one broker; `program` is told to the broker.

    `invitation` is the token of a link (see `arrival`). `registered` tells whether the nickname is
    one's own for good. `past` is a session of a process before this one, to go on in.
    """

    def __init__(
        self,
        nick: str | None,
        *,
        bot: bool = False,
        program: str = "chatlib",
        invitation: str | None = None,
        past: SavedSession | None = None,
    ) -> None:
        self.state: State = "offline"
        self.registered = False
        self.outbox = Outbox()
        self.violations = 0  # frames of the broker's that were dropped
        self.last_violation = ""
        self._effects = Effects()
        self._requests = Requests(self._effects)
        self._marks = Marks(self._requests)
        self._reader = Reader(self._effects, self._requests, self._mine)
        self._arrival = Arrival(
            self._requests,
            nick,
            bot=bot,
            program=program,
            invitation=invitation,
            welcomed=self._welcome,
            refused=self.refuse,
            failed=self._hang_up,
        )
        self._paused = False
        self._place = ("", "")
        self._heartbeat = limits.HEARTBEAT
        self._pinged = 0.0
        self._ping_at = 0.0
        self._haste = HASTE_S
        self._heard = 0.0  # when the feed last brought anything
        self._farewell = ""
        self._take_up(past)

    def _take_up(self, past: SavedSession | None) -> None:
        if past is not None:
            self._arrival.token = past.token
            self.outbox.take_over(past.said)
            self._reader.take_over(past.epoch, past.inbox)

    # -- what it leaves -----------------------------------------------------------------------

    @property
    def actions(self) -> list[Action]:
        """What is to be done with sockets, in order."""
        return self._effects.actions

    @property
    def delivered(self) -> list[Delivered]:
        """What the user is told, in order."""
        return self._effects.delivered

    @property
    def answers(self) -> list[tuple[int, Any]]:
        """Answers to what was asked, by id: the answer, or the error to raise."""
        return self._effects.answers

    @property
    def nick(self) -> str | None:
        """The nickname now."""
        return self._arrival.nick

    @nick.setter
    def nick(self, nick: str | None) -> None:
        self._arrival.nick = nick

    @property
    def user(self) -> str:
        """Who one is: the author of one's events, on whatever device."""
        return self._reader.user

    @property
    def sid(self) -> str:
        """The public id of the session."""
        return self._reader.sid

    @property
    def saved(self) -> SavedSession | None:
        """What another process needs to go on in this session."""
        if (token := self._arrival.token) is None:
            return None
        return SavedSession(token, self._reader.epoch, self._reader.inbox, self.outbox.said)

    @property
    def rooms(self) -> list[str]:
        """The rooms joined, in the order of joining."""
        return self._reader.joined

    @property
    def paused(self) -> bool:
        """Whether the user does not keep up: then nothing is fetched."""
        return self._paused

    @paused.setter
    def paused(self, paused: bool) -> None:
        self._paused = paused
        self._reader.reading = self.state == "online" and not paused

    def _enter(self, state: State) -> None:
        self.state = state
        self._reader.reading = state == "online" and not self._paused

    # -- what the user wants ------------------------------------------------------------------

    def say(self, line: Line, now: float) -> int:
        """Take a message in; return its ticket."""
        ticket = self.outbox.add(line)
        self._push(now)
        return ticket

    def join(self, room: str, history: int, now: float, after: int | None = None) -> int:
        """Ask to become a member; the last `history` events come before one's own join."""
        stream = self._reader.open(room)
        return self.ask(
            requests.Join(room=room, after=after),
            answers.Joined,
            now,
            lambda answer, now: self._reader.joined_now(stream, answer, history, now),
        )

    def leave(self, room: str, now: float) -> int:
        """Ask to end a membership. What is in the outbox must be acknowledged first."""

        def left(answer: Any, now: float) -> None:
            gone = isinstance(answer, Refused) and answer.code in ("not_joined", "no_such_room")
            if gone or not isinstance(answer, Refused):
                self._requests.withdraw_joins(room, asked)
                self._reader.drop(room)

        asked = self.ask(requests.Leave(room=room), answers.Left, now, left)
        return asked

    def rename(self, nick: str, now: float) -> int:
        """Ask for another nickname."""

        def renamed(answer: Any, now: float) -> None:
            if not isinstance(answer, Refused):
                self.nick = answer.nick

        return self.ask(requests.Nick(nick=nick), answers.Renamed, now, renamed)

    def mark_read(self, room: str | None, peer: str | None, seq: int) -> None:
        """Note that a room, or what was exchanged with `peer`, was read up to `seq`."""
        self._marks.add((room, peer), seq)

    def ask(
        self, request: Any, kind: type[Any], now: float, then: Then = lambda answer, now: None
    ) -> int:
        """Send a request; its answer (of class `kind`, or Refused) comes in `answers`."""
        online = self.state == "online"
        return self._requests.add(request, kind, now, then, quiet=False, send=online)

    def forget(self, id: int) -> None:
        """Stop waiting for an answer."""
        self._requests.hush(id)

    # -- the connection -----------------------------------------------------------------------

    def connected(self, now: float) -> None:
        """Say hello: the control connection is there."""
        self._greet(now)

    def disconnected(self, detail: str, now: float, retry_in: float | None = None) -> None:
        """Note that the control connection is gone, or could not be made."""
        self._requests.drop(requests.Hello, requests.Redeem, requests.Ping)
        if self.state != "refused":
            self._enter("offline")
            detail = self._farewell or detail
            self.delivered.append(Connection("offline", detail, retry_in, nick=self.nick or ""))

    def _greet(self, now: float) -> None:
        self._enter("greeting")
        self._farewell = ""
        self._arrival.greet(now)

    def refuse(self, why: Refused) -> None:
        """Give up for good: no waiting takes this back."""
        self._enter("refused")
        told = Connection("refused", str(why), code=why.code, suggestion=why.suggestion)
        self.delivered.append(told)
        self._requests.fail_all(why)

    def _welcome(self, welcome: Welcome, now: float) -> None:
        reader = self._reader
        new_history = reader.epoch not in ("", welcome.epoch)
        self._enter("online")
        self.registered = welcome.registered
        reader.epoch, reader.sid = welcome.epoch, welcome.sid
        self._heartbeat, self._heard = welcome.heartbeat, now
        self._pinged, self._haste = now, HASTE_S
        self._ping_at = now + self._heartbeat
        self._place = (welcome.intake, welcome.feed)
        self._attach()
        resumed = welcome.resumed
        told = Connection("online", resumed=resumed, new_history=new_history, nick=welcome.nick)
        self.delivered.append(told)
        earlier = self._requests.ids
        if resumed:
            self.outbox.resume(welcome.accepted or 0, now)
            reader.resume(welcome, now)
            reader.user = welcome.user or welcome.sid
        else:
            self._renew(welcome, new_history, now)
        self._requests.repeat(earlier, now)  # behind the joins: one of them may be a leave
        self._push(now)

    def _renew(self, welcome: Welcome, new_history: bool, now: float) -> None:
        self._marks.clear()
        if new_history:
            self.outbox.restart()
        else:
            for message in self.outbox.renew(welcome.accepted, now):
                text = "the connection was lost for too long to know whether this got through"
                self._refuse(message, "unknown_fate", text)
        self._reader.renew(welcome, new_history, now)

    def _attach(self, stuck: bool = False) -> None:
        self.actions.append(Attach(*self._place, (BEACON, *self._reader.topics), stuck))

    def _hang_up(self, reason: str) -> None:
        self.actions.append(HangUp(reason))

    # -- what comes in ------------------------------------------------------------------------

    def control(self, frame: bytes, now: float) -> None:
        """Take in one message of the DEALER. Raises ProtocolViolation; the frame is dropped."""
        head = decode_head(frame)
        if head.ok is None:
            self._unasked(frame, head.kind, now)
            return
        waiting = self._requests.find(head.id)
        if waiting is None:
            return
        lost = head.error is not None and head.error.code == "no_session"
        if lost and not isinstance(waiting.request, requests.Hello | requests.Redeem):
            if self.state == "online":
                self._greet(now)  # and then what waits is asked again
            return
        self._requests.settle(head, frame, now)
        self._push(now)

    def _unasked(self, frame: bytes, kind: str | None, now: float) -> None:
        if kind in ("resend", "slow", "refused", "closing"):
            self._notice(frame, now)
            return
        event = decode_event(frame)
        # Else a kind of notice that is newer than we, or of a session whose welcome was lost.
        if event.seq > 0 and self.state == "online":
            self._reader.told(event, now)

    def _notice(self, frame: bytes, now: float) -> None:
        notice = decode_notice(frame)
        if notice.kind == "closing":
            self._farewell = notice.reason or "the broker was stopped"
        elif notice.kind == "refused":
            error = notice.error or fields.Error("unknown", "the broker gave no reason")
            if notice.n is not None and (message := self.outbox.mark(notice.n, now)) is not None:
                self._refuse(message, error.code, error.message)
        elif notice.kind == "slow":
            self.outbox.slow(notice.from_ or 1, notice.after_ms or 0, now)
        else:
            self.outbox.rewind(notice.from_ or 1, now)
            self._push(now)

    def _refuse(self, message: Message, code: str, text: str) -> None:
        line = message.line
        where = (line.room, line.to, line.kind)
        self.delivered.append(Refusal(message.ticket, code, text, line.text, *where))

    def feed(self, topic: bytes, body: bytes, now: float) -> None:
        """Take in one message of the SUB. Raises ProtocolViolation; the message is dropped."""
        self._heard = now
        if topic != BEACON:
            self._reader.feed(body, now)
            return
        notice = decode_notice(body)
        if notice.kind == "closing":
            self._farewell = notice.reason or "the broker was stopped"

    def _mine(self, event: Event, now: float) -> None:
        """Look at an event as it comes: one's own acknowledges itself."""
        if event.author == self.user and event.kind == "nick":
            self.nick = event.nick
        elif event.sid == self.sid and event.n:
            self.outbox.mark(event.n, now)
            self._haste = HASTE_S
            self._ping_at = self._pinged + self._heartbeat * USUAL  # no need to ask about it
            self._push(now)

    def _push(self, now: float) -> None:
        if self.state == "online" and not self._reader.rejoining and self._arrival.token:
            token = self._arrival.token.encode()
            self.actions.extend(SendIntake(token, body) for body in self.outbox.frames(now))
            if self.outbox.uncertain:
                self._ping_at = min(self._ping_at, now + self._haste)

    # -- time ---------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Do what is due."""
        if self.state == "greeting" and now - self._arrival.since >= GREETING_S:
            self._hang_up("the broker does not answer")
        if self.state != "online":
            return
        self._push(now)
        if now >= self._ping_at:
            self._ping(now)
        if now - self._heard >= FEED_SILENT * self._heartbeat:
            self._miss_feed(now)
        self._reader.tick(now)
        self._marks.tell(now)
        if not self._requests.ask_again(now):
            self._hang_up("the broker does not answer")

    def _miss_feed(self, now: float) -> None:
        """Connect to the feed anew: not even beacons came."""
        self._heard = now
        self._attach()

    def _ping(self, now: float) -> None:
        self._pinged = now
        self._ping_at = now + self._heartbeat * USUAL
        if self.outbox.uncertain:
            self._haste = min(self._haste * 2, self._heartbeat / 2)
            self._ping_at = now + self._haste
        if self._requests.asks(requests.Ping):
            return
        before = self.outbox.accepted

        def ponged(pong: Any, now: float) -> None:
            if not isinstance(pong, Refused):
                self.outbox.acknowledge(pong.accepted, now)
                if self.outbox.accepted > before:
                    self._haste = HASTE_S
                if self.outbox.stuck(before, now):
                    self._attach(stuck=True)
                self._reader.inbox_head(pong.inbox, now)
                self._reader.hear(pong.heads, now)
                if self.registered:
                    self._reader.enter_others(pong.heads, now)

        asked = self._reader.ping(brief=self.outbox.in_flight > 0)
        self._requests.add(asked, answers.Pong, now, ponged, quiet=True, send=True)

    def next_tick(self, now: float) -> float:
        """Return the seconds after which `tick` has something to do, at the latest."""
        if self.state == "greeting" or self._requests:
            return 0.25
        patience = max(0.0, min(self._ping_at - now, 0.1 if self.outbox else 1.0))
        return patience if self.state == "online" else 1.0
