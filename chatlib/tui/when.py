"""Times as people type them: `2h`, `3d`, `14:30`, `2026-11-01`, `2026-11-01T09:30`."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from chatlib.amounts import SECONDS, span
from chatlib.errors import Misuse


def parse_when(text: str, now: datetime) -> datetime:
    """Return the time that `text` means: so long before `now`, or a date or time of its zone.

    Raises Misuse.
    """
    try:
        if text[-1:] in SECONDS:
            return now - timedelta(seconds=span(text))
        if ":" in text and "-" not in text:
            return datetime.combine(now.date(), time.fromisoformat(text), now.tzinfo)
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise Misuse(f"{text!r} is no time: write 30m, 2h, 7d, 14:30 or 2026-11-01") from None
    return at if at.tzinfo else at.replace(tzinfo=now.tzinfo)


def zoned(at: str) -> str:
    """Return a time of RFC 3339 as it is here, to the second and with the offset of here."""
    try:
        return datetime.fromisoformat(at).astimezone().isoformat(" ", "seconds")
    except (ValueError, OverflowError):
        return at


def shown(at: str, since: str = "") -> str:
    """Return a time of RFC 3339 as it is here, without the day where that is the day of `since`."""
    try:
        moment = datetime.fromisoformat(at).astimezone()
        if since and datetime.fromisoformat(since).astimezone().date() == moment.date():
            return moment.strftime("%H:%M")
        return moment.strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError):
        return at
