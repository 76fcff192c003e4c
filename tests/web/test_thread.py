"""The walking thread: two people by the page and one in a terminal's client talk."""

from __future__ import annotations

from chatlib import Client
from chatlib.protocol.events import Event
from tests.support import RunningBroker
from tests.web.support import Browser, RunningPage


def test_two_by_the_page_and_a_client_talk(broker: RunningBroker, page: RunningPage) -> None:
    with (
        Browser(page, page.enter("ann")) as ann,
        Browser(page, page.enter("bob")) as bob,
        Client(broker.control, "cyd") as cyd,
    ):
        assert ann.welcome["nick"] == "ann"
        assert ann.ask("open", room="lobby")["room"] == "lobby"
        joined = bob.ask("open", room="#Lobby")
        assert [m["nick"] for m in joined["members"]] == ["ann", "bob"]
        cyd.join("lobby")

        ack = ann.acknowledged(ann.say("hello", room="lobby"))
        assert ack["kind"] == "ack"
        bob.hear("lobby", "hello")
        said = next(e for e in cyd.events(10) if isinstance(e, Event) and e.kind == "say")
        assert (said.nick, said.text, said.seq) == ("ann", "hello", ack["seq"])

        cyd.say("lobby", "hi all")
        ann.hear("lobby", "hi all")
        bob.hear("lobby", "hi all")
