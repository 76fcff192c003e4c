"""What somebody typed behind a command becomes the arguments of a function, by its type hints."""

from __future__ import annotations

import inspect
import math
import re
import types
import typing
from collections.abc import Callable, Sequence
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Union

from msgspec import Struct

from chatlib.amounts import quoted, span
from chatlib.errors import Misuse

TRUE, FALSE = ("yes", "true", "on", "1"), ("no", "false", "off", "0")

_word = re.compile(r'"((?:[^"\\]|\\.)*)"(?=\s|$)|(\S+)')
_escaped = re.compile(r"\\(.)")


class BadArguments(Misuse):
    """What was typed does not fit the command; says which argument and why."""


def split(text: str) -> list[str]:
    """Return the words of `text`; `"two words"` is one, in which a backslash quotes the next.

    A quotation mark without its other half is a character like any other: this is a chat.
    """
    return [
        word or _escaped.sub(r"\1", quoted)
        for quoted, word in (match.groups(default="") for match in _word.finditer(text))
    ]


def duration(text: str) -> timedelta:
    """Return the time that `5m`, `1h30m` or `2d` means, longer than nothing. Raises ValueError."""
    found = timedelta(seconds=span(text))
    if not found:
        raise ValueError(f"{quoted(text)} is no time at all")
    return found


class Parameter(Struct):
    """One parameter of a handler: how it is shown, and what makes a value of a word."""

    name: str
    shown: str
    convert: Callable[[str], Any]
    optional: bool
    rest: bool


def parameters(handler: Callable[..., Any]) -> list[Parameter]:
    """Return what follows the context in a handler's signature.

    Raises Misuse for hints that nothing typed can become, and for parameters by keyword alone.
    """
    given = list(inspect.signature(handler).parameters.values())
    if not given:
        raise Misuse(f"{_name(handler)} takes no context: that is the first argument of a command")
    wanted = given[1:]
    if any(p.kind in (p.KEYWORD_ONLY, p.VAR_KEYWORD) for p in wanted):
        raise Misuse(f"{_name(handler)}: arguments are typed in order: no keyword parameters")
    hints = _hints(handler, [p.name for p in wanted])
    return [_parameter(handler, p, hints.get(p.name, str)) for p in wanted]


def _name(handler: Callable[..., Any]) -> str:
    return getattr(handler, "__qualname__", repr(handler))


class _Hinted:
    """Something with annotations, for typing.get_type_hints: only those that are asked for."""

    def __init__(self, annotations: dict[str, Any]) -> None:
        self.__annotations__ = annotations


def _hints(handler: Callable[..., Any], names: Sequence[str]) -> dict[str, Any]:
    given = inspect.get_annotations(handler)
    names_in_sight = inspect.getclosurevars(handler).nonlocals if _is_plain(handler) else {}
    wanted = _Hinted({name: given[name] for name in names if name in given})
    try:
        return typing.get_type_hints(wanted, getattr(handler, "__globals__", {}), names_in_sight)
    except NameError as e:
        raise Misuse(
            f"{_name(handler)}: {e}: a type in a hint must be known when the command is defined"
        ) from None


def _is_plain(handler: Callable[..., Any]) -> bool:
    return inspect.isfunction(handler) or inspect.ismethod(handler)


def _parameter(handler: Callable[..., Any], p: inspect.Parameter, hint: Any) -> Parameter:
    try:
        convert, choices = _converter(hint)
    except TypeError as e:
        raise Misuse(f"{_name(handler)}: nothing typed becomes {p.name}: {e}") from None
    rest = p.kind is p.VAR_POSITIONAL
    optional = rest or p.default is not p.empty
    typed = (choices or p.name.upper()) + (" ..." if rest else "")
    return Parameter(p.name, f"[{typed}]" if optional else typed, convert, optional, rest)


def _converter(hint: Any) -> tuple[Callable[[str], Any], str]:
    """Return what converts a word, and the words there are to choose from. Raises TypeError."""
    plain: dict[Any, Callable[[str], Any]] = {
        str: str, Any: str, int: _whole, float: _number, bool: _yes, timedelta: duration,
        Path: Path,
    }  # fmt: skip
    if hint in plain:
        return plain[hint], ""
    origin = typing.get_origin(hint)
    if origin is Literal:
        chosen = {str(value): value for value in typing.get_args(hint)}
        return lambda word: _choice(word, chosen), "|".join(chosen)
    if isinstance(hint, type) and issubclass(hint, Enum):
        chosen = {member.name.lower(): member for member in hint}
        return lambda word: _choice(word, chosen), "|".join(chosen)
    if origin in (Union, types.UnionType):
        kinds = [_converter(kind) for kind in typing.get_args(hint) if kind is not type(None)]
        converters, choices = [convert for convert, _ in kinds], [words for _, words in kinds]
        return lambda word: _any(word, converters), "|".join(choices) if all(choices) else ""
    raise TypeError(
        f"{hint!r} is none of str, int, float, bool, Path, timedelta, Literal, Enum, or a union"
    )


def _whole(word: str) -> int:
    try:
        return int(word)
    except ValueError:
        raise ValueError(f"{quoted(word)} is no whole number") from None


def _number(word: str) -> float:
    try:
        number = float(word)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{quoted(word)} is no number")
    return number


def _yes(word: str) -> bool:
    if word.lower() in TRUE + FALSE:
        return word.lower() in TRUE
    raise ValueError(f"{quoted(word)} is neither yes nor no")


def _choice(word: str, chosen: dict[str, Any]) -> Any:
    for name in (word, word.lower()):
        if name in chosen:
            return chosen[name]
    raise ValueError(f"{quoted(word)} is none of {', '.join(chosen)}")


def _any(word: str, converters: Sequence[Callable[[str], Any]]) -> Any:
    faults = []
    for convert in converters:
        try:
            return convert(word)
        except ValueError as e:
            faults.append(str(e))
    raise ValueError("; ".join(faults))


def parse(wanted: Sequence[Parameter], text: str) -> list[Any]:
    """Return the values of the parameters, of what was typed. Raises BadArguments."""
    words = split(text)
    values: list[Any] = []
    for parameter in wanted:
        taken, words = (words, []) if parameter.rest else (words[:1], words[1:])
        if not taken and not parameter.optional:
            raise BadArguments(f"{parameter.name} is missing")
        values += [_value(parameter, word) for word in taken]
    if words:
        raise BadArguments(f'there is no place for {quoted(words[0])} (quote several words: "a b")')
    return values


def _value(parameter: Parameter, word: str) -> Any:
    try:
        return parameter.convert(word)
    except ValueError as e:
        raise BadArguments(f"{parameter.name}: {e}") from None
