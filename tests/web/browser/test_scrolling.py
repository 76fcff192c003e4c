"""Fifty thousand messages: all can be reached, a few hundred are in the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chatlib import Client
from tests.support import RunningBroker
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
    for (let i = 1; i <= 200; i += 1) {
        box.scrollTop = top * i / 200;
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
    with (
        RunningBroker(tmp_path, "--durability", "os", data=tmp_path / "data") as broker,
        RunningPage(tmp_path, broker.control) as page,
    ):
        with Client(broker.control, "cyd") as cyd:
            cyd.join("lobby")
            for n in range(COUNT):
                cyd.say("lobby", f"message {n} " + "and so on " * (n % 7 * n % 11))
            cyd.flush(60)
            ann = Visitor(chromium, page.url, "ann")
            ann.sees(f"message {COUNT - 1} ")
            up = ann.page.evaluate(UP)
            ann.page.locator(".row", has_text="message 0 ").first.wait_for(state="attached")
            down = ann.page.evaluate(DOWN)
            ann.page.locator(".pill").click()
            ann.page.locator(".pill").wait_for(state="hidden")
            cyd.say("lobby", "and one more")
            ann.sees("and one more")
        assert max(up["rows"], down["rows"]) <= MOST_ROWS
        assert down["blank"] == 0
        assert not ann.faults
        with capsys.disabled():
            print(f"\n50,000 messages, up: {up}; down: {down}")
