"""The operator's page in a browser: what is done is seen to happen."""

from __future__ import annotations

import re
from typing import Any

from tests.support import PATIENCE, RunningBroker, eventually
from tests.web.browser.operators import come, open_person
from tests.web.support import RunningPage


def test_the_operator_bans_somebody_and_sees_it_happen(
    house: tuple[RunningBroker, RunningPage], operate: Any
) -> None:
    broker, served = house
    with come(broker, "eve"), come(broker, "ann"):
        page = operate(served).page
        eve = page.locator(".t-people .rows .tr").filter(has_text="eve")
        eve.wait_for()
        eve.get_by_role("button", name="Actions for eve").click()
        page.get_by_role("button", name="Ban from the broker").click()
        page.get_by_label("Reason").fill("noise")
        page.get_by_role("button", name="Ban", exact=True).click()
        page.get_by_role("dialog").wait_for(state="detached")
        eve.wait_for(state="detached")
        page.get_by_role("row").filter(has_text="ann").wait_for()
        page.locator(".audit").get_by_text("noise").wait_for()
        refused = page.get_by_role("group", name="Slow and refused")
        refused.get_by_text(re.compile(r"banned × \d+, last at \d\d:\d\d · ")).wait_for()
        page.get_by_role("button", name="Bans").click()
        page.get_by_role("button", name="Lift").click()
        page.get_by_role("dialog").get_by_role("button", name="Lift").wait_for(state="detached")


def test_a_room_is_closed_and_opened(
    house: tuple[RunningBroker, RunningPage], operate: Any
) -> None:
    broker, served = house
    with come(broker, "eve"):
        page = operate(served).page
        lobby = page.get_by_role("row").filter(has_text="#lobby")
        for button, shown in (("Close the room", "visible"), ("Open it again", "detached")):
            lobby.get_by_role("button").click()
            page.get_by_role("dialog", name="#lobby", exact=True).get_by_text(button).click()
            page.get_by_role("dialog", name=f"{button}: #lobby").get_by_role(
                "button", name=button
            ).click()
            lobby.get_by_text("closed").wait_for(state=shown)


def options(dialog: Any) -> list[str]:
    """Return the rooms that a dialog offers."""
    found: list[str] = dialog.get_by_label("Room").locator("option").all_inner_texts()
    return found


def test_a_room_is_chosen_among_those_that_somebody_is_in(
    house: tuple[RunningBroker, RunningPage], operate: Any
) -> None:
    broker, served = house
    with come(broker, "eve") as eve, come(broker, "ann") as ann:
        eve.join("ops")
        ann.join("elsewhere")
        page = operate(served).page
        open_person(page, "eve", "#lobby, #ops").get_by_text("Mute in a room", exact=True).click()
        mute = page.get_by_role("dialog", name="Mute in a room: eve")
        assert options(mute) == ["lobby", "ops"]
        mute.get_by_label("Room").select_option("ops")
        mute.get_by_label("For how long").select_option("until unmuted")
        mute.get_by_role("button", name="Mute").click()
        mute.wait_for(state="detached")
        person = open_person(page, "eve", "#lobby, #ops (muted)")
        person.get_by_role("button", name="Unmute in a room").click()
        unmute = page.get_by_role("dialog", name="Unmute in a room: eve")
        assert options(unmute) == ["ops"]
        unmute.get_by_role("button", name="Unmute").click()
        unmute.wait_for(state="detached")
        person = open_person(page, "eve", "#lobby, #ops")
        assert person.get_by_role("button", name="Unmute in a room").is_disabled()
        person.get_by_role("button", name="Kick from a room").click()
        kick = page.get_by_role("dialog", name="Kick from a room: eve")
        assert options(kick) == ["lobby", "ops"]
        kick.get_by_label("Room").select_option("ops")
        kick.get_by_label("Reason").fill("noise")
        kick.get_by_role("button", name="Kick").click()
        kick.wait_for(state="detached")
        page.locator(".audit").get_by_text("kicked eve from ops").wait_for()
        open_person(page, "eve", "#lobby")


def test_mutes_and_bans_of_a_room_are_lifted_there(
    house: tuple[RunningBroker, RunningPage], operate: Any
) -> None:
    broker, served = house
    with come(broker, "eve"), come(broker, "mal"):
        page = operate(served).page
        open_person(page, "eve", "#lobby").get_by_text("Mute in a room", exact=True).click()
        page.get_by_role("button", name="Mute", exact=True).click()
        page.get_by_role("dialog").wait_for(state="detached")
        open_person(page, "mal", "#lobby").get_by_text("Ban from a room").click()
        ban = page.get_by_role("dialog", name="Ban from a room: mal")
        assert ban.get_by_label("Room").input_value() == "lobby"
        ban.get_by_label("Reason").fill("much noise")
        ban.get_by_role("button", name="Ban").click()
        ban.wait_for(state="detached")
        page.get_by_role("button", name="Actions for #lobby").click()
        lobby = page.get_by_role("dialog", name="#lobby")
        lobby.get_by_text("much noise").wait_for()
        lobby.get_by_role("button", name="Unmute: eve").click()
        lobby.get_by_text("Nobody is muted.").wait_for()
        lobby.get_by_role("button", name="Lift: mal").click()
        lobby.get_by_text("Nobody is banned from it.").wait_for()
        page.keyboard.press("Escape")
        open_person(page, "eve", "#lobby")
        page.keyboard.press("Escape")
        log = page.locator(".audit")
        for told in ("unmuted eve in lobby", "lifted the ban of mal from lobby"):
            log.get_by_text(told).wait_for()


