"""The client's own promises: errors that say what to do, and threads that may all talk at once."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq

from chatlib import (
    Client,
    Connection,
    Event,
    HubbubError,
    Misuse,
    OutboxFull,
    Refusal,
    Refused,
    TimedOut,
    Unreachable,
)
from chatlib.core import outbox
from chatlib.net import client
from tests.support import PATIENCE, RunningBroker, eventually
from tests.system.people import clients, texts, until, until_said

NOBODY = "tcp://127.0.0.1:1"


@pytest.fixture
def ann(broker: RunningBroker) -> Iterator[Client]:
    with clients(broker.control, "ann") as (made,):
        yield made


def offline(client: Client, broker: RunningBroker) -> None:
    """Let the broker crash, and wait until the client has seen it."""
    broker.kill()
    until(client, lambda told: isinstance(told, Connection) and told.state == "offline")


# -- misuse --------------------------------------------------------------------------------------


def test_nothing_before_start() -> None:
    threads = threading.active_count()
    client = Client(NOBODY, "ann")
    assert threading.active_count() == threads
    assert client.state == "offline"
    for use in (lambda: client.join("lobby"), lambda: client.tell("bob", "x"), client.rooms):
        with pytest.raises(Misuse, match="was not started"):
            use()
    client.flush()  # there is nothing to wait for
    client.close()


def test_nothing_after_close(broker: RunningBroker) -> None:
    client = Client(broker.control, "ann").start()
    client.join("lobby")
    client.close()
    client.close()
    assert client.state == "closed"
    for use in (lambda: client.say("lobby", "x"), lambda: client.tell("bob", "x"), client.rooms):
        with pytest.raises(Misuse, match="is closed"):
            use()
    with pytest.raises(Misuse, match="started once"):
        client.start()


def test_started_once(ann: Client) -> None:
    with pytest.raises(Misuse, match="started once"):
        ann.start()


@pytest.mark.parametrize("nick", ["", "a b", "a/b", "x" * 33, "\ud800"])
def test_bad_nick(nick: str) -> None:
    with pytest.raises(Misuse):
        Client(NOBODY, nick)


def test_bad_arguments(ann: Client) -> None:
    for use in (
        lambda: ann.join("a b"),
        lambda: ann.say("a/b", "x"),
        lambda: ann.say("lobby", ""),
        lambda: ann.say("lobby", "x" * 9_000),
        lambda: ann.say("lobby", "\x1b[2J"),
        lambda: ann.tell("a b", "x"),
        lambda: ann.rename(""),
    ):
        with pytest.raises(Misuse):
            use()
    with pytest.raises(Misuse, match="not in the room elsewhere: join it first"):
        ann.say("elsewhere", "x")
    assert not ann.pending()


# -- refusals ------------------------------------------------------------------------------------


def test_nick_taken(broker: RunningBroker, ann: Client) -> None:
    with pytest.raises(Refused) as refused:
        Client(broker.control, "ANN").start()
    assert (refused.value.code, refused.value.suggestion) == ("nick_taken", "ANN_")
    with clients(broker.control, "bob") as (bob,):
        with pytest.raises(Refused, match="in use"):
            bob.rename("Ann")
        assert bob.nick == "bob"


def test_refused_requests(ann: Client) -> None:
    for use, code in (
        (lambda: ann.who("nowhere"), "no_such_room"),
        (lambda: ann.leave("nowhere"), "no_such_room"),
        (lambda: ann.topic("lobby", "two\nlines"), "bad_text"),
        (lambda: ann.history(peer="a b"), "bad_nick"),
        (ann.history, "bad_request"),
    ):
        with pytest.raises(Refused) as refused:
            use()
        assert refused.value.code == code


def test_refused_message(ann: Client) -> None:
    """It comes as an event, and once more from `flush`, for who does not read events."""
    first, second = ann.tell("nobody", "hello?"), ann.tell("nobody", "anybody?")
    with pytest.raises(Refused, match=r"nobody here is called nobody .and 1 more"):
        ann.flush(PATIENCE)
    ann.flush(PATIENCE)
    told = until(ann, lambda t: isinstance(t, Refusal) and t.ticket == second)
    assert [t.ticket for t in told if isinstance(t, Refusal)] == [first, second]


def test_refusals_that_nobody_asks_for_are_not_kept_for_ever(
    broker: RunningBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "MOST_REFUSALS", 3)
    with clients(broker.control, "bob") as (bob,):
        tickets = [bob.tell("nobody", str(i)) for i in range(5)]
        until(bob, lambda t: isinstance(t, Refusal) and t.ticket == tickets[-1])
        with pytest.raises(Refused, match=r"and 2 more"):
            bob.flush(PATIENCE)


# -- a broker that is away -----------------------------------------------------------------------


def test_outbox_full(ann: Client, broker: RunningBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MOST_MESSAGES", 10)
    offline(ann, broker)
    for i in range(10):
        ann.say("lobby", str(i))
    with pytest.raises(OutboxFull, match=r"10 messages are not acknowledged yet: .*(lost|refused)"):
        ann.say("lobby", "one too many", timeout=0.2)
    with broker.again():
        ann.say("lobby", "room again", timeout=PATIENCE)
        assert texts(until_said(ann, "room again")) == [*map(str, range(10)), "room again"]


def test_requests_time_out(ann: Client, broker: RunningBroker) -> None:
    offline(ann, broker)
    for use in (
        lambda: ann.who(timeout=0.1),
        lambda: ann.join("lobby", timeout=0.1),
        lambda: ann.history("lobby", timeout=0.1),
    ):
        with pytest.raises(Unreachable, match=r"lost|refused"):
            use()
    ann.say("lobby", "x")
    for wait in (lambda: ann.rename("b", timeout=0.1), lambda: ann.leave("lobby", timeout=0.1)):
        with pytest.raises(TimedOut, match="1 message is not acknowledged"):
            wait()


def test_close_ends_every_wait(
    ann: Client, broker: RunningBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads that wait for a broker which is away are let go by `close`."""
    monkeypatch.setattr(outbox, "MOST_MESSAGES", 1)
    offline(ann, broker)
    ann.say("lobby", "x")
    ended: list[str] = []
    waits: dict[str, Callable[[], object]] = {
        "events": lambda: list(ann.events()),
        "flush": ann.flush,
        "leave": lambda: ann.leave("lobby", timeout=60),
        "say": lambda: ann.say("lobby", "y"),
        "who": lambda: ann.who(timeout=60),
    }

    def wait(name: str) -> None:
        with contextlib.suppress(HubbubError):
            waits[name]()
        ended.append(name)

    waiting = [threading.Thread(target=wait, args=(name,), daemon=True) for name in waits]
    for thread in waiting:
        thread.start()
    time.sleep(0.2)
    ann.close()
    for thread in waiting:
        thread.join(10)
    assert sorted(ended) == list(waits)


