"""What is true of frames that could be decoded."""

from __future__ import annotations

from typing import Any

from chatlib.errors import ProtocolViolation
from chatlib.protocol import answers, limits
from chatlib.protocol.codec import (
    Head,
    decode_answer,
    decode_event,
    decode_events,
    decode_lines,
    decode_request,
    encode,
    text_fault,
)
from chatlib.protocol.events import BadLine, Event, Line, Notice
from chatlib.protocol.topics import room_topic, topic_replay, topic_room
from tests.fuzz import oracle

ANSWERS = (
    answers.Answer, answers.Failure, answers.Welcome, answers.Renamed, answers.Joined,
    answers.Left, answers.Page, answers.ReadList, answers.Hits, answers.RoomList,
    answers.WhoList, answers.TopicIs, answers.Pong,
)  # fmt: skip


def request(frame: bytes, found: Any) -> None:
    told = oracle.read(frame)
    oracle.agree(found, told)
    assert told is oracle.UNREADABLE or told["op"] == type(found).__struct_config__.tag
    assert decode_request(encode(found)) == found


def lines(body: bytes, found: list[Line | BadLine]) -> None:
    for line in found:
        assert 1 <= line.n <= 2**53
        if isinstance(line, Line) and text_fault(line.text, limits.TEXT_BYTES) is None:
            assert len(line.text.encode()) <= limits.TEXT_BYTES
    one_by_one = [line for line in body.split(b"\n") if line.strip()]
    try:
        alone = [found for line in one_by_one for found in decode_lines(line)]
    except ProtocolViolation:
        return  # an object over two lines: no wire of ours, and no harm
    assert alone == found
    if len(one_by_one) == len(found):
        for line, told in zip(found, one_by_one, strict=True):
            if isinstance(line, Line):
                oracle.agree(line, oracle.read(told))


def events(body: bytes, found: list[Event]) -> None:
    for event in found:
        assert decode_event(encode(event)) == event
        assert decode_events(encode(event)) == [event]
    if len(found) == 1:
        oracle.agree(found[0], oracle.read(body))


def notice(frame: bytes, found: Notice) -> None:
    oracle.agree(found, oracle.read(frame))


def head(frame: bytes, found: Head) -> None:
    oracle.agree(found, oracle.read(frame))


def answer(data: bytes) -> Any:
    """Decode as the answer whose number is the first byte; the others may refuse it."""
    kind = ANSWERS[data[0] % len(ANSWERS)] if data else answers.Answer
    return decode_answer(data[1:], kind)


def answered(data: bytes, found: Any) -> None:
    oracle.agree(found, oracle.read(data[1:]))


def topic(data: bytes, found: str | None) -> None:
    if found is not None:
        assert room_topic(found) == data


def read_topic(data: bytes) -> str | None:
    if (place := topic_replay(data)) is not None:
        assert topic_replay(place.topic("x")) == place
        assert 1 <= place.limit <= limits.HISTORY_EVENTS
    return topic_room(data)
