"""The numbers of the wire fit together."""

from __future__ import annotations

from chatlib.core.outbox import FRAME_BYTES, FRAME_LINES
from chatlib.protocol import limits
from chatlib.protocol.codec import decode_request, encode
from chatlib.protocol.events import Event, Line
from chatlib.protocol.requests import Topic
from chatlib.protocol.topics import room_topic

WORST = "\U0001f469"  # four bytes a character
LONGEST_ROOM = WORST * limits.ROOM_CHARS


def test_every_text_and_name_fits_into_one_line_of_the_feed() -> None:
    text = "\n" * limits.TEXT_BYTES  # two bytes each in JSON
    nick = WORST * limits.NICK_CHARS
    event = Event(
        seq=2**53, prev=2**53, at="2027-01-15T08:00:00.000Z", kind="say", room=LONGEST_ROOM,
        nick=nick, sid="x" * 16, n=2**53, text=text, bot=True,
    )  # fmt: skip
    assert len(encode(event)) < limits.FEED_BYTES
    assert len(encode(event)) * limits.JOIN_EVENTS < limits.ANSWER_BYTES


def test_every_text_fits_into_an_intake_frame() -> None:
    line = Line(n=2**53, text="\n" * limits.TEXT_BYTES, room=LONGEST_ROOM)
    assert len(encode(line)) < FRAME_BYTES < limits.INTAKE_FRAME_BYTES
    assert FRAME_LINES <= limits.FEED_LINES


def test_every_topic_fits_into_a_request() -> None:
    asked = Topic(room=LONGEST_ROOM, text="\n" * limits.TOPIC_BYTES)
    assert decode_request(encode(asked)) == asked


def test_every_room_can_be_subscribed_to() -> None:
    assert len(room_topic(LONGEST_ROOM)) < limits.SUBSCRIPTION_BYTES


def test_a_session_has_time_for_three_heartbeats() -> None:
    assert limits.HEARTBEAT * limits.MISSED_HEARTBEATS == 30


def test_hello_announces_what_a_client_must_keep_to() -> None:
    assert limits.announced() == {
        "nick_chars": 32, "room_chars": 50, "text_bytes": 8192, "reaction_bytes": 32,
        "topic_bytes": 512, "rooms": 100, "history": 1000, "intake_bytes": 131072,
        "control_bytes": 65536,
    }  # fmt: skip
