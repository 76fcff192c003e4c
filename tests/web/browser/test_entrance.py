"""Coming in by a link, what is new since then, and being called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chatlib import Client
from chatlib.net.operator import Operator
from chatlib.protocol import answers, requests
from tests.support import RunningBroker
from tests.web.browser.visitor import Visitor
from tests.web.support import RunningPage

NOTES = """
window.notes = [];
window.Notification = class {
    static permission = "granted";
    static requestPermission() { return Promise.resolve("granted"); }
    constructor(title, { body }) { window.notes.push([title, body]); }
    close() {}
};
"""


def test_by_a_link(tmp_path: Path, chromium: Any) -> None:
    data = tmp_path / "data"
    with (
        RunningBroker(tmp_path, "--access", "invite", data=data) as broker,
        RunningPage(tmp_path, broker.control, "--broker-data", str(data)) as page,
    ):
        with Operator(data) as operator:
            token = operator.ask(requests.Invite(uses=2, room="ops"), answers.Invited).token
        ann = Visitor(chromium, page.url, "ann", enter=False)
        ann.page.fill("#nick", "ann")
        ann.page.press("#nick", "Enter")
        ann.page.locator("#nickfault", has_text="for those who were invited").wait_for()
        link = ann.page.get_by_label("Invitation link")
        link.fill("hubbub://127.0.0.1:5555/ops")
        link.press("Enter")
        assert link.evaluate("(field) => field.validationMessage")
        link.fill(f"hubbub://127.0.0.1:5555/ops?k=KEY&t={token}")  # as `hubbub invite` prints it
        link.press("Enter")
        link.wait_for(state="detached")  # the page is loaded anew
        ann.page.fill("#nick", "ann")
        ann.page.press("#nick", "Enter")
        ann.in_room("ops")
        bob = Visitor(chromium, f"{page.url}/#t={token}", "bob", enter=False)
        bob.page.locator("#nick").wait_for()
        assert token not in bob.page.url
        bob.page.fill("#nick", "bob")
        bob.page.press("#nick", "Enter")
        bob.in_room("ops")
        eve = Visitor(chromium, f"{page.url}/#t={token}", "eve", enter=False)
        eve.page.fill("#nick", "eve")
        eve.page.press("#nick", "Enter")
        eve.page.locator("#nickfault", has_text="used up").wait_for()


def test_a_nickname_that_is_taken(broker: RunningBroker, page: RunningPage, chromium: Any) -> None:
    with Client(broker.control, "ann"):
        ann = Visitor(chromium, page.url, "ann", enter=False)
        ann.page.fill("#nick", "ann")
        ann.page.press("#nick", "Enter")
        ann.page.locator("#nickfault", has_text="Somebody has this nickname").wait_for()
        ann.page.locator(".other button").click()
        ann.in_room("lobby")


def test_what_is_unread_and_who_is_called(
    broker: RunningBroker, page: RunningPage, chromium: Any
) -> None:
    ann = Visitor(chromium, page.url, "ann", enter=False)
    ann.context.add_init_script(NOTES)
    ann.page.reload()
    ann.enter("ann")
    ann.page.locator('[data-id="gear"]').click()
    ann.page.locator("dialog .check input").check()
    ann.page.keyboard.press("Escape")
    with Client(broker.control, "cyd") as cyd:
        cyd.join("lobby")
        cyd.join("den")
        ann.page.locator('[data-id="browse"]').click()
        ann.page.locator(".pick", has_text="den").click()
        ann.in_room("den")
        cyd.say("lobby", "nobody in particular")
        cyd.say("lobby", "and ann, too")
        cyd.say("lobby", "but not anna")
        ann.page.locator(".talk.waits .badge.call", has_text="3").wait_for()
        assert ann.page.evaluate("notes") == [["cyd · #lobby", "and ann, too"]]
        assert ann.page.title().startswith("(3)")
        ann.go("lobby")
        first = ann.page.locator(".row", has=ann.page.locator(".new"))
        assert "nobody in particular" in first.inner_text()
        ann.page.locator(".talk:not(.waits)", has_text="lobby").wait_for()
        ann.page.reload()
        ann.in_room("lobby")
        ann.sees("but not anna")
        ann.page.wait_for_timeout(500)
        assert ann.page.locator(".talk.waits, .new").all_inner_texts() == []
    assert not ann.faults
