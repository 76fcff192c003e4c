"""Hubbub for programs: `from chatlib import Client`.

Names are loaded when they are first used (PEP 562), so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chatlib.version import __version__

if TYPE_CHECKING:
    from chatlib.bot.bot import Bot
    from chatlib.core.folding import Message, fold
    from chatlib.core.signals import Connection, Gap, Pending, Refusal, SavedSession
    from chatlib.errors import HubbubError, Misuse, OutboxFull, Refused, TimedOut, Unreachable
    from chatlib.net.broker import Broker
    from chatlib.net.client import Client, JoinedRoom
    from chatlib.protocol.answers import Member, RoomLine, Unread
    from chatlib.protocol.events import Event

_HOMES = {
    "Bot": "chatlib.bot.bot",
    "Broker": "chatlib.net.broker",
    "Client": "chatlib.net.client",
    "JoinedRoom": "chatlib.net.client",
    "Message": "chatlib.core.folding",
    "fold": "chatlib.core.folding",
    "Connection": "chatlib.core.signals",
    "Gap": "chatlib.core.signals",
    "Pending": "chatlib.core.signals",
    "Refusal": "chatlib.core.signals",
    "SavedSession": "chatlib.core.signals",
    "Event": "chatlib.protocol.events",
    "Member": "chatlib.protocol.answers",
    "RoomLine": "chatlib.protocol.answers",
    "Unread": "chatlib.protocol.answers",
    "HubbubError": "chatlib.errors",
    "Misuse": "chatlib.errors",
    "OutboxFull": "chatlib.errors",
    "Refused": "chatlib.errors",
    "TimedOut": "chatlib.errors",
    "Unreachable": "chatlib.errors",
}

__all__ = [
    "Bot",
    "Broker",
    "Client",
    "Connection",
    "Event",
    "Gap",
    "HubbubError",
    "JoinedRoom",
    "Member",
    "Message",
    "Misuse",
    "OutboxFull",
    "Pending",
    "Refusal",
    "Refused",
    "RoomLine",
    "SavedSession",
    "TimedOut",
    "Unreachable",
    "Unread",
    "__version__",
    "fold",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'chatlib' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - only who asks pays

    return getattr(import_module(_HOMES[name]), name)
