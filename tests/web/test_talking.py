"""What people do by the page: private talk, private rooms, history, search, what is unread."""

from __future__ import annotations

import pytest

from chatlib import Client
from tests.support import RunningBroker, eventually
from tests.web.support import Browser, RunningPage


def test_private_messages(broker: RunningBroker, page: RunningPage) -> None:
    with (
        Browser(page, page.enter("ann")) as ann,
        Browser(page, page.enter("bob")) as bob,
        Browser(page, page.enter("eve")) as eve,
        Client(broker.control, "cyd") as cyd,
    ):
        assert ann.acknowledged(ann.say("psst", to="bob"))["kind"] == "ack"
        assert bob.hear(None, "psst")["nick"] == "ann"
        assert ann.hear(None, "psst")["to"] == "bob"
        cyd.tell("ann", "from a terminal")
        ann.hear(None, "from a terminal")
        bob.acknowledged(bob.say("pst yourself", to="ann"))
        page_of_bob = bob.ask("history", peer="ann")
        assert [event["text"] for event in page_of_bob["events"]] == ["psst", "pst yourself"]
        eve.ask("rooms")
        assert eve.texts(None) == []


def test_a_private_room(page: RunningPage) -> None:
    cookie = page.enter("bob")
    with (
        Browser(page, page.enter("ann")) as ann,
        Browser(page, cookie) as bob,
        Browser(page, cookie) as other,
        Browser(page, page.enter("eve")) as eve,
    ):
        assert ann.ask("create", room="den", private=True)["private"]
        assert ann.ask("open", room="den")["private"]
        assert eve.ask("open", room="den")["error"]["code"] == "no_such_room"
        ann.ask("role", room="den", nick="bob", role="member")
        while not any(event["kind"] == "invite" for event in bob.events("den")):
            if any(e["kind"] == "invite" for e in bob.events(None)):
                break
            bob.receive()
        assert bob.ask("open", room="den")["private"]
        other.until("joined", lambda told: told["room"] == "den" and told["private"])
        ann.acknowledged(ann.say("just us", room="den"))
        bob.hear("den", "just us")
        ann.hear("den", "just us")
        eve.ask("rooms")
        assert eve.texts("den") == []
        ann.ask("kick", room="den", nick="bob")
        while not any(event["kind"] == "leave" for event in bob.events("den")):
            bob.receive()
        other.until("left", lambda told: told["room"] == "den")
        assert bob.ask("history", room="den")["error"]["code"] == "no_such_room"
        # What is left in one tab is left in all.
        ann.ask("role", room="den", nick="bob", role="member")
        assert bob.ask("open", room="den")["ok"]
        assert bob.ask("leave", room="den")["ok"]
        other.until("left", lambda told: told["room"] == "den")


def test_history_is_read_backwards(page: RunningPage) -> None:
    with Browser(page, page.enter("ann")) as ann:
        ann.ask("open", room="lobby")
        keys = [ann.say(f"line {i}", room="lobby") for i in range(120)]
        ann.acknowledged(keys[-1])
        opened = ann.ask("open", room="lobby")
        shown = opened["events"]
        assert len(shown) == 50
        while shown[0]["seq"] > opened["oldest"]:
            older = ann.ask("history", room="lobby", before=shown[0]["seq"], limit=30)
            shown = older["events"] + shown
        texts = [event["text"] for event in shown if event["kind"] == "say"]
        assert texts == [f"line {i}" for i in range(120)]


def test_edits_deletions_reactions_replies(page: RunningPage) -> None:
    with Browser(page, page.enter("ann")) as ann, Browser(page, page.enter("bob")) as bob:
        ann.ask("open", room="lobby")
        bob.ask("open", room="lobby")
        ann.acknowledged(ann.say("helo", room="lobby"))
        seq = bob.hear("lobby", "helo")["seq"]
        for said, fields in (
            ("hello", {"kind": "edit"}), ("👋", {"kind": "react"}), ("answer", {}),
        ):  # fmt: skip
            assert ann.acknowledged(ann.say(said, room="lobby", re=seq, **fields))["kind"] == "ack"
            assert bob.hear("lobby", said)["re"] == seq
        not_his = bob.acknowledged(bob.say("no", room="lobby", re=seq, kind="edit"))
        assert not_his["error"]["code"] == "not_yours"
        ann.acknowledged(ann.say("", room="lobby", re=seq, kind="delete"))
        event = ann.ask("history", room="lobby", after=seq - 1, limit=1)["events"][0]
        assert event["deleted"] and event["text"] == ""