def test_start_without_waiting(tmp_path: Path) -> None:
    with RunningBroker(tmp_path) as first:
        first.kill()
        with Client(first.control, "ann").start(wait=None) as ann:
            told = until(ann, lambda t: isinstance(t, Connection) and t.state == "offline")[-1]
            assert "hubbub broker" in told.detail and told.retry_in is not None
            with first.again():
                until(ann, lambda t: isinstance(t, Connection) and t.state == "online")
                ann.join("lobby")


# -- threads -------------------------------------------------------------------------------------


def test_eight_threads(broker: RunningBroker) -> None:
    """Every message once, and each thread's own in the order that it said them."""
    with clients(broker.control, "ann", "bob") as (ann, bob):

        def talk(name: int) -> None:
            for i in range(200):
                ann.say("lobby", f"{name} {i}")
                if i % 50 == 0:
                    ann.who("lobby")

        talkers = [threading.Thread(target=talk, args=(name,)) for name in range(8)]
        for talker in talkers:
            talker.start()
        for talker in talkers:
            talker.join()
        ann.flush(PATIENCE)
        ann.say("lobby", "the end")
        said = texts(until_said(bob, "the end"))
        assert said == texts(until_said(ann, "the end"))
    assert len(said) == 8 * 200 + 1
    for name in range(8):
        assert [s for s in said if s.startswith(f"{name} ")] == [f"{name} {i}" for i in range(200)]


def test_events_in_two_threads(broker: RunningBroker) -> None:
    """What one thread takes, the other does not get."""
    with clients(broker.control, "ann", "bob") as (ann, bob):
        taken: list[list[int]] = [[], []]

        def take(into: list[int]) -> None:
            for told in bob.events():
                if isinstance(told, Event) and told.n:
                    into.append(told.n)

        takers = [threading.Thread(target=take, args=(into,)) for into in taken]
        for taker in takers:
            taker.start()
        for i in range(500):
            ann.say("lobby", str(i))
        eventually("all is taken", lambda: len(taken[0]) + len(taken[1]) >= 500)
        bob.close()
        for taker in takers:
            taker.join()
        assert sorted(taken[0] + taken[1]) == list(range(1, 501))
        assert all(numbers == sorted(numbers) for numbers in taken)


def test_shared_context(broker: RunningBroker) -> None:
    """It is not ended with the client."""
    with zmq.Context() as context:
        for _ in range(3):
            with Client(broker.control, "ann", context=context) as ann:
                ann.join("lobby")
        assert not context.closed


def test_leaves_nothing_behind(broker: RunningBroker) -> None:
    threads = threading.active_count()
    for _ in range(5):
        with Client(broker.control, "ann") as ann:
            ann.join("lobby")
    assert threading.active_count() == threads


def test_several_threads_may_close_it_at_once(broker: RunningBroker) -> None:
    for _ in range(20):
        client = Client(broker.control, "ann").start()
        closing = [threading.Thread(target=client.close, daemon=True) for _ in range(3)]
        for thread in closing:
            thread.start()
        for thread in closing:
            thread.join(PATIENCE)
            assert not thread.is_alive()
