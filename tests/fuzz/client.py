"""A client and a broker that says anything at all: nothing that was said is lost, or changed.

    o, x              the control connection is there, or gone
    cFRAME            a frame on control
    a1{"head":3}      the answer to the request asked last but one, with these fields
    e1CODE            the same is refused
    fLINES, bLINES    a feed message: of a room, or on the beacon's topic
    t5                so many tenths of a second go by
    y1, Y1            the user says something: in a room, or to somebody
    j1, l1, k1, m1    joins, leaves, takes another name, has read so far
    p, h1             reads no more, or reads again; waits for an answer no more

At last comes an honest broker, and all that still waits must reach it.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

from chatlib.core.actions import HangUp, SendControl, SendIntake
from chatlib.core.follower import Follower
from chatlib.core.outbox import WINDOW
from chatlib.core.signals import Connection, Refusal
from chatlib.errors import ProtocolViolation
from chatlib.protocol import limits
from chatlib.protocol.codec import decode_lines
from chatlib.protocol.events import Line
from tests.core.client_play import ANSWERS
from tests.fuzz import script

ROOMS = ("lobby", "ops", "küche")
DEFAULTS = {op: fields for op, fields in ANSWERS.values()} | {
    "read": {"read": []}, "nick": {"nick": "zoe"},
}  # fmt: skip
CLAIMS = ("accepted", "n", "from")  # fields by which a broker says what it has taken
MOST_SAID = 500


class Play:
    """A follower, and what its user has said."""

    def __init__(self) -> None:
        self.follower = Follower("ann", program="fuzz")
        self._now = 100.0
        self._linked = False
        self._asked: list[dict[str, Any]] = []
        self._joins = 0
        self._gone: set[int] = set()  # tickets that are no more in the outbox
        self._sent: set[int] = set()  # those that went out in this session

    def play(self, data: bytes) -> None:
        """Do what a script says, and see that all is well; at last, a broker that is honest."""
        script.play(data, {
            "o": lambda rest: self._link(),
            "x": lambda rest: self._cut(),
            "c": self._control,
            "a": lambda rest: self._answer(rest, self._granted),
            "e": lambda rest: self._answer(rest, self._refused),
            "f": lambda rest: self._feed(b"room/", rest),
            "b": lambda rest: self._feed(b"beacon/", rest),
            "t": lambda rest: self._tick(rest[0] / 10 if rest else 1.0),
            "y": lambda rest: self._say(room=self._room(rest)),
            "Y": lambda rest: self._say(to="bob"),
            "j": lambda rest: self._user(
                lambda: self.follower.join(self._room(rest), len(rest), self._now)
            ),
            "l": lambda rest: self._user(lambda: self.follower.leave(self._room(rest), self._now)),
            "k": lambda rest: self._user(lambda: self.follower.rename("zoe", self._now)),
            "m": lambda rest: self._user(
                lambda: self.follower.mark_read(self._room(rest), None, len(rest))
            ),
            "p": lambda rest: self._user(
                lambda: setattr(self.follower, "paused", not self.follower.paused)
            ),
            "h": lambda rest: self._user(lambda: self.follower.forget(rest[0] if rest else 1)),
        })  # fmt: skip
        self._finish()

    def _room(self, rest: bytes) -> str:
        room: str = script.pick(ROOMS, rest[0] if rest else 0)
        return room

    # -- what happens -------------------------------------------------------------------------

    def _user(self, act: Callable[[], Any]) -> None:
        act()
        self._look(None)

    def _link(self) -> None:
        if not self._linked:
            self._linked = True
            self._user(lambda: self.follower.connected(self._now))

    def _cut(self) -> None:
        if self._linked:
            self._linked = False
            self._user(lambda: self.follower.disconnected("cut", self._now, 0.1))

    def _tick(self, seconds: float) -> None:
        self._now += seconds
        self._user(lambda: self.follower.tick(self._now))
        assert 0 <= self.follower.next_tick(self._now) <= 1

    def _say(self, **where: str) -> None:
        ticket = self.follower.outbox.last_ticket + 1
        if ticket <= MOST_SAID:
            line = Line(n=1, text=f"message {ticket}", **where)
            self._user(lambda: self.follower.say(line, self._now))

    def _control(self, frame: bytes) -> None:
        if self._linked:
            self._hear(frame, lambda: self.follower.control(frame, self._now))

    def _feed(self, topic: bytes, body: bytes) -> None:
        if self._linked:
            self._hear(body, lambda: self.follower.feed(topic, body, self._now))

    def _hear(self, told: bytes, hear: Callable[[], None]) -> None:
        with contextlib.suppress(ProtocolViolation):
            hear()
        self._look(told)

    def _answer(self, rest: bytes, made: Callable[[dict[str, Any], bytes], Any]) -> None:
        if self._asked and rest:
            request = self._asked[-1 - rest[0] % len(self._asked)]
            self._control(script.dumped({"id": request["id"], **made(request, rest[1:])}))

    def _granted(self, request: dict[str, Any], rest: bytes) -> dict[str, Any]:
        told = script.readable(rest, 10_000)
        known = told if isinstance(told, dict) else {}
        return granted(request) | known

    def _refused(self, request: dict[str, Any], rest: bytes) -> dict[str, Any]:
        told = script.readable(rest, 10_000, {"code": rest.decode("utf-8", "replace")})
        return {"ok": False, "error": {"message": "no", **told} if isinstance(told, dict) else told}

    # -- what comes of it ---------------------------------------------------------------------

    def _look(self, told: bytes | None) -> None:
        """See that the outbox holds what it must, and that what goes out is what was said."""
        follower = self.follower
        refused = {d.ticket for d in follower.delivered if isinstance(d, Refusal)}
        said = set(range(1, follower.outbox.last_ticket + 1))
        pending = [p.ticket for p in follower.outbox.pending()]
        assert pending == sorted(set(pending)), "out of order"
        assert not self._gone & set(pending), "back again"
        gone = said - set(pending) - self._gone
        self._gone |= gone
        assert not gone - refused or claims(told), f"{gone} lost by {told!r}"
        for d in follower.delivered:
            if isinstance(d, Connection) and d.state == "online" and not d.resumed:
                self._look_at_new_session(told or b"", d, set(pending))
        for p in follower.outbox.pending():
            assert p.text == f"message {p.ticket}"
        assert 0 <= follower.outbox.in_flight <= min(WINDOW, len(follower.outbox))
        self._take_actions()
        follower.delivered.clear()
        follower.answers.clear()

    def _look_at_new_session(self, told: bytes, online: Connection, pending: set[int]) -> None:
        welcome = script.readable(told, len(told), {})
        if welcome.get("accepted") is None and not online.new_history:
            assert not self._sent & pending, "of an unknown fate, and said again"
        self._sent.clear()

    def _take_actions(self) -> None:
        actions = self.follower.actions.copy()
        self.follower.actions.clear()
        for action in actions:
            if isinstance(action, SendControl):
                assert len(action.frame) <= 2 * limits.CONTROL_FRAME_BYTES
                self._asked = [*self._asked[-20:], json.loads(action.frame)]
            elif isinstance(action, SendIntake):
                self._look_at_lines(action.body)
        if self._linked and any(isinstance(action, HangUp) for action in actions):
            self._cut()

    def _look_at_lines(self, body: bytes) -> None:
        lines = decode_lines(body)
        assert len(body) <= limits.INTAKE_FRAME_BYTES
        first = lines[0].n
        assert [line.n for line in lines] == list(range(first, first + len(lines)))
        assert all(isinstance(line, Line) for line in lines)
        tickets = [int(line.text.split()[1]) for line in lines if isinstance(line, Line)]
        assert tickets == sorted(set(tickets)), "sent out of order"
        self._sent.update(tickets)

    # -- an honest broker ---------------------------------------------------------------------

    def _finish(self) -> None:
        """Let an honest broker of another history come: all that still waits reaches it."""
        self._cut()
        waiting = [p.ticket for p in self.follower.outbox.pending()]
        self._now += 1e13  # whatever was asked to wait for is over
        self.follower.paused = False
        self._asked.clear()
        self._linked = True
        self.follower.connected(self._now)
        got = self._serve()
        assert got == waiting, f"{waiting} waited, {got} came"
        assert not self.follower.outbox

    def _serve(self) -> list[int]:
        got: list[int] = []
        accepted = 0
        answers: dict[str, dict[str, Any]] = {"hello": {"epoch": "honest"}}
        for _ in range(100):
            actions = self.follower.actions.copy()
            self.follower.actions.clear()
            for action in actions:
                assert not isinstance(action, HangUp), action.reason
                if isinstance(action, SendIntake):
                    lines = decode_lines(action.body)
                    new = [line for line in lines if line.n > accepted]
                    got += [int(line.text.split()[1]) for line in new if isinstance(line, Line)]
                    accepted = max(accepted, lines[-1].n)
                elif isinstance(action, SendControl):
                    asked = json.loads(action.frame)
                    answers["ping"] = {"accepted": accepted}
                    told = {"id": asked["id"], **granted(asked), **answers.get(asked["op"], {})}
                    self.follower.control(script.dumped(told), self._now)
            if not self.follower.outbox and not self.follower.actions:
                break
            self._now += 1
            self.follower.tick(self._now)
        return got


def granted(request: dict[str, Any]) -> dict[str, Any]:
    """Return what an answer says when nothing is the matter."""
    told = {"ok": True, "head": 0, **DEFAULTS[request["op"]]}
    return told | {"room": request["room"]} if "room" in request else told


def claims(told: bytes | None) -> bool:
    """Tell whether a broker may have said with this that it has taken something."""
    return told is not None and any(
        _claims(script.readable(line, len(line), {"n": 1})) for line in (told, *told.split(b"\n"))
    )


def _claims(told: Any) -> bool:
    if isinstance(told, dict):
        held = any(isinstance(told.get(field), int) for field in CLAIMS)
        return held or any(map(_claims, told.values()))
    return isinstance(told, list) and any(map(_claims, told))


def play(data: bytes) -> None:
    Play().play(data)
