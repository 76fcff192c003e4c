"""The requests of a client that wait for their answers; asked again until one comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Struct

from chatlib.core.actions import Effects, SendControl
from chatlib.errors import HubbubError, Refused
from chatlib.protocol import fields
from chatlib.protocol.codec import Head, decode_answer, encode_request
from chatlib.protocol.requests import Hello, Join, Leave

ANSWER_S = 5.0  # that a request may take before it is asked again
TRIES = 3
PASSING = {"unavailable", "busy"}  # refusals that waiting takes back
LATER = {"slow_down", "draining"}  # nothing was changed; after so long it will be granted

Then = Callable[[Any, float], None]


class Waiting(Struct):
    """A request that is not answered yet. The answer of a quiet one is nobody's but `then`'s."""

    request: Any
    kind: type[Any]
    then: Then
    asked: float
    sent: int = 0
    tries: int = 1  # since the broker was last heard of it
    quiet: bool = False

    @property
    def open(self) -> bool:
        """Tell whether an answer that nothing was changed decides nothing.

        Asked before, the request may have been granted then; and nobody asks again for a quiet one.
        """
        return self.sent > 1 or (self.quiet and type(self.request) is Join)

    def pause(self, error: fields.Error) -> float | None:
        """Return the seconds after which to ask again, or None where the error is the answer."""
        if error.code in LATER and type(self.request) is not Hello:
            return ANSWER_S if error.after_ms is None else error.after_ms / 1000
        return ANSWER_S if error.code in PASSING and self.open else None

    def joins(self, room: str) -> bool:
        """Tell whether this is somebody's wish to join the room."""
        return type(self.request) is Join and self.request.room == room and not self.quiet


class Requests:
    """Gives requests their ids, matches answers to them, keeps them across connections."""

    def __init__(self, effects: Effects) -> None:
        self._effects = effects
        self._waiting: dict[int, Waiting] = {}
        self._ids = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(
        self, request: Any, kind: type[Any], now: float, then: Then, *, quiet: bool, send: bool
    ) -> int:
        """Keep a request until it is answered; with `send`, ask it now. Raises Misuse."""
        request.id = self._ids + 1
        encode_request(request)
        self._ids += 1
        self._waiting[self._ids] = Waiting(request, kind, then, now, quiet=quiet)
        if send:
            self.repeat([self._ids], now)
        return self._ids

    def _send(self, waiting: Waiting, now: float) -> None:
        waiting.asked = now
        waiting.sent += 1
        self._effects.actions.append(SendControl(encode_request(waiting.request)))

    def find(self, id: Any) -> Waiting | None:
        """Return the request that an answer belongs to."""
        return self._waiting.get(id) if isinstance(id, int) else None

    def settle(self, head: Head, frame: bytes, now: float) -> None:
        """Take in the answer to a request that waits. Raises ProtocolViolation."""
        waiting = self._waiting[head.id]
        if head.error is not None and (pause := waiting.pause(head.error)) is not None:
            waiting.asked, waiting.tries = now + pause - ANSWER_S, 1
            return
        answer: Any
        if head.ok:
            answer = decode_answer(frame, waiting.kind)
        else:
            error = head.error or fields.Error("unknown", "the broker gave no reason")
            answer = Refused(error.code, error.message, error.suggestion)
        del self._waiting[head.id]
        if not waiting.quiet:
            self._effects.answers.append((head.id, answer))
        waiting.then(answer, now)
        if type(waiting.request) is Leave:
            room = waiting.request.room
            self.repeat([id for id, w in self._waiting.items() if w.joins(room)], now)

    def hush(self, id: int) -> None:
        """Note that nobody waits for the answer any more; what follows from it still does."""
        if (waiting := self._waiting.get(id)) is not None:
            waiting.quiet = True

    def asks(self, kind: type[Any]) -> bool:
        """Tell whether a request of this class waits."""
        return any(isinstance(w.request, kind) for w in self._waiting.values())

    def drop(self, *kinds: type[Any]) -> None:
        """Forget quiet requests of these classes: the connection that they were for is gone."""
        for id, waiting in list(self._waiting.items()):
            if waiting.quiet and isinstance(waiting.request, kinds):
                del self._waiting[id]

    def withdraw_joins(self, room: str, leave: int) -> None:
        """Forget the joins of `room` that the request `leave` ended: asked again they'd undo it."""
        for id, waiting in list(self._waiting.items()):
            if type(waiting.request) is Join and waiting.request.room == room:
                if waiting.quiet or id < leave:
                    del self._waiting[id]
                if not waiting.quiet and id < leave:
                    left = Refused("not_joined", f"the room {room} was left before it was joined")
                    self._effects.answers.append((id, left))

    @property
    def leaving(self) -> set[str]:
        """The rooms that one has asked to leave."""
        return {w.request.room for w in self._waiting.values() if type(w.request) is Leave}

    @property
    def ids(self) -> list[int]:
        """The ids of all that waits, in the order in which they were asked last."""
        return list(self._waiting)

    def repeat(self, ids: Iterable[int], now: float) -> None:
        """Ask these (again) where they wait. A join waits for the leave of its room before it.

        Else the leave, asked once more, would undo it.
        """
        for id in ids:
            waiting = self._waiting.get(id)
            if waiting is not None and not self._leaves_before(id, waiting):
                self._waiting[id] = self._waiting.pop(id)  # a rejoin stays ahead of an older leave
                self._send(waiting, now)

    def _leaves_before(self, id: int, waiting: Waiting) -> bool:
        return any(
            first < id and type(w.request) is Leave and waiting.joins(w.request.room)
            for first, w in self._waiting.items()
        )

    def fail_all(self, error: HubbubError) -> None:
        """Answer everything that waits with an error."""
        self._effects.answers += [(id, error) for id, w in self._waiting.items() if not w.quiet]
        self._waiting.clear()

    def ask_again(self, now: float) -> bool:
        """Ask again what waits too long; return False when that was done often enough."""
        overdue = [w for w in self._waiting.values() if now - w.asked >= ANSWER_S]
        leaving = self.leaving
        for waiting in overdue:
            if type(waiting.request) is Join and waiting.request.room in leaving:
                continue  # it would come behind the leave, and undo it
            waiting.tries += 1
            if waiting.tries > TRIES:
                return False
            self._send(waiting, now)
        return True
