"""Head markers: up to which event all was published. docs/protocol.md, "The feed"."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from chatlib.core.state import State
from chatlib.names import is_room_name
from chatlib.protocol.events import Event
from chatlib.protocol.topics import ROOMS, topic_room


def asked_for(subscriptions: Iterable[bytes]) -> set[bytes]:
    """Return the topics that these subscriptions want markers on, if they are any rooms'."""
    return {ROOMS if ROOMS.startswith(topic) else topic for topic in subscriptions}


def markers(state: State, topics: Iterable[bytes]) -> Iterator[tuple[bytes, Event]]:
    """Yield the marker of each topic of a room, and of all rooms; of other topics, nothing."""
    for topic in sorted(topics):
        if topic == ROOMS:
            yield topic, Event(kind="head", seq=state.seq, epoch=state.epoch)
        elif (name := topic_room(topic)) is not None:
            room = state.rooms.get(name)
            if room is None and not is_room_name(name):
                continue
            head = room.head if room and not room.private else 0  # as if it were not there
            yield topic, Event(kind="head", room=name, seq=head, epoch=state.epoch)
