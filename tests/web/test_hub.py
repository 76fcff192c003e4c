"""The hub alone, with a real broker, in a loop of the test's own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from chatlib.protocol.links import parse_endpoint
from chatlib.web.hub import FOLLOW_S, Hub
from tests.support import PATIENCE, RunningBroker


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
