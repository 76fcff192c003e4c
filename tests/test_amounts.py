"""Spans and sizes: one way to write them, wherever they are typed."""

from __future__ import annotations

import pytest

from chatlib.amounts import MOST_SECONDS, quoted, size, span
from chatlib.errors import Misuse


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90), ("5m", 300), ("1h30m", 5_400), ("2d", 172_800), ("1w", 604_800), ("0s", 0),
        ("1.5h", 5_400), ("0.25s", 0.25), ("10000w", MOST_SECONDS),
    ],
)  # fmt: skip
def test_a_span(text: str, seconds: float) -> None:
    assert span(text) == span(text, bare=True) == seconds


def test_a_span_without_a_unit() -> None:
    assert (span("90", bare=True), span("2.5", bare=True)) == (90, 2.5)
    with pytest.raises(Misuse, match="'90' is no time: write 90s"):
        span("90")


@pytest.mark.parametrize(
    "text",
    ["", "m", "soon", "5 m", "-5m", "5x", "5M", ".5h", "5.h", "1h30", "1e3", "nan", "٥m", "5m\n"],
)
def test_no_span(text: str) -> None:
    for bare in (False, True):
        with pytest.raises(Misuse, match="is no time: write"):
            span(text, bare=bare)


@pytest.mark.parametrize("text", ["10001w", "9999w366d", "999999999999w", "99999999999"])
def test_a_span_that_no_clock_can_reckon_with(text: str) -> None:
    with pytest.raises(Misuse, match="10000w is the longest"):
        span(text, bare=True)


@pytest.mark.parametrize(
    ("text", "amount"),
    [("0", 0), ("20", 20), ("1.5", 1.5), ("500K", 512_000), ("10M", 10 << 20), ("1.5G", 3 << 29)],
)
def test_a_size(text: str, amount: float) -> None:
    assert size(text) == amount


@pytest.mark.parametrize("text", ["", "K", "10k", "10MB", "-1", "1e9", "1 M", "1.5.5", "٥", "5\n"])
def test_no_size(text: str) -> None:
    with pytest.raises(Misuse, match="is no size: write 500K"):
        size(text)


def test_what_was_typed_is_never_longer_than_a_line() -> None:
    assert quoted("a\nb") == r"'a\nb'"
    assert quoted("9" * 8_000) == repr("9" * 60 + "…")
