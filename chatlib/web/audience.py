"""What happens in public rooms, on its way to the pages: one frame a room in each window."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from chatlib.web.messages import events_frame
from chatlib.web.wire import text_frame

WINDOW_S = 0.05  # in which what comes leaves together; after a rest it leaves at once


class Listener(Protocol):
    """Who is in a room."""

    def pass_on(self, frame: bytes) -> None:
        """Send a WebSocket frame to all one's tabs."""


class Audience:
    """Who listens to which room; `later` calls back after so many seconds."""

    def __init__(self, later: Callable[[float, Callable[[], None]], object]) -> None:
        self._later = later
        self._listeners: dict[str, set[Listener]] = {}
        self._lines: dict[str, list[bytes]] = {}
        self._open_at: dict[str, float] = {}  # when a room's window ends

    def add(self, room: str, listener: Listener) -> None:
        """Let somebody listen."""
        self._listeners.setdefault(room, set()).add(listener)

    def remove(self, room: str, listener: Listener, now: float) -> bool:
        """Let somebody not listen any more, after what was to come; return whether nobody does."""
        self._flush(room, now)
        listeners = self._listeners.get(room, set())
        listeners.discard(listener)
        if not listeners:
            self._listeners.pop(room, None)
            self._open_at.pop(room, None)
        return not listeners

    def of(self, room: str) -> Iterable[Listener]:
        """Return who listens to a room."""
        return list(self._listeners.get(room, ()))

    def put(self, room: str, lines: list[bytes], now: float) -> None:
        """Send events of a room, with what else comes in its window."""
        waiting = self._lines.get(room)
        if waiting is not None:
            waiting.extend(lines)
            return
        self._lines[room] = lines
        wait = self._open_at.get(room, 0.0) - now
        if wait <= 0:
            self._flush(room, now)
        else:
            self._later(wait, lambda: self._flush(room, now + wait))

    def send(self, room: str, payload: bytes, now: float) -> None:
        """Send something that keeps its place behind the events before it."""
        self._flush(room, now)
        self._send(room, payload)

    def _flush(self, room: str, now: float) -> None:
        lines = self._lines.pop(room, None)
        if lines:
            self._open_at[room] = now + WINDOW_S
            self._send(room, events_frame(room, lines))

    def _send(self, room: str, payload: bytes) -> None:
        frame = text_frame(payload)
        for listener in self.of(room):
            listener.pass_on(frame)
