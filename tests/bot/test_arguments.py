"""What was typed becomes arguments, or an error that names the one that does not fit."""

from __future__ import annotations

import enum
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, Optional

import pytest

from chatlib.bot.arguments import BadArguments, duration, parameters, parse, split
from chatlib.errors import Misuse


class Colour(enum.Enum):
    RED = "#f00"
    DARK_BLUE = "#008"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("  a  b\tc\nd ", ["a", "b", "c", "d"]),
        ('say "two words" now', ["say", "two words", "now"]),
        (r'"a \"b\" \\ c"', [r'a "b" \ c']),
        ("don't", ["don't"]),
        ('a 5" disk', ["a", '5"', "disk"]),
        ('an "open end', ["an", '"open', "end"]),
        ('""', [""]),
        ('"a"b', ['"a"b']),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert split(text) == words


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("5m", 300), ("1h30m", 5_400), ("2d", 172_800), ("1w", 604_800), ("1.5h", 5_400)],
)
def test_durations(text: str, seconds: int) -> None:
    assert duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", "5", "m", "5 m", "-5m", "0s", "5x", "1.5.h", "٥m", "999999999w"]
)
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="is no time"):
        duration(text)


def plain(ctx: object, word, count: int, share: float, yes: bool) -> None: ...  # type: ignore[no-untyped-def]
def choices(
    ctx: object, stage: Literal["staging", "live", 3], colour: Colour = Colour.RED
) -> None: ...
def optional(ctx: object, count: int | None = None, who: Optional[str] = None) -> None: ...  # noqa: UP045
def either(ctx: object, when: timedelta | int | Literal["now"]) -> None: ...
def rest(ctx: object, when: timedelta, *what: int) -> None: ...
def path(ctx: object, file: Path = Path(".")) -> None: ...


@pytest.mark.parametrize(
    ("handler", "text", "values"),
    [
        (plain, "a 3 0.5 yes", ["a", 3, 0.5, True]),
        (plain, '"a b" -3 1e3 OFF', ["a b", -3, 1000.0, False]),
        (choices, "live", ["live"]),
        (choices, "3 dark_blue", [3, Colour.DARK_BLUE]),
        (choices, "LIVE Red", ["live", Colour.RED]),
        (optional, "", []),
        (optional, "4 ann", [4, "ann"]),
        (either, "5m", [timedelta(minutes=5)]),
        (either, "5", [5]),
        (either, "now", ["now"]),
        (rest, "1h", [timedelta(hours=1)]),
        (rest, "1h 1 2 3", [timedelta(hours=1), 1, 2, 3]),
        (path, "a/b", [Path("a/b")]),
    ],
)
def test_values(handler: Callable[..., Any], text: str, values: list[Any]) -> None:
    assert parse(parameters(handler), text) == values


@pytest.mark.parametrize(
    ("handler", "text", "fault"),
    [
        (plain, "a", "count is missing"),
        (plain, "a b 1 yes", "count: 'b' is no whole number"),
        (plain, "a 1 b yes", "share: 'b' is no number"),
        (plain, "a 1 nan yes", "share: 'nan' is no number"),
        (plain, "a 1 -inf yes", "share: '-inf' is no number"),
        (plain, f"a {'9' * 8_000}", f"count: '{'9' * 60}…' is no whole number"),
        (plain, "a 1 1 maybe", "yes: 'maybe' is neither yes nor no"),
        (plain, "a 1 1 yes more", "there is no place for 'more'"),
        (choices, "moon", "stage: 'moon' is none of staging, live, 3"),
        (choices, "live green", "colour: 'green' is none of red, dark_blue"),
        (either, "soon", "is no time: .* is no whole number; .* is none of now"),
        (rest, "1h 1 b", "what: 'b' is no whole number"),
    ],
)
def test_faults(handler: Callable[..., Any], text: str, fault: str) -> None:
    with pytest.raises(BadArguments, match=fault):
        parse(parameters(handler), text)


@pytest.mark.parametrize(
    ("handler", "shown"),
    [
        (plain, ["WORD", "COUNT", "SHARE", "YES"]),
        (choices, ["staging|live|3", "[red|dark_blue]"]),
        (optional, ["[COUNT]", "[WHO]"]),
        (either, ["WHEN"]),
        (rest, ["WHEN", "[WHAT ...]"]),
    ],
)
def test_usage(handler: Callable[..., Any], shown: list[str]) -> None:
    assert [p.shown for p in parameters(handler)] == shown


def test_types_of_the_place_where_a_command_is_defined() -> None:
    class Stage(enum.Enum):
        LIVE = 1

    def deploy(ctx: NotImportedHere, stage: Stage) -> None:  # type: ignore[name-defined]  # noqa: F821
        assert Stage

    assert parse(parameters(deploy), "live") == [Stage.LIVE]


def test_a_method_is_a_handler_like_any_other() -> None:
    class Deployer:
        def deploy(self, ctx: object, count: int) -> None: ...

    assert parse(parameters(Deployer().deploy), "3") == [3]


def test_what_nobody_can_type_is_refused_when_it_is_defined() -> None:
    def by_keyword(ctx: object, *, force: bool) -> None: ...
    def of_a_list(ctx: object, names: list[str]) -> None: ...
    def unknown(ctx: object, stage: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    for handler, fault in (
        (by_keyword, "no keyword parameters"),
        (of_a_list, "nothing typed becomes names"),
        (unknown, "Nowhere"),
    ):
        with pytest.raises(Misuse, match=fault):
            parameters(handler)


def test_a_handler_takes_a_context_first() -> None:
    def nothing() -> None: ...

    with pytest.raises(Misuse, match="takes no context"):
        parameters(nothing)
