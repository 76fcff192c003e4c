"""How a broker stops without a hurry: nobody new comes in, senders get through, then it ends."""

from __future__ import annotations

from chatlib.core import commands
from chatlib.core.commands import Peer, Question
from chatlib.protocol import requests

IDLE_S = 0.7  # without a line on intake: longer than a client waits until it sends again
DRAINED = "the broker is being drained: it takes nobody until it is started again"


class Drain:
    """Whether it was asked for, and when it is over."""

    def __init__(self) -> None:
        self._until: float | None = None
        self._heard = 0.0

    @property
    def begun(self) -> bool:
        """Whether it was asked for."""
        return self._until is not None

    def begin(self, seconds: float, now: float) -> None:
        """Begin, where that was not done yet; it takes `seconds` at the most."""
        if self._until is None:
            self._until, self._heard = now + seconds, now

    def asked(self, question: Question, peer: Peer, now: float, at: int) -> commands.Drain | None:
        """Begin where it is this that an operator asks for; return what writes it down, once."""
        if self.begun or type(question.request) is not requests.Drain:
            return None
        self.begin(question.request.seconds, now)
        return commands.Drain(at=at, by=peer.key)

    def heard(self, now: float) -> None:
        """Note that somebody still sends."""
        self._heard = now

    def over(self, now: float, *, busy: bool) -> bool:
        """Tell whether nothing is on its way any more, or it took too long."""
        if self._until is None:
            return False
        return now >= self._until or (not busy and now - self._heard >= IDLE_S)
