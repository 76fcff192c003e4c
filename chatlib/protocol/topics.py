"""Feed topics. The closing slash keeps `room/ops/` apart from `room/ops2/`.

A topic can be a question: who subscribes to `replay/ops/1042/x` is answered on it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from chatlib.protocol.limits import HISTORY_EVENTS

ROOMS = b"room/"
BEACON = b"beacon/"
PRIVATE = "private/"  # where streams of private rooms begin; nothing is published there
REPLAY = b"replay/"

_seq = "[0-9]{1,16}"  # up to 2^53
_replay = re.compile(
    rf"replay/([^/]*)/(?:({_seq})(?:\+([0-9]{{1,4}}))?|({_seq})?-([0-9]{{1,4}}))/[A-Za-z0-9_-]{{1,64}}"
)


def room_topic(name: str) -> bytes:
    """Return the topic on which the events of the room `name` are published."""
    return b"room/%s/" % name.encode()


def private_stream(name: str) -> str:
    """Return the stream of the private room `name`: it is like no topic, for it has none."""
    return f"{PRIVATE}{name}/"


def topic_room(topic: bytes) -> str | None:
    """Return the room whose topic this is, or None when it is no room's topic."""
    if not topic.startswith(ROOMS) or not topic.endswith(b"/"):
        return None
    try:
        name = topic[len(ROOMS) : -1].decode()
    except UnicodeDecodeError:
        return None
    return name if name and "/" not in name else None


class Place(NamedTuple):
    """What a replay is to bring: at most `limit` events, by seq.

    The oldest behind `after`, else the newest ahead of `before`, else the newest. Without a `room`,
    the heads of all rooms.
    """

    room: str | None
    after: int | None = None
    before: int | None = None
    limit: int = HISTORY_EVENTS

    def topic(self, nonce: str) -> bytes:
        """Return the topic that asks for it; another `nonce` asks anew."""
        if self.after is None:
            where = f"{'' if self.before is None else self.before}-{self.limit}"
        else:
            where = f"{self.after}" + (f"+{self.limit}" if self.limit < HISTORY_EVENTS else "")
        return f"replay/{self.room or ''}/{where}/{nonce}".encode()


def topic_replay(topic: bytes) -> Place | None:
    """Return what this topic asks for, or None when it asks for no replay."""
    if not topic.startswith(REPLAY):
        return None
    try:
        found = _replay.fullmatch(topic.decode())
    except UnicodeDecodeError:
        return None
    if found is None:
        return None
    room, after, most, before, newest = found.groups()
    limit = int(most or newest or HISTORY_EVENTS)
    if not 1 <= limit <= HISTORY_EVENTS:
        return None
    return Place(
        room or None,
        None if after is None else min(int(after), 2**53),
        None if before is None else min(int(before), 2**53),
        limit,
    )
