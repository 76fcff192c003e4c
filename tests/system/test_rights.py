"""Rights over real sockets with keys: private rooms, and people who are put out and kept out."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from chatlib import Client, Event
from chatlib.errors import Refused
from chatlib.net.curve import make_pair
from chatlib.protocol.links import parse_link
from chatlib.security.keys import KeyPair, from_link
from tests.support import ROOT, RunningBroker, eventually
from tests.system.guests import LITTLE_MS, Guest, invite

Enter = Callable[..., Client]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RunningBroker]:
    with RunningBroker(tmp_path, "--access", "invite", data=tmp_path / "data") as running:
        yield running


@pytest.fixture
def enter(broker: RunningBroker) -> Iterator[Enter]:
    """Let people in, each with a key; all are closed in the end."""
    clients: list[Client] = []

    def make(nick: str, pair: KeyPair | None = None, at: RunningBroker = broker) -> Client:
        link = parse_link(invite(at))
        key = from_link(link.server_key or "")
        made = Client(at.control, nick, server_key=key, key=pair or make_pair(), token=link.token)
        clients.append(made)
        return made.start(20)

    yield make
    for client in clients:
        client.close()


def hubbub(broker: RunningBroker, *arguments: str) -> str:
    command = [sys.executable, "-m", "chatlib.cli", *arguments, "--data", str(broker.data)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def hears(client: Client, what: str, check: Callable[[Event], bool]) -> Event:
    found: list[Event] = []

    def heard() -> bool:
        for told in client.events(0.05):
            if isinstance(told, Event) and check(told):
                found.append(told)
                return True
        return False

    eventually(what, heard)
    return found[0]


def says(text: str) -> Callable[[Event], bool]:
    return lambda event: event.text == text


def refused(ask: Callable[..., Any], *known: Any, **more: Any) -> str:
    with pytest.raises(Refused) as told:
        ask(*known, **more)
    return told.value.code


def test_a_private_room_is_not_there_for_a_stranger(broker: RunningBroker, enter: Enter) -> None:
    ann, bob = enter("ann"), enter("bob")
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    eve = Guest(context, broker, make_pair())
    try:
        link = parse_link(invite(broker))
        assert eve.ask("redeem", token=link.token)["room"] == "lobby"
        eve.token = eve.ask("hello", v=1, nick="eve")["session"].encode()
        eve.feed = eve.made(zmq.SUB, broker.feed)  # to everything
        eve.intake = eve.made(zmq.PUSH, broker.intake)
        assert eve.hears("head")
        ann.create("den", private=True)
        assert ann.join("den").private
        ann.set_role("den", "bob", "member")
        invited = hears(bob, "bob is invited", lambda e: e.kind == "invite")
        assert (invited.room, invited.nick, invited.place) == ("den", "ann", None)
        bob.join("den")
        ann.say("den", "a very private word")
        assert hears(bob, "bob is told", says("a very private word")).room == "den"
        bob.say("den", "and an answer")
        hears(ann, "ann is told", says("and an answer"))
        found = eventually("bob finds it", lambda: bob.search("private"))
        assert [e.text for e in found] == ["a very private word"]
        assert any(line.room == "den" and line.private for line in bob.rooms())
        ann.topic("den", "what nobody knows")
        # Whatever eve asks is answered as it is for a room that was never there.
        asks: list[tuple[str, dict[str, Any]]] = [
            ("history", {}), ("who", {}), ("topic", {}), ("topic", {"text": "x"}), ("leave", {}),
            ("search", {"words": "private"}), ("read", {}), ("read", {"seq": 1}), ("roles", {}),
            ("role", {"nick": "eve", "role": "owner"}), ("kick", {"nick": "bob"}),
            ("mute", {"nick": "bob"}), ("unmute", {"nick": "bob"}), ("bans", {}),
            ("ban", {"nick": "bob"}), ("unban", {"who": "bob"}), ("history", {"deleted": True}),
        ]  # fmt: skip
        for op, fields in asks:
            answers = []
            for room in ("den", "nix"):
                request = {"op": op, "id": 7, "room": room, **fields}
                eve.control.send(json.dumps(request).encode())
                answers.append(eve.control.recv().replace(room.encode(), b"ROOM"))
            assert answers[0] == answers[1], op
            assert b"no_such_room" in answers[0], op
        assert eve.ask("join", room="den") == "no_such_room"
        assert eve.ask("create", room="den") == "room_taken"
        assert all(line["room"] != "den" for line in eve.ask("rooms")["rooms"])
        assert eve.ask("search", words="private")["events"] == []
        eve.intake.send_multipart([eve.token, b'{"n":1,"room":"den","text":"let me in"}'])
        eventually("eve is refused", lambda: eve.ask("ping")["accepted"] == 1)
        for topic in (b"room/den/", b"private/den/", b"private/"):
            eve.feed.subscribe(topic)
        ann.say("den", "another private word")
        hears(bob, "bob is told again", says("another private word"))
        ann.flush(10)
        while eve.feed.poll(LITTLE_MS):
            topic, body = eve.feed.recv_multipart()
            silent = b'"seq":0,"kind":"head"' in body
            assert silent or (b"den" not in topic and b"den" not in body), body
            assert b"private" not in body
    finally:
        eve.close()
        context.term()


def test_what_was_missed_of_a_private_room_is_repaired(broker: RunningBroker, enter: Enter) -> None:
    ann, bob = enter("ann"), enter("bob")
    ann.create("den", private=True)
    ann.set_role("den", "bob", "member")
    ann.join("den")
    bob.join("den")
    for n in range(2_000):
        ann.say("den", f"{n} " + "x" * 400)
    texts: list[int] = []

    def all_told() -> bool:
        for told in bob.events(0.1):
            if isinstance(told, Event) and told.kind == "say":
                texts.append(int((told.text or "").split()[0]))
        return len(texts) >= 2_000

    eventually("bob is told all", all_told, 60)
    assert texts == list(range(2_000))


def test_who_is_kicked_from_a_private_room_is_out(broker: RunningBroker, enter: Enter) -> None:
    ann, bob = enter("ann"), enter("bob")
    ann.create("den", private=True)
    ann.set_role("den", "bob", "member")
    ann.join("den")
    bob.join("den")
    ann.kick("den", "bob", "enough")
    out = hears(bob, "bob is told", lambda e: e.kind == "leave" and e.sid == bob.sid)
    assert (out.reason, out.by, out.text) == ("kicked", "ann", "enough")
    assert bob.joined == []
    ann.say("den", "he is gone")
    ann.flush(10)
    assert refused(bob.history, "den") == "no_such_room"
    assert refused(bob.join, "den") == "no_such_room"
    assert not any(getattr(told, "text", "") == "he is gone" for told in bob.events(0.3))


def test_moderation_outlives_the_broker(broker: RunningBroker, enter: Enter) -> None:
    ann, bob, eve, key = enter("ann"), enter("bob"), enter("eve"), make_pair()
    mal = enter("mal", key)
    for client in (ann, bob, eve, mal):
        client.join("ops")
    assert refused(bob.kick, "ops", "mal") == "not_allowed"
    ann.set_role("ops", "bob", "moderator")
    bob.ban("ops", "mal", "noise")
    hears(mal, "mal is put out", lambda e: e.kind == "leave" and e.sid == mal.sid)
    bob.mute("ops", "eve", 3600)
    said = hears(eve, "eve hears of it", lambda e: e.kind == "mute")
    assert (said.to, said.nick) == ("eve", "bob") and said.until
    eve.say("ops", "but")
    with pytest.raises(Refused, match="until"):
        eve.flush(10)
    ann.create("den", private=True)
    ann.join("den")
    ann.say("den", "kept")
    ann.say("ops", "spoken in anger")
    angry = hears(bob, "bob hears ann", says("spoken in anger"))
    assert refused(bob.kick, "ops", "ann") == "not_allowed"
    bob.delete("ops", angry.seq)
    bob.flush(10)
    broker.kill()
    with broker.again() as again:
        eventually("all are back", lambda: all(c.state == "online" for c in (ann, bob, eve, mal)))
        roles = bob.roles("ops", timeout=20)
        assert [(r.nick, r.role) for r in roles.roles] == [("ann", "owner"), ("bob", "moderator")]
        assert [m.nick for m in roles.mutes] == ["eve"]
        assert [(b.who, b.reason) for b in roles.bans] == [("mal", "noise")]
        assert refused(mal.join, "ops") == "banned_here"
        assert refused(mal.history, "den") == "no_such_room"
        assert [e.text for e in ann.history("den") if e.kind == "say"] == ["kept"]
        eve.say("ops", "and now?")
        with pytest.raises(Refused, match="muted"):
            eve.flush(10)
        (blanked,) = (e for e in eve.history("ops") if e.seq == angry.seq)
        assert (blanked.text, blanked.deleted) == ("", True)
        assert refused(eve.history, "ops", deleted=True) == "not_allowed"
        (kept,) = (e for e in bob.history("ops", deleted=True) if e.seq == angry.seq)
        assert (kept.text, kept.deleted) == ("spoken in anger", True)
        bob.unmute("ops", "eve")
        bob.unban("ops", "mal")
        mal.join("ops")
        eve.say("ops", "thank you")
        eve.flush(10)
        told = hubbub(again, "audit")
        for line in ("bob", "ban  mal  in ops  noise", "mute  eve  in ops", "create  in den"):
            assert line in told
        assert "invite  in lobby" in told
        assert hubbub(again, "check") == "the history is whole\n"
        exported = hubbub(again, "export")
        assert "thank you" in exported and "kept" not in exported and "anger" not in exported


def test_operators_and_gateways_are_made(broker: RunningBroker, enter: Enter) -> None:
    ann, bob = enter("ann"), enter("bob")
    ann.create("ops")
    assert refused(bob.kick, "ops", "ann") == "not_allowed"
    hubbub(broker, "promote", "operator", "bob")
    ann.join("ops")
    bob.kick("ops", "ann")
    hears(ann, "ann is put out", lambda e: e.kind == "leave" and e.sid == ann.sid)
    ann.create("den", private=True)
    assert refused(bob.history, "den") == "no_such_room"
    bob.ban("den", "ann")
    bob.unban("den", "ann")
    bob.set_role("den", "ann", "owner")  # it had none any more
    assert refused(bob.set_role, "den", "bob", "owner") == "not_allowed"
    command = [sys.executable, "-m", "chatlib.cli", "audit", "--follow", "--limit", "1"]
    follower = subprocess.Popen(
        [*command, "--data", str(broker.data)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert follower.stdout is not None
        assert "role  ann  in den  role owner" in follower.stdout.readline()
        ann.set_role("den", "bob", "member")
        assert "role  bob  in den  role member" in follower.stdout.readline()
        bob_at_den = hears(bob, "bob is invited", lambda e: e.kind == "invite")
        assert bob_at_den.room == "den"
        bob.set_role("den", "bob", "none")  # everybody may be less than he is
    finally:
        follower.kill()
        follower.communicate()
    told = hubbub(broker, "audit", "--json")
    entries = [json.loads(line) for line in told.splitlines()]
    assert entries[-1]["what"] == "role" and entries[-1]["nick"] == "bob" and entries[-1]["key"]
    command = [sys.executable, "-m", "chatlib.cli", "export", "--room", "den"]
    command += ["--data", str(broker.data)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "den is a private room" in done.stderr