def test_what_is_unread(page: RunningPage) -> None:
    with Browser(page, page.enter("ann")) as ann, Browser(page, page.enter("bob")) as bob:
        ann.ask("open", room="lobby")
        bob.ask("open", room="lobby")
        for i in range(3):
            ann.acknowledged(ann.say(f"{i}", room="lobby"))
        seq = bob.hear("lobby", "1")["seq"]
        assert bob.ask("read", room="lobby", seq=seq)["read"][0]["unread"] == 1
        ann.acknowledged(ann.say("psst", to="bob"))
        unread = {(r.get("room"), r.get("peer")): r["unread"] for r in bob.ask("read")["read"]}
        assert unread == {("lobby", None): 1, (None, "ann"): 1}


def test_nick_topic_leave_typing(page: RunningPage) -> None:
    with Browser(page, page.enter("ann")) as ann, Browser(page, page.enter("bob")) as bob:
        ann.ask("open", room="lobby")
        bob.ask("open", room="lobby")
        ann.send(op="typing", room="lobby")
        assert bob.until("typing") == {"kind": "typing", "room": "lobby", "nick": "ann"}
        assert ann.ask("nick", nick="anna")["nick"] == "anna"
        assert ann.until("welcome")["nick"] == "anna"
        assert ann.ask("topic", room="lobby", text="news")["topic"] == "news"
        bob.hear("lobby", "news")
        ann.say("last words", room="lobby")
        assert ann.ask("leave", room="lobby")["ok"]
        bob.hear("lobby", "last words")
        gone = ann.acknowledged(ann.say("more", room="lobby"))
        assert gone["error"]["code"] == "not_joined"


def test_who_is_kicked_is_told(page: RunningPage) -> None:
    with Browser(page, page.enter("ann")) as ann, Browser(page, page.enter("bob")) as bob:
        ann.ask("open", room="ops")
        bob.ask("open", room="ops")
        assert ann.ask("kick", room="ops", nick="bob", reason="noise")["ok"]
        assert bob.until("left")["room"] == "ops"
        assert [e["reason"] for e in bob.events("ops") if e["kind"] == "leave"] == ["kicked"]


def test_search(tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("search")
    with (
        RunningBroker(directory, data=directory / "data") as broker,
        RunningPage(directory, broker.control) as page,
        Browser(page, page.enter("ann")) as ann,
    ):
        ann.ask("open", room="lobby")
        ann.acknowledged(ann.say("the needle is here", room="lobby"))
        found = eventually("it is indexed", lambda: ann.ask("search", words="needle")["events"])
        assert [event["text"] for event in found] == ["the needle is here"]


def test_what_makes_no_sense(page: RunningPage) -> None:
    with Browser(page, page.enter("ann")) as ann:
        for frame in ({"op": "hello", "v": 1}, {"op": "status"}, {"op": "ban", "nick": "bob"}):
            ann.send(id=77, **frame)
            while (answer := ann.receive()).get("id") != 77:
                pass
            assert answer["error"]["code"] == "bad_request"
        ann._socket.send("not JSON")
        assert ann.receive()["error"]["code"] == "bad_request"
        assert ann.ask("open", room="a b")["error"]["code"] == "bad_room"
        assert ann.acknowledged(ann.say("x", room="a b"))["error"]["code"] == "bad_room"
        assert ann.ask("rooms")["ok"]


def test_it_ends_with_bye(page: RunningPage) -> None:
    cookie = page.enter("ann")
    with Browser(page, cookie) as ann, Browser(page, cookie) as tab:
        assert ann.ask("bye")["ok"]
        tab.until("bye")
    page.enter("ann")  # the nickname is free
