"""The reminder bot keeps its word, after a restart too."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from chatlib import Bot
from chatlib.bot.testing import Room
from examples.reminder import MOST, make_bot

pytest_plugins = ["chatlib.bot.testing"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "reminders.json"


@pytest.fixture
def bot(file: Path) -> Bot:
    return make_bot("tcp://127.0.0.1:1", ["lobby"], file)


def test_it_reminds_in_time(room: Room, file: Path) -> None:
    room.say("ann", "!remind 10m tea and cake")
    room.expect("I'll remind you in 0:10:00")
    room.clock.advance("9m59s")
    room.expect_silence()
    assert len(json.loads(file.read_text())) == 1
    room.clock.advance("1s")
    room.expect("ann: tea and cake")
    room.clock.advance("1m")
    room.expect_silence()
    assert json.loads(file.read_text()) == []


def test_who_asks_alone_is_told_alone(room: Room) -> None:
    room.whisper("ann", "!remind 5s the secret")
    room.expect("I'll remind you in 0:00:05", to="ann")
    room.say("ann", "!reminders")
    room.expect("in 0:00:05: the secret", to="ann")
    room.clock.advance("5s")
    room.expect("ann: the secret", to="ann")
    room.expect_silence()


def test_what_it_can_not_take(room: Room, file: Path) -> None:
    room.say("ann", "!remind 10m")
    room.expect("what is missing. Usage: !remind WHEN WHAT [MORE ...]")
    room.say("ann", "!remind soon tea")
    room.expect(re.compile("when: 'soon' is no time: write"))


def test_nobody_fills_the_file(room: Room) -> None:
    for _ in range(MOST):
        room.say("ann", "!remind 1d tea")
        room.expect("I'll remind you in 1 day, 0:00:00")
    room.say("ann", "!remind 1d tea")
    room.expect(f"you have {MOST} reminders already")
    room.say("bob", "!remind 1d tea")
    room.expect("I'll remind you in 1 day, 0:00:00")


class TestAfterARestart:
    """It was away when the time came."""

    @pytest.fixture
    def bot(self, file: Path) -> Bot:
        kept = {"seq": 1, "due": 0, "nick": "ann", "room": "lobby", "what": "tea"}
        file.write_text(json.dumps([kept, kept | {"seq": 2, "room": "a room of before"}]))
        return make_bot("tcp://127.0.0.1:1", ["lobby"], file)

    def test_it_reminds_late(self, room: Room, file: Path) -> None:
        room.say("ann", "here I am")
        room.clock.advance("1s")
        room.expect("ann: tea")
        room.expect("ann: tea", to="ann")
        assert json.loads(file.read_text()) == []
