"""The annotated session of docs/protocol.md: its statements, and playing them to a real broker.

    # an annotation
    NAME control > JSON              a request on NAME's DEALER
    NAME control < JSON              an answer or a delivery on it
    NAME intake > TOKEN JSON ...     one message on NAME's PUSH, each JSON value a line
    NAME feed subscribes TOPIC ...   NAME's SUB
    NAME feed < TOPIC JSON ...       one message on it
    NAME disconnects                 all sockets of NAME are closed
    broker stops

A statement goes on in the lines below it that are indented.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

import zmq

from tests.conformance.document import values
from tests.support import Peer, RunningBroker

# What chance, the clock or the machine decide: the document's value stands for the one that came.
VARYING = {"session", "sid", "user", "epoch", "intake", "feed", "server", "at"}
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class Statement(NamedTuple):
    """One step: who, on which channel, and the words and JSON values behind it."""

    who: str
    verb: str  # such as `control >`, `feed subscribes`, `disconnects`
    words: list[str]
    json: list[Any]


def parse(text: str) -> list[Statement]:
    """Return the statements of a transcript."""
    text = re.sub(r"^#.*\n|^\n", "", text, flags=re.MULTILINE)
    return [_statement(line) for line in re.sub(r"\n +", "", text).splitlines()]


def _statement(line: str) -> Statement:
    head, brace, rest = line.partition("{")
    who, *words = head.split()
    length = 2 if words[0] in ("control", "intake", "feed") else 1
    return Statement(who, " ".join(words[:length]), words[length:], values(brace + rest))


class Player:
    """Plays statements to a broker and compares what it says."""

    def __init__(self, broker: RunningBroker) -> None:
        self.broker = broker
        self.peers: dict[str, Peer] = {}
        self.subs: dict[str, zmq.Socket[bytes]] = {}
        self._meant: dict[tuple[str, Any], Any] = {}

    def play(self, step: Statement) -> Any:
        """Do one step, and return what the broker sent for it."""
        if step.who == "broker":
            assert self.broker.stop() == 0
            return None
        peer = self.peers.get(step.who)
        if peer is None:
            peer = self.peers[step.who] = Peer(self.broker, patience=5.0)
        return getattr(self, _VERBS[step.verb])(peer, step)

    def close(self) -> None:
        for peer in self.peers.values():
            peer.close()

    # -- verbs --------------------------------------------------------------------------------

    def ask(self, peer: Peer, step: Statement) -> None:
        (request,) = step.json
        peer.dealer.send(json.dumps(self._real(request)).encode())

    def hear(self, peer: Peer, step: Statement) -> list[Any]:
        return values(peer.dealer.recv().decode())

    def push(self, peer: Peer, step: Statement) -> None:
        token = self._meant["session", step.words[0]]
        lines = [json.dumps(line).encode() for line in step.json]
        peer.push.send_multipart([token.encode(), b"\n".join(lines)])

    def subscribe(self, peer: Peer, step: Statement) -> None:
        self.subs[step.who] = sub = peer.subscribe(step.words[0].encode())
        sub.rcvtimeo = 5_000
        for topic in step.words[1:]:
            sub.subscribe(topic)

    def read(self, peer: Peer, step: Statement) -> list[Any]:
        """Return the next message; a slow machine may see a beacon or a marker more."""
        while True:
            topic, body = self.subs[step.who].recv_multipart()
            lines = [json.loads(line) for line in body.splitlines()]
            if lines[0]["kind"] in {"beacon", "head"} and lines[0]["kind"] not in {
                line["kind"] for line in step.json
            }:
                continue
            assert [topic.decode()] == step.words or not step.words
            return lines

    def disconnect(self, peer: Peer, step: Statement) -> None:
        self.peers.pop(step.who).close()

    # -- values -------------------------------------------------------------------------------

    def learn(self, written: Any, came: Any, field: str = "") -> Any:
        """Return `came` with the document's values where they may vary."""
        if isinstance(came, dict) and isinstance(written, dict):
            return {k: self.learn(written.get(k), v, k) for k, v in came.items()}
        if isinstance(came, list) and isinstance(written, list) and len(came) == len(written):
            return [self.learn(w, c, field) for w, c in zip(written, came, strict=True)]
        if field not in VARYING or not isinstance(came, str) or not isinstance(written, str):
            return came
        if field == "at":
            return written if TIMESTAMP.fullmatch(came) else came
        name = "sid" if field == "user" else field  # a user has the sid of his first session
        meant = self._meant.setdefault((name, written), came)
        return written if meant == came else came

    def _real(self, request: dict[str, Any]) -> dict[str, Any]:
        return {k: self._meant.get((k, v), v) for k, v in request.items()}


_VERBS = {
    "control >": "ask",
    "control <": "hear",
    "intake >": "push",
    "feed subscribes": "subscribe",
    "feed <": "read",
    "disconnects": "disconnect",
}
