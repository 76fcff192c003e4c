"""Read cursors on their way from a client to the broker: the newest of each room and peer."""

from __future__ import annotations

from typing import Any

from chatlib.core.requests import Requests
from chatlib.errors import Refused
from chatlib.protocol import answers, requests

EVERY_S = 1.0  # a cursor moves with every event that is read; the broker is told now and then

Place = tuple[str | None, str | None]  # a room or a peer


class Marks:
    """What was read and not told yet. One request is on its way at a time: nothing piles up."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        self._read: dict[Place, int] = {}
        self._told_at = float("-inf")

    def add(self, place: Place, seq: int) -> None:
        """Note that `place` was read up to `seq`."""
        self._read[place] = max(seq, self._read.get(place, 0))

    def clear(self) -> None:
        """Forget all: they were another session's."""
        self._requests.drop(requests.Read)
        self._read.clear()

    def tell(self, now: float) -> None:
        """Tell the broker of one place, when it is time to."""
        early = now - self._told_at < EVERY_S
        if not self._read or early or self._requests.asks(requests.Read):
            return
        self._told_at = now
        place = next(iter(self._read))
        seq = self._read.pop(place)

        def told(answer: Any, now: float) -> None:
            if isinstance(answer, Refused) and answer.code in ("unavailable", "busy"):
                self.add(place, seq)

        asked = requests.Read(room=place[0], peer=place[1], seq=seq)
        self._requests.add(asked, answers.ReadList, now, told, quiet=True, send=True)
