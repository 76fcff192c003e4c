"""Feed topics. The closing slash keeps `room/ops/` apart from `room/ops2/`."""

from __future__ import annotations

ROOMS = b"room/"
BEACON = b"beacon/"
PRIVATE = "private/"  # where streams of private rooms begin; nothing is published there


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
