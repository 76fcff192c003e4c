"""Plays a dialogue with a follower: what comes in on the left, indented what must go out.

connected                     the control connection is there, or `disconnected CAUSE`
tick 0.5                      so many seconds pass
say lobby hi there            the user says something; also: act, tell, join, leave, rename,
pause                         pause, read on
welcome resumed=true          the answer to the newest hello; so: redeemed, joined, left, renamed,
                              page, pong
no nick_taken suggestion=x    an error answers the newest request, or the one of `id=...`
page head=3 : EVENT ; EVENT   the events in an answer come behind a colon
< kind=resend from=3          a delivery on control, or any frame
< 5<0 say @ann bob.1 "psst"   the same, a private event
feed EVENT ; EVENT            a feed message; `closing` and `beacon` come on their topic
    > hello v=1 nick=ann      (indented) a request goes out
    >> t1 n=1 text=hi         lines go out, behind the session's token
    attach, subscribe, unsubscribe, hang up
    told ..., answer ID ...   what the user is told
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any

from chatlib.core import actions
from chatlib.core.follower import Follower
from chatlib.core.signals import Connection, Gap, Refusal, SavedSession
from chatlib.errors import HubbubError, Refused
from chatlib.protocol.codec import encode
from chatlib.protocol.events import Line
from tests.core.notation import agree, bodies, event, fields, show, show_event, show_fields

ANSWERS: dict[str, tuple[str, dict[str, Any]]] = {
    "welcome": (
        "hello",
        {
            "v": 1, "session": "t1", "sid": "s-ann", "resumed": False, "nick": "ann",
            "epoch": "e1", "intake": "i", "feed": "f", "heartbeat": 10, "accepted": 0, "inbox": 0,
            "rooms": {}, "limits": {}, "server": "a test",
        },
    ),
    "joined": (
        "join",
        {"room": "lobby", "topic": "", "members": [], "oldest": 1, "events": [], "more": False},
    ),
    "redeemed": ("redeem", {"room": "lobby"}),
    "left": ("leave", {}),
    "renamed": ("nick", {}),
    "page": ("history", {"oldest": 1, "events": [], "more": False}),
    "pong": ("ping", {"accepted": 0, "heads": {}, "inbox": 0}),
}  # fmt: skip


class ClientPlay:
    """A follower, its clock, and what it asked last."""

    def __init__(
        self,
        nick: str | None = "ann",
        invitation: str | None = None,
        past: SavedSession | None = None,
    ) -> None:
        self.follower = Follower(nick, program="a test", invitation=invitation, past=past)
        self.now = 100.0
        self._asked: dict[str, int] = {}
        self._newest = 0

    def play(self, script: str) -> None:
        """Play a script and compare what comes of it. Raises AssertionError with a diff."""
        script = inspect.cleandoc(script)
        happened: list[str] = []
        for line in script.splitlines():
            if not line.startswith(" "):
                self._take(line)
                happened += [line, *self._left()]
        agree(script, happened)

    def given(self, script: str) -> None:
        """Play a script whose outcome another test looks at."""
        for line in inspect.cleandoc(script).splitlines():
            self._take(line)
            self._left()

    # -- what comes in ------------------------------------------------------------------------

    def _take(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        if word in ANSWERS:
            self._answer(word, rest)
        elif word == "feed":
            body = bodies(rest)
            room = json.loads(body.split(b"\n")[0])["room"]
            self.follower.feed(f"room/{room}/".encode(), body, self.now)
        else:
            self._other(word, rest)

    def _other(self, word: str, rest: str) -> None:
        follower, now = self.follower, self.now
        place, _, text = rest.partition(" ")
        takes: dict[str, Callable[[], Any]] = {
            "connected": lambda: follower.connected(now),
            "disconnected": lambda: follower.disconnected(rest, now, 0.1),
            "tick": lambda: self._tick(float(rest)),
            "say": lambda: follower.say(Line(n=1, room=place, text=text), now),
            "act": lambda: follower.say(Line(n=1, room=place, text=text, kind="act"), now),
            "tell": lambda: follower.say(Line(n=1, to=place, text=text), now),
            "join": lambda: follower.join(place, int(text or 50), now),
            "leave": lambda: follower.leave(place, now),
            "rename": lambda: follower.rename(place, now),
            "forget": lambda: follower.forget(int(rest)),
            "pause": lambda: setattr(follower, "paused", True),
            "read": lambda: setattr(follower, "paused", False),
            "no": lambda: self._no(place, fields(text)),
            "<": lambda: self._deliver(rest),
            "beacon": lambda: follower.feed(b"beacon/", b'{"kind":"beacon","epoch":"e1"}', now),
            "closing": lambda: follower.feed(
                b"beacon/", json.dumps({"kind": "closing", "reason": rest}).encode(), now
            ),
        }
        takes[word]()

    def _tick(self, seconds: float) -> None:
        self.now += seconds
        self.follower.tick(self.now)

    def _answer(self, word: str, rest: str) -> None:
        op, default = ANSWERS[word]
        known, _, events = rest.partition(" : ")
        answer = {"id": self._asked[op], "ok": True} | default | fields(known)
        if events:
            answer["events"] = [event(one) for one in events.split(" ; ")]
        self._control(answer)

    def _no(self, code: str, known: dict[str, Any]) -> None:
        id = known.pop("id", self._newest)
        self._control({"id": id, "ok": False, "error": {"code": code, "message": code} | known})

    def _deliver(self, written: str) -> None:
        self._control(event(written) if "<" in written else fields(written))

    def _control(self, frame: dict[str, Any]) -> None:
        self.follower.control(json.dumps(frame).encode(), self.now)

    # -- what goes out ------------------------------------------------------------------------

    def _left(self) -> list[str]:
        follower = self.follower
        lines = [f"    {self._show_action(action)}" for action in follower.actions]
        lines += [f"    told {_show_told(told)}" for told in follower.delivered]
        lines += [f"    answer {id} {_show_answer(answer)}" for id, answer in follower.answers]
        follower.actions.clear()
        follower.delivered.clear()
        follower.answers.clear()
        return lines

    def _show_action(self, action: actions.Action) -> str:
        match action:
            case actions.SendControl(frame):
                asked = json.loads(frame)
                op, id = asked.pop("op"), asked.pop("id")
                self._asked[op] = self._newest = id
                return f"> {op} {id} {show_fields(asked)}".rstrip()
            case actions.SendIntake(token, body):
                lines = [show_fields(json.loads(line)) for line in body.split(b"\n")]
                return f">> {token.decode()} {' | '.join(lines)}"
            case actions.Attach():
                return f"attach {b' '.join(action.topics).decode()}"
            case actions.Subscribe(topic):
                return f"subscribe {topic.decode()}"
            case actions.Unsubscribe(topic):
                return f"unsubscribe {topic.decode()}"
            case actions.HangUp(reason):
                return f"hang up: {reason}"


def _show_told(told: actions.Delivered) -> str:
    if isinstance(told, Gap):
        return f"gap {told.room or 'inbox'} {told.after}..{told.before}"
    if isinstance(told, Refusal):
        return f"refusal ticket={told.ticket} code={told.code} text={show(told.text)}"
    if isinstance(told, Connection):
        flags = [name for name in ("resumed", "new_history") if getattr(told, name)]
        words = [told.state, *flags, told.nick, told.detail, told.code, told.suggestion or ""]
        return " ".join(filter(None, words))
    return show_event(json.loads(encode(told)))


def _show_answer(answer: Any) -> str:
    if isinstance(answer, Refused):
        return answer.code
    return f"{answer!r}" if isinstance(answer, HubbubError) else type(answer).__name__


def play(script: str, given: str = "") -> None:
    """Play a script to a new follower, after what is given."""
    client = ClientPlay()
    client.given(given)
    client.play(script)


ONLINE = """
    connected
    welcome
    """
IN_LOBBY = """
    connected
    welcome
    join lobby
    joined room=lobby head=1 : 1<0 join lobby ann
    """
