"""What the client's core wants done by whoever holds its sockets, and what it leaves."""

from __future__ import annotations

from typing import Any, NamedTuple

from chatlib.core.signals import Connection, Gap, Refusal
from chatlib.protocol.events import Event


class SendControl(NamedTuple):
    """Send one request on the DEALER."""

    frame: bytes


class SendIntake(NamedTuple):
    """Push lines for the session of this token."""

    token: bytes
    body: bytes


class Attach(NamedTuple):
    """Connect PUSH and SUB anew, and subscribe to all `topics`.

    `stuck` tells that what was pushed does not arrive.
    """

    intake: str
    feed: str
    topics: tuple[bytes, ...]
    stuck: bool = False


class Subscribe(NamedTuple):
    """Subscribe to a topic."""

    topic: bytes


class Unsubscribe(NamedTuple):
    """Unsubscribe from a topic."""

    topic: bytes


class HangUp(NamedTuple):
    """Close the control connection, and connect again after a while: it is no good."""

    reason: str


Action = SendControl | SendIntake | Attach | Subscribe | Unsubscribe | HangUp
Delivered = Event | Connection | Gap | Refusal


class Effects:
    """What is to be done, told and answered; whoever takes a list empties it."""

    def __init__(self) -> None:
        self.actions: list[Action] = []
        self.delivered: list[Delivered] = []
        self.answers: list[tuple[int, Any]] = []
