"""Fifty thousand messages: all can be reached, a few hundred are in the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chatlib import Client
from tests.support import RunningBroker
from tests.web.browser.scene import many, write_history
from tests.web.browser.visitor import Visitor
from tests.web.support import RunningPage

COUNT = 50_000
MOST_ROWS = 400
UP = """async () => {
    const box = document.querySelector(".scroller");
    const list = document.querySelector(".list");
    const found = { frames: 0, long: 0, slowest: 0, rows: 0, tasks: [] };
    const watch = new PerformanceObserver((all) => {
        for (const task of all.getEntries()) found.tasks.push(Math.round(task.duration));
    });
    watch.observe({ entryTypes: ["longtask"] });
    const frame = () => new Promise(requestAnimationFrame);
    const started = performance.now();
    let before = await frame();
    while (document.querySelector(".start.begin") === null) {
        box.scrollTop = Math.max(0, box.scrollTop - 8000);
        const now = await frame();
        found.frames += 1;
        found.slowest = Math.max(found.slowest, Math.round(now - before));
        if (now - before > 50) found.long += 1;
        before = now;
        found.rows = Math.max(found.rows, list.children.length);
        if (performance.now() - started > 90000) throw new Error("the beginning was not reached");
    }
    watch.disconnect();
    box.scrollTop = 0;
    found.seconds = (performance.now() - started) / 1000;
    return found;
}"""
DOWN = """async () => {
    const box = document.querySelector(".scroller");
    const list = document.querySelector(".list");
    const frame = () => new Promise(requestAnimationFrame);
    const found = { frames: 0, rows: 0, blank: 0, jumps: 0 };
    const top = box.scrollHeight - box.clientHeight;
    for (let i = 1; i <= 60; i += 1) {
        box.scrollTop = top * i / 60;
        await frame();
        await frame();
        found.frames += 1;
        found.rows = Math.max(found.rows, list.children.length);
        const middle = document.elementFromPoint(box.getBoundingClientRect().left + 200,
            box.getBoundingClientRect().top + box.clientHeight / 2);
        if (!middle.closest(".row")) found.blank += 1;
    }
    return found;
}"""


def test_fifty_thousand_messages(tmp_path: Path, chromium: Any, capsys: Any) -> None:
    texts = [f"message {n} " + "and so on " * (n % 7 * n % 11) for n in range(COUNT)]
    write_history(tmp_path / "data", many(texts))
    with (
        RunningBroker(tmp_path, "--durability", "os", data=tmp_path / "data") as broker,
        RunningPage(tmp_path, broker.control) as page,
    ):
        with Client(broker.control, "cyd") as cyd:
            cyd.join("lobby")
            ann = Visitor(chromium, page.url, "ann")
            ann.sees(f"message {COUNT - 1} ")
            up = ann.page.evaluate(UP)
            ann.page.locator(".row", has_text="message 0 ").first.wait_for(state="attached")
            down = ann.page.evaluate(DOWN)
            ann.page.locator(".scroller").press("End")
            ann.page.locator(".pill").wait_for(state="hidden")
            cyd.say("lobby", "and one more")
            ann.sees("and one more")
        assert max(up["rows"], down["rows"]) <= MOST_ROWS
        assert down["blank"] == 0
        assert not ann.faults
        with capsys.disabled():
            print(f"\n50,000 messages, up: {up}; down: {down}")


def test_who_scrolls_up_is_not_pulled_back(
    broker: RunningBroker, page: RunningPage, chromium: Any
) -> None:
    ann = Visitor(chromium, page.url, "ann")
    with Client(broker.control, "cyd") as cyd:
        cyd.join("lobby")
        for n in range(100):
            cyd.say("lobby", f"before {n}")
        ann.sees("before 99")
        ann.page.locator(".scroller").hover()
        for n in range(40):
            cyd.say("lobby", f"meanwhile {n}")
            ann.page.mouse.wheel(0, -100)
            ann.page.wait_for_timeout(10)
        cyd.say("lobby", "the last")
        cyd.flush(10)
        ann.page.locator(".pill", has_text="new messages").wait_for()
        before = ann.page.evaluate("document.querySelector('.scroller').scrollTop")
        cyd.say("lobby", "one more")
        ann.page.wait_for_timeout(300)
        assert ann.page.evaluate("document.querySelector('.scroller').scrollTop") == before
        ann.page.locator(".pill").click()
        ann.sees("one more")
        ann.page.locator(".pill").wait_for(state="hidden")
        ann.page.locator(".talk:not(.waits)", has_text="lobby").wait_for()
    assert not ann.faults
