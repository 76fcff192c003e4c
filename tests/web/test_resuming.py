"""Whatever is killed: nothing is lost, nothing is doubled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chatlib import Client
from tests.support import RunningBroker, eventually
from tests.web.support import Browser, RunningPage


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RunningBroker]:
    """A broker whose history outlives it."""
    with RunningBroker(tmp_path, data=tmp_path / "data") as running:
        yield running


def said_in(broker: RunningBroker, room: str = "lobby") -> list[str]:
    """Return what the history has, in order."""
    with Client(broker.control, "reader") as reader:
        return [e.text or "" for e in reader.history(room, limit=1000) if e.kind == "say"]


def test_the_broker_is_killed(broker: RunningBroker, page: RunningPage) -> None:
    with Browser(page, page.enter("ann")) as ann, Browser(page, page.enter("bob")) as bob:
        for one in (ann, bob):
            one.ask("open", room="lobby")
        assert ann.acknowledged(ann.say("before", room="lobby"))["kind"] == "ack"
        broker.kill()
        ann.until("welcome", lambda told: told["state"] == "offline")
        keys = [ann.say(f"in between {i}", room="lobby") for i in range(20)]
        sid = ann.welcome["sid"]
        with broker.again() as again:
            ann.await_online()
            assert ann.welcome["sid"] == sid
            for key in keys:
                assert ann.acknowledged(key)["kind"] == "ack"
            ann.acknowledged(ann.say("after", room="lobby"))
            everything = ["before", *(f"in between {i}" for i in range(20)), "after"]
            for one in (ann, bob):
                one.hear("lobby", "after")
                assert one.texts("lobby") == everything
            assert said_in(again) == everything


def test_the_broker_is_killed_again_and_again(broker: RunningBroker, page: RunningPage) -> None:
    with Browser(page, page.enter("ann")) as ann, Browser(page, page.enter("bob")) as bob:
        for one in (ann, bob):
            one.ask("open", room="lobby")
        keys = []
        running = broker
        for turn in range(3):
            keys += [ann.say(f"{turn} {i}", room="lobby") for i in range(30)]
            running.kill()
            running = running.again().__enter__()
        try:
            for key in keys:
                assert ann.acknowledged(key)["kind"] == "ack"
            bob.hear("lobby", "2 29")
            everything = [f"{turn} {i}" for turn in range(3) for i in range(30)]
            assert said_in(running) == everything
            assert bob.texts("lobby") == everything
        finally:
            running.__exit__()


def test_the_page_server_is_killed(broker: RunningBroker, page: RunningPage) -> None:
    ann = Browser(page, page.enter("ann"))
    ann.ask("open", room="lobby")
    sid = ann.welcome["sid"]
    keys = [ann.say(f"one {i}", room="lobby") for i in range(50)]
    ann.acknowledged(keys[10])
    page.kill()
    unsure = [key for key in keys if ann.outcome(key) is None]
    with page.again() as again:
        ann.page = again
        ann.reconnect()
        assert (ann.welcome["sid"], ann.welcome["nick"]) == (sid, "ann")
        assert ann.ask("open", room="lobby")["ok"]
        for i, key in enumerate(keys):
            if key in unsure:
                ann.say(f"one {i}", key=key, room="lobby")
        for key in unsure:
            assert ann.acknowledged(key)["kind"] == "ack"
        assert ann.acknowledged(ann.say("and on", room="lobby"))["kind"] == "ack"
        assert said_in(broker) == [*(f"one {i}" for i in range(50)), "and on"]
        ann.close()


def test_what_happened_in_a_private_room_is_not_told_anew(
    broker: RunningBroker, page: RunningPage
) -> None:
    bob = Browser(page, page.enter("bob"))
    with Client(broker.control, "cyd") as cyd:
        cyd.create("den", private=True)
        cyd.join("den")
        for _ in range(2):
            cyd.set_role("den", "bob", "member")
            bob.ask("open", room="den")
            cyd.kick("den", "bob")
        cyd.set_role("den", "bob", "member")
        bob.ask("open", room="den")
        page.kill()
        with page.again() as again:
            bob.page = again
            del bob.told[:]
            bob.reconnect()
            cyd.say("den", "and now")
            bob.hear("den", "and now")
            assert [event["kind"] for event in bob.events("den")] == ["say"]
            bob.close()


def test_what_a_killed_page_server_had_taken_is_said(
    broker: RunningBroker, page: RunningPage
) -> None:
    """Nobody asks again: what web.db has goes out by itself."""
    with Browser(page, page.enter("ann")) as ann:
        ann.ask("open", room="lobby")
        ann.acknowledged(ann.say("first", room="lobby"))
        broker.kill()
        ann.until("welcome", lambda told: told["state"] == "offline")
        ann.say("taken while nobody was there", room="lobby")
        eventually("it is written", lambda: b"taken while nobody" in written(page))
        page.kill()
    with broker.again() as again, page.again():
        both = ["first", "taken while nobody was there"]
        eventually("it is said", lambda: said_in(again) == both)


def written(page: RunningPage) -> bytes:
    files = (page.directory / "web").glob("web.db*")
    return b"".join(file.read_bytes() for file in files)


def test_a_lost_websocket(broker: RunningBroker, page: RunningPage) -> None:
    with Browser(page, page.enter("ann")) as ann, Client(broker.control, "cyd") as cyd:
        cyd.join("lobby")
        ann.ask("open", room="lobby")
        key = ann.say("once", room="lobby")
        first = ann.acknowledged(key)
        ann.hear("lobby", "once")
        ann.close()
        cyd.say("lobby", "missed")
        cyd.flush(10)
        ann.reconnect()
        ann.told.clear()
        ann.say("once", key=key, room="lobby")
        assert ann.acknowledged(key) == first
        answer = ann.ask("open", room="lobby", after=first["seq"])
        assert [event["text"] for event in answer["events"]] == ["missed"]
        assert said_in(broker) == ["once", "missed"]


def test_a_second_tab_is_the_same_person(page: RunningPage) -> None:
    cookie = page.enter("ann")
    with Browser(page, cookie) as one, Browser(page, cookie) as two:
        assert one.welcome["sid"] == two.welcome["sid"]
        one.ask("open", room="ops")
        assert two.until("joined")["room"] == "ops"
        key = one.say("from one", room="ops")
        two.hear("ops", "from one")
        assert two.acknowledged(key)["kind"] == "ack"
        members = two.ask("who", room="ops")["members"]
        assert [member["nick"] for member in members] == ["ann"]


def test_a_new_history(tmp_path: Path) -> None:
    """A broker in memory that starts anew: the rooms are joined again, and all goes on."""
    with (
        RunningBroker(tmp_path) as first,
        RunningPage(tmp_path, first.control) as page,
        Browser(page, page.enter("ann")) as ann,
    ):
        ann.ask("open", room="lobby")
        ann.acknowledged(ann.say("gone", room="lobby"))
        epoch = ann.welcome["epoch"]
        first.kill()
        ann.until("welcome", lambda told: told["state"] == "offline")
        key = ann.say("said while it was away", room="lobby")
        with first.again() as second:
            ann.await_online()
            assert ann.welcome["epoch"] != epoch
            assert ann.acknowledged(key)["kind"] == "ack"
            assert said_in(second) == ["said while it was away"]
            ann.hear("lobby", "said while it was away")


def test_two_page_servers_do_not_share_a_directory(
    broker: RunningBroker, page: RunningPage
) -> None:
    other = RunningPage(page.directory, broker.control)
    with pytest.raises(AssertionError, match="another page server uses"), other:
        other.process.wait(30)
        other._is_ready()
