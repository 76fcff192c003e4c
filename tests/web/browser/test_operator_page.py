"""The operator's page in a browser: what it shows, on any screen, by keys, of a thousand people."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from bench import zmtp
from chatlib.web.operator_links import make_link
from tests.support import RunningBroker, eventually
from tests.web.browser.operators import come, open_person
from tests.web.browser.test_access import faults
from tests.web.browser.test_pictures import pictures  # noqa: F401  a fixture
from tests.web.support import RunningPage

MANY = 1_000
MOST_NODES = 1_600
MOST_BYTES = 40_000
FRAMES = 4  # looks at the broker, one a second
MOST_CHANGES = 500  # of the page, for one of them
COUNT_CHANGES = """() => {
    Object.assign(window, { changes: 0, added: 0 });
    new MutationObserver((all) => {
        window.changes += all.length;
        for (const node of all.flatMap(({ addedNodes }) => [...addedNodes]))
            window.added += 1 + (node.querySelectorAll?.("*").length ?? 0);
    }).observe(document.body, {
        subtree: true, childList: true, characterData: true, attributes: true });
}"""


def test_charts_tell_what_happens(house: tuple[RunningBroker, RunningPage], operate: Any) -> None:
    broker, served = house
    page = operate(served).page
    for name in ("Accepted", "Latency in the broker"):
        page.get_by_role("img", name=re.compile(rf"{name}: .*at most 0\D")).wait_for()
    with come(broker, "ann") as ann:
        ann.say("lobby", "hello")
        for name in ("Accepted", "Emitted", "Latency in the broker", "Loop time"):
            page.get_by_role("img", name=re.compile(rf"{name}: .*at most (0\.)?[1-9]")).wait_for()
        line = page.locator(".chart").filter(has_text="Latency").locator("path.line")
        assert line.get_attribute("d").startswith("M")


def test_on_a_phone_all_buttons_can_be_reached(
    house: tuple[RunningBroker, RunningPage], operate: Any
) -> None:
    broker, served = house
    with come(broker, "W" * 32), come(broker, "ann") as ann:
        ann.join("r" * 50)
        page = operate(served, viewport={"width": 360, "height": 740}).page
        page.get_by_role("row").filter(has_text="ann").wait_for()
        page.get_by_role("row").filter(has_text="r" * 50).wait_for()
        beyond = """() => [...document.querySelectorAll("button, input, select")]
            .filter((node) => { const box = node.getBoundingClientRect();
                return box.width && (box.left < 0 || box.right > innerWidth); })
            .map((node) => node.getAttribute("aria-label") ?? node.textContent)"""
        assert page.get_by_role("button", name="Actions for").count() == 4
        assert page.evaluate(beyond) == []
        wide = "() => document.querySelector('.opmain').scrollWidth > innerWidth"
        assert not page.evaluate(wide)
        page.get_by_role("button", name="Actions for ann").click()
        page.get_by_role("dialog").get_by_text("#lobby").wait_for()
        assert page.evaluate(beyond) == []
        page.get_by_role("dialog").get_by_role("button", name="Close").click()


def test_long_names_and_addresses_stay_in_their_columns(
    house: tuple[RunningBroker, RunningPage], chromium: Any
) -> None:
    """What the broker tells is changed on the way: nobody here has such an address."""
    broker, served = house
    address, client = "2001:db8:85a3:8d3:1319:8a2e:370:7348", "client " + "of a long name " * 16

    def change(socket: Any) -> None:
        server = socket.connect_to_server()

        def told(text: str) -> None:
            frame = json.loads(text)
            for row in frame.get("sessions", {}).get("rows", ()):
                row.update(address=address, client=client, lag=1_234_567, bot=True, congested=True)
            socket.send(json.dumps(frame))

        server.on_message(told)

    nick = "W" * 32
    context = chromium.new_context(locale="en-GB", viewport={"width": 1600, "height": 1000})
    page = context.new_page()
    page.route_web_socket("**/operator/ws", change)
    with come(broker, nick):
        page.goto(make_link(served.directory / "web"))
        row = page.locator(".t-people .rows .tr")
        row.get_by_text(nick).wait_for()
        for width in (1600, 1280, 900, 640, 360):
            page.set_viewport_size({"width": width, "height": 1000})
            for cell in row.get_by_role("cell").all():
                if not cell.is_visible():
                    continue
                box, parts = cell.bounding_box(), cell.locator(":scope > *").all()
                for inner in filter(None, (part.bounding_box() for part in parts)):
                    assert inner["x"] + inner["width"] <= box["x"] + box["width"] + 1, width
            edge = page.locator(".t-people .scroll").bounding_box()
            button = row.get_by_role("button").bounding_box()
            assert button["x"] + button["width"] <= edge["x"] + edge["width"], width
            assert row.get_by_text("does not read").bounding_box()["width"] > 30
            assert row.locator("b").bounding_box()["width"] > 30
        for whole in (nick, address, client):
            row.get_by_title(whole, exact=True).wait_for(state="attached")
        row.get_by_role("button").click()
        page.get_by_role("dialog").get_by_text(address).wait_for()
        page.get_by_role("dialog").get_by_role("button", name="Ban an address").click()
        ban = page.get_by_role("dialog", name="Ban an address")
        assert ban.get_by_label("Address").input_value() == address
    context.close()


def focused(page: Any) -> str:
    name: str = page.evaluate(
        "document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent"
    )
    return name


def test_by_keys_alone(house: tuple[RunningBroker, RunningPage], operate: Any) -> None:
    broker, served = house
    with come(broker, "ann"), come(broker, "bob"), come(broker, "cyd"):
        page = operate(served).page
        page.get_by_role("row").filter(has_text="bob").wait_for()
        page.get_by_role("button", name="Nickname").focus()
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Actions for ann").focus()
        for key, nick in (("End", "cyd"), ("Home", "ann"), ("ArrowDown", "bob")):
            page.keyboard.press(key)
            assert focused(page) == f"Actions for {nick}"
        page.keyboard.press("Enter")
        page.get_by_role("dialog", name="bob").get_by_text("#lobby").wait_for()
        while focused(page) != "Kick from a room":
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.get_by_role("dialog", name="Kick from a room: bob").wait_for()
        page.keyboard.press("Tab")  # the room has the focus; then the reason
        page.keyboard.type("noise")
        page.keyboard.press("Enter")
        page.get_by_role("dialog").wait_for(state="detached")
        page.locator(".audit").get_by_text("kicked bob from lobby").wait_for()
        eventually("the focus is back", lambda: focused(page) == "Actions for bob")
        page.keyboard.press("Enter")
        page.get_by_role("dialog", name="bob").wait_for()
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="detached")


def test_a_link_opened_twice_lets_nobody_in(
    house: tuple[RunningBroker, RunningPage], chromium: Any, operate: Any
) -> None:
    _, served = house
    page = operate(served).page
    assert "#" not in page.url  # no history has the token
    other = chromium.new_context(locale="en-GB")
    stranger = other.new_page()
    stranger.goto(served.url + "/operator#t=guess")
    stranger.get_by_text("was used already").wait_for()
    stranger.goto(served.url + "/operator")
    stranger.reload()
    stranger.get_by_text("for operators").wait_for()
    assert stranger.get_by_text("Running").count() == 0
    other.close()


@pytest.mark.parametrize("house", [()], indirect=True, ids=["plain"])
def test_it_stays_small_with_a_thousand(
    house: tuple[RunningBroker, RunningPage], operate: Any
) -> None:
    broker, served = house
    port = int(broker.control.rpartition(":")[2])
    crowd = [zmtp.dial(port, "DEALER") for _ in range(MANY)]
    for n, one in enumerate(crowd):
        hello = {"op": "hello", "v": 1, "id": 1, "nick": f"guest{n:04}", "client": "crowd"}
        one.sendall(zmtp.frame(json.dumps(hello).encode()))
    one = operate(served, viewport={"width": 1600, "height": 1000})
    page = one.page
    page.locator(".t-people .count").filter(has_text=f"{MANY:,}").wait_for()
    page.get_by_role("button", name="Nickname").click()
    page.get_by_role("row").filter(has_text="guest0000").wait_for()
    page.locator(".t-people .scroll").evaluate("node => { node.scrollTop = node.scrollHeight }")
    page.get_by_role("row").filter(has_text="guest0999").wait_for()
    head, body = (
        page.locator(f".t-people {part}").bounding_box() for part in (".thead", ".scroll")
    )
    assert abs(head["y"] - body["y"]) < 3, "the head of the list went away with its rows"
    page.get_by_placeholder("Find by nickname").fill("guest0500")
    page.locator(".t-people .count").filter(has_text=f"1 of {MANY:,}").wait_for()
    page.get_by_placeholder("Find by nickname").fill("")
    page.locator(".t-people .count").filter(has_text=f"{MANY:,}").wait_for()
    assert page.evaluate("document.querySelectorAll('*').length") < MOST_NODES
    assert max(one.sizes) < MOST_BYTES, max(one.sizes)
    page.evaluate(COUNT_CHANGES)
    seen = len(one.sizes)
    for direction in ("descending", "ascending"):
        page.get_by_role("button", name="Silent").click()
        page.locator(f'[role=columnheader][aria-sort="{direction}"]', has_text="Silent").wait_for()
    while len(one.sizes) < seen + FRAMES:
        page.wait_for_timeout(100)
    changes, added = page.evaluate("[window.changes, window.added]")
    frames = len(one.sizes) - seen
    assert added < MOST_NODES, f"{added} elements were made to sort, and in {frames} frames"
    assert changes < frames * MOST_CHANGES, f"{changes} changes in {frames} frames"
    for socket in crowd:
        socket.close()


@pytest.mark.parametrize(("scheme", "width"), [("dark", 380), ("light", 1600)])
def test_axe_finds_nothing_serious(
    house: tuple[RunningBroker, RunningPage], operate: Any, scheme: str, width: int
) -> None:
    broker, served = house
    with come(broker, "ann") as ann:
        one = operate(
            served, color_scheme=scheme, viewport={"width": width, "height": 1000}, bypass_csp=True
        )
        page = one.page
        page.get_by_role("row").filter(has_text="ann").wait_for()
        assert faults(page) == []
        ann.create("den", private=True)
        open_person(page, "ann", "#lobby").get_by_text("Mute in a room", exact=True).click()
        assert faults(page) == []
        page.get_by_role("button", name="Mute", exact=True).click()
        page.get_by_role("dialog").wait_for(state="detached")
        open_person(page, "ann", "#lobby (muted)")
        assert faults(page) == []
        page.keyboard.press("Escape")
        for opener, shown in (
            ("Actions for #lobby", "Muted here"),
            ("Actions for #den", "Lift a ban"),
            ("Bans", "Ban an address"),
            ("Invitations", "No invitation is good now."),
            ("Drain", "Drain and stop"),
        ):
            page.get_by_role("button", name=opener, exact=True).click()
            page.get_by_role("dialog").get_by_text(shown, exact=True).wait_for()
            assert faults(page) == []
            page.keyboard.press("Escape")
        page.get_by_role("button", name="Invite", exact=True).click()
        assert faults(page) == []
        page.get_by_role("button", name="Make a link").click()
        page.get_by_label("QR code of the link").wait_for()
        assert faults(page) == []


def test_in_russian(house: tuple[RunningBroker, RunningPage], operate: Any) -> None:
    broker, served = house
    with come(broker, "ann"):
        page = operate(served).page
        page.get_by_role("button", name="По-русски").click()
        page.get_by_role("heading", name="Люди и программы").wait_for()
        page.get_by_role("row").filter(has_text="ann").wait_for()
        assert page.evaluate("document.documentElement.lang") == "ru"


@pytest.mark.parametrize(
    ("name", "width", "scheme"), [("light", 1600, "light"), ("dark", 900, "dark")]
)
def test_pictures(
    house: tuple[RunningBroker, RunningPage],
    operate: Any,
    pictures: Path,  # noqa: F811
    name: str,
    width: int,
    scheme: str,
) -> None:
    broker, served = house
    with ExitStack() as stack:
        names = ("ann", "jonas", "mira", "sam", "Юлия")
        people = [stack.enter_context(come(broker, nick)) for nick in names]
        for n, room in enumerate(("ops", "sensors", "ci", "reading-club")):
            for one in people[: 5 - n]:
                one.join(room)
        page = operate(served, color_scheme=scheme, viewport={"width": width, "height": 1000}).page
        page.get_by_role("button", name="Invite", exact=True).click()
        page.get_by_role("button", name="Make a link").click()
        page.get_by_label("QR code of the link").wait_for()
        page.keyboard.press("Escape")
        open_person(page, "sam", "#lobby, #ops, #sensors").get_by_text(
            "Mute in a room", exact=True
        ).click()
        page.get_by_role("dialog").get_by_label("Room").select_option("ops")
        page.get_by_role("button", name="Mute", exact=True).click()
        page.get_by_role("button", name="Back up now").click()
        for n in range(150):
            people[n * n % 5].say(("lobby", "ops", "lobby")[n % 3], f"line {n}")
            page.wait_for_timeout(200 if n % 30 < 20 else 60)
        page.screenshot(path=pictures / f"operator-{name}.png")
