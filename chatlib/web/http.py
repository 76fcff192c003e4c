"""HTTP connections that are not waited for without end, and leave descriptors for others.

uvicorn speaks HTTP. What it lets strangers do for nothing is bounded here: half a request held
open, an answer that nobody reads, a connection for each descriptor that this process may have.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_S = 15.0  # that the head of a request may take to come
STALLED_S = 60.0  # without anything read by a peer that has something to read: it is gone
SPARE = 0.25  # of all descriptors, which connections don't get: sessions and files need some
NOTED_S = 60.0

log = logging.getLogger("hubbub.web")


class PatientProtocol(H11Protocol):
    """uvicorn's protocol, whose patience ends."""

    _deadline: asyncio.TimerHandle | None = None
    _upgraded = False
    _noted_at = float("-inf")  # of the class: for all of them

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or hang up where there are too many."""
        super().connection_made(transport)
        taken: socket.socket = transport.get_extra_info("socket")
        if self._crowded(taken.fileno()):
            transport.abort()
            return
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            milliseconds = int(STALLED_S * 1000)
            taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that it is gone."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in a part of a request, or a whole one."""
        super().data_received(data)
        if self._upgraded or self.transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()
        elif self._deadline is None and self.timeout_keep_alive_task is None:
            self._await_head()

    def handle_websocket_upgrade(self, event: Any) -> None:
        """Hand the connection over."""
        self._upgraded = True
        self._stop_waiting()
        super().handle_websocket_upgrade(event)

    def _await_head(self) -> None:
        self._deadline = self.loop.call_later(HEAD_S, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None

    def _crowded(self, descriptor: int) -> bool:
        """Tell whether a descriptor, the lowest that was free, is one of the last ones."""
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        if limit == resource.RLIM_INFINITY or descriptor < limit * (1 - SPARE):
            return False
        if self.loop.time() - PatientProtocol._noted_at > NOTED_S:
            PatientProtocol._noted_at = self.loop.time()
            log.error("connections take nearly all open files that are allowed (%d)", limit)
        return True
