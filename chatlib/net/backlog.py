"""What waits for peers that take slowly what they are sent on control.

libzmq bounds a ROUTER's queue for a peer in messages, and a message may be 1 MiB. So that queue is
short (CONTROL_HWM), and what does not fit waits here, bounded in bytes. While something waits, the
peer is congested: long answers are not even read for it (`net.reads`).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, KeysView

import zmq
from msgspec import Struct

BACKLOG_BYTES = 256 * 1024  # kept for one peer; what comes on top is dropped
OVERHEAD = 200  # bytes that a message costs beside its own
SOON_S, LATE_S = 0.001, 0.5  # between one try and the next, with a peer that takes nothing


class _Queue(Struct):
    frames: deque[list[bytes]]
    size: int = 0
    wait: float = 0.0
    due: float = 0.0


def _size(frames: list[bytes]) -> int:
    return sum(map(len, frames)) + OVERHEAD


class Backlog:
    """Sends on a ROUTER, in order for each peer; `vanished` is told of peers that are no more."""

    def __init__(
        self,
        socket: zmq.Socket[bytes],
        vanished: Callable[[bytes], None],
        counts: Counter[str],
    ) -> None:
        self._socket = socket
        self._vanished = vanished
        self._counts = counts
        self._queues: dict[bytes, _Queue] = {}

    @property
    def congested(self) -> KeysView[bytes]:
        """The peers for which something waits: a view that stays true."""
        return self._queues.keys()

    def patience(self, now: float) -> float:
        """Return the seconds until the next try."""
        return max(0.0, min((q.due for q in self._queues.values()), default=now + LATE_S) - now)

    def send(self, frames: list[bytes], now: float) -> None:
        """Send now, or keep it behind what waits for that peer. A full backlog drops it."""
        queue = self._queues.get(frames[0])
        if queue is None:
            if not self._try(frames):
                # At once again: a peer that reads has soon taken what libzmq holds for it.
                self._queues[frames[0]] = _Queue(deque([frames]), _size(frames), 0.0, now)
        elif queue.size < BACKLOG_BYTES:
            queue.frames.append(frames)
            queue.size += _size(frames)
        else:  # its chain will show it what is missing
            self._counts["control_dropped"] += 1

    def retry(self, now: float) -> None:
        """Try again to send what is due."""
        for routing, queue in list(self._queues.items()):
            if queue.due <= now:
                self._retry(routing, queue, now)

    def _retry(self, routing: bytes, queue: _Queue, now: float) -> None:
        before = len(queue.frames)
        while queue.frames and self._try(queue.frames[0]):
            queue.size -= _size(queue.frames.popleft())
        if not queue.frames:
            del self._queues[routing]
            return
        stuck = len(queue.frames) == before
        queue.wait = min(max(SOON_S, 2 * queue.wait), LATE_S) if stuck else 0.0
        queue.due = now + queue.wait

    def _try(self, frames: list[bytes]) -> bool:
        try:
            self._socket.send_multipart(frames, zmq.NOBLOCK)
        except zmq.Again:
            return False
        except zmq.ZMQError as e:
            if e.errno != zmq.EHOSTUNREACH:
                raise
            self._counts["control_vanished"] += 1
            self._vanished(frames[0])
        return True
