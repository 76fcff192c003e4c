"""One page's WebSocket: reads what it asks, and answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from chatlib.core.buckets import Buckets, Rate
from chatlib.errors import BadName, HubbubError, ProtocolViolation, Refused
from chatlib.names import room_name
from chatlib.protocol import limits, requests
from chatlib.protocol.codec import encode
from chatlib.protocol.events import Line
from chatlib.web.hub import Hub
from chatlib.web.messages import PASSED_ON, Bye, Open, Say, Typing, decode_frame, failure, told
from chatlib.web.person import Person, Tab

FRAMES = Rate(20, 1_000)  # of one person, all tabs together: what waits is sent again at once
TYPING_S = 1.0
MOST_WAITING = 1_000  # messages of one person that are not acknowledged


class Conversation:
    """What one tab asks of its person."""

    def __init__(self, hub: Hub, person: Person, tab: Tab, rates: Buckets) -> None:
        self._hub = hub
        self._person = person
        self._tab = tab
        self._rates = rates
        self._typed_at = 0.0

    def take(self, text: str | bytes) -> None:
        """Take in one frame of the page; none of somebody who said bye."""
        if not self._hub.knows(self._person):
            return
        now = time.monotonic()
        try:
            asked = decode_frame(text)
        except ProtocolViolation as e:
            self._tab.tell(failure(e.id, e.code, str(e)))
            return
        if wait := self._rates.take(self._person.cookie, 1, now):
            self._slow(asked, wait)
            return
        try:
            self._do(asked, now)
        except HubbubError as e:
            self._fail(asked, getattr(e, "code", "bad_request"), str(e))

    def _do(self, asked: Any, now: float) -> None:
        person = self._person
        match asked:
            case Say():
                self._say(asked, now)
            case Open():
                self._open(asked, room_name(asked.room))
            case Typing():
                self._typing(asked, now)
            case Bye():
                self._answer(asked.id, None)
                self._hub.forget(person)
            case requests.Nick():
                then = self._then(asked.id)
                person.when_said(lambda: person.rename(asked.nick, then, time.monotonic()), now)
            case requests.Leave():
                then, room = self._then(asked.id), room_name(asked.room)
                person.when_said(lambda: person.leave_room(room, then, time.monotonic()), now)
            case _:
                person.ask(asked, PASSED_ON[type(asked)], self._then(asked.id), now)

    # -- answers ------------------------------------------------------------------------------

    def _then(self, id: Any) -> Callable[[Any], None]:
        return lambda answer: self._answer(id, answer)

    def _answer(self, id: Any, answer: Any) -> None:
        if isinstance(answer, Refused):
            self._tab.tell(failure(id, answer.code, str(answer), suggestion=answer.suggestion))
        elif isinstance(answer, HubbubError):
            self._tab.tell(failure(id, "unavailable", str(answer)))
        elif answer is None:
            self._tab.tell(encode({"id": id, "ok": True}))
        else:
            answer.id = id
            self._tab.tell(encode(answer))

    def _fail(self, asked: Any, code: str, message: str) -> None:
        if isinstance(asked, Say):
            error = {"code": code, "message": message}
            self._tab.tell(told("refused", key=asked.key, error=error))
        elif not isinstance(asked, Typing):
            self._tab.tell(failure(asked.id, code, message))

    def _slow(self, asked: Any, wait: float) -> None:
        after_ms = int(wait * 1000) + 1
        if isinstance(asked, Say):
            self._tab.tell(told("slow", key=asked.key, after_ms=after_ms))
        elif not isinstance(asked, Typing):
            text = "too much at once: ask again in a moment"
            self._tab.tell(failure(asked.id, "slow_down", text, after_ms=after_ms))

    # -- what a page asks ---------------------------------------------------------------------

    def _say(self, said: Say, now: float) -> None:
        if len(self._person.saying) >= MOST_WAITING and not self._person.saying.known(said.key):
            self._tab.tell(told("slow", key=said.key, after_ms=2_000))
            return
        room = None if said.room is None else room_name(said.room)
        line = Line(n=1, text=said.text, room=room, to=said.to, kind=said.kind, re=said.re)
        self._person.say(said.key, line, now)

    def _open(self, asked: Open, room: str) -> None:
        person = self._person

        def joined(answer: Any) -> None:
            if isinstance(answer, HubbubError) or answer.private:
                self._hub.unfollow(room, person)
            self._answer(asked.id, answer)

        def heard(found: bool) -> None:
            if not found:
                self._hub.unfollow(room, person)
                self._fail(asked, "unavailable", "the broker is not there: wait, and try again")
            elif person.awake:
                person.join(room, asked.after, joined, time.monotonic())

        if room in person.follower.rooms and room not in person.follower.shared:
            heard(True)
        elif len(person.opening) < limits.ROOMS_PER_SESSION:
            self._hub.follow(room, person, heard)
        else:
            raise Refused("slow_down", "too many rooms at once: wait until you are in some")

    def _typing(self, asked: Typing, now: float) -> None:
        if now - self._typed_at < TYPING_S:
            return
        self._typed_at = now
        person = self._person
        try:
            if asked.room is not None and (room := room_name(asked.room)) in person.rooms:
                frame = told("typing", room=room, nick=person.nick)
                for other in self._hub.audience.of(room):
                    if isinstance(other, Person) and other is not person:
                        other.tell(frame)
            elif asked.to is not None:
                for other in self._hub.called(asked.to):
                    other.tell(told("typing", to=asked.to, nick=person.nick))
        except BadName:
            return


def frame_rates() -> Buckets:
    """Return what persons may ask."""
    return Buckets(FRAMES)
