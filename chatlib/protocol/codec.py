"""Bytes to messages and back. Never raises anything but ProtocolViolation on what a peer sent."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

from chatlib.errors import Misuse, ProtocolViolation
from chatlib.protocol.events import BadLine, Event, Line, Notice
from chatlib.protocol.fields import Error
from chatlib.protocol.limits import CONTROL_FRAME_BYTES, WIRE_VERSION
from chatlib.protocol.requests import AnyRequest, Request

T = TypeVar("T")

_encoder = msgspec.json.Encoder()
encode = _encoder.encode
"""Encode one message as one line of JSON without its newline."""

_requests: msgspec.json.Decoder[Any] = msgspec.json.Decoder(AnyRequest)
_lines = msgspec.json.Decoder(Line)
_events = msgspec.json.Decoder(Event)
_notices = msgspec.json.Decoder(Notice)
_any = msgspec.json.Decoder()

# Control characters but newline and tab; the C1 block too, which some terminals obey.
_control_characters = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_surrogates = re.compile("[\ud800-\udfff]")  # bytes of a pipe or a terminal that were no UTF-8


class Head(msgspec.Struct, kw_only=True):
    """What tells an answer (`ok`) from a delivery (`kind`), before the rest is read."""

    id: Any = None
    ok: bool | None = None
    kind: str | None = None
    error: Error | None = None


_heads = msgspec.json.Decoder(Head)


def decode_request(frame: bytes) -> Any:
    """Return the request in `frame`, one of AnyRequest.

    Raises ProtocolViolation: bad_json, bad_request, unknown_op, wrong_version, too_big.
    """
    if len(frame) > CONTROL_FRAME_BYTES:
        raise ProtocolViolation("too_big", f"a request has at most {CONTROL_FRAME_BYTES} bytes")
    try:
        return _requests.decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise _request_fault(frame, e) from None


def _request_fault(frame: bytes, fault: Exception) -> ProtocolViolation:
    try:
        whole = _any.decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ProtocolViolation("bad_json", f"a request is one JSON object: {fault}")
    if not isinstance(whole, dict):
        return ProtocolViolation("bad_request", "a request is a JSON object with an 'op'")
    id = whole.get("id")
    id = id if _is_id(id) else None
    op = whole.get("op")
    if op == "hello" and isinstance(whole.get("v"), int) and whole["v"] != WIRE_VERSION:
        return wrong_version(whole["v"], id)
    if "`$.op`" in str(fault) or not isinstance(op, str):
        return ProtocolViolation(
            "unknown_op", f"there is no op {str(op)[:40]!r} in wire version 1", id
        )
    return ProtocolViolation("bad_request", f"{op}: {fault}", id)


def _is_id(id: Any) -> bool:
    if isinstance(id, str):
        return len(id) <= 64
    return isinstance(id, int) and not isinstance(id, bool) and abs(id) <= 2**53


def wrong_version(theirs: int, id: int | str | None) -> ProtocolViolation:
    """Return the error for a `hello` of another wire version: says which side is older."""
    older = "client" if theirs < WIRE_VERSION else "broker"
    text = (
        f"the client speaks wire version {theirs}, this broker {WIRE_VERSION}: upgrade the {older}"
    )
    return ProtocolViolation("wrong_version", text, id)


def decode_lines(body: bytes) -> list[Line | BadLine]:
    """Return the lines of an intake frame, in order.

    A line whose `n` can be read but nothing else becomes a BadLine, so that it can be used up and
    refused. Raises ProtocolViolation (bad_json) when not even `n` can be read.
    """
    try:
        return _lines.decode_lines(body)  # type: ignore[return-value]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return [_one_line(line) for line in body.split(b"\n") if line.strip()]


def _one_line(line: bytes) -> Line | BadLine:
    try:
        return _lines.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        fault = str(e)
    try:
        n = _any.decode(line)["n"]
    except (
        msgspec.DecodeError,
        UnicodeDecodeError,
        RecursionError,
        KeyError,
        TypeError,
        IndexError,
    ):
        raise ProtocolViolation(
            "bad_json", f"intake takes JSON lines with an 'n': {fault}"
        ) from None
    if not isinstance(n, int) or isinstance(n, bool) or not 1 <= n <= 2**53:
        raise ProtocolViolation("bad_message", f"'n' is a whole number from 1: {fault}")
    return BadLine(n, Error("bad_message", fault))


def decode_events(body: bytes) -> list[Event]:
    """Return the events and markers of a feed message. Raises ProtocolViolation (bad_json)."""
    events: list[Event] = _decode(_events.decode_lines, body)
    return events


def decode_event(line: bytes | msgspec.Raw) -> Event:
    """Return the one event of a stored line. Raises ProtocolViolation (bad_json)."""
    event: Event = _decode(_events.decode, line)
    return event


def blank(line: bytes) -> bytes:
    """Return a stored line without its text, marked as deleted; all else stays as it is."""
    return encode({**_any.decode(line), "text": "", "deleted": True})


def undeleted(line: bytes) -> bytes:
    """Return a stored line as it was, marked as deleted: what its room's moderators may read."""
    return encode({**_any.decode(line), "deleted": True})


def decode_head(frame: bytes) -> Head:
    """Return what tells answers from deliveries. Raises ProtocolViolation (bad_json)."""
    head: Head = _decode(_heads.decode, frame)
    return head


def decode_notice(frame: bytes) -> Notice:
    """Return a notice. Raises ProtocolViolation (bad_json)."""
    notice: Notice = _decode(_notices.decode, frame)
    return notice


def decode_answer(frame: bytes, kind: type[T]) -> T:
    """Return the answer in `frame` as `kind`. Raises ProtocolViolation (bad_json)."""
    answer: T = _decode(lambda raw: msgspec.json.decode(raw, type=kind), frame)
    return answer


def _decode(decoder: Any, raw: Any) -> Any:
    try:
        return decoder(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise ProtocolViolation(
            "bad_json", f"the broker sent what is not in wire version 1: {e}"
        ) from None


def encode_request(request: Request) -> bytes:
    """Return a request as one line of JSON. Raises Misuse for what is no UTF-8."""
    try:
        return encode(request)
    except UnicodeEncodeError as e:
        raise Misuse(f"{e.object!a} can't be sent: {e.object[e.start]!a} is no UTF-8") from None


def text_fault(text: str, most: int) -> Error | None:
    """Return why `text` may not be sent, or None. `most` is in bytes of UTF-8.

    Control characters other than newline and tab are refused, not removed: nothing that its
    sender did not write is ever stored.
    """
    if len(text) * 4 > most and (size := len(text.encode("utf-8", "surrogatepass"))) > most:
        return Error("too_long", f"a text has at most {most} bytes, this one has {size}")
    if text.isprintable():  # in C, and true of nearly everything
        return None if text else Error("empty_text", "there is no text")
    if found := _control_characters.search(text):
        return Error(
            "bad_text",
            f"control character {found[0]!a} at {found.start()}: only newline and tab may stand",
        )
    if found := _surrogates.search(text):
        return Error("bad_text", f"what stands at {found.start()} is no UTF-8: {found[0]!a}")
    return None
