"""Options that are spans or numbers: what is wrong is told in words, before anybody is asked."""

from __future__ import annotations

import pytest

from chatlib.cli.main import parse


@pytest.mark.parametrize(
    ("arguments", "name", "value"),
    [
        (["log", "--idle", "1w"], "idle", 604_800),
        (["log", "--timeout", "2.5"], "timeout", 2.5),
        (["log", "--rotate", "1.5K"], "rotate", 1_536),
        (["send", "ci", "--timeout", "1m"], "timeout", 60),
        (["top", "--interval", "0.5s"], "interval", 0.5),
        (["broker", "--heartbeat", "1m30s"], "heartbeat", 90),
        (["invite", "--expires", "1d12h"], "expires", 129_600),
        (["invite"], "expires", 86_400),
        (["drain", "--seconds", "0"], "seconds", 0),
    ],
)
def test_what_is_taken(arguments: list[str], name: str, value: float) -> None:
    assert getattr(parse(arguments), name) == value


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["top", "--interval", "x"], "--interval: 'x' is no time: write 2.5, 90s"),
        (["top", "--interval", "0"], "an interval lasts 0.1 to 3600 seconds"),
        (["broker", "--heartbeat", "x"], "--heartbeat: 'x' is no time: write 2.5, 90s"),
        (["broker", "--heartbeat", "2h"], "a heartbeat lasts 0.1 to 3600 seconds"),
        (["send", "ci", "--timeout", "nan"], "'nan' is no time"),
        (["log", "--idle", "-1"], "-1"),
        (["log", "--rotate", "0.5"], "at least 1 byte"),
        (["log", "--count", "1.5"], "'1.5' is no whole number"),
        (["invite", "--expires", "24"], "'24' is no time: write 90s"),
        (["invite", "--expires", "0s"], "a link is good for 1s to 366d"),
        (["reset", "ann", "--expires", "367d"], "a link is good for 1s to 366d"),
        (["invite", "--uses", "0"], "--uses: it is 1 to 10000, not 0"),
        (["drain", "--seconds", "9999"], "--seconds: it is 0 to 3600, not 9999"),
        (["drain", "--seconds", "x"], "--seconds: 'x' is no whole number"),
    ],
)
def test_what_is_wrong(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(arguments)
    assert ended.value.code == 2 and told in capsys.readouterr().err
