"""The page for everyone: axe-core finds no fault, keys reach all, two languages."""

from __future__ import annotations

from typing import Any

import pytest

from chatlib import Client
from tests.support import RunningBroker
from tests.web.browser.visitor import Visitor
from tests.web.support import RunningPage


def faults(page: Any) -> list[str]:
    """Return what axe-core finds that is serious or worse."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    options = {"resultTypes": ["violations"]}
    found = axe.run(page, options=options).response["violations"]
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(
    scheme: str, stored: RunningBroker, page: RunningPage, chromium: Any
) -> None:
    ann = Visitor(
        chromium, page.url, "ann", enter=False, color_scheme=scheme, reduced_motion="reduce"
    )
    # axe's script is put in by the test; the page's own policy would keep it out.
    ann.page.locator("#nick").wait_for()
    assert faults(ann.page) == []
    ann.enter("ann")
    with Client(stored.control, "cyd") as cyd:
        cyd.join("lobby")
        cyd.say("lobby", "hello @ann, look at `x` and https://example.org")
        cyd.say("lobby", "```\nlong " + "x" * 300 + "\n```")
        cyd.tell("ann", "psst")
        cyd.flush(10)
        ann.sees("hello @ann").focus()
        ann.page.keyboard.press("r")
        ann.say("an answer")
        ann.sees("an answer")
        ann.page.locator(".talk.waits").wait_for()
        assert faults(ann.page) == []
        ann.page.keyboard.press("Control+Shift+F")
        ann.page.fill(".find input[type=search]", "hello")
        ann.page.locator(".hit").wait_for()
        assert faults(ann.page) == []
        ann.page.locator(".head .ib.wide").click()
        ann.page.locator(".person").first.wait_for()
        assert faults(ann.page) == []
        for keys in ("Control+k", "Control+/"):
            ann.page.keyboard.press(keys)
            ann.page.locator("dialog[open]").wait_for()
            assert faults(ann.page) == []
            ann.page.keyboard.press("Escape")
        ann.page.locator('[data-id="gear"]').click()
        assert faults(ann.page) == []
        ann.page.keyboard.press("Escape")
        _rules(ann, cyd)


def _rules(ann: Visitor, cyd: Client) -> None:
    """Whoever rules a room, and whoever is ruled."""
    page = ann.page
    ann.opens("den")
    cyd.join("den")
    cyd.say("den", "hello")
    ann.sees("hello")
    for nth in (1, 3):  # a mute, a ban
        page.locator(".person", has_text="cyd").click()
        assert faults(page) == []
        page.locator(".menu button").nth(nth).click()
        page.locator("dialog[open]").wait_for()
        assert faults(page) == []
        page.keyboard.press("Enter")
    page.locator(".out li").nth(1).wait_for()
    assert faults(page) == []
    cyd.join("cave")
    ann.opens("cave")
    cyd.mute("cave", "ann", 60)
    page.locator(".silent", has_text="until").wait_for()
    assert faults(page) == []
    cyd.kick("cave", "ann", "enough")
    page.locator(".toast.lasting").wait_for()
    assert faults(page) == []


def test_all_by_keys(broker: RunningBroker, page: RunningPage, chromium: Any) -> None:
    ann = Visitor(chromium, page.url, "ann")
    key = ann.page.keyboard
    with Client(broker.control, "cyd") as cyd:
        for room in ("alpha", "beta"):
            cyd.join(room)
        cyd.join("lobby")
        cyd.say("lobby", "hello")
        ann.sees("hello")
        key.type("@cy")
        ann.page.locator(".names [aria-selected=true]", has_text="cyd").wait_for()
        key.press("Tab")
        key.type("it is you")
        key.press("Enter")
        ann.sees("@cyd it is you")
        key.press("Shift+ArrowUp")
        key.press("ArrowUp")
        key.press("ArrowUp")
        key.press("r")
        ann.page.locator(".about", has_text="cyd").wait_for()
        key.press("Escape")
        ann.page.locator('[data-id="browse"]').focus()
        key.press("Enter")
        ann.page.locator(".pick", has_text="beta").wait_for()
        key.type("bet")
        key.press("Enter")
        ann.in_room("beta")
        key.press("Alt+ArrowDown")
        ann.in_room("lobby")
        key.press("Control+k")
        key.type("bet")
        key.press("Enter")
        ann.in_room("beta")
        ann.say("said by keys")
        ann.sees("said by keys")
        key.press("Control+/")
        ann.page.locator("dialog .keys").wait_for()
        key.press("Escape")
    assert not ann.faults


def test_russian_and_dark_are_remembered(
    broker: RunningBroker, page: RunningPage, chromium: Any
) -> None:
    ann = Visitor(chromium, page.url, "ann", locale="ru-RU")
    ann.page.locator(".heading", has_text="Комнаты").wait_for()
    ann.page.locator('[data-id="gear"]').click()
    ann.page.locator(".segments input[value=dark]").check()
    ann.page.locator(".segments input[value=en]").check()
    ann.page.locator(".heading", has_text="Rooms").wait_for()
    ann.page.reload()
    ann.page.locator(".heading", has_text="Rooms").wait_for()
    assert ann.page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert ann.page.evaluate("document.documentElement.lang") == "en"


def test_a_phone_has_a_drawer(broker: RunningBroker, page: RunningPage, chromium: Any) -> None:
    phone = {"viewport": {"width": 380, "height": 740}, "has_touch": True, "is_mobile": True}
    ann = Visitor(chromium, page.url, "ann", **phone)
    with Client(broker.control, "cyd") as cyd:
        cyd.join("lobby")
        cyd.tell("ann", "psst")
        side = ann.page.locator(".side")
        side.wait_for(state="hidden")
        ann.page.locator('[aria-controls="side"]').click()
        side.wait_for(state="visible")
        # What lies below can't be reached, and nothing brings up the keyboard unasked.
        assert ann.page.locator(".middle").evaluate("node => node.inert")
        ann.page.locator(".talk", has_text="cyd").click()
        side.wait_for(state="hidden")
        ann.has(["psst"])
        assert not ann.page.locator(".middle").evaluate("node => node.inert")
        assert ann.page.locator("textarea:focus").count() == 0
    wide = "document.documentElement.scrollWidth <= innerWidth"
    assert ann.page.evaluate(wide)
