"""Which handler a message is for, and what is answered when something is wrong."""

from __future__ import annotations

import logging
import re
from typing import Any, Literal

import pytest

from chatlib import Bot, Misuse
from chatlib.bot.context import Context
from chatlib.bot.testing import Room

pytest_plugins = ["chatlib.bot.testing"]


@pytest.fixture
def bot() -> Bot:
    bot = Bot(nick="robot")

    @bot.command("ping")
    def ping(ctx: Context) -> None:
        """Answer pong."""
        ctx.reply("pong")

    @bot.command("Deploy")
    def deploy(ctx: Context, stage: Literal["staging", "live"], count: int = 1) -> None:
        """Deploy what was built.

        COUNT is the number of machines.
        """
        ctx.say(f"{ctx.nick} deploys {count} to {stage} in {ctx.room}")

    @bot.command("fail")
    def fail(ctx: Context) -> None:
        raise RuntimeError("the reason is nobody's business")

    @bot.command("secret")
    def secret(ctx: Context) -> None:
        ctx.whisper("for you alone")

    @bot.on_message(r"(?i)\bgood (morning|night)\b")
    def greet(ctx: Context, match: re.Match[str]) -> None:
        ctx.say(f"good {match[1].lower()}, {ctx.nick}")

    @bot.on_message("morning")
    def another(ctx: Context, match: re.Match[str]) -> None:
        ctx.say("is it?")

    return bot


def test_a_command_is_answered_as_a_reply(room: Room) -> None:
    room.say("ann", "!ping")
    said = room.expect("pong")
    asked, _ = room.bot.client.history("lobby")[-2:]
    assert (said.re, said.room, said.bot) == (asked.seq, "lobby", True)


def test_arguments(room: Room) -> None:
    room.say("ann", "!deploy live 3")
    room.expect("ann deploys 3 to live in lobby")
    room.say("bob", "!DEPLOY staging")
    room.expect("bob deploys 1 to staging in lobby")
    room.say("ann", "!deploy moon")
    room.expect("stage: 'moon' is none of staging, live. Usage: !Deploy staging|live [COUNT]")


@pytest.mark.parametrize("text", ["!ping", "!ping ", "!PING", "!ping\n", "!\tping", "! ping"])
def test_how_a_command_is_typed(room: Room, text: str) -> None:
    room.say("ann", text)
    if text[1].isspace():
        room.expect_silence()
    else:
        room.expect("pong")


def test_arguments_on_the_next_line(room: Room) -> None:
    room.say("ann", "!deploy\nlive\t3")
    room.expect("ann deploys 3 to live in lobby")


def test_help_is_made_of_docstrings(room: Room) -> None:
    room.say("ann", "!help")
    room.expect(
        "!Deploy staging|live [COUNT]: Deploy what was built.\n"
        "!fail\n"
        "!help [COMMAND]: Tell what this bot can do, or how one command is used.\n"
        "!ping: Answer pong.\n"
        "!secret"
    )
    room.say("ann", "!help deploy")
    room.expect(
        "!Deploy staging|live [COUNT]\nDeploy what was built.\n\nCOUNT is the number of machines."
    )
    room.say("ann", "!help nix")
    room.expect("I know no 'nix': say !help")


def test_an_unknown_command_may_be_another_bots(room: Room) -> None:
    room.say("ann", "!nix")
    room.say("ann", "! ping")
    room.say("ann", "!")
    room.expect_silence()
    room.whisper("ann", "!nix")
    room.expect("I know no '!nix': say !help", to="ann")


def test_patterns_in_their_order_and_not_for_commands(room: Room) -> None:
    room.say("ann", "Good Morning everybody")
    room.expect("good morning, ann")
    room.say("ann", "!ping good night")
    room.expect("there is no place for 'good' (quote several words: \"a b\"). Usage: !ping")
    room.expect_silence()


def test_a_handler_that_fails_is_logged_and_excused(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "chatlib.bot"):
        room.say("ann", "!fail")
        room.expect("sorry, that went wrong: whoever runs me finds the reason in my log")
    assert "nobody's business" in caplog.text
    assert "the answer to ann" in caplog.text
    room.say("ann", "!ping")
    room.expect("pong")


def test_private_commands_are_answered_privately(room: Room) -> None:
    room.whisper("ann", "!ping")
    assert room.expect("pong", to="ann").room is None
    room.whisper("ann", "!deploy live")
    room.expect("ann deploys 1 to live in None", to="ann")
    room.say("bob", "!secret")
    room.expect("for you alone", to="bob")
    room.expect_silence()


def test_it_ignores_itself_and_other_bots(room: Room, bot_broker: str) -> None:
    other = Bot(bot_broker, "other", keep=False)

    @other.on_message("pong|ping|morning")
    def echo(ctx: Context, match: re.Match[str]) -> None:
        ctx.say("!ping")

    with other:
        other.say("lobby", "!ping")
        other.say("lobby", "good morning")
        other.client.flush(30)
        room.bot.say("lobby", "!ping good morning")
        room.expect("!ping good morning")
        room.expect_silence()


def test_what_was_deleted_meanwhile_is_not_answered(room: Room) -> None:
    """As a bot finds it that comes back: the text is gone, and so is the wish."""
    room.say("ann", "good morning")
    event = room.bot.client.history("lobby", limit=1)[0]
    gone = type(event)(kind="say", seq=event.seq, sid="x", deleted=True, text="")
    assert room.bot._service is not None
    assert not room.bot._service._is_for_us(gone)


@pytest.mark.parametrize(
    ("define", "fault"),
    [
        (lambda bot: bot.command("ping"), "there is a command ping already"),
        (lambda bot: bot.command("two words"), "it is one word"),
        (lambda bot: bot.command(""), "it is one word"),
    ],
)
def test_commands_that_can_not_be(bot: Bot, define: Any, fault: str) -> None:
    def handler(ctx: Context) -> None: ...

    with pytest.raises(Misuse, match=fault):
        define(bot)(handler)


def test_another_prefix_and_another_help() -> None:
    bot = Bot(prefix="robot:")

    @bot.command("help")
    def other(ctx: Context) -> None: ...

    for prefix in ("", "hey robot"):
        with pytest.raises(Misuse, match="begins no command"):
            Bot(prefix=prefix)