def test_of_a_private_room_no_list_is_shown_and_bans_are_lifted_by_name(
    house: tuple[RunningBroker, RunningPage], operate: Any
) -> None:
    broker, served = house
    with come(broker, "ann") as ann, come(broker, "mal"):
        ann.create("den", private=True)
        ann.ban("den", "mal")
        page = operate(served).page
        page.get_by_role("button", name="Actions for #den").click()
        den = page.get_by_role("dialog", name="#den")
        den.get_by_text("for its moderators alone").wait_for()
        for nick, told in (("ann", "not banned"), ("mal", "")):
            den.get_by_label("Nickname").fill(nick)
            den.get_by_role("button", name="Lift a ban").click()
            if told:
                den.get_by_role("alert").filter(has_text=told).wait_for()
        page.locator(".audit").get_by_text("lifted the ban of mal from den").wait_for()
        page.keyboard.press("Escape")
        open_person(page, "ann", "#lobby")  # that she is in the den is not told


def test_an_address_is_banned_for_new_connections(
    house: tuple[RunningBroker, RunningPage], operate: Any
) -> None:
    _, served = house
    page = operate(served).page
    for address in ("192.0.2.7", "2001:db8::7:1"):
        page.get_by_role("button", name="Bans", exact=True).click()
        page.get_by_role("button", name="Ban an address").click()
        ban = page.get_by_role("dialog", name="Ban an address")
        ban.get_by_text("No new connection from this address comes in").wait_for()
        ban.get_by_label("Address").fill("192.0.2.700")
        ban.get_by_role("button", name="Ban").click()
        ban.get_by_role("alert").filter(has_text="no IP address").wait_for()
        ban.get_by_label("Address").fill(address)
        ban.get_by_role("button", name="Ban").click()
        ban.wait_for(state="detached")
    page.get_by_role("button", name="Bans", exact=True).click()
    kept = page.get_by_role("dialog").locator(".list b")
    kept.first.wait_for()
    assert kept.all_inner_texts() == ["2001:db8::/64", "192.0.2.7"]  # the newest first
    for who in kept.all_inner_texts():
        page.get_by_role("button", name=f"Lift: {who}").click()
    page.get_by_role("dialog").get_by_text("Nobody is banned.").wait_for()


def test_a_copy_is_made_and_the_broker_drained(
    house: tuple[RunningBroker, RunningPage], operate: Any
) -> None:
    broker, served = house
    assert broker.data is not None
    page = operate(served).page
    page.locator(".store").get_by_text("never").wait_for()
    page.get_by_role("button", name="Back up now").click()
    page.locator(".store").get_by_text("hubbub-").wait_for()
    (copy,) = (broker.data / "backups").iterdir()
    assert copy.name in page.locator(".store").inner_text()
    page.get_by_role("button", name="Drain", exact=True).click()
    drain = page.get_by_role("dialog", name="Drain the broker")
    drain.get_by_role("button", name="Cancel").click()
    drain.wait_for(state="detached")
    page.get_by_role("button", name="Drain", exact=True).click()
    drain.get_by_role("button", name="Drain and stop").click()
    drain.wait_for(state="detached")
    assert broker.process.wait(PATIENCE) == 0


def test_an_invitation_is_copied_and_taken_back(
    house: tuple[RunningBroker, RunningPage], operate: Any
) -> None:
    _, served = house
    page = operate(served, permissions=["clipboard-read", "clipboard-write"]).page
    page.get_by_role("button", name="Invite", exact=True).click()
    invite = page.get_by_role("dialog", name="Invite")
    invite.get_by_label("For how many").fill("3")
    invite.get_by_role("button", name="Make a link").click()
    for word, start in (("browsers", f"{served.url}/#t="), ("terminals and bots", "hubbub://")):
        invite.get_by_role("button", name=f"Copy: For {word}").click()
        text = invite.get_by_label(f"For {word}", exact=True).input_value()
        assert text.startswith(start)
        eventually("it is copied", lambda text=text: clipboard(page) == text)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Invitations").click()
    page.get_by_role("dialog").get_by_text("3 left").wait_for()
    page.get_by_role("button", name="Take back: #lobby").click()
    page.get_by_text("No invitation is good now.").wait_for()


def clipboard(page: Any) -> Any:
    return page.evaluate("navigator.clipboard.readText()")
