"""Bytes as a sequence of doings: chunks with FF between them, which no UTF-8 has.

A chunk's first byte says what happens, the others with what. What means nothing is skipped: so a
fuzzer can cut, copy and swap chunks, and what it keeps can nearly be read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, get_args

import msgspec

from chatlib.protocol import requests
from tests.simulation.stranger import ODD, USUAL

MOST_CHUNKS = 80
KINDS = sorted(get_args(requests.AnyRequest), key=lambda kind: kind.__struct_config__.tag)
VALUES: dict[str, Sequence[Any]] = {
    **USUAL,
    "session": ("t1", "t2", "t3", "made-up"),
    "words": ("fox", '"two words"', "fo*", "!?", ""),
    "from": ("m1", "eve", "a b"),
    "since": ("2026-11-01T00:00:00Z", "yesterday"),
    "seq": (0, 1, 5, 2**53),
    "below": (1, 5, 2**53),
    "to": ("m0", "m1", "eve", "M0", "nobody"),
}
MUST = {"v": 1, "room": "lobby"}  # fields that a request has unless something else is said

TIMES = ("2026-11-21T06:13:24.581Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59")
EDGES = (*(one for values in VALUES.values() for one in values), *ODD, *TIMES, 2, 7, 10_000, 65_536)


def chunks(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield what happens, and with what."""
    for chunk in data.split(b"\xff", MOST_CHUNKS)[:MOST_CHUNKS]:
        if chunk:
            yield chr(chunk[0]), chunk[1:]


def pick(options: Sequence[Any], byte: int) -> Any:
    """Return the option that a byte stands for."""
    return options[byte % len(options)]


def value(field: str, byte: int) -> Any:
    """Return a value for a field: a usual one, or an odd one."""
    return pick((*VALUES.get(field, ()), *ODD), byte)


def request(id: int | str, recipe: bytes) -> bytes:
    """Make a request: a byte for its op, then one for each field that it has, and its value."""
    kind = pick(KINDS, recipe[0]) if recipe else requests.Ping
    names = [field.encode_name for field in msgspec.structs.fields(kind)]
    asked = {"op": kind.__struct_config__.tag, "id": id}
    asked |= {name: MUST[name] for name in names if name in MUST}
    if kind in (requests.Hello, requests.Nick):
        asked["nick"] = "m0"
    for name, byte in zip(recipe[1::2], recipe[2::2], strict=False):
        asked[pick(names, name)] = value(pick(names, name), byte)
    return dumped(asked)


def lines(recipe: bytes) -> bytes:
    """Make lines: three bytes each, for the number, whom it is for, and the text."""
    made = []
    for n, place, text in zip(recipe[::3], recipe[1::3], recipe[2::3], strict=False):
        field = pick(("room", "room", "to"), place)
        made.append({"n": n, field: value(field, place // 3), "text": value("text", text)})
    return b"\n".join(map(dumped, made))


def dumped(made: Any) -> bytes:
    """Return JSON, also of what no UTF-8 has (lone surrogates)."""
    return json.dumps(made).encode()


def readable(frame: bytes, most: int, otherwise: Any = None) -> Any:
    """Return what a frame says to whoever reads all of it; `otherwise` where nobody can."""
    if len(frame) > most:
        return otherwise
    try:
        return msgspec.json.decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return otherwise


def play(data: bytes, acts: dict[str, Callable[[bytes], None]]) -> None:
    """Do what the chunks say."""
    for what, rest in chunks(data):
        if what in acts:
            acts[what](rest)
