"""A bot, as a process, is killed and comes back: it answers all that was said meanwhile."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from chatlib import Client, Event
from tests.support import PATIENCE, ROOT, RunningBroker, eventually
from tests.system.people import clients, until

BOT = """
import logging, sys, time
from chatlib import Bot

logging.basicConfig(level=logging.INFO)
address, state = sys.argv[1:]
bot = Bot(address, "robot", rooms=["lobby", "ops"], state=state)

@bot.command("echo")
def echo(ctx, number: int):
    ctx.reply(f"echo {number}")

@bot.command("slow")
def slow(ctx):
    print("began", flush=True)
    time.sleep(1)
    ctx.reply("slowly done")

bot.run()
print("ended in peace", flush=True)
"""


class RunningBot:
    """The bot above, as a process."""

    def __init__(self, directory: Path, address: str) -> None:
        self._program = directory / "robot.py"
        self._program.write_text(BOT)
        self._log = directory / "robot.log"
        self._arguments = [address, str(directory / "robot.json")]

    def __enter__(self) -> Self:
        with self._log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(self._program), *self._arguments],
                cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def output(self) -> str:
        return self._log.read_text()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


@pytest.fixture
def ann(broker: RunningBroker) -> Iterator[Client]:
    with clients(broker.control, "ann") as (made,):
        made.join("ops")
        yield made


def here(ann: Client) -> None:
    """Wait until the robot is in both rooms."""

    def members(room: str) -> set[str]:
        return {member.nick for member in ann.who(room)}

    eventually("the robot is here", lambda: "robot" in members("lobby") & members("ops"))


def answers_up_to(ann: Client, *wanted: tuple[str | None, str]) -> list[Event]:
    """Take what ann is told until the robot has said all that is wanted; return all it said."""
    missing = set(wanted)
    said: list[Event] = []

    def complete(told: object) -> bool:
        if isinstance(told, Event) and told.nick == "robot" and told.text:
            said.append(told)
            missing.discard((told.room, told.text))
        return not missing

    until(ann, complete)
    return said


def said_by_robot(ann: Client) -> list[Event]:
    """Return all that the robot did in the rooms, and said to ann."""
    pages = [ann.history(room, limit=1000) for room in ("lobby", "ops")]
    pages.append(ann.history(peer="robot", limit=1000))
    return [event for page in pages for event in page if event.nick == "robot"]


def answers(ann: Client) -> list[tuple[str | None, str | None]]:
    """Return where the robot said what."""
    return [(e.room, e.text) for e in said_by_robot(ann) if e.kind == "say"]


def test_none_is_missed_by_a_bot_that_is_killed(
    tmp_path: Path, broker: RunningBroker, ann: Client
) -> None:
    asked: list[tuple[str | None, str]] = []

    def ask(count: int) -> None:
        for number in range(len(asked), len(asked) + count):
            place = ("lobby", "ops", None)[number % 3]
            if place is None:
                ann.tell("robot", f"!echo {number}")
            else:
                ann.say(place, f"!echo {number}")
            asked.append((place, f"echo {number}"))

    with RunningBot(tmp_path, broker.control):
        here(ann)
        ask(30)
        answers_up_to(ann, *asked)
        ask(300)
        ann.flush(PATIENCE)
    ask(30)  # while nobody is there
    ann.flush(PATIENCE)
    with RunningBot(tmp_path, broker.control):
        ask(30)
        answers_up_to(ann, *asked[-3:])
        ask(300)
    ask(30)
    with RunningBot(tmp_path, broker.control) as bot:
        eventually("all is answered", lambda: set(asked) <= set(answers(ann)))
        assert bot.stop() == 0
    answered = answers(ann)
    for room in ("lobby", "ops", None):
        first = list(dict.fromkeys(a for a in answered if a[0] == room))
        assert first == [a for a in asked if a[0] == room], "in the order in which it was asked"
    about = [e for e in said_by_robot(ann) if e.kind != "say"]
    assert [(e.kind, e.room) for e in about] == [("join", "lobby"), ("join", "ops")]
    assert len({e.sid for e in said_by_robot(ann)}) == 1, "nobody saw it go"


def test_a_bot_that_is_asked_to_end_does_what_it_has_begun(
    tmp_path: Path, broker: RunningBroker, ann: Client
) -> None:
    with RunningBot(tmp_path, broker.control) as bot:
        here(ann)
        ann.say("lobby", "!slow")
        ann.say("lobby", "!echo 1")
        eventually("it has begun", lambda: "began" in bot.output())
        assert bot.stop() == 0
        assert "ended in peace" in bot.output()
    said = [e.text for e in ann.history("lobby") if e.nick == "robot" and e.text]
    assert said == ["slowly done"], "what it had not begun waits for the next process"
    with RunningBot(tmp_path, broker.control) as bot:
        (answer,) = answers_up_to(ann, ("lobby", "slowly done"), ("lobby", "echo 1"))[1:]
        assert answer.text == "echo 1"
        assert bot.output().count("began") == 1
        assert bot.stop() == 0


def test_a_second_bot_on_one_cursor_is_refused(
    tmp_path: Path, broker: RunningBroker, ann: Client
) -> None:
    with RunningBot(tmp_path, broker.control) as bot:
        here(ann)
        with RunningBot(tmp_path, broker.control) as second:
            assert second.process.wait(PATIENCE) != 0
        assert "another bot keeps its cursor in" in bot.output()
        assert bot.process.poll() is None
