"""Nothing that a terminal would obey gets through; what people write does."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatlib.sanitize import sanitize

ANYTHING = st.text(st.characters(codec=None, categories=None), max_size=200)


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred", "␛[31mred"),
        ("\x1b]0;owned\x07", "␛]0;owned␇"),
        ("\x9b2J", "<9B>2J"),
        ("a\x7fb", "a␡b"),
        ("one\r\ntwo", "one␍␊two"),
        ("abc\u202ecod.exe", "abccod.exe"),
        ("\u2066hidden\u2069", "hidden"),
        ("line\u2028break", "line break"),
        ("tag\U000e0041\U000e0042", "tag"),
        ("lone \ud800 half", "lone � half"),
        ("zero\u200bwidth", "zerowidth"),
    ],
)
def test_hostile_text_becomes_visible_or_goes(hostile: str, shown: str) -> None:
    assert sanitize(hostile) == shown


@pytest.mark.parametrize(
    "ordinary",
    [
        "plain",
        "naïve e\u0301te\u0301",
        "Ёжик",
        "שלום",
        "مرحبا",
        "日本語",
        "👩‍👩‍👧",
        "🏳️‍🌈",
        "한글",
        "tab-less",
    ],
)
def test_ordinary_text_of_all_scripts_stays(ordinary: str) -> None:
    assert sanitize(ordinary) == ordinary


def test_lines_are_kept_where_the_caller_wants_them() -> None:
    assert sanitize("one\ntwo\tthree\r", lines=True) == "one\ntwo    three␍"


def test_stacked_marks_are_cut_and_accents_are_not() -> None:
    assert sanitize("e" + "\u0301" * 40) == "e" + "\u0301" * 4
    assert sanitize("a\u0323\u0302") == "a\u0323\u0302"


@given(ANYTHING, st.booleans())
def test_no_control_or_bidi_character_ever_comes_out(text: str, lines: bool) -> None:
    for character in sanitize(text, lines=lines):
        if lines and character == "\n":
            continue
        assert unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp")
        assert unicodedata.bidirectional(character) not in (
            "RLO", "LRO", "RLE", "LRE", "PDF", "RLI", "LRI", "FSI", "PDI",
        )  # fmt: skip


@given(ANYTHING)
def test_what_was_sanitized_stays_as_it_is(text: str) -> None:
    once = sanitize(text, lines=True)
    assert sanitize(once, lines=True) == once
