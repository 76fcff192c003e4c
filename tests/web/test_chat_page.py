"""The chat page in a real Chromium."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chatlib import Client
from tests.support import RunningBroker
from tests.web.support import RunningPage


class Visitor:
    """Somebody with a browser of his own."""

    def __init__(self, browser: Any, page: RunningPage, nick: str) -> None:
        self.page = browser.new_context(locale="en-GB").new_page()
        self.faults: list[str] = []
        self.page.on("pageerror", lambda fault: self.faults.append(str(fault)))
        self.page.on(
            "console", lambda m: self.faults.append(m.text) if "Security Policy" in m.text else None
        )
        self.page.goto(page.url)
        self.page.fill("#nick", nick)
        self.page.press("#nick", "Enter")
        self.page.wait_for_selector("#room-name:has-text('#lobby')")

    def say(self, text: str) -> None:
        """Type a message and send it."""
        self.page.fill("#text", text)
        self.page.press("#text", "Enter")

    def sees(self, text: str) -> None:
        """Wait for a message."""
        self.page.locator("#log .message:not(.pending)", has_text=text).first.wait_for()

    def texts(self) -> list[str]:
        """Return the messages on the screen."""
        found: list[str] = self.page.locator("#log .text").all_inner_texts()
        return found


def test_two_browsers_and_a_client_talk(
    broker: RunningBroker, page: RunningPage, chromium: Any
) -> None:
    ann, bob = Visitor(chromium, page, "ann"), Visitor(chromium, page, "bob")
    with Client(broker.control, "cyd") as cyd:
        cyd.join("lobby")
        ann.say("hello <b>bob</b>")
        bob.sees("hello <b>bob</b>")
        cyd.say("lobby", "hi all")
        ann.sees("hi all")
        bob.sees("hi all")
    assert ann.texts() == bob.texts() == ["hello <b>bob</b>", "hi all"]
    assert not ann.faults and not bob.faults
    assert ann.page.inner_text("#link-state") == "Connected"


def test_the_broker_is_killed_under_two_browsers(tmp_path: Path, chromium: Any) -> None:
    with (
        RunningBroker(tmp_path, data=tmp_path / "data") as broker,
        RunningPage(tmp_path, broker.control) as page,
    ):
        ann, bob = Visitor(chromium, page, "ann"), Visitor(chromium, page, "bob")
        ann.say("before")
        bob.sees("before")
        broker.kill()
        ann.page.wait_for_selector("#link-state:has-text('Not connected')")
        ann.say("nobody is there")
        ann.say("but I go on")
        with broker.again():
            bob.sees("but I go on")
            ann.sees("but I go on")
            assert ann.texts() == bob.texts() == ["before", "nobody is there", "but I go on"]
            page.kill()
            ann.page.wait_for_selector("#link-state:has-text('Not connected')")
            ann.say("the page server is gone, too")
            with page.again():
                bob.sees("the page server is gone, too")
                ann.sees("the page server is gone, too")
                assert ann.texts() == bob.texts()
                assert len(ann.texts()) == 4
        assert not ann.faults and not bob.faults
