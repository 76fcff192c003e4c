"""Somebody with a browser: a context of his own, and the tabs in it."""

from __future__ import annotations

from typing import Any

from tests.support import eventually

SAID = ".row:not(.waits) .words"


class Visitor:
    """Comes in by the page under a nickname. `faults` are errors and what the CSP has stopped."""

    def __init__(self, browser: Any, url: str, nick: str, *, enter: bool = True, **context: Any):
        given = {"locale": "en-GB", "timezone_id": "Europe/Berlin"} | context
        self.url = url
        self.context = browser.new_context(**given)
        self.context.set_default_timeout(60_000)
        self.faults: list[str] = []
        self.page = self.tab()
        if enter:
            self.enter(nick)

    def tab(self) -> Any:
        """Open another tab."""
        page = self.context.new_page()
        page.on("pageerror", lambda fault: self.faults.append(str(fault)))
        page.on("console", lambda m: self._noted(m.text))
        page.goto(self.url)
        return page

    def _noted(self, text: str) -> None:
        if "Security Policy" in text:
            self.faults.append(text)

    def enter(self, nick: str) -> None:
        """Choose a nickname; wait for the lobby."""
        self.page.fill("#nick", nick)
        self.page.press("#nick", "Enter")
        self.in_room("lobby")

    def in_room(self, name: str, page: Any = None) -> None:
        """Wait until a conversation is open, and loaded."""
        where = page or self.page
        where.locator(".head h1", has_text=name).wait_for()
        where.locator(".start:not(.loading)").wait_for(state="attached")

    def say(self, text: str, page: Any = None) -> None:
        """Type a message and send it."""
        field = (page or self.page).locator(".composer textarea")
        field.fill(text)
        field.press("Enter")

    def sees(self, text: str) -> Any:
        """Wait for a message that the broker has; return its row."""
        words = self.page.locator(".words", has_text=text)
        row = self.page.locator(".row:not(.waits)", has=words).last
        row.wait_for(state="attached")
        return row

    def texts(self, page: Any = None) -> list[str]:
        """Return the messages on the screen."""
        found: list[str] = (page or self.page).locator(SAID).all_inner_texts()
        return found

    def has(self, texts: list[str], page: Any = None) -> None:
        """Wait until exactly these are on the screen, and a moment longer: no more come."""
        where = page or self.page
        eventually(f"{texts} are shown", lambda: self.polled(where) == texts)
        where.wait_for_timeout(200)
        assert self.texts(where) == texts

    def polled(self, page: Any) -> list[str]:
        """Return what is on the screen a little later; the page's events are taken in meanwhile."""
        page.wait_for_timeout(50)
        return self.texts(page)

    def is_offline(self, page: Any = None) -> None:
        """Wait until the page says that it has no connection."""
        (page or self.page).locator(".banner").wait_for(state="visible")

    def is_online(self, page: Any = None) -> None:
        """Wait until it has one."""
        (page or self.page).locator(".self .on").wait_for(state="visible")

    def go(self, name: str) -> None:
        """Open a conversation by the list."""
        self.page.locator(".talk", has_text=name).click()
        self.in_room(name)

    def opens(self, name: str) -> None:
        """Join a room, or make it, as one finds rooms."""
        self.page.locator('[data-id="browse"]').click()
        self.page.keyboard.type(name)
        self.page.locator(".pick", has_text=name).first.wait_for()
        self.page.keyboard.press("Enter")
        self.in_room(name)

    def close(self) -> None:
        """Close all tabs."""
        self.context.close()
