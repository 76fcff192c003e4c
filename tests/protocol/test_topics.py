"""Topics of rooms, both ways."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatlib.errors import BadName
from chatlib.names import room_name
from chatlib.protocol.topics import ROOMS, Place, room_topic, topic_replay, topic_room


def test_a_topic_ends_with_a_slash_so_that_no_room_is_the_beginning_of_another() -> None:
    assert room_topic("ops") == b"room/ops/"
    assert not room_topic("ops2").startswith(room_topic("ops"))


@given(st.text(min_size=1, max_size=50))
def test_every_room_comes_back_from_its_topic(text: str) -> None:
    try:
        name = room_name(text)
    except BadName:
        return
    assert topic_room(room_topic(name)) == name
    assert room_topic(name).startswith(ROOMS)


@given(st.binary(max_size=20).map(lambda rest: ROOMS + rest) | st.binary(max_size=20))
def test_what_is_taken_for_a_rooms_topic_is_one(topic: bytes) -> None:
    name = topic_room(topic)
    assert name is None or room_topic(name) == topic


@pytest.mark.parametrize(
    "topic",
    [b"", b"room/", b"room//", b"room/a", b"room/a/b/", b"beacon/", b"rooms/a/", b"room/\xff/"],
)
def test_no_rooms_topic(topic: bytes) -> None:
    assert topic_room(topic) is None


SEQS = st.integers(0, 2**53)
PLACES = st.builds(
    Place,
    st.none() | st.text(st.characters(codec="utf-8", exclude_characters="/"), min_size=1),
    SEQS,
    st.none(),
    st.integers(1, 1000),
) | st.builds(Place, st.just("lobby"), st.none(), st.none() | SEQS, st.integers(1, 1000))


@given(PLACES, st.from_regex("[A-Za-z0-9_-]{1,64}", fullmatch=True))
def test_every_place_comes_back_from_its_topic(place: Place, nonce: str) -> None:
    assert topic_replay(place.topic(nonce)) == place


@pytest.mark.parametrize(
    "topic",
    [
        b"replay/", b"replay/a/1", b"replay/a/1/", b"replay/a//x", b"replay/a/-/x", b"replay/a/x/x",
        b"replay/a/1/x/", b"replay/a/b/1/x", b"replay/a/-0/x", b"replay/a/1+1001/x",
        b"replay/a/1+/x", b"replay/a/-1-1/x", b"replay/\xff/1/x", b"room/a/", b"replays/a/1/x",
        b"replay/a/12345678901234567/x", b"replay/a/1/" + b"x" * 65, "replay/a/\u0663/x".encode(),
    ],
)  # fmt: skip
def test_no_replay(topic: bytes) -> None:
    assert topic_replay(topic) is None
