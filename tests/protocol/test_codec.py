"""Bytes to messages and back: whatever comes in, only a ProtocolViolation comes out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatlib.errors import ProtocolViolation
from chatlib.protocol import answers, limits, requests
from chatlib.protocol.codec import (
    decode_answer,
    decode_event,
    decode_events,
    decode_head,
    decode_lines,
    decode_notice,
    decode_request,
    encode,
    text_fault,
    wrong_version,
)
from chatlib.protocol.events import BadLine, Event, Line, Notice
from chatlib.protocol.fields import Error

# -- noise: what no sensible peer would send ---------------------------------------------------

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20),
    st.sampled_from([2**53, 2**53 + 1, 2**64, -1, 10**400, "\x00", "\u202e", "ping", "hello"]),
)  # fmt: skip
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
NAMES = sorted({f for cls in get_args(requests.AnyRequest) for f in cls.__struct_fields__})
NEARLY = st.dictionaries(
    st.sampled_from([*NAMES, "op", "n", "text", "to", "kind", "seq", "prev", "ok", "error"]),
    SCALARS | st.sampled_from(["join", "say", "history", 1, 12]),
)
SURROGATES = st.sampled_from([rb'"\ud800"', rb'{"op":"\udfff"}', rb'{"n":1,"text":"\ud800x"}'])
DEEP = st.sampled_from([b"[" * 60_000, b'{"a":' * 10_000, b'{"n":1,"text":' + b"[" * 50_000])
HUGE = st.sampled_from([b"9" * 5_000, b'{"n":' + b"9" * 5_000 + b"}", b'{"id":-' + b"9" * 400])
ODD = st.one_of(SURROGATES, DEEP, HUGE)


def dumped(value: Any) -> bytes:
    return json.dumps(value).encode()


NOISE = st.one_of(
    st.binary(max_size=200), ODD, JSON.map(dumped), NEARLY.map(dumped),
    st.lists(NEARLY.map(dumped) | st.binary(max_size=20), max_size=4).map(b"\n".join),
    st.tuples(NEARLY.map(dumped), st.integers(0, 200)).map(lambda cut: cut[0][: cut[1]]),
)  # fmt: skip

DECODERS: list[Callable[[bytes], Any]] = [
    decode_request, decode_lines, decode_events, decode_event, decode_head, decode_notice,
    *(lambda frame, kind=kind: decode_answer(frame, kind) for kind in (
        answers.Answer, answers.Welcome, answers.Joined, answers.Page, answers.Pong,
        answers.RoomList, answers.WhoList, answers.Failure,
    )),
]  # fmt: skip


@given(NOISE)
@example(b"")
@example(b"\n\n\n")
@example(b'{"n":1}\n{"n":[]}\n')
@example(b'{"n":NaN}')
@example(b'{"op":"ping"}\x00')
def test_noise_is_a_violation_or_a_message(frame: bytes) -> None:
    for decode in DECODERS:
        try:
            decode(frame)
        except ProtocolViolation as e:
            assert e.code
            assert str(e)


@given(NOISE)
def test_a_violation_can_always_be_answered(frame: bytes) -> None:
    """Its id and its message can be encoded, whatever the frame held, and are not endless."""
    try:
        decode_request(frame)
    except ProtocolViolation as e:
        answer = answers.Failure(id=e.id, error=Error(e.code, str(e)))
        assert len(encode(answer)) < 2_000


@given(st.lists(NEARLY.map(dumped) | ODD | st.binary(max_size=20), max_size=5).map(b"\n".join))
def test_each_line_of_an_intake_frame_is_a_line_or_a_bad_one(body: bytes) -> None:
    try:
        lines = decode_lines(body)
    except ProtocolViolation:
        return
    assert len(lines) == sum(1 for line in body.split(b"\n") if line.strip())
    assert all(type(line) in (Line, BadLine) and 1 <= line.n <= 2**53 for line in lines)


# -- round trips -------------------------------------------------------------------------------

WORDS = st.text(st.characters(codec="utf-8"), max_size=50)
SEQS = st.integers(0, 2**53)
EVENTS = st.builds(
    Event, seq=SEQS, prev=SEQS, at=WORDS, kind=WORDS, room=st.none() | WORDS, to=st.none() | WORDS,
    nick=WORDS, sid=WORDS, n=SEQS, text=st.none() | WORDS, old=st.none() | WORDS,
    reason=st.none() | WORDS, bot=st.booleans(), epoch=st.none() | WORDS,
)  # fmt: skip
LINES = st.builds(
    Line, n=st.integers(1, 2**53), text=WORDS, room=st.none() | WORDS, to=st.none() | WORDS,
    kind=st.sampled_from(["say", "act"]),
)  # fmt: skip


@given(st.lists(EVENTS, max_size=5))
def test_events_come_back_as_they_were(events: list[Event]) -> None:
    lines = [encode(event) for event in events]
    assert decode_events(b"\n".join(lines)) == events
    assert [decode_event(line) for line in lines] == events
    assert [decode_event(msgspec.Raw(line)) for line in lines] == events
    assert not any(b"\n" in line for line in lines)


@given(st.lists(LINES, max_size=5))
def test_lines_come_back_as_they_were(lines: list[Line]) -> None:
    assert decode_lines(b"\n".join(map(encode, lines))) == lines


IDS = st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8"), max_size=64)
CURSORS = st.none() | SEQS
REQUESTS = st.one_of(
    st.builds(requests.Hello, id=IDS, v=st.just(1), nick=WORDS, session=WORDS),
    st.builds(requests.Nick, id=IDS, nick=WORDS),
    st.builds(requests.Join, id=IDS, room=WORDS, after=CURSORS),
    st.builds(requests.Leave, id=IDS, room=WORDS),
    st.builds(
        requests.History, id=IDS, room=st.none() | WORDS, peer=st.none() | WORDS,
        inbox=st.booleans(), after=CURSORS, before=CURSORS, limit=st.integers(1, 2**53),
    ),
    st.builds(requests.Rooms, id=IDS),
    st.builds(requests.Who, id=IDS, room=st.none() | WORDS),
    st.builds(requests.Topic, id=IDS, room=WORDS, text=st.none() | WORDS),
    st.builds(requests.Ping, id=IDS),
    st.builds(requests.Bye, id=IDS),
)  # fmt: skip


@given(REQUESTS)
def test_requests_come_back_as_they_were(request: Any) -> None:
    assert decode_request(encode(request)) == request


@pytest.mark.parametrize(
    "notice",
    [
        Notice(kind="resend", from_=3),
        Notice(kind="slow", from_=3, after_ms=1_000, reason="x"),
        Notice(kind="refused", n=7, error=Error("bad_text", "x")),
        Notice(kind="closing", reason="x"),
    ],
)
def test_notices_come_back_as_they_were(notice: Notice) -> None:
    assert decode_notice(encode(notice)) == notice


def test_what_is_absent_is_not_written() -> None:
    assert encode(Event(seq=0, prev=0, kind="say")) == b'{"seq":0,"prev":0,"kind":"say"}'
    assert encode(Event(kind="beacon", seq=0)) == b'{"seq":0,"kind":"beacon"}'
    assert encode(Line(n=1, text="hi")) == b'{"n":1,"text":"hi"}'
    assert encode(Notice(kind="resend", from_=1)) == b'{"kind":"resend","from":1}'
    assert encode(requests.Ping(id=1)) == b'{"op":"ping","id":1}'


# -- requests ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "code", "id"),
    [
        (b"", "bad_json", None),
        (b"\xff", "bad_json", None),
        (b'{"op":"ping"', "bad_json", None),
        (b'{"op":"ping"}{}', "bad_json", None),
        (b'{"op":"nick","nick":"\\ud800"}', "bad_json", None),
        (b"[]", "bad_request", None),
        (b"7", "bad_request", None),
        (b"{}", "unknown_op", None),
        (b'{"op":"fly","id":7}', "unknown_op", 7),
        (b'{"op":7,"id":"seven"}', "unknown_op", "seven"),
        (b'{"op":"join","id":7}', "bad_request", 7),
        (b'{"op":"join","id":7,"room":7}', "bad_request", 7),
        (b'{"op":"join","id":7,"room":"a","after":-1}', "bad_request", 7),
        (b'{"op":"join","id":7,"room":"a","after":1.5}', "bad_request", 7),
        (b'{"op":"history","id":7,"room":"a","limit":0}', "bad_request", 7),
        (b'{"op":"ping","id":[7]}', "bad_request", None),
        (b'{"op":"ping","id":"' + b"x" * 65 + b'"}', "bad_request", None),
        (b'{"op":"hello","id":7}', "bad_request", 7),
        (b'{"op":"hello","id":7,"v":2,"nick":7}', "wrong_version", 7),
        (b'{"op":"hello","id":7,"v":"1"}', "bad_request", 7),
        (b'{"op":"ping","x":"' + b"x" * limits.CONTROL_FRAME_BYTES + b'"}', "too_big", None),
    ],
)
def test_a_bad_request_has_a_code_and_the_id_where_it_can_be_read(
    frame: bytes, code: str, id: int | str | None
) -> None:
    with pytest.raises(ProtocolViolation) as caught:
        decode_request(frame)
    assert (caught.value.code, caught.value.id) == (code, id)


def test_a_request_may_be_as_big_as_the_limit() -> None:
    fill = b"x" * (limits.CONTROL_FRAME_BYTES - len(b'{"op":"ping","x":""}'))
    assert decode_request(b'{"op":"ping","x":"' + fill + b'"}') == requests.Ping()


def test_unknown_fields_are_ignored_and_the_last_of_two_counts() -> None:
    frame = b'{"op":"join","room":"a","colour":"red","room":"b","x":{"y":[1]}}'
    assert decode_request(frame) == requests.Join(room="b")
    assert decode_lines(b'{"n":1,"text":"x","colour":"red"}') == [Line(n=1, text="x")]
    assert decode_event(b'{"kind":"dance","seq":1,"steps":3}') == Event(kind="dance", seq=1)
    assert decode_head(b'{"ok":true,"id":1,"x":2}').ok is True
    assert decode_answer(b'{"ok":true,"id":1,"nick":"a","x":2}', answers.Renamed).nick == "a"


def test_the_version_error_says_which_side_is_older() -> None:
    assert "upgrade the client" in str(wrong_version(0, 1))
    assert "upgrade the broker" in str(wrong_version(2, 1))


# -- lines -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        b'{"n":7,"text":8}',
        b'{"n":7,"kind":"delete","re":-1}',
        b'{"n":7,"text":"x","kind":"sing"}',
        b'{"n":7,"text":"x","room":["a"]}',
        b'{"n":7,"text":"x","room":"' + b"x" * 257 + b'"}',
    ],
)
def test_a_line_with_a_number_and_nothing_else_right_is_a_bad_one(line: bytes) -> None:
    before, bad, behind = decode_lines(b'{"n":6,"text":"a"}\n' + line + b'\n{"n":8,"text":"b"}')
    assert (before, behind) == (Line(n=6, text="a"), Line(n=8, text="b"))
    assert isinstance(bad, BadLine)
    assert (bad.n, bad.error.code) == (7, "bad_message")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "bad_json"),
        (b"7", "bad_json"),
        (b"[1]", "bad_json"),
        (b'{"text":"x"}', "bad_json"),
        (b'{"n":"7"}', "bad_message"),
        (b'{"n":0}', "bad_message"),
        (b'{"n":true}', "bad_message"),
        (b'{"n":7.5}', "bad_message"),
        (b'{"n":9007199254740993}', "bad_message"),
        (b'{"n":1,"text":"x"}\n{', "bad_json"),
    ],
)
def test_a_line_without_a_number_spoils_its_frame(body: bytes, code: str) -> None:
    with pytest.raises(ProtocolViolation) as caught:
        decode_lines(body)
    assert caught.value.code == code


def test_a_frame_without_lines_is_a_sign_of_life() -> None:
    assert decode_lines(b"") == decode_lines(b"\n \n") == []


# -- texts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["a", "ü" * 4, "two\nlines\tand a tab", "👩‍👩‍👧", "\u202e", " "])
def test_what_people_write_may_be_said(text: str) -> None:
    assert text_fault(text, 100) is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty_text"), ("\x00", "bad_text"), ("a\x1b[31m", "bad_text"), ("a\rb", "bad_text"),
        ("\x7f", "bad_text"), ("\x9b2J", "bad_text"), ("x" * 101, "too_long"),
        ("ü" * 51, "too_long"),
        ("a\udcff", "bad_text"), ("\udcff" * 101, "too_long"),
        ("👩" * 26, "too_long"), ("\x00" * 101, "too_long"),
    ],
)  # fmt: skip
def test_what_may_not_be_said(text: str, code: str) -> None:
    error = text_fault(text, 100)
    assert error is not None
    assert error.code == code


@given(WORDS, st.integers(1, 60))
def test_the_limit_is_in_bytes_of_utf_8(text: str, most: int) -> None:
    error = text_fault(text, most)
    assert (error is not None and error.code == "too_long") == (len(text.encode()) > most)


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=5))
def test_control_characters_are_refused_and_nothing_else(text: str) -> None:
    bad = any((c < " " and c not in "\n\t") or "\x7f" <= c <= "\x9f" for c in text)
    assert (text_fault(text, 100) is not None) == bad


@pytest.mark.parametrize("number", [-2, 2**53 + 1, 10**400])
def test_numbers_of_a_broker_fit_in_53_bits(number: int) -> None:
    """Else they go where none fits: `after_ms` was divided, and no float holds it."""
    for body in (f'{{"kind":"slow","after_ms":{number}}}', f'{{"kind":"resend","from":{number}}}'):
        with pytest.raises(ProtocolViolation):
            decode_notice(body.encode())
    for field in ("seq", "prev", "n"):
        with pytest.raises(ProtocolViolation):
            decode_event(f'{{"kind":"say","{field}":{number}}}'.encode())
    pong = f'{{"id":1,"ok":true,"accepted":{number},"heads":{{}},"inbox":0}}'
    with pytest.raises(ProtocolViolation):
        decode_answer(pong.encode(), answers.Pong)
