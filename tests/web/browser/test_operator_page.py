"""The operator's page in a browser: what is done is seen to happen, with a thousand people, too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench import zmtp
from chatlib import Client
from chatlib.security.keys import load_key
from chatlib.web.operator_links import make_link
from tests.support import PATIENCE, RunningBroker
from tests.web.browser.test_access import faults
from tests.web.browser.test_pictures import pictures  # noqa: F401  a fixture
from tests.web.support import RunningPage

MANY = 1_000
MOST_NODES = 1_600
MOST_BYTES = 40_000


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


def test_the_operator_bans_somebody_and_sees_it_happen(
    house: tuple[RunningBroker, RunningPage], operate: Any
) -> None:
    broker, served = house
    with come(broker, "eve"), come(broker, "ann"):
        page = operate(served).page
        eve = page.locator(".t-people .rows .tr").filter(has_text="eve")
        eve.wait_for()
        eve.get_by_role("button", name="Actions for eve").click()
        page.get_by_role("button", name="Ban from the broker").click()
        page.get_by_label("Reason").fill("noise")
        page.get_by_role("button", name="Ban", exact=True).click()
        page.get_by_role("dialog").wait_for(state="detached")
        eve.wait_for(state="detached")
        page.get_by_role("row").filter(has_text="ann").wait_for()
        page.locator(".audit").get_by_text("noise").wait_for()
        page.get_by_role("button", name="Bans").click()
        page.get_by_role("button", name="Lift").click()
        page.get_by_role("dialog").get_by_role("button", name="Lift").wait_for(state="detached")


def test_a_room_is_closed_and_opened(
    house: tuple[RunningBroker, RunningPage], operate: Any
) -> None:
    broker, served = house
    with come(broker, "eve"):
        page = operate(served).page
        lobby = page.get_by_role("row").filter(has_text="#lobby")
        lobby.get_by_role("button").click()
        page.get_by_role("button", name="Close the room").click()
        lobby.get_by_text("closed").wait_for()
        lobby.get_by_role("button").click()
        page.get_by_role("button", name="Open it again").click()
        lobby.get_by_text("closed").wait_for(state="detached")


def test_by_keys_alone(house: tuple[RunningBroker, RunningPage], operate: Any) -> None:
    broker, served = house
    with come(broker, "ann"), come(broker, "bob"):
        page = operate(served).page
        page.get_by_role("row").filter(has_text="bob").wait_for()
        page.get_by_role("button", name="Nickname").focus()
        page.keyboard.press("Enter")
        first = page.get_by_role("button", name="Actions for ann")
        first.focus()
        page.keyboard.press("ArrowDown")
        assert page.evaluate("document.activeElement.getAttribute('aria-label')").endswith("bob")
        page.keyboard.press("Enter")
        page.get_by_role("dialog", name="bob").wait_for()
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="detached")


def test_a_link_opened_twice_lets_nobody_in(
    house: tuple[RunningBroker, RunningPage], chromium: Any, operate: Any
) -> None:
    _, served = house
    page = operate(served).page
    assert "#" not in page.url  # no history has the token
    other = chromium.new_context(locale="en-GB")
    stranger = other.new_page()
    stranger.goto(served.url + "/operator#t=guess")
    stranger.get_by_text("was used already").wait_for()
    stranger.goto(served.url + "/operator")
    stranger.reload()
    stranger.get_by_text("for operators").wait_for()
    assert stranger.get_by_text("Running").count() == 0
    other.close()


@pytest.mark.parametrize("house", [()], indirect=True, ids=["plain"])
def test_it_stays_small_with_a_thousand(
    house: tuple[RunningBroker, RunningPage], operate: Any
) -> None:
    broker, served = house
    port = int(broker.control.rpartition(":")[2])
    crowd = [zmtp.dial(port, "DEALER") for _ in range(MANY)]
    for n, one in enumerate(crowd):
        hello = {"op": "hello", "v": 1, "id": 1, "nick": f"guest{n:04}", "client": "crowd"}
        one.sendall(zmtp.frame(json.dumps(hello).encode()))
    one = operate(served, viewport={"width": 1600, "height": 1000})
    page = one.page
    page.locator(".t-people .count").filter(has_text=str(MANY)).wait_for()
    page.get_by_role("button", name="Nickname").click()
    page.get_by_role("row").filter(has_text="guest0000").wait_for()
    page.locator(".t-people .scroll").evaluate("node => { node.scrollTop = node.scrollHeight }")
    page.get_by_role("row").filter(has_text="guest0999").wait_for()
    page.get_by_placeholder("Find by nickname").fill("guest0500")
    page.locator(".t-people .count").filter(has_text=f"1 of {MANY}").wait_for()
    page.get_by_placeholder("Find by nickname").fill("")
    page.locator(".t-people .count").filter(has_text=str(MANY)).wait_for()
    assert page.evaluate("document.querySelectorAll('*').length") < MOST_NODES
    assert max(one.sizes) < MOST_BYTES, max(one.sizes)
    slow = page.evaluate(
        """async () => { let worst = 0, last = performance.now();
        for (let i = 0; i < 90; i++) await new Promise((next) => requestAnimationFrame((now) => {
            worst = Math.max(worst, now - last); last = now; next(); }));
        return worst; }"""
    )
    assert slow < 1_000, f"a frame took {slow} ms"
    for socket in crowd:
        socket.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [900, 1600])
def test_axe_finds_nothing_serious(
    house: tuple[RunningBroker, RunningPage], operate: Any, scheme: str, width: int
) -> None:
    broker, served = house
    with come(broker, "ann"):
        one = operate(
            served, color_scheme=scheme, viewport={"width": width, "height": 1000}, bypass_csp=True
        )
        page = one.page
        page.get_by_role("row").filter(has_text="ann").wait_for()
        assert faults(page) == []
        page.get_by_role("button", name="Invite", exact=True).click()
        page.get_by_role("button", name="Make a link").click()
        page.get_by_label("QR code of the link").wait_for()
        assert faults(page) == []
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Actions for ann").click()
        assert faults(page) == []


def test_in_russian(house: tuple[RunningBroker, RunningPage], operate: Any) -> None:
    broker, served = house
    with come(broker, "ann"):
        page = operate(served).page
        page.get_by_role("button", name="По-русски").click()
        page.get_by_role("heading", name="Люди и программы").wait_for()
        page.get_by_role("row").filter(has_text="ann").wait_for()
        assert page.evaluate("document.documentElement.lang") == "ru"


@pytest.mark.parametrize(
    ("name", "width", "scheme"), [("light", 1600, "light"), ("dark", 900, "dark")]
)
def test_pictures(
    house: tuple[RunningBroker, RunningPage],
    operate: Any,
    pictures: Path,  # noqa: F811
    name: str,
    width: int,
    scheme: str,
) -> None:
    broker, served = house
    with ExitStack() as stack:
        names = ("ann", "jonas", "mira", "sam", "Юлия")
        people = [stack.enter_context(come(broker, nick)) for nick in names]
        page = operate(served, color_scheme=scheme, viewport={"width": width, "height": 1000}).page
        for n in range(150):
            people[n * n % 5].say("lobby", f"line {n}")
            page.wait_for_timeout(200 if n % 30 < 20 else 60)
        page.screenshot(path=pictures / f"operator-{name}.png")
