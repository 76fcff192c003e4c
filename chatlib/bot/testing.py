"""Fixtures for tests of bots: `pytest_plugins = ["chatlib.bot.testing"]`, and a fixture `bot`.

    @pytest.fixture
    def bot():
        return make_bot()

    def test_ping(room):
        room.say("ann", "!ping")
        room.expect("pong")

A real broker in this process, real clients for everybody who speaks, and a clock that stands still
until the test moves it. Nothing sleeps: what is expected is waited for, and fails by name.

PYTEST_DONT_REWRITE: so that tests may import `Room` for their hints; what is asserted here says
what it means.
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Iterator
from datetime import timedelta

import pytest

from chatlib.bot.arguments import duration
from chatlib.bot.bot import Bot
from chatlib.bot.clock import Clock
from chatlib.net.broker import Broker
from chatlib.net.client import Client
from chatlib.protocol.events import Event

PATIENCE_S = 20.0  # until a wait gives up; of real seconds
WATCHER = "audience"


class FakeClock(Clock):
    """A clock that stands still until `advance`; it begins in the year 2026."""

    def __init__(self) -> None:
        self._now = 0.0
        self._began = 1_767_225_600.0
        self._due: dict[threading.Condition, float] = {}
        self._changed = threading.Condition()

    def now(self) -> float:
        """Return the seconds by which it was moved."""
        return self._now

    def time(self) -> float:
        """Return the seconds since 1970."""
        return self._began + self._now

    def announce(self, news: threading.Condition, due: float | None) -> None:
        """Note what somebody waits for."""
        with self._changed:
            self._due.pop(news, None)
            if due is not None:
                self._due[news] = due
            self._changed.notify_all()

    def wait(self, news: threading.Condition, due: float) -> None:
        """Wait, with `news` held, until it is notified."""
        news.wait()

    def advance(self, by: str | timedelta) -> None:
        """Move it, `10m` or so, from one time that somebody waits for to the next.

        When it returns, what was due has run to its end.
        """
        wanted = duration(by) if isinstance(by, str) else by
        end = self._now + wanted.total_seconds()
        while (first := self._first(end)) is not None:
            news, due = first
            self._now = max(self._now, due)
            with news:
                news.notify_all()
            with self._changed:
                assert self._changed.wait_for(
                    lambda: self._due.get(news, end + 1) > due,  # noqa: B023 - waited for here
                    PATIENCE_S,
                ), f"what was due at {due:g} s did not end within {PATIENCE_S} s"
        self._now = max(self._now, end)

    def _first(self, end: float) -> tuple[threading.Condition, float] | None:
        with self._changed:
            due = [(news, at) for news, at in self._due.items() if at <= end]
            return min(due, key=lambda pair: pair[1], default=None)


class Room:
    """The first room of a bot under test, with whoever speaks there. `clock` is the bot's."""

    def __init__(self, bot: Bot, address: str, clock: FakeClock) -> None:
        self.bot = bot
        self.name = bot.rooms[0]
        self.clock = clock
        self._address = address
        self._people: dict[str, Client] = {}
        self._heard: dict[str, deque[Event]] = {}
        self._heard_up_to = 0  # by the watcher
        self._person(WATCHER)

    def say(self, nick: str, text: str) -> None:
        """Let somebody say something; they come in first where they are not here yet."""
        person = self._person(nick)
        person.say(self.name, text)
        person.flush(PATIENCE_S)

    def whisper(self, nick: str, text: str) -> None:
        """Let somebody say something to the bot alone."""
        person = self._person(nick)
        person.tell(self.bot.nick, text)
        person.flush(PATIENCE_S)

    def expect(self, what: str | re.Pattern[str], *, to: str | None = None) -> Event:
        """Check that the next thing that the bot says is `what`, and return it.

        A string is all of it, a pattern is searched for. With `to`, it is said to them alone.
        Raises AssertionError when it says something else, or nothing for long.
        """
        who = WATCHER if to is None else to
        said = self._next(who, time.monotonic() + PATIENCE_S)
        place = "" if to is None else f" to {to}"
        assert said is not None, f"the bot said nothing{place} in {PATIENCE_S} s, but not {what!r}"
        text = said.text or ""
        found = what.search(text) is not None if isinstance(what, re.Pattern) else text == what
        assert found, f"the bot said{place}: {text!r}, and not {what!r}"
        return said

    def expect_silence(self) -> None:
        """Check that the bot says nothing more in the room to all that was said there so far."""
        watcher = self._people[WATCHER]
        seq = watcher.history(self.name, limit=1)[-1].seq
        handled = self.bot.await_handled(self.name, seq, PATIENCE_S)
        assert handled, f"the bot has not handled in {PATIENCE_S} s what was said"
        self.bot.client.flush(PATIENCE_S)
        seq = watcher.history(self.name, limit=1)[-1].seq
        while self._heard_up_to < seq:
            assert self._hear(WATCHER, time.monotonic() + PATIENCE_S) is not None
        said = [event.text for event in self._heard[WATCHER]]
        assert not said, f"the bot said {said[0]!r}, and silence was expected"

    def close(self) -> None:
        """Let everybody go."""
        for person in self._people.values():
            person.close()

    def _person(self, nick: str) -> Client:
        if nick not in self._people:
            person = Client(self._address, nick).start(PATIENCE_S)
            self._people[nick] = person
            self._heard[nick] = deque()
            person.join(self.name, history=0)
        return self._people[nick]

    def _next(self, nick: str, deadline: float) -> Event | None:
        self._person(nick)
        while not self._heard[nick]:
            if self._hear(nick, deadline) is None:
                return None
        return self._heard[nick].popleft()

    def _hear(self, nick: str, deadline: float) -> Event | None:
        """Take the next event that somebody is told; keep it where the bot said it to them."""
        person = self._people[nick]
        while (left := deadline - time.monotonic()) > 0:
            told = next(person.events(timeout=left), None)
            if isinstance(told, Event):
                # Of the room the watcher hears; the others hear what is for them alone.
                if nick == WATCHER:
                    self._heard_up_to = told.seq
                ours = (told.room is not None) == (nick == WATCHER)
                if told.bot and told.kind in ("say", "act") and told.nick == self.bot.nick and ours:
                    self._heard[nick].append(told)
                return told
        return None


@pytest.fixture
def bot() -> Bot:
    """Give the bot under test, not started: each test module has its own fixture of this name."""
    raise pytest.UsageError("define a fixture `bot` that returns your chatlib.Bot, not started")


@pytest.fixture
def bot_broker() -> Iterator[str]:
    """Give the address of a broker in this process, which keeps its history in memory."""
    broker = Broker("tcp://127.0.0.1:0")
    control, _, _ = broker.bind()
    serving = threading.Thread(target=broker.run, name="broker")
    serving.start()
    yield str(control)
    broker.stop()
    serving.join()


@pytest.fixture
def room(bot: Bot, bot_broker: str) -> Iterator[Room]:
    """Give the bot's first room, with the bot in it. It keeps no cursor, and its clock stands."""
    clock = FakeClock()
    bot.address, bot.clock, bot.keep = bot_broker, clock, False
    bot.server_key = bot.key = bot.token = None  # of a broker that is not meant now
    with bot:
        made = Room(bot, bot_broker, clock)
        try:
            yield made
        finally:
            made.close()
