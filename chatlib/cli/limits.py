"""The option `--limit`: what a rate looks like on the command line."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from chatlib.cli import quantities

if TYPE_CHECKING:
    from chatlib.core.buckets import Limits

WHO = {"people": "person", "bots": "bot", "addresses": "address"}
WHAT = ("messages", "bytes", "changes", "requests", "sessions")
OF_ADDRESSES = (*WHAT, "handshakes")
PER = {"s": 1, "min": 60, "h": 3600}
REST_S = 10  # what comes at once after so many seconds of rest, unless a burst is given

_rate = re.compile(
    r"(?:([\w-]+):)?(\w+)=(?:([\w.]+)/(s|min|h)|off)((?:,(?:burst|most)=[\w.]+)*)", re.ASCII
)
_option = re.compile(r"(burst|most)=([\w.]+)")


def limit(text: str) -> Callable[[Limits], Limits]:
    """Return what `--limit TEXT` makes of the limits before it. Raises ArgumentTypeError."""
    from chatlib.core.buckets import NO_LIMITS, Limits, Rate
    from chatlib.errors import Misuse

    if text in ("on", "off"):
        return lambda limits: Limits() if text == "on" else NO_LIMITS
    who, what, amount, per, given = _parts(text)
    known = {name: quantities.amount(value) for name, value in _option.findall(given)}
    rate = None
    if amount is not None:
        per_s = quantities.amount(amount) / PER[per]
        rate = Rate(per_s, known.get("burst", max(REST_S * per_s, _least(what))))
    changes: dict[str, Any] = {what: rate}
    if "most" in known or (what == "sessions" and rate is None):
        changes["most_sessions"] = int(known["most"]) if "most" in known else None

    def change(limits: Limits) -> Limits:
        if who in WHO:
            rates = getattr(limits, WHO[who])._replace(**changes)
            return limits._replace(**{WHO[who]: rates})
        own = {who: {**limits.given.get(who, {}), **changes}}
        return limits._replace(given={**limits.given, **own})

    try:
        change(NO_LIMITS).check()
    except Misuse as e:
        raise argparse.ArgumentTypeError(f"{text!r}: {e}") from None
    return change


def _parts(text: str) -> tuple[str, str, str | None, str, str]:
    found = _rate.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is none: give such as messages=20/s,burst=200 (or /min, /h), "
            "bots:bytes=1M/s, messages=off, on, off"
        )
    who, what, amount, per, given = found.groups()
    who = _who(who or "people")
    known = OF_ADDRESSES if who == "addresses" else WHAT
    if what not in known:
        raise argparse.ArgumentTypeError(f"{what!r} is none of {', '.join(known)}")
    if "most=" in given and what != "sessions":
        raise argparse.ArgumentTypeError(f"{text!r}: only sessions have a 'most' at a time")
    if "burst=" in given and amount is None:
        raise argparse.ArgumentTypeError(f"{text!r}: a burst needs a rate")
    return who, what, amount, per or "s", given


def _who(word: str) -> str:
    """Return a row of the table, or the fingerprint of the key that `word` is."""
    from chatlib.errors import Misuse
    from chatlib.security.keys import parse_fingerprint

    if word in WHO:
        return word
    try:
        return parse_fingerprint(word)
    except Misuse:
        known = f"{', '.join(WHO)}, and no key or fingerprint (hubbub key)"
        raise argparse.ArgumentTypeError(f"{word!r} is none of {known}") from None


def _least(what: str) -> int:
    from chatlib.protocol.limits import INTAKE_FRAME_BYTES

    return INTAKE_FRAME_BYTES if what == "bytes" else 1
