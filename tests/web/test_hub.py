"""The hub alone, with a real broker, in a loop of the test's own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from chatlib.errors import Refused
from chatlib.protocol import limits
from chatlib.protocol.codec import encode
from chatlib.protocol.events import Line
from chatlib.protocol.links import parse_endpoint
from chatlib.protocol.topics import BEACON
from chatlib.web.hub import FOLLOW_S, Hub
from chatlib.web.journal import PERSON_KEPT_S, Journal
from chatlib.web.person import Tab
from chatlib.web.socket import Conversation, frame_rates
from tests.support import PATIENCE, RunningBroker

pytestmark = pytest.mark.usefixtures("own_loop")


def in_hub(broker: RunningBroker, directory: Path, do: Callable[[Hub], Awaitable[None]]) -> None:
    """Run a test in the loop of a hub."""

    async def run() -> None:
        hub = Hub(parse_endpoint(broker.control), None, directory)
        hub.start()
        try:
            await asyncio.wait_for(do(hub), PATIENCE)
        finally:
            hub.close()

    asyncio.run(run())


def test_who_waits_for_a_room_is_told_once(broker: RunningBroker, tmp_path: Path) -> None:
    async def do(hub: Hub) -> None:
        person = hub.find(await hub.enter("ann"))
        assert person is not None
        told: list[bool] = []
        heard = asyncio.Event()

        def then(found: bool) -> None:
            told.append(found)
            heard.set()

        hub.follow("lobby", person, then)
        await heard.wait()
        hub.give_up(time.monotonic() + 2 * FOLLOW_S)
        assert told == [True]
        hub.follow("ops", person, then)
        hub.give_up(time.monotonic())
        assert told == [True]
        hub.give_up(time.monotonic() + 2 * FOLLOW_S)
        assert told == [True, False]

    in_hub(broker, tmp_path, do)


def test_what_was_said_is_read_when_somebody_wakes(broker: RunningBroker, tmp_path: Path) -> None:
    cookies: list[str] = []

    async def say(hub: Hub) -> None:
        cookies.append(await hub.enter("ann"))
        person = hub.find(cookies[0])
        assert person is not None
        done = asyncio.Event()

        def push(frame: bytes) -> bool:
            if b'"kind":"refused"' in frame:
                done.set()
            return True

        hub.came(person, Tab(push))
        person.say("key", Line(n=1, room="elsewhere", text="x"), time.monotonic())
        await done.wait()

    async def read(hub: Hub) -> None:
        person = hub.find(cookies[0])
        assert person is not None and not person.saying.known("key")
        hub.came(person, Tab(lambda frame: True))
        assert person.saying.known("key")

    in_hub(broker, tmp_path, say)
    in_hub(broker, tmp_path, read)


def test_who_is_away_longest_is_forgotten(
    broker: RunningBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatlib.web.hub.MOST_PERSONS", 3)

    async def do(hub: Hub) -> None:
        cookies = {nick: await hub.enter(nick) for nick in ("ann", "bob", "cyd")}

        def here(*nicks: str) -> list[str]:
            return [nick for nick in nicks if hub.find(cookies[nick])]

        def opens(nick: str) -> None:
            person = hub.find(cookies[nick])
            assert person is not None
            hub.came(person, Tab(lambda frame: True))

        opens("ann")
        cookies["dan"] = await hub.enter("dan")
        assert here("ann", "bob", "cyd", "dan") == ["ann", "cyd", "dan"]
        opens("cyd")
        opens("dan")
        with pytest.raises(Refused) as refused:
            await hub.enter("eve")
        assert refused.value.code == "too_many_sessions"
        assert here("ann", "cyd", "dan") == ["ann", "cyd", "dan"]

    in_hub(broker, tmp_path, do)


def test_who_said_bye_asks_nothing_more(broker: RunningBroker, tmp_path: Path) -> None:
    async def do(hub: Hub) -> None:
        person = hub.find(await hub.enter("ann"))
        assert person is not None
        told: list[bytes] = []
        conversation = Conversation(
            hub, person, Tab(lambda frame: not told.append(frame)), frame_rates()
        )
        hub.forget(person)
        conversation.take('{"op":"open","id":1,"room":"lobby"}')
        conversation.take('{"op":"say","key":"k","room":"lobby","text":"x"}')
        assert hub.relay.topics == [BEACON]
        assert not list(hub.audience.of("lobby")) and not len(person.saying) and not told

    in_hub(broker, tmp_path, do)


def test_who_wakes_is_in_the_rooms_of_before(
    broker: RunningBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatlib.web.hub.LOOK_S", 0.01)

    async def do(hub: Hub) -> None:
        person = hub.find(await hub.enter("ann"))
        monkeypatch.setattr("chatlib.web.hub.AWAY_S", 0.0)  # not before one is in: that takes time
        assert person is not None
        told: list[bytes] = []

        async def asked(**frame: str) -> None:
            answered = len(told)
            conversation.take(encode({"id": len(told), **frame}))
            while not any(b'"ok":true' in one for one in told[answered:]):
                await asyncio.sleep(0.01)

        for _ in range(2):
            del told[:]
            tab = Tab(lambda frame: not told.append(frame))
            conversation = Conversation(hub, person, tab, frame_rates())
            hub.came(person, tab)
            await asked(op="open", room="lobby")
            assert person.rooms == {"lobby"}
            assert not [one for one in told if b'"kind":"left"' in one]
            hub.went(person, tab)
            while person.awake:
                await asyncio.sleep(0.01)

    in_hub(broker, tmp_path, do)


def test_too_many_of_the_last_process(tmp_path: Path) -> None:
    async def do() -> None:
        journal = Journal(tmp_path / "web.db", asyncio.get_running_loop())
        for id in range(1, 6):
            journal.write(
                ("INSERT INTO persons (id, cookie, nick, seen) VALUES (?, ?, 'x', ?)", (id, id, id))
            )
        said = "INSERT INTO said (person, key, n, line, outcome, at) VALUES (?, 'k', 1, '{}', ?, 1)"
        journal.write((said, (1, "")), (said, (2, "ok")), (said, (5, "ok")))
        journal.close()
        journal = Journal(tmp_path / "web.db", asyncio.get_running_loop())
        assert journal.unsaid() == {1}
        assert [kept.id for kept in journal.persons(10.0, 2)] == [1, 4, 5]
        assert [len(journal.lines(id, 0.0)) for id in (1, 2, 5)] == [1, 0, 1]
        assert journal.persons(PERSON_KEPT_S + 4.5, 2)[0].id == 5
        journal.close()

    asyncio.run(do())


def test_what_was_opened_is_heard_no_more_when_somebody_goes(
    broker: RunningBroker, tmp_path: Path
) -> None:
    """Else the page server, and the feed for it, keep every name that ever stood in an `open`."""

    async def do(hub: Hub) -> None:
        person = hub.find(await hub.enter("ann"))
        assert person is not None
        told: list[bytes] = []
        tab = Tab(lambda frame: not told.append(frame))
        conversation = Conversation(hub, person, tab, frame_rates())
        hub.came(person, tab)
        for n in range(limits.ROOMS_PER_SESSION + 1):
            conversation.take(f'{{"op":"open","id":{n},"room":"r{n}"}}')
        assert len(person.opening) == limits.ROOMS_PER_SESSION
        assert b'"slow_down"' in told[-1]
        assert len(set(hub.relay.topics)) == limits.ROOMS_PER_SESSION + 1
        conversation.take('{"op":"bye","id":1000}')
        assert set(hub.relay.topics) == {BEACON}
        assert not any(hub.audience.of(f"r{n}") for n in range(limits.ROOMS_PER_SESSION))

    in_hub(broker, tmp_path, do)
