"""What the tests of the operator's page share: a broker with such a page, and who opens it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from chatlib import Client
from chatlib.security.keys import load_key
from chatlib.web.operator_links import make_link
from tests.support import PATIENCE, RunningBroker
from tests.web.support import RunningPage


@pytest.fixture
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Any, Any]]:
    """A broker and its page with operators: encrypted unless the test says otherwise."""
    options = getattr(request, "param", ("--access", "open"))
    data = tmp_path / "data"
    with (
        RunningBroker(tmp_path, *options, data=data) as broker,
        RunningPage(tmp_path, broker.control, "--broker-data", str(data)) as page,
    ):
        yield broker, page


class Operator:
    """One who has opened a link to the page."""

    def __init__(self, chromium: Any, page: RunningPage, **options: Any) -> None:
        self.context = chromium.new_context(locale="en-GB", **options)
        self.context.set_default_timeout(PATIENCE * 1000)
        self.page = self.context.new_page()
        self.faults: list[str] = []
        self.sizes: list[int] = []
        self.page.on("pageerror", lambda fault: self.faults.append(str(fault)))
        self.page.on("console", lambda m: self.faults.append(m.text) if m.type == "error" else None)
        self.page.on("websocket", self._listen)
        self.page.goto(make_link(page.directory / "web"))
        self.page.get_by_text("Running").wait_for()

    def _listen(self, socket: Any) -> None:
        socket.on("framereceived", lambda text: self.sizes.append(len(text)))


@pytest.fixture
def operate(chromium: Any) -> Iterator[Any]:
    """Return what opens a page for an operator; at the end none of them had a fault."""
    made: list[Operator] = []

    def operator(page: RunningPage, **options: Any) -> Operator:
        made.append(Operator(chromium, page, **options))
        return made[-1]

    yield operator
    for one in made:
        assert one.faults == []
        one.context.close()


@contextmanager
def come(broker: RunningBroker, nick: str) -> Iterator[Client]:
    assert broker.data is not None
    key = load_key(broker.data / "broker.key").public
    with Client(broker.control, nick, server_key=key) as client:
        client.join("lobby")
        yield client


def open_person(page: Any, nick: str, rooms: str) -> Any:
    """Open the dialog of somebody; return it when it tells these rooms."""
    page.get_by_role("button", name=f"Actions for {nick}").click()
    person = page.get_by_role("dialog", name=nick, exact=True)
    person.get_by_text(rooms, exact=True).wait_for()
    return person
