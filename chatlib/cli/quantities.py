"""What options take that are spans of time or sizes; what is wrong is told in argparse's way."""

from __future__ import annotations

import argparse
from collections.abc import Callable


def seconds(least: float, most: float, what: str) -> Callable[[str], float]:
    """Return what reads `2.5`, `30s` or `1m` where `what` lasts `least` to `most` seconds."""

    def read(text: str) -> float:
        given = span(text)
        if not least <= given <= most:
            raise argparse.ArgumentTypeError(f"{what} lasts {least:g} to {most:g} seconds")
        return given

    return read


def span(text: str) -> float:
    """Return the seconds that `2.5`, `30s` or `1h30m` means. Raises ArgumentTypeError."""
    from chatlib import amounts

    return _told(lambda: amounts.span(text, bare=True))


def lifetime(text: str) -> int:
    """Return the whole seconds that `30m` or `7d` means: a unit is needed, hours are usual."""
    from chatlib import amounts
    from chatlib.protocol.limits import LONGEST_DAYS, LONGEST_S

    found = round(_told(lambda: amounts.span(text)))
    if not 1 <= found <= LONGEST_S:
        raise argparse.ArgumentTypeError(f"a link is good for 1s to {LONGEST_DAYS}d, not {text!r}")
    return found


def amount(text: str) -> float:
    """Return how much `2.5`, `500K` or `10M` is. Raises ArgumentTypeError."""
    from chatlib import amounts

    return _told(lambda: amounts.size(text))


def size(text: str) -> int:
    """Return the bytes that `500K` or `10M` means, one at least. Raises ArgumentTypeError."""
    found = int(amount(text))
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no size: it is at least 1 byte")
    return found


def number(text: str) -> int:
    """Return a whole number that is not below 0. Raises ArgumentTypeError."""
    if not (text.isascii() and text.isdecimal() and int(text) <= 2**53):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number")
    return int(text)


def within(least: int, most: int) -> Callable[[str], int]:
    """Return what reads a whole number from `least` to `most`."""

    def read(text: str) -> int:
        found = number(text)
        if not least <= found <= most:
            raise argparse.ArgumentTypeError(f"it is {least} to {most}, not {found}")
        return found

    return read


def _told(read: Callable[[], float]) -> float:
    try:
        return read()
    except ValueError as e:
        raise argparse.ArgumentTypeError(str(e)) from None
