"""Times as people type them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from chatlib.errors import Misuse
from chatlib.tui.when import parse_when, shown, zoned

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=timezone(timedelta(hours=2)))


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("30m", "2026-11-21T09:00:00+02:00"),
        ("2h", "2026-11-21T07:30:00+02:00"),
        ("7d", "2026-11-14T09:30:00+02:00"),
        ("1w", "2026-11-14T09:30:00+02:00"),
        ("1h30m", "2026-11-21T08:00:00+02:00"),
        ("08:15", "2026-11-21T08:15:00+02:00"),
        ("2026-11-01", "2026-11-01T00:00:00+02:00"),
        ("2026-11-01T12:00", "2026-11-01T12:00:00+02:00"),
        ("2026-11-01T12:00Z", "2026-11-01T12:00:00+00:00"),
    ],
)
def test_a_time(text: str, at: str) -> None:
    assert parse_when(text, NOW) == datetime.fromisoformat(at)


@pytest.mark.parametrize("text", ["", "soon", "2y", "-3h", "99999d", "25:00", "2026-13-01", "٣h"])
def test_no_time(text: str) -> None:
    with pytest.raises(Misuse, match="no time"):
        parse_when(text, NOW.astimezone(UTC))


def test_a_time_is_shown_as_it_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert shown("2026-11-21T09:30:00.123Z") == "2026-11-21 18:30"
        assert shown("2026-11-21T09:30:00Z", "2026-11-21T01:00:00Z") == "18:30"
        assert shown("2026-11-21T15:30:00Z", "2026-11-21T14:00:00Z") == "2026-11-22 00:30"
        assert shown("never", "never") == "never"
        assert zoned("2026-11-21T09:30:00.123Z") == "2026-11-21 18:30:00+09:00"
        assert zoned("never") == "never"
    finally:
        monkeypatch.undo()
        time.tzset()
