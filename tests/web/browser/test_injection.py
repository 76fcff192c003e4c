"""Markup in every field stays text."""

from __future__ import annotations

from typing import Any

from chatlib import Client
from tests.support import RunningBroker
from tests.web.browser.visitor import Visitor
from tests.web.support import RunningPage

NICK = "<script>alert(1)<"
ROOM = "<script>hit=1<"
MARKUP = "<img src=x onerror=hit=1><script>hit=1</script>"
SIGN = "<script>hit=1<"
FALSE = "https://bank.example@evil.example/ `a\u202eb` ```c\u2066d``` \u202ee https://xn--e1afmkfd.example/)"
RUNS = """() => ({
    hit: typeof hit !== "undefined",
    scripts: document.querySelectorAll("script").length,
    images: document.querySelectorAll("img[src='x']").length,
    handlers: [...document.querySelectorAll("*")].filter((node) =>
        [...node.attributes].some(({name}) => name.startsWith("on"))).length,
})"""
CLEAN = {"hit": False, "scripts": 1, "images": 0, "handlers": 0}


def test_markup_stays_text(stored: RunningBroker, page: RunningPage, chromium: Any) -> None:
    ann = Visitor(chromium, page.url, "ann")
    with Client(stored.control, NICK) as eve:
        eve.join("lobby")
        eve.join(ROOM)
        eve.topic(ROOM, MARKUP)
        eve.say("lobby", MARKUP)
        eve.say("lobby", f"javascript:hit=1 `{MARKUP}` ```{MARKUP}``` @{NICK}")
        eve.say("lobby", f"{MARKUP}: {page.url}/files/{'0' * 64}/%3Cscript%3Ehit=1%3C.png#9,4x4")
        eve.say("lobby", FALSE)
        eve.tell("ann", MARKUP)
        eve.flush(10)
        said = ann.sees(MARKUP)
        key = int(ann.page.locator(".row .words").first.evaluate(
            "node => node.closest('.row').dataset.key"))  # fmt: skip
        eve.react("lobby", key, SIGN)
        ann.page.locator(".sign", has_text=SIGN).wait_for()
        assert said.is_visible()
        # What turns a line around is taken out, and no link looks like another one.
        lie = ann.sees("bank.example")
        assert set(lie.inner_text()).isdisjoint("\u202e\u2066")
        links = lie.locator("a").evaluate_all("all => all.map(a => a.href)")
        assert links == ["https://xn--e1afmkfd.example/"]
        assert ann.page.evaluate(RUNS) == CLEAN
        # The room and its topic, in the list of rooms and at the head.
        ann.page.locator('[data-id="browse"]').click()
        ann.page.locator(".pick", has_text=MARKUP).click()
        ann.page.locator(".head .topic", has_text=MARKUP).wait_for()
        assert ann.page.locator(".head h1").inner_text() == ROOM
        assert ann.page.evaluate(RUNS) == CLEAN
        # Why somebody was put out, and by whom.
        eve.kick(ROOM, "ann", MARKUP)
        ann.page.locator(".toast", has_text=f"{NICK} put you out of #{ROOM}: “{MARKUP}”").wait_for()
        ann.go(NICK)
        ann.has([MARKUP])
        # What one types oneself: a search that finds nothing, a mention, a file's name.
        ann.page.keyboard.press("Control+Shift+F")
        ann.page.fill(".find input[type=search]", f"nothing {MARKUP}")
        ann.page.locator(".found .hint", has_text=MARKUP).wait_for()
        ann.page.locator('input[type="file"]').set_input_files(
            {"name": f"{SIGN}.html", "mimeType": "text/html", "buffer": MARKUP.encode()}
        )
        ann.page.locator(".uploads .good").wait_for()
        ann.say(f"@{NICK}")
        ann.page.locator(".file .fname", has_text=SIGN).wait_for()
        assert ann.page.evaluate(RUNS) == CLEAN
    assert ann.page.evaluate(RUNS) == CLEAN
    assert not ann.faults
