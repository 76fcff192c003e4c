"""A bot's life: where it is, what it goes on from, and how it ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chatlib import Bot, Client, Misuse, Refused, TimedOut
from chatlib.bot import service
from chatlib.bot.bot import SORRY
from chatlib.bot.clock import SystemClock
from chatlib.bot.context import Context
from chatlib.bot.cursors import CursorFile, Saved
from chatlib.bot.testing import FakeClock
from chatlib.net.curve import make_pair
from tests.net.encrypted import Encrypted
from tests.support import PATIENCE, RunningBroker, eventually
from tests.system.people import clients, texts, until_said

pytest_plugins = ["chatlib.bot.testing"]
NOBODY = "tcp://127.0.0.1:1"
Made = Callable[..., Bot]


def echo_bot(
    address: str, state: Path | None = None, *, rooms: tuple[str, ...] = ("lobby",)
) -> Bot:
    """Return a bot that says what it hears, in capitals."""
    bot = Bot(address, "echo", rooms=rooms, state=state, keep=state is not None)

    @bot.on_message(r"^[a-z0-9 ]+$")
    def echo(ctx: Context, match: Any) -> None:
        ctx.say(ctx.text.upper())

    return bot


def said(client: Client, room: str = "lobby") -> list[str]:
    """Return what the bot said in a room."""
    events = client.history(room, limit=1000)
    return [e.text or "" for e in events if e.bot and e.kind == "say"]


# -- what it is made of ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"address": "a b"}, "is no address"),
        ({"nick": "a b"}, "no space"),
        ({"rooms": ["a b"]}, "no space"),
        ({"rooms": "lobby"}, r"a list: \['lobby'\]"),
        ({"prefix": ""}, "begins no command"),
    ],
)
def test_what_no_bot_can_be(options: dict[str, Any], fault: str) -> None:
    with pytest.raises(Misuse, match=fault):
        Bot(**options)


@pytest.mark.parametrize("interval", ["", "soon", "0s", timedelta(0), timedelta(seconds=-1)])
def test_what_is_no_interval(interval: Any) -> None:
    with pytest.raises(Misuse):
        Bot().every(interval)


def test_nothing_starts_by_itself() -> None:
    threads = threading.active_count()
    bot = Bot(NOBODY)
    assert isinstance(bot.clock, SystemClock)
    for use in (lambda: bot.say("lobby", "x"), lambda: bot.tell("ann", "x"), lambda: bot.client):
        with pytest.raises(Misuse, match="does not run"):
            use()
    bot.stop()
    assert threading.active_count() == threads


def test_a_key_is_needed_for_a_session_that_is_kept() -> None:
    bot = Bot(NOBODY, server_key=make_pair().public)
    with pytest.raises(Misuse, match="give the bot one"):
        bot.start()


# -- arriving --------------------------------------------------------------------------------------


def test_it_waits_for_a_broker_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    bot = echo_bot(NOBODY)
    with pytest.raises(TimedOut, match="is a broker there"):
        bot.start(wait=0.5)
    assert "offline: " in caplog.text


def test_what_its_session_has_said_counts_once(tmp_path: Path) -> None:
    """A bot that is killed before it kept anything had said more than the file before it tells."""
    state = tmp_path / "echo.json"
    with CursorFile(state) as file:
        file.save(Saved(epoch="e1", token="secret", said=3))
    with pytest.raises(TimedOut):
        echo_bot(NOBODY, state).start(wait=0.1)
    assert CursorFile(state).load() == Saved(epoch="e1", token="secret")


def test_stopped_before_it_is_in_its_rooms_it_handles_nothing(
    broker: RunningBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would pass over what it can't answer there."""
    state = tmp_path / "echo.json"
    with clients(broker.control, "ann") as (ann,):
        with echo_bot(broker.control, state):
            ann.say("lobby", "one")
            until_said(ann, "ONE")
        ann.say("lobby", "two")
        ann.flush(PATIENCE)
        bot = echo_bot(broker.control, state)
        with monkeypatch.context() as patch:
            patch.setattr(service.Service, "_join", lambda self, room: self.stop())
            bot.run()
        assert said(ann) == ["ONE"]
        with bot:
            until_said(ann, "TWO")


