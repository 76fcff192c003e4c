"""A broker with keys that has no socket: who asks is a key; each question is a pass of its own."""

from __future__ import annotations

import itertools
import json
from typing import Any

from chatlib.core.admission import SID_BYTES
from chatlib.core.commands import Admit, Peer
from chatlib.core.identities import Rule
from chatlib.core.state import State
from chatlib.history.memory import MemoryStore
from chatlib.net.pipeline import Pipeline, Place
from chatlib.protocol.keys import encode_z85
from tests.core.consistency import check, picture
from tests.core.mirror import Mirror


def key(name: str) -> str:
    """Return a key that is somebody's."""
    return encode_z85(name.encode().ljust(32, b".")).decode()


class Store(MemoryStore):
    """Events in memory, and a state that comes back."""

    def __init__(self) -> None:
        super().__init__("e1")
        self.mirror = Mirror()

    def commit(self, entries: Any, changes: Any = None) -> None:
        super().commit(entries, changes)
        self.mirror.take(changes)


class House:
    """A broker by invitation, the keys of `operators` are theirs; names stand for keys."""

    def __init__(self, *known: str, access: Any = "invite") -> None:
        self.store = Store()
        count = itertools.count(1)
        self.now = 1.0
        self.pipeline = Pipeline(
            self.store,
            Place("", "", "", "tcp://here:1", "KEY"),
            fresh=lambda size: f"{'sid' if size == SID_BYTES else 'token'}{next(count)}",
            rule=Rule(access),
        )
        self.pipeline.submit(Admit(at=0, key=key("op"), role="operator"))
        for name in known:
            self.pipeline.submit(Admit(at=0, key=key(name)))
        self.sent: dict[str, list[dict[str, Any]]] = {}
        self._names: dict[bytes, str] = {}
        self._routings: dict[str, bytes] = {}
        self.answers: dict[str, dict[str, Any]] = {}
        self.tokens: dict[str, str] = {}
        self._run([], [])

    @property
    def state(self) -> State:
        return self.pipeline.state

    def _run(self, intake: Any, control: Any) -> None:
        self.sent = {}
        self.pipeline.run(intake, control, [], self.now, int(self.now * 1000))
        check(self.state)
        again = State("e1")
        again.restore(self.store.mirror.saved())
        again.tick(self.state.at)  # of a pass that changed nothing, not even its time is stored
        assert picture(again) == picture(self.state), "what was stored is not what there is"
        for routing, *_, frame in self.pipeline.control:
            who, told = self._names[routing], json.loads(frame)
            self.sent.setdefault(who, []).append(told)
            if "ok" in told:
                self.answers[who] = told

    def ask(self, who: str, op: str, /, **fields: Any) -> Any:
        """Ask on the connection `who`, and return the answer."""
        self.ask_only(who, op, **fields)
        return self.answer(who)

    def ask_only(self, who: str, op: str, /, **fields: Any) -> None:
        """Ask on the connection `who`, whose key is what stands before the dot."""
        routing = self._routings.setdefault(who, b"\0%04d" % len(self._routings))
        self._names[routing] = who
        frame = json.dumps({"op": op, "id": 1, **fields}).encode()
        self._run([], [([routing, frame], Peer(key(who.partition(".")[0]), "10.0.0.1"))])

    def answer(self, who: str) -> Any:
        """Return the last answer to somebody; of an error, its code."""
        answer = self.answers[who]
        return answer if answer["ok"] else answer["error"]["code"]

    def hello(self, who: str, nick: str | None = None, **fields: Any) -> Any:
        """Open a session."""
        answer = self.ask(who, "hello", v=1, nick=nick, **fields)
        if isinstance(answer, dict):
            self.tokens[who] = answer["session"]
        return answer

    def say(self, who: str, n: int, **line: Any) -> None:
        """Say something in a session."""
        body = json.dumps({"n": n, **line}).encode()
        peer = Peer(key(who.partition(".")[0]))
        self._run([([self.tokens[who].encode(), body], peer)], [])

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
        self._run([], [])

    def told(self) -> list[tuple[str, str, str]]:
        """Return what rooms were told in the last pass: kind, nickname, reason."""
        events = [
            json.loads(line)
            for topic, body in self.pipeline.feed
            if topic.startswith(b"room/")
            for line in body.split(b"\n")
        ]
        return [(e["kind"], e["nick"], e.get("reason", "")) for e in events if e["kind"] != "head"]
