"""The fixtures for tests of bots: what does not hold must fail, and say why."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from chatlib import Bot
from chatlib.bot import testing
from chatlib.bot.context import Context
from chatlib.bot.testing import Room
from chatlib.net.curve import make_pair
from chatlib.security.keys import to_link
from tests.support import ROOT

pytest_plugins = ["chatlib.bot.testing"]


@pytest.fixture
def bot() -> Bot:
    link = f"hubbub://192.0.2.1/ops?k={to_link(make_pair().public)}&t=abc"
    bot = Bot(link, nick="robot", key="no/robot.key")

    @bot.command("ping")
    def ping(ctx: Context, times: int = 1) -> None:
        for _ in range(times):
            ctx.reply("pong")

    return bot


def test_another_answer_fails(room: Room) -> None:
    room.say("ann", "!ping")
    with pytest.raises(AssertionError, match="the bot said: 'pong', and not 'gong'"):
        room.expect("gong")


def test_a_part_is_not_the_whole_but_a_pattern_may_be(room: Room) -> None:
    room.say("ann", "!ping 2")
    with pytest.raises(AssertionError):
        room.expect("pon")
    assert room.expect(re.compile("pon")).nick == "robot"


def test_no_answer_fails(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(testing, "PATIENCE_S", 0.2)
    with pytest.raises(AssertionError, match=r"nothing in 0.2 s, but not 'pong'"):
        room.expect("pong")
    with pytest.raises(AssertionError, match=r"nothing to ann in 0.2 s, but not 'pong'"):
        room.expect("pong", to="ann")


def test_what_is_for_all_is_not_for_one(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    room.say("ann", "!ping")
    room.whisper("bob", "!ping")
    room.expect("pong")
    room.expect("pong", to="bob")
    monkeypatch.setattr(testing, "PATIENCE_S", 0.2)
    with pytest.raises(AssertionError, match="nothing to ann"):
        room.expect("pong", to="ann")


def test_an_answer_where_there_should_be_silence_fails(room: Room) -> None:
    room.expect_silence()
    room.say("ann", "!ping 2")
    room.expect("pong")
    with pytest.raises(AssertionError, match="the bot said 'pong', and silence was expected"):
        room.expect_silence()


def test_what_never_ends_fails(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(testing, "PATIENCE_S", 0.2)
    room.clock.announce(testing.threading.Condition(), 5.0)
    with pytest.raises(AssertionError, match=r"due at 5 s did not end"):
        room.clock.advance("5s")


def test_the_bot_is_the_test_modules_own(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        'pytest_plugins = ["chatlib.bot.testing"]\ndef test_it(room):\n    pass\n'
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(tmp_path)],
        env={"PYTHONPATH": str(ROOT)}, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "define a fixture `bot` that returns your chatlib.Bot" in done.stdout
