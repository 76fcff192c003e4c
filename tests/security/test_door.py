"""Every request gets an answer, and no fault lets anybody in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zmq.utils import z85

from chatlib.security.door import Knock, Verdict, answer, as_its_key, read_knock

RAW = bytes(range(32))
KEY = z85.encode(RAW)
WHOLE = [b"1.0", b"7", b"feed", b"127.0.0.1", b"", b"CURVE", RAW]


def test_who_knocks() -> None:
    assert read_knock(WHOLE) == Knock("feed", "127.0.0.1", "CURVE", KEY)


def test_admitted_under_its_key() -> None:
    assert answer(WHOLE, as_its_key) == ([b"1.0", b"7", b"200", b"admitted", KEY, b""], "")


def test_refused_with_the_reason() -> None:
    reply, fault = answer(WHOLE, lambda knock: Verdict(None, f"not in {knock.domain}"))
    assert reply == [b"1.0", b"7", b"400", b"not in feed", b"", b""]
    assert fault == "not in feed"


def with_frame(at: int, frame: bytes) -> list[bytes]:
    return [*WHOLE[:at], frame, *WHOLE[at + 1 :]]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ([], b"500"), (WHOLE[:1], b"500"), (WHOLE[:5], b"500"), (WHOLE[:6], b"500"),
        ([*WHOLE, b""], b"500"), (with_frame(0, b"2.0"), b"500"), (with_frame(2, b"\xff"), b"500"),
        (with_frame(3, b"\xff"), b"500"), (with_frame(6, RAW[:31]), b"500"),
        (with_frame(5, b"NULL")[:6], b"400"), (with_frame(5, b"PLAIN"), b"400"),
    ],
)  # fmt: skip
def test_a_request_that_is_none_is_answered_and_not_decided(
    request_: list[bytes], status: bytes
) -> None:
    def never(knock: Knock) -> Verdict:
        raise AssertionError(f"asked about {knock}")

    reply, fault = answer(request_, never)
    assert reply[2] == status and fault != "the decision failed"
    assert reply[1] == (request_[1] if len(request_) > 1 else b"")


@pytest.mark.parametrize("user_id", [b"", b"x" * 256, b"\xff", 7, "text"])
def test_a_verdict_that_is_none_lets_nobody_in(user_id: bytes) -> None:
    reply, fault = answer(WHOLE, lambda _: Verdict(user_id))
    assert reply[2] == b"500" and fault


def test_a_decision_that_fails_lets_nobody_in() -> None:
    def fails(knock: Knock) -> Verdict:
        raise KeyError(knock)

    assert answer(WHOLE, fails)[0][2] == b"500"


def test_who_is_refused_for_the_moment_is_told_another_status() -> None:
    reply, reason = answer(WHOLE, lambda knock: Verdict(None, "too many", later=True))
    assert (reply[2], reply[4], reason) == (b"500", b"", "too many")
    assert answer(WHOLE, lambda knock: Verdict(None, "banned"))[0][2] == b"400"


@given(st.lists(st.binary(max_size=40) | st.sampled_from(WHOLE), max_size=9))
def test_whatever_is_asked_there_is_an_answer(request_: list[bytes]) -> None:
    reply, _ = answer(request_, as_its_key)
    assert len(reply) == 6 and reply[0] == b"1.0"
    if reply[2] == b"200":
        assert len(request_) == 7 and reply[4] == z85.encode(request_[6])
