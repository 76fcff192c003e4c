"""Pictures of the page, for docs/pictures: `pytest tests/web/browser --pictures docs/pictures`."""

from __future__ import annotations

import hashlib
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from chatlib import Client
from tests.support import RunningBroker
from tests.web.browser.scene import valley, write_scene
from tests.web.browser.visitor import Visitor
from tests.web.support import RunningPage

SIZES = {"phone": (380, 760), "tablet": (900, 700), "wide": (1600, 1000)}


@pytest.fixture
def pictures(pytestconfig: pytest.Config) -> Path:
    """Return where pictures go; without, there are none."""
    given = pytestconfig.getoption("--pictures")
    if given is None:
        pytest.skip("pictures are taken with --pictures DIR")
    path = Path(given).resolve()
    path.mkdir(parents=True, exist_ok=True)
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures(scheme: str, pictures: Path, tmp_path: Path, chromium: Any) -> None:
    content = valley(720, 480)
    digest = hashlib.sha256(content).hexdigest()
    port = _free_port()
    (tmp_path / "web" / "files").mkdir(parents=True)
    (tmp_path / "web" / "files" / digest).write_bytes(content)
    link = f"http://127.0.0.1:{port}/files/{digest}/mast-b.png#{len(content)},720x480"
    write_scene(tmp_path / "data", f"mast-b.png: {link}")
    with (
        RunningBroker(tmp_path, data=tmp_path / "data") as broker,
        RunningPage(tmp_path, broker.control, listen=f"127.0.0.1:{port}") as page,
        ExitStack() as stack,
    ):
        people = {}
        for nick in ("mira", "jonas", "Юлия", "sam"):
            people[nick] = stack.enter_context(Client(broker.control, nick))
            people[nick].join("lobby", history=0)
        nora = Visitor(
            chromium, page.url, "nora", enter=False, color_scheme=scheme, reduced_motion="reduce"
        )
        nora.page.locator("#nick").wait_for()
        for name, (width, height) in SIZES.items():
            nora.page.set_viewport_size({"width": width, "height": height})
            nora.page.screenshot(path=pictures / f"join-{name}-{scheme}.png")
        nora.enter("nora")
        _talk(nora, people)
        for name, (width, height) in SIZES.items():
            nora.page.set_viewport_size({"width": width, "height": height})
            nora.page.wait_for_timeout(300)
            nora.page.screenshot(path=pictures / f"chat-{name}-{scheme}.png")
        _around(nora, pictures, scheme)
        assert not nora.faults


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
        return found


def _talk(nora: Visitor, people: dict[str, Client]) -> None:
    page = nora.page
    for room in ("ci", "ops", "reading-club", "sensors"):
        page.locator('[data-id="browse"]').click()
        page.locator(".pick", has_text=room).click()
        nora.in_room(room)
    nora.go("lobby")
    nora.say("Thanks! I read the logs of the last week and have two questions about sensor 7.")
    row = nora.sees("two questions")
    seq = int(row.get_attribute("data-key"))
    people["sam"].react("lobby", seq, "👍")
    people["Юлия"].tell("nora", "Привет! Зайди ко мне, покажу датчик.")
    people["jonas"].join("ci", history=0)
    people["jonas"].say("ci", "green again")
    people["jonas"].say("ci", "and tagged")
    people["mira"].say("lobby", "Go ahead, @nora. Jonas knows it best.", reply_to=seq)
    for client in people.values():
        client.flush(10)
    page.locator(".talk.waits", has_text="Юлия").wait_for()
    page.locator(".talk.waits", has_text="ci").wait_for()
    page.locator(".sign", has_text="👍").wait_for()
    nora.sees("Jonas knows")
    page.locator(".composer textarea").fill("")


def _around(nora: Visitor, pictures: Path, scheme: str) -> None:
    page = nora.page

    def search() -> None:
        page.keyboard.press("Control+Shift+F")
        page.fill(".find input", "sensor")

    shots = (
        ("search", search),
        ("people", lambda: page.locator(".head .ib.wide").click()),
        ("rooms", lambda: page.locator('[data-id="browse"]').click()),
        ("settings", lambda: page.locator('[data-id="gear"]').click()),
        ("keys", lambda: page.keyboard.press("Control+/")),
    )
    for name, show in shots:
        show()
        page.wait_for_timeout(900)
        page.screenshot(path=pictures / f"{name}-{scheme}.png")
        page.keyboard.press("Escape")
    page.set_viewport_size({"width": 380, "height": 760})
    page.locator('[aria-controls="side"]').click()
    page.wait_for_timeout(400)
    page.screenshot(path=pictures / f"drawer-phone-{scheme}.png")