def test_a_nickname_that_stays_taken_is_told(
    broker: RunningBroker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(service, "NICK_S", 0.3)
    monkeypatch.setattr(service, "NICK_RETRY_S", 0.2)
    with clients(broker.control, "echo"), pytest.raises(Refused, match="in use"):
        echo_bot(broker.control).start()
    assert "trying again" in caplog.text


def test_a_nickname_that_becomes_free_is_taken(
    broker: RunningBroker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(service, "NICK_RETRY_S", 0.1)
    with clients(broker.control, "ann", "echo") as (ann, other):
        bot = echo_bot(broker.control)
        starting = threading.Thread(target=bot.start)
        starting.start()
        eventually("it is refused", lambda: "trying again" in caplog.text)
        other.close()
        starting.join()
        ann.say("lobby", "hello")
        until_said(ann, "HELLO")
        bot.stop()


def test_it_runs_once_at_a_time_and_again_later(broker: RunningBroker) -> None:
    bot = echo_bot(broker.control)
    with clients(broker.control, "ann") as (ann,):
        for text in ("one", "two"):
            with bot:
                for use in (bot.start, bot.run):
                    with pytest.raises(Misuse, match="runs already"):
                        use()
                ann.say("lobby", text)
                until_said(ann, text.upper())
            assert {m.nick for m in ann.who()} == {"ann"}, "without a cursor it says goodbye"


# -- going on --------------------------------------------------------------------------------------


def test_it_goes_on_behind_its_cursor(broker: RunningBroker, tmp_path: Path) -> None:
    state = tmp_path / "echo.json"
    with clients(broker.control, "ann") as (ann,):
        ann.say("lobby", "before its time")
        with echo_bot(broker.control, state):
            ann.say("lobby", "one")
            until_said(ann, "ONE")
        ann.say("lobby", "two")
        ann.tell("echo", "three")
        ann.flush(PATIENCE)
        with echo_bot(broker.control, state):
            until_said(ann, "THREE")
            eventually("it is said", lambda: said(ann) == ["ONE", "TWO"])


def test_it_goes_on_when_its_session_is_over(tmp_path: Path) -> None:
    state = tmp_path / "echo.json"
    with (
        RunningBroker(tmp_path, "--heartbeat", "0.4") as broker,
        clients(broker.control, "ann") as (ann,),
    ):
        with echo_bot(broker.control, state):
            ann.say("lobby", "one")
            until_said(ann, "ONE")
        eventually("it is gone", lambda: len(ann.who()) == 1)
        for i in range(100):  # more than a join brings
            ann.say("lobby", f"away {i}")
        ann.flush(PATIENCE)
        with echo_bot(broker.control, state):
            until_said(ann, "AWAY 99")
        assert said(ann) == ["ONE", *(f"AWAY {i}" for i in range(100))]


def test_encrypted_it_goes_on_by_its_key(tmp_path: Path) -> None:
    key = make_pair()
    with Encrypted() as house, house.client("ann") as ann:
        house.admitted.add(key.public)
        ann.join("lobby")
        for text in ("one", "two"):
            ann.say("lobby", text)
            ann.flush(PATIENCE)
            bot = Bot(
                house.address,
                "echo",
                state=tmp_path / "echo.json",
                server_key=house.pair.public,
                key=key,
            )
            bot.on_message("three|two")(lambda ctx, match: ctx.say(ctx.text.upper()))
            with bot:
                ann.say("lobby", "three")
                until_said(ann, "THREE")
        assert said(ann) == ["THREE", "TWO", "THREE"]


def test_a_link_lets_it_in_and_names_its_room(tmp_path: Path) -> None:
    key = tmp_path / "echo.key"
    with Encrypted() as house, house.client("ann") as ann:
        ann.join("ops")
        link = house.link("ops", "a-token")
        for number in range(2):  # by the token, then by the key alone
            bot = Bot(link, "echo", key=key, state=tmp_path / "echo.json")
            bot.on_message("one|two")(lambda ctx, match: ctx.say(ctx.text.upper()))
            assert (bot.rooms, key.exists()) == (["ops"], number > 0)
            with bot:
                ann.say("ops", ("one", "two")[number])
                until_said(ann, ("ONE", "TWO")[number])
        assert house.requests.count("redeem") == 1
    assert Bot(link, rooms=["lobby"], key=key).rooms == ["lobby"]


def test_rooms_that_it_is_not_asked_for_any_more_are_left(
    broker: RunningBroker, tmp_path: Path
) -> None:
    state = tmp_path / "echo.json"
    with clients(broker.control, "ann") as (ann,):
        with echo_bot(broker.control, state, rooms=("lobby", "ops")):
            assert {m.nick for m in ann.who("ops")} == {"echo"}
        with echo_bot(broker.control, state):
            eventually("it left", lambda: not ann.who("ops"))
            eventually("it is forgotten", lambda: list(CursorFile(state).load().rooms) == ["lobby"])


def test_a_broker_that_was_killed_is_gone_on_with(tmp_path: Path) -> None:
    with (
        RunningBroker(tmp_path, data=tmp_path / "data") as broker,
        clients(broker.control, "ann") as (ann,),
        echo_bot(broker.control, tmp_path / "echo.json"),
    ):
        broker.kill()
        ann.say("lobby", "one")
        with broker.again():
            until_said(ann, "ONE")
            assert said(ann) == ["ONE"]


@pytest.mark.parametrize("while_it_runs", [True, False])
def test_of_another_history_it_handles_what_it_has_not_seen(
    tmp_path: Path, while_it_runs: bool
) -> None:
    """A broker without a disk begins a new history, whose numbers are lower."""
    state = tmp_path / "echo.json"
    with RunningBroker(tmp_path) as broker:
        bot = echo_bot(broker.control, state)
        with bot, clients(broker.control, "ann") as (ann,):
            for i in range(20):
                ann.say("lobby", f"old {i}")
            until_said(ann, "OLD 19")
            if not while_it_runs:
                bot.stop()
            broker.kill()
            with broker.again() as second, clients(second.control, "bob") as (bob,):
                bob.say("lobby", "new")
                bob.flush(PATIENCE)
                with bot if not while_it_runs else clients(second.control):
                    until_said(bob, "NEW")
                    assert said(bob) == ["NEW"]


# -- serving ---------------------------------------------------------------------------------------


def test_rooms_are_served_beside_each_other(broker: RunningBroker) -> None:
    gate = threading.Event()
    bot = Bot(broker.control, "robot", rooms=["lobby", "ops"], keep=False)

    @bot.command("wait")
    def wait(ctx: Context) -> None:
        assert gate.wait(PATIENCE)
        ctx.say("waited")

    @bot.command("quick")
    def quick(ctx: Context) -> None:
        ctx.say("quick")

    with bot, clients(broker.control, "ann") as (ann,):
        ann.join("ops")
        ann.say("lobby", "!wait")
        ann.say("lobby", "!quick")
        ann.say("ops", "!quick")
        ann.tell("robot", "!quick")
        eventually("ops is served", lambda: said(ann, "ops") == ["quick"])
        eventually("and ann alone", lambda: "quick" in texts(ann.history(peer="robot")))
        assert said(ann) == []
        gate.set()
        eventually("then the lobby", lambda: said(ann) == ["waited", "quick"])


def test_by_the_clock(broker: RunningBroker, caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    bot = Bot(broker.control, "robot", keep=False, clock=clock)

    @bot.every("5m")
    def tick() -> None:
        bot.say("lobby", "tick")

    @bot.every(timedelta(minutes=2))
    def fail() -> None:
        raise RuntimeError("the reason")

    with bot:
        clock.advance("11m")
        bot.client.flush(PATIENCE)
        assert said(bot.client) == ["tick", "tick"]
    assert caplog.text.count("RuntimeError: the reason") == 5


def test_what_is_refused_is_told_in_the_log(
    broker: RunningBroker, caplog: pytest.LogCaptureFixture
) -> None:
    with echo_bot(broker.control) as bot:
        bot.tell("nobody", "hello")
        eventually("it is told", lambda: "nobody here is called nobody" in caplog.text)


def test_a_handler_that_exits_ends_nothing(
    broker: RunningBroker, caplog: pytest.LogCaptureFixture
) -> None:
    """As argparse does, for whatever somebody typed: nobody may end a bot by that."""
    clock = FakeClock()
    bot = Bot(broker.control, "robot", keep=False, clock=clock)

    @bot.on_message("exit|hello")
    def answer(ctx: Context, match: Any) -> None:
        if ctx.text == "exit":
            raise SystemExit("bad usage")
        ctx.say("HELLO")

    @bot.every("5m")
    def tick() -> None:
        raise SystemExit("no time")

    with bot, clients(broker.control, "ann") as (ann,):
        ann.say("lobby", "exit")
        ann.say("lobby", "hello")
        until_said(ann, "HELLO")
        assert said(ann) == [SORRY, "HELLO"]
        clock.advance("11m")
    assert caplog.text.count("SystemExit: no time") == 2
    assert "SystemExit: bad usage" in caplog.text


# -- ending ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["command", "clock"])
def test_a_handler_that_stops_its_bot_is_not_waited_for(broker: RunningBroker, by: str) -> None:
    clock = FakeClock()
    bot = Bot(broker.control, "robot", keep=False, grace=2 * PATIENCE, clock=clock)
    bot.command("end")(lambda ctx: bot.stop())
    bot.every("5m")(bot.stop)
    with clients(broker.control, "ann") as (ann,):
        bot.start()
        thread = bot._thread
        assert thread is not None
        if by == "clock":
            clock.advance("5m")
        else:
            ann.say("lobby", "!end")
        thread.join(PATIENCE)
        assert not thread.is_alive()
        bot.stop()


def test_who_takes_too_long_is_given_up_and_asked_again(
    broker: RunningBroker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state = tmp_path / "robot.json"
    gate = threading.Event()
    began = threading.Event()

    def make() -> Bot:
        bot = Bot(broker.control, "robot", state=state, grace=0.1)

        @bot.command("wait")
        def wait(ctx: Context) -> None:
            began.set()
            assert gate.wait(PATIENCE)
            ctx.say("waited")

        return bot

    with clients(broker.control, "ann") as (ann,):
        before = time.monotonic()
        with make():
            ann.say("lobby", "!wait")
            assert began.wait(PATIENCE)
        assert time.monotonic() - before < PATIENCE
        assert "given up: bot-lobby" in caplog.text
        gate.set()
        with make():
            until_said(ann, "waited")


def test_a_bot_whose_client_fails_ends_with_its_fault(broker: RunningBroker) -> None:
    bot = echo_bot(broker.control).start()
    bot.client.close()
    assert bot._thread is not None
    bot._thread.join(PATIENCE)
    with pytest.raises(Exception, match="closed"):
        bot.stop()
