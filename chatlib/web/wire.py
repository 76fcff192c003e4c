"""WebSocket frames written straight to the transport: one encoding serves a whole room.

uvicorn speaks the handshake and pings. What goes out to hundreds of pages at once is the same bytes
for all of them, so the frame is made once and each transport is given it; nothing waits for a page
that does not read, it is hung up on and comes back by its cursors. What comes in is taken at once,
so nothing of it queues, and a page's reading is not stopped and started for each frame.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

MOST_WAITING = 4 * 1024 * 1024  # bytes that a page may leave unread
MOST_PARTS = 64  # of one message: browsers make two or three
PIECE = 4 * 1024  # bytes that are taken in before it is seen how many frames they were
FRAMES_S, MOST_FRAMES = 100, 2_500  # a second, and at once: what no page of ours comes near
WIRE = "hubbub.wire"  # the extension of the ASGI scope: the protocol itself
_TEXT = 0x81  # FIN, opcode 1


def text_frame(payload: bytes) -> bytes:
    """Return a whole, unmasked text frame (RFC 6455, 5.2)."""
    size = len(payload)
    if size < 126:
        return bytes((_TEXT, size)) + payload
    if size < 1 << 16:
        return bytes((_TEXT, 126)) + size.to_bytes(2, "big") + payload
    return bytes((_TEXT, 127)) + size.to_bytes(8, "big") + payload


class PushingProtocol(WebSocketsSansIOProtocol):
    """uvicorn's protocol, with a way around its queues.

    `take` is given each text; until it is set, the application receives them.
    """

    take: Callable[[bytes], None] | None = None
    _left = 0.0  # frames that it may send at once
    _left_at = float("-inf")

    def data_received(self, data: bytes) -> None:
        """Take in what came; hang up on who sends frames as fast as he can, of whatever kind."""
        now = self.loop.time()
        self._left = min(MOST_FRAMES, self._left + (now - self._left_at) * FRAMES_S)
        self._left_at = now
        for start in range(0, len(data), PIECE):
            super().data_received(data[start : start + PIECE])
            if self.transport.is_closing():
                return
            if self._left < 0:
                self.transport.abort()
                return

    def handle_events(self) -> None:
        """Count what came, and hand it on."""
        self._left -= len(self.conn.events)
        super().handle_events()

    def handle_connect(self, event: Any) -> None:
        """Accept, and tell the application of us."""
        super().handle_connect(event)
        scope: Any = getattr(self, "scope", None)
        if scope is not None:
            scope["extensions"][WIRE] = self

    def handle_text(self, event: Any) -> None:
        """Take in a text that came in one piece."""
        if self.take is None or not event.fin or self.read_paused or self.close_sent:
            super().handle_text(event)
        else:
            self.take(event.data)

    def handle_cont(self, event: Any) -> None:
        """Take in a part of a text; one that does not end is no text."""
        if len(self.frames) < MOST_PARTS:
            super().handle_cont(event)
        else:
            self.transport.abort()

    def handle_ping(self) -> None:
        """Answer, as long as the answers are read."""
        self.push(b"".join(self.conn.data_to_send()))

    def push(self, frame: bytes) -> bool:
        """Write a frame; return whether the page is there and keeps up."""
        if self.disconnected or self.close_sent or self.transport.is_closing():
            return False
        self.transport.write(frame)
        if self.transport.get_write_buffer_size() > MOST_WAITING:
            self.transport.abort()
            return False
        return True
