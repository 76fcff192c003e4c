"""WebSocket frames written straight to the transport: one encoding serves a whole room.

uvicorn speaks the handshake, pings, and what comes in. What goes out to hundreds of pages at once
is the same bytes for all of them, so the frame is made once and each transport is given it; nothing
waits for a page that does not read, it is hung up on and comes back by its cursors.
"""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

MOST_WAITING = 4 * 1024 * 1024  # bytes that a page may leave unread
PUSH = "hubbub.push"  # the extension of the ASGI scope
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
    """uvicorn's protocol, with a way around its queue for frames that are ready."""

    def handle_connect(self, event: Any) -> None:
        """Accept, and tell the application how to push."""
        super().handle_connect(event)
        scope: Any = getattr(self, "scope", None)
        if scope is not None:
            scope["extensions"][PUSH] = self.push

    def push(self, frame: bytes) -> bool:
        """Write a frame; return whether the page is there and keeps up."""
        if self.disconnected or self.close_sent or self.transport.is_closing():
            return False
        self.transport.write(frame)
        if self.transport.get_write_buffer_size() > MOST_WAITING:
            self.transport.abort()
            return False
        return True
