"""Spans of time and sizes, as people write them: `90s`, `1h30m`, `2.5d`; `500K`, `10M`, `1.5G`."""

from __future__ import annotations

import re

from chatlib.errors import Misuse

SECONDS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
BYTES = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}
MOST_SECONDS = 10_000 * SECONDS["w"]  # 190 years: what calendars and clocks can reckon with
MOST_SHOWN = 60  # characters of what was typed, in an answer

_number = r"[0-9]{1,12}(?:\.[0-9]{1,9})?"
_part = re.compile(rf"({_number})([wdhms])")
_span = re.compile(rf"(?:{_number}[wdhms])+|({_number})")
_size = re.compile(rf"({_number})([KMG]?)")


def span(text: str, *, bare: bool = False) -> float:
    """Return the seconds that `5m`, `1h30m` or `1.5d` means; with `bare`, `90` is 90 seconds.

    Raises Misuse for what is no span or is longer than MOST_SECONDS. Nothing at all, `0s`, is one.
    """
    found = _span.fullmatch(text)
    if found is None or (found[1] and not bare):
        advice = "write 2.5, 90s, 10m, 1h30m or 2d" if bare else "write 90s, 10m, 1h30m or 2d"
        raise Misuse(f"{quoted(text)} is no time: {advice}")
    seconds = float(found[1] or sum(float(n) * SECONDS[unit] for n, unit in _part.findall(text)))
    if seconds > MOST_SECONDS:
        raise Misuse(f"{quoted(text)} is no time that can be waited for: 10000w is the longest")
    return seconds


def size(text: str) -> float:
    """Return how much `10M` is: K, M and G are powers of 1024. Raises Misuse."""
    if (found := _size.fullmatch(text)) is None:
        raise Misuse(f"{quoted(text)} is no size: write 500K, 10M or 1.5G")
    return float(found[1]) * BYTES[found[2]]


def quoted(text: str) -> str:
    """Return what somebody typed, for an answer: in quotes, and no longer than a line."""
    return repr(text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + "…")
