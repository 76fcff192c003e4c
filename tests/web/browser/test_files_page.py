"""Pictures and files by drop and paste; everyone else sees a name and a link."""

from __future__ import annotations

import urllib.request
from typing import Any

from chatlib import Client, Event
from tests.support import RunningBroker
from tests.web.browser.scene import valley
from tests.web.browser.visitor import Visitor
from tests.web.support import RunningPage

GIVE = """([way, name, type, bytes]) => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(bytes)], name, { type }));
    const field = document.querySelector(".composer textarea");
    if (way === "drop") {
        window.dispatchEvent(new DragEvent("drop", { dataTransfer: data, cancelable: true }));
    } else {
        field.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, cancelable: true }));
    }
}"""


def give(visitor: Visitor, way: str, name: str, kind: str, content: bytes) -> None:
    """Drop or paste a file."""
    visitor.page.evaluate(GIVE, [way, name, kind, list(content)])


def test_files_by_drop_and_paste(broker: RunningBroker, page: RunningPage, chromium: Any) -> None:
    ann, bob = Visitor(chromium, page.url, "ann"), Visitor(chromium, page.url, "bob")
    with Client(broker.control, "cyd") as cyd:
        cyd.join("lobby")
        give(ann, "drop", "hills.png", "image/png", valley(60, 40))
        give(ann, "paste", "notes <b>.txt", "text/plain", b"all is well")
        ann.page.locator(".uploads .good").nth(1).wait_for()
        ann.say("look")
        picture = bob.page.locator(".pic img")
        picture.scroll_into_view_if_needed()
        picture.evaluate("node => node.decode()")
        assert picture.evaluate("node => [node.naturalWidth, node.naturalHeight]") == [60, 40]
        assert bob.page.locator(".file .fname").inner_text() == "notes <b>.txt"
        with bob.page.expect_download() as download:
            bob.page.locator(".file").click()
        assert download.value.suggested_filename == "notes _b_.txt"  # as Chromium saves it
        assert download.value.path().read_bytes() == b"all is well"
        said = next(e for e in cyd.events(5) if isinstance(e, Event) and e.kind == "say")
        first, second, third = (said.text or "").split("\n")
        assert first == "look"
        assert second.startswith(f"hills.png: {page.url}/files/")
        name, _, link = third.rpartition(": ")
        assert name == "notes <b>.txt"
        with urllib.request.urlopen(f"{page.url}{link[len(page.url) :]}") as answer:
            assert answer.read() == b"all is well"
    assert not ann.faults and not bob.faults


def test_a_file_that_can_t_be_sent_says_why(
    broker: RunningBroker, page: RunningPage, chromium: Any
) -> None:
    ann = Visitor(chromium, page.url, "ann")
    page.kill()
    ann.is_offline()
    give(ann, "drop", "a.txt", "text/plain", b"a")
    ann.page.locator(".uploads .bad", has_text="files need a connection").wait_for()
