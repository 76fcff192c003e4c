"""Nicknames that can be taken for each other have a skeleton in common."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatlib.errors import BadName
from chatlib.names import nick_key
from chatlib.skeleton import skeleton, skeletons
from tests.support import ROOT


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("paypal", "раураl"),  # Cyrillic
        ("PayPal", "рауpal"),
        ("ann", "аnn"),
        ("ANN", "АNN"),
        ("omar", "οmar"),  # Greek
        ("ΑΝΝ", "ann"),
        ("paypal", "paypaI"),  # a capital I
        ("paypal", "paypa1"),
        ("Ian", "lan"),
        ("modem", "rnodem"),
        ("Modem", "rnodern"),
        ("bob", "b0b"),
        ("BOB", "b0B"),
        ("vv", "ν" * 2),
        ("zoë", "zoe\u0308"),
        ("o\u0338", "ø"),
        ("j", "ϳ"),
        ("ann-b", "ann\u2010b"),
        ("𝓪nn", "ann"),
        ("zoë", "zоё"),  # Cyrillic
    ],
)
def test_look_alikes(one: str, other: str) -> None:
    assert skeletons(one) & skeletons(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ann", "anna"), ("ann", "bob"), ("mail", "mall"), ("kai", "kal"), ("zoe", "zoë"),
        ("анна", "anna"), ("ola", "cla"), ("ann2", "ann3"), ("日本", "日木"), ("eve", "eva"),
    ],
)  # fmt: skip
def test_what_can_be_told_apart(one: str, other: str) -> None:
    assert not skeletons(one) & skeletons(other)


@given(st.text(max_size=32))
def test_one_nickname_written_in_two_ways_looks_like_itself(text: str) -> None:
    try:
        key = nick_key(text)
    except BadName:
        return
    assert skeletons(text) & skeletons(key)
    assert skeleton(skeleton(key)) == skeleton(key)


def test_compatible_forms_have_one_skeleton() -> None:
    assert skeleton("𝓟𝓪𝔂") == skeleton("Pay") == "pay"


def test_what_is_no_nickname_has_none() -> None:
    with pytest.raises(BadName):
        skeletons("a b")


def test_the_table_is_read_when_it_is_needed() -> None:
    code = (
        "import chatlib.skeleton as s; n = s._prototypes.cache_info().currsize; "
        "s.skeleton('ann'); print(n, s._prototypes.cache_info().currsize, len(s._prototypes()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    before, after, size = map(int, done.stdout.split())
    assert (before, after) == (0, 1) and size > 2_000
