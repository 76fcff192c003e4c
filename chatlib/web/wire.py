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

    def push(self, frame: bytes) -> bool:
        """Write a frame; return whether the page is there and keeps up."""
        if self.disconnected or self.close_sent or self.transport.is_closing():
            return False
        self.transport.write(frame)
        if self.transport.get_write_buffer_size() > MOST_WAITING:
            self.transport.abort()
            return False
        return True
