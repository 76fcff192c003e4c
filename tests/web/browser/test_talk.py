"""Two browsers and a client talk, whatever ends under them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chatlib import Client, Event
from tests.support import RunningBroker, eventually
from tests.web.browser.visitor import Visitor
from tests.web.support import RunningPage


def test_two_browsers_and_a_client_talk(
    broker: RunningBroker, page: RunningPage, chromium: Any
) -> None:
    ann, bob = Visitor(chromium, page.url, "ann"), Visitor(chromium, page.url, "bob")
    with Client(broker.control, "cyd") as cyd:
        cyd.join("lobby")
        ann.say("hello, bob")
        bob.sees("hello, bob")
        cyd.say("lobby", "hi all")
        for visitor in (ann, bob):
            visitor.has(["hello, bob", "hi all"])
        # Who types is seen to, until it is said.
        bob.page.locator(".composer textarea").press_sequentially("so")
        ann.page.locator(".typing", has_text="bob is typing").wait_for()
        bob.page.keyboard.press("Enter")
        ann.sees("so")
        ann.page.locator(".typing > *").first.wait_for(state="detached")
        # In private, with what is unread counted where it is not looked at.
        cyd.tell("ann", "psst")
        ann.page.locator(".talk.waits .badge", has_text="1").wait_for()
        ann.go("cyd")
        ann.has(["psst"])
        ann.say("what is it?")
        eventually("the answer came", lambda: _heard(cyd, "what is it?"))
    assert not ann.faults and not bob.faults


def _heard(client: Client, text: str) -> bool:
    return any(isinstance(e, Event) and e.text == text for e in client.events(timeout=1))


def test_what_is_done_to_messages(broker: RunningBroker, page: RunningPage, chromium: Any) -> None:
    ann, bob = Visitor(chromium, page.url, "ann"), Visitor(chromium, page.url, "bob")
    ann.say("teh first")
    row = bob.sees("teh first")
    row.press("r")  # the keys of a message that has the focus
    bob.say("an answer")
    answer = ann.sees("an answer")
    assert "teh first" in answer.locator(".quote").inner_text()
    row.focus()
    row.press("+")
    bob.page.locator(".signbox button", has_text="👍").click()
    ann.page.locator(".sign", has_text="👍").wait_for()
    ann.page.locator(".composer textarea").press("ArrowUp")
    ann.say("the first")
    bob.sees("the first").locator(".edited").wait_for()
    ann.page.locator(".sign", has_text="👍").click()
    bob.page.locator(".sign .n", has_text="2").wait_for()
    last = ann.sees("the first")
    last.focus()
    last.press("Delete")
    ann.page.locator("dialog .danger").click()
    bob.page.locator(".gone").first.wait_for()
    assert bob.texts() == ["an answer"]
    assert not ann.faults and not bob.faults


def test_all_is_killed_under_two_browsers(tmp_path: Path, chromium: Any) -> None:
    with (
        RunningBroker(tmp_path, data=tmp_path / "data") as broker,
        RunningPage(tmp_path, broker.control) as page,
    ):
        ann, bob = Visitor(chromium, page.url, "ann"), Visitor(chromium, page.url, "bob")
        said = ["before"]
        ann.say("before")
        bob.has(said)
        broker.kill()
        ann.is_offline()
        for text in ("nobody is there", "but I go on"):
            ann.say(text)
            said.append(text)
        with broker.again() as again, Client(again.control, "cyd") as cyd:
            cyd.join("lobby")
            for visitor in (ann, bob):
                visitor.has(said)
            page.kill()
            ann.is_offline()
            ann.say("the page server is gone, too")
            cyd.say("lobby", "meanwhile")
            cyd.flush(10)
            with page.again():
                said += ["meanwhile", "the page server is gone, too"]
                for visitor in (ann, bob):
                    visitor.has(said)
            assert not ann.faults and not bob.faults


def test_what_waits_outlives_its_tab_and_is_said_once(
    broker: RunningBroker, page: RunningPage, chromium: Any
) -> None:
    ann, bob = Visitor(chromium, page.url, "ann"), Visitor(chromium, page.url, "bob")
    other = bob.tab()
    bob.in_room("lobby", other)
    page.kill()
    for tab in (ann.page, bob.page, other):
        ann.is_offline(tab)
    for n in range(3):
        ann.say(f"kept {n}")
        bob.say(f"left {n}")
    for visitor in (ann, bob):
        visitor.page.locator(".row.waits").nth(2).wait_for()
        visitor.page.close()
    # Another tab that is open takes what a closed one has left.
    other.locator(".row.waits", has_text="left 2").wait_for()
    with page.again():
        ann.page, bob.page = ann.tab(), other
        for tab in (ann.page, other, bob.tab()):
            eventually("all is here", lambda tab=tab: len(ann.polled(tab)) == 6)
            tab.wait_for_timeout(200)
            said = ann.texts(tab)
            assert [text for text in said if text[:4] == "kept"] == ["kept 0", "kept 1", "kept 2"]
            assert [text for text in said if text[:4] == "left"] == ["left 0", "left 1", "left 2"]
            assert len(said) == 6
    assert not ann.faults and not bob.faults


def test_a_second_tab_is_the_same_person(
    broker: RunningBroker, page: RunningPage, chromium: Any
) -> None:
    ann = Visitor(chromium, page.url, "ann")
    second = ann.tab()
    second.locator(".self b", has_text="ann").wait_for()
    ann.is_online(second)
    ann.say("from the first")
    ann.say("from the second", second)
    for tab in (ann.page, second):
        eventually("both are here", lambda tab=tab: len(ann.polled(tab)) == 2)
        assert sorted(ann.texts(tab)) == ["from the first", "from the second"]
        assert tab.locator(".row.mine .words").count() == 2
    with Client(broker.control, "cyd") as cyd:
        assert [m.nick for m in cyd.who("lobby")] == ["ann"]
        cyd.tell("ann", "one for all tabs")
        cyd.flush(10)
    ann.page.locator(".talk.waits", has_text="cyd").click()
    ann.has(["one for all tabs"])
    second.locator(".talk:not(.waits)", has_text="cyd").wait_for()
    assert not ann.faults


def test_what_was_said_and_not_acknowledged_is_said_once(
    broker: RunningBroker, page: RunningPage, chromium: Any
) -> None:
    ann, bob = Visitor(chromium, page.url, "ann"), Visitor(chromium, page.url, "bob")
    deaf = [True]
    sockets: list[Any] = []

    def between(socket: Any) -> None:
        server = socket.connect_to_server()
        sockets.append(socket)
        # It is heard, and nothing tells so: neither the acknowledgement nor the event.
        quiet = ('{"kind":"ack"', '{"kind":"events"')
        server.on_message(lambda m: (deaf[0] and m.startswith(quiet)) or socket.send(m))

    ann.context.route_web_socket("**/ws", between)
    ann.page.reload()
    ann.in_room("lobby")
    ann.is_online()
    ann.say("once")
    bob.sees("once")
    ann.page.locator(".row.waits", has_text="once").wait_for()
    deaf[0] = False
    sockets[-1].close()
    for visitor in (ann, bob):
        visitor.has(["once"])
    assert len(sockets) == 2
