"""Moderators rule by the menu of a name: it holds at once, and whom it concerns is told so."""

from __future__ import annotations

from typing import Any

from chatlib import Client
from tests.support import RunningBroker, eventually
from tests.web.browser.visitor import Visitor
from tests.web.support import RunningPage

TITLE = "document.activeElement.getAttribute('role') ?? document.activeElement.className"


def menu_of(visitor: Visitor, text: str) -> list[str]:
    """Open the menu of who said something, by keys; return what is in it."""
    row = visitor.sees(text)
    row.focus()
    row.press("m")
    visitor.page.locator(".menu").wait_for()
    found: list[str] = visitor.page.locator(".menu [role=menuitem]").all_inner_texts()
    return found


def choose(visitor: Visitor, letters: str) -> None:
    """Choose from an open menu, by first letters."""
    for letter in letters:
        visitor.page.keyboard.press(letter)
    visitor.page.keyboard.press("Enter")


def test_moderators_rule_by_keys(broker: RunningBroker, page: RunningPage, chromium: Any) -> None:
    ann, bob = Visitor(chromium, page.url, "ann"), Visitor(chromium, page.url, "bob")
    ann.opens("ops")
    bob.opens("ops")
    with Client(broker.control, "cyd") as cyd:
        cyd.join("ops")
        cyd.say("ops", "it is me")
        bob.say("and me")
        # The menu, by keys alone; whoever closes it is where he was.
        items = ["Write to bob", "Mute …", "Put out …", "Ban …", "Make owner …", "Make moderator"]
        assert menu_of(ann, "and me") == items
        keys = ann.page.keyboard
        assert ann.page.evaluate(TITLE) == "menuitem"
        keys.press("End")
        assert ann.page.locator(":focus").inner_text() == items[-1]
        keys.press("ArrowDown")
        assert ann.page.locator(":focus").inner_text() == items[0]
        keys.press("Escape")
        assert "and me" in ann.page.locator(".row:focus").inner_text()
        # A mute is told to whom it concerns, and ends.
        menu_of(ann, "and me")
        choose(ann, "m")
        ann.page.locator("dialog .danger").wait_for()
        keys.press("ArrowRight")
        keys.press("Enter")
        silent = bob.page.locator(".silent")
        silent.filter(has_text="ann muted you here until").wait_for()
        assert bob.page.locator(".composer textarea").is_hidden()
        bob.page.reload()
        silent.filter(has_text="ann muted you here until").wait_for()
        assert "Unmute" in menu_of(ann, "and me")
        choose(ann, "u")
        silent.wait_for(state="hidden")
        # Roles hold at once, for who has them and for who had them.
        assert menu_of(bob, "it is me") == ["Write to cyd"]
        bob.page.keyboard.press("Escape")
        menu_of(ann, "and me")
        keys.press("End")
        keys.press("Enter")
        bob.page.locator(".toast", has_text="ann made you moderator").wait_for()
        assert menu_of(bob, "it is me") == ["Write to cyd", "Mute …", "Put out …", "Ban …"]
        choose(bob, "b")
        bob.page.keyboard.type("noise")
        bob.page.keyboard.press("Enter")
        ann.page.locator(".told", has_text="bob banned cyd: “noise”").wait_for()
        assert "bob banned cyd" in (ann.page.locator("#polite").text_content() or "")
        menu_of(ann, "and me")
        choose(ann, "mmm")
        ann.page.locator("dialog .danger").click()
        ann.page.locator(".told", has_text="ann took bob’s role").wait_for()
        eventually("nothing is left of it", lambda: len(menu_of(bob, "it is me")) == 1)
        # Who is kept out is listed, and let in again.
        ann.page.locator(".head .ib.wide").press("Enter")
        lift = ann.page.locator(".out button")
        assert "noise" in ann.page.locator(".out li").inner_text()
        lift.press("Enter")
        lift.wait_for(state="detached")
        assert ann.page.locator(".person:focus").count() == 1
        cyd.join("ops")
        ann.page.locator(".person", has_text="cyd").wait_for()
        # Who is put out has a line of his own, whoever goes beside him.
        for nick, said in (("cyd", "it is me"), ("bob", "and me")):
            menu_of(ann, said)
            choose(ann, "p")
            ann.page.locator("dialog .danger").click()
            ann.page.locator(".told", has_text=f"{nick} was put out by ann").wait_for()
            ann.page.locator("dialog").wait_for(state="detached")
    assert not ann.faults and not bob.faults


def test_who_is_put_out_is_told_why(
    broker: RunningBroker, page: RunningPage, chromium: Any
) -> None:
    bob = Visitor(chromium, page.url, "bob")
    told = bob.page.locator(".toast.lasting")
    with Client(broker.control, "cyd") as cyd:
        cyd.join("ops")
        bob.opens("ops")
        cyd.kick("ops", "bob", "enough")
        told.filter(has_text="cyd put you out of #ops: “enough”. You can come back.").wait_for()
        bob.in_room("lobby")
        told.get_by_role("button", name="Join #ops").click()
        bob.in_room("ops")
        # In another room than the one that is looked at.
        bob.go("lobby")
        cyd.mute("ops", "bob", 3600)
        told.filter(has_text="cyd muted you in #ops until").wait_for()
        # From a private room that bob was invited to, and did not enter yet.
        cyd.create("den", private=True)
        cyd.join("den")
        cyd.set_role("den", "bob", "member")
        told.filter(has_text="den").get_by_role("button", name="Join #den").wait_for()
        cyd.kick("den", "bob", "not today")
        told.filter(
            has_text="cyd put you out of #den: “not today”. To come back you have to be invited."
        ).wait_for()
        # While the page server was away.
        page.kill()
        bob.is_offline()
        cyd.ban("ops", "bob", "and stay out")
        with page.again():
            told.filter(has_text="cyd banned you from #ops: “and stay out”").wait_for()
            bob.is_online()
            assert bob.page.locator(".talk", has_text="ops").count() == 0
    assert not bob.faults


def test_who_is_put_out_of_his_last_room_sees_nobody(
    broker: RunningBroker, page: RunningPage, chromium: Any
) -> None:
    with Client(broker.control, "cyd") as cyd:
        cyd.join("ops")
        bob = Visitor(chromium, page.url, "bob")
        bob.opens("ops")
        bob.go("lobby")
        bob.page.get_by_role("button", name="Leave this room").click()
        bob.page.locator("dialog .danger").click()
        bob.in_room("ops")
        bob.page.get_by_role("button", name="People here").click()
        bob.page.locator(".person", has_text="cyd").wait_for()
        cyd.kick("ops", "bob")
        bob.page.locator(".toast.lasting", has_text="cyd put you out of #ops").wait_for()
        bob.page.locator(".panel").wait_for(state="hidden")
    assert not bob.faults
