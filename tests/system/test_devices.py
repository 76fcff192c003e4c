"""Registered nicknames over real encrypted sockets: devices, links, passwords, lost keys."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from chatlib import Client, Event
from chatlib.net.curve import make_pair
from chatlib.protocol.links import Link, parse_link
from chatlib.security.keys import KeyPair, fingerprint, from_link
from chatlib.tui.conversation import Conversation
from chatlib.tui.render import to_terminal
from tests.support import ROOT, RunningBroker, eventually
from tests.system.guests import Guest, Knocks, hubbub, invite, knocking
from tests.system.people import until_said

PASSWORD = "correct horse"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RunningBroker]:
    more = ("--access", "invite", "--passwords", "--heartbeat", "2")
    with RunningBroker(tmp_path, *more, data=tmp_path / "data") as running:
        yield running


@pytest.fixture
def knocks(broker: RunningBroker) -> Iterator[Knocks]:
    with knocking(broker) as make:
        yield make


@pytest.fixture
def ann(knocks: Knocks, broker: RunningBroker) -> Guest:
    """Who has registered her nickname, and is in the lobby and in ops."""
    guest = knocks()
    guest.come_in("ann", parse_link(invite(broker)))
    guest.ask("join", room="ops")
    assert guest.ask("register")["nick"] == "ann"
    return guest


@pytest.fixture
def bob(knocks: Knocks, broker: RunningBroker) -> Guest:
    guest = knocks()
    guest.come_in("bob", parse_link(invite(broker)))
    return guest


def write(sender: Guest, n: int, to: str, text: str) -> None:
    """Send a private message, and wait until it is accepted."""
    line = json.dumps({"n": n, "to": to, "text": text}).encode()

    def accepted() -> bool:
        sender.intake.send_multipart([sender.token, line])
        return bool(sender.ask("ping")["accepted"] >= n)

    eventually(f"{text} is accepted", accepted)


def letters(guest: Guest) -> list[str]:
    return [event["text"] for event in guest.ask("history", inbox=True)["events"]]


def delivered(guest: Guest, last: str) -> list[str]:
    """Return the private messages that came by themselves, up to the last one."""
    found: list[str] = []
    while not found or found[-1] != last:
        assert guest.control.poll(5_000), found
        frame = json.loads(guest.control.recv())
        if "seq" in frame:
            found.append(frame["text"])
    return found


def again(guest: Guest) -> Any:
    """Resume, on a connection that was just ended: what it held is lost, and asked again."""

    def asked() -> Any:
        hello = {"op": "hello", "id": 8, "v": 1, "session": guest.token.decode()}
        guest.control.send(json.dumps(hello).encode())
        while guest.control.poll(500):
            answer = json.loads(guest.control.recv())
            if answer.get("id") == 8:
                return answer if answer["ok"] else answer["error"]["code"]
        return None

    return eventually("a hello is answered", asked)


def entered(guest: Guest, nick: str = "whatever") -> Any:
    there = guest.ask("hello", v=1, nick=nick)
    guest.token = there["session"].encode()
    return there


def test_a_second_device_is_the_same_person_after_a_restart(
    knocks: Knocks, broker: RunningBroker, ann: Guest, bob: Guest
) -> None:
    write(bob, 1, "ann", "one")
    (first,) = ann.ask("history", inbox=True)["events"]
    ann.ask("read", peer="bob", seq=first["seq"])
    ann.ask("bye")
    assert knocks().ask("redeem", token="device-guess") == "bad_token"
    write(bob, 2, "ann", "two")
    broker.kill()
    with broker.again():
        back = entered(ann)
        assert (back["nick"], sorted(back["rooms"]), back["waiting"]) == (
            "ann",
            ["lobby", "ops"],
            1,
        )
        token = ann.ask("device")["token"]
        second = knocks()
        assert second.ask("redeem", token=token)["ok"]
        there = entered(second)
        assert (there["nick"], there["user"]) == ("ann", back["user"])
        assert (sorted(there["rooms"]), there["waiting"]) == (["lobby", "ops"], 1)
        assert letters(second) == letters(ann) == ["one", "two"]
        (peer,) = [r for r in second.ask("read")["read"] if r.get("peer") == "bob"]
        assert (peer["seq"], peer["unread"]) == (first["seq"], 1)
        listed = second.ask("devices")["devices"]
        own = [d["key"] for d in listed if d.get("own")]
        assert own == [fingerprint(second.pair.public)] and len(listed) == 2
    done = hubbub("check", "--data", broker.data or "")
    assert done.returncode == 0, done.stderr


def test_a_letter_to_who_is_away_comes_once_to_each_device(
    knocks: Knocks, ann: Guest, bob: Guest
) -> None:
    second = knocks()
    second.ask("redeem", token=ann.ask("device")["token"])
    entered(second)
    for device in (ann, second):
        device.ask("bye")
    write(bob, 1, "Ann", "while you were away")
    for device in (ann, second):
        assert entered(device)["waiting"] == 1
        assert letters(device) == ["while you were away"]
    write(bob, 2, "ann", "to both")
    assert delivered(ann, "to both") == delivered(second, "to both") == ["to both"]


def test_what_is_stolen_is_worth_nothing(knocks: Knocks, ann: Guest, bob: Guest) -> None:
    token = ann.ask("device")["token"]
    second = knocks()
    assert second.ask("redeem", token=token)["ok"]
    mal = knocks()
    assert mal.ask("redeem", token=token) == "bad_token"  # replayed
    assert mal.ask("hello", v=1, nick="ann") == "not_admitted"
    assert bob.ask("hello", v=1, session=ann.token.decode()) == "wrong_key"
    ann.ask("bye")
    for nick in ("ann", "Ann", "аnn"):
        assert bob.ask("hello", v=1, nick=nick) == "nick_taken"


def test_a_device_that_is_removed_is_out_at_once(knocks: Knocks, ann: Guest, bob: Guest) -> None:
    second = knocks()
    second.ask("redeem", token=ann.ask("device")["token"])
    entered(second)
    second.feed = second.made(zmq.SUB, second.broker.feed)
    assert second.hears("head")
    assert ann.ask("undevice", key=fingerprint(second.pair.public)[:9])["ok"]
    assert again(ann)["resumed"]
    assert again(second) == "not_admitted"
    assert again(bob)["resumed"]

    n = 0

    def heard() -> bool:
        nonlocal n
        n += 1
        bob.say(n, "is anyone here?")
        return ann.hears("is anyone here?", 400)

    eventually("ann hears", heard)
    assert not second.hears("is anyone here?", 400)


def test_who_lost_a_key_is_reset(knocks: Knocks, broker: RunningBroker, ann: Guest) -> None:
    done = hubbub("reset", "ann", "--data", broker.data or "")
    assert done.returncode == 0, done.stderr
    link = parse_link(done.stdout.strip())
    assert str(link.endpoint) == broker.control
    assert again(ann) == "not_admitted"
    new = knocks()
    assert new.ask("redeem", token=link.token)["ok"]
    there = entered(new)
    assert (there["nick"], sorted(there["rooms"])) == ("ann", ["lobby", "ops"])
    assert ann.ask("redeem", token=link.token) == "bad_token"
    done = hubbub("reset", "nobody", "--data", broker.data or "")
    assert done.returncode == 77 and "not registered" in done.stderr
    assert hubbub("unregister", "ann", "--data", broker.data or "").returncode == 0
    assert new.ask("devices") == "not_registered"


# -- passwords ------------------------------------------------------------------------------------


def bare(broker: RunningBroker) -> str:
    """Return a link with the broker's key and no token."""
    link = parse_link(invite(broker))
    return str(Link(link.endpoint, "", link.server_key))


def login(broker: RunningBroker, key: Path, password: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "chatlib.cli", "login", bare(broker), "ann"]
    command += ["--key", str(key)]
    return subprocess.run(
        command, input=f"{password}\n", capture_output=True, text=True, timeout=60, cwd=ROOT,
        check=False,
    )  # fmt: skip


def test_a_password_lets_a_device_in(
    knocks: Knocks, broker: RunningBroker, ann: Guest, tmp_path: Path
) -> None:
    assert ann.ask("password", password="short") == "bad_request"
    assert ann.ask("password", password=PASSWORD)["ok"]
    second = knocks()
    assert second.ask("login", nick="ann", password="wrong horse") == "wrong_password"
    assert second.ask("login", nick="nobody", password=PASSWORD) == "wrong_password"
    assert second.ask("hello", v=1, nick="x") == "not_admitted"
    assert second.ask("login", nick="Ann", password=PASSWORD)["nick"] == "ann"
    assert entered(second)["nick"] == "ann"
    (stored,) = sqlite3.connect(tmp_path / "data" / "history.sqlite3").execute(
        "SELECT CAST(value AS TEXT) FROM records WHERE CAST(value AS TEXT) LIKE '%ann%salt%'"
    )
    assert PASSWORD not in str(stored) and '"password":"' in stored[0]
    assert PASSWORD not in broker.output()


def test_login_on_the_command_line(broker: RunningBroker, ann: Guest, tmp_path: Path) -> None:
    ann.ask("password", password=PASSWORD)
    done = login(broker, tmp_path / "key", "wrong horse")
    assert done.returncode == 77 and "that is not its password" in done.stderr
    done = login(broker, tmp_path / "key", PASSWORD)
    assert done.returncode == 0 and "--nick ann\n" in done.stderr, done.stderr
    entered(ann)  # said nothing meanwhile, perhaps for too long
    assert len(ann.ask("devices")["devices"]) == 2


def test_guesses_are_slowed_and_nobody_else_waits(knocks: Knocks, ann: Guest, bob: Guest) -> None:
    ann.ask("password", password=PASSWORD)
    mal = knocks()
    stop = threading.Event()
    answers: list[Any] = []

    def guess() -> None:
        while not stop.is_set():
            answers.append(mal.ask("login", nick="ann", password="a guess"))
            stop.wait(0.01)

    guessing = threading.Thread(target=guess)
    guessing.start()
    try:
        eventually("it is slowed", lambda: "slow_down" in answers)
        for _ in range(20):
            assert bob.ask("ping")["accepted"] == 0
    finally:
        stop.set()
        guessing.join()
    assert 1 <= answers.count("wrong_password") <= 5
    assert ann.ask("ping")["ok"], "keys are slowed by no guess"


def test_the_loop_answers_while_a_password_is_hashed(knocks: Knocks, ann: Guest) -> None:
    """The hash's answer comes last, though it was asked first."""
    second = knocks()
    assert second.ask("invitations") == "not_allowed"  # it is connected
    second.control.send(
        json.dumps({"op": "login", "id": 1, "nick": "ann", "password": "x"}).encode()
    )
    second.control.send(json.dumps({"op": "bans", "id": 2}).encode())
    order = []
    while len(order) < 2:
        assert second.control.poll(5_000)
        order.append(json.loads(second.control.recv())["id"])
    assert order == [2, 1]


# -- the client library ---------------------------------------------------------------------------


def client(link: str, nick: str | None = None, pair: KeyPair | None = None) -> Client:
    found = parse_link(link)
    return Client(
        str(found.endpoint),
        nick,
        server_key=from_link(found.server_key or ""),
        key=pair or make_pair(),
        token=found.token,
    )


def said(told: list[Any]) -> list[tuple[str, str]]:
    return [(e.nick, e.text) for e in told if isinstance(e, Event) and e.kind == "say"]


def test_two_clients_of_one_person(broker: RunningBroker) -> None:
    with client(invite(broker), "ann") as one, client(invite(broker), "bob") as bob:
        one.join("lobby")
        bob.join("lobby")
        assert one.register() == "ann"
        bob.tell("ann", "before")
        until_said(one, "before")
        link = one.device()
        with client(link, "someone") as two:
            assert (two.nick, two.registered, two.user) == ("ann", True, one.user)
            until_said(two, "before")
            eventually("the rooms come by themselves", lambda: two.joined == ["lobby"])
            two.say("lobby", "from two")
            (mine,) = [
                e for e in until_said(one, "from two") if getattr(e, "text", "") == "from two"
            ]
            assert mine.author == one.user and mine.sid == two.sid
            one.edit("lobby", mine.seq, "from one of us")
            until_said(bob, "from one of us")
            two.tell("bob", "privately")
            until_said(one, "privately")
            two.join("ops")
            eventually("it is followed on both", lambda: "ops" in one.joined)
            for room in ("ops", "lobby"):
                one.leave(room)
            eventually("they are left on both", lambda: two.joined == [])
            assert [m.nick for m in bob.who("lobby")] == ["bob"]
            (other,) = [d for d in one.devices() if not d.own]
            one.remove_device(other.key)
            eventually("it is turned away", lambda: two.state == "refused")
            assert [m.nick for m in bob.who()] == ["ann", "bob"]


def test_a_key_that_is_let_in_already_takes_a_device_link(broker: RunningBroker) -> None:
    pair = make_pair()
    with client(invite(broker), "ann") as one:
        one.register()
        with client(invite(broker), "other", pair) as two:
            assert two.nick == "other"
        link = one.device()
        with client(link, "other", pair) as two:
            assert two.nick == "ann"
        with client(link, "other", pair) as two:  # the same link again: it is used up, and ours
            assert two.nick == "ann"


def test_a_client_logs_in_by_a_password(broker: RunningBroker) -> None:
    with client(invite(broker), "ann") as one:
        one.join("lobby")
        one.register()
        one.set_password(PASSWORD)
        two = client(bare(broker))
        assert two.login("ann", PASSWORD) == "ann"
        with two:
            assert (two.nick, two.user) == ("ann", one.user)
        with client(invite(broker), "guest") as three:
            assert three.login("ann", PASSWORD) == "ann"
            eventually("it is ann", lambda: three.nick == "ann")
            assert three.user == one.user


def test_what_a_person_types(broker: RunningBroker, tmp_path: Path) -> None:
    shown: list[str] = []

    def types(chat: Conversation, line: str) -> str:
        shown.clear()
        chat.enter(line)
        return "\n".join(shown)

    def show(lines: list[Any]) -> None:
        shown.extend(to_terminal(line, colour=False) for line in lines)

    with client(invite(broker), "ann") as one:
        ann = Conversation(one, show)
        assert "not registered" in types(ann, "/devices")
        assert "ann is yours for good" in types(ann, "/register")
        link = types(ann, "/device").split("'")[1]
        with client(link) as two:
            assert two.nick == "ann"
            listed = types(ann, "/devices").splitlines()
            assert listed[0] == "the keys of ann:" and "(this one)" in listed[1]
            other = listed[2].split()[0]
            assert "usage: /devices [remove KEY]" in types(ann, "/devices forget")
            assert "is out" in types(ann, f"/devices remove {other}")
        assert "it is not shown" in types(ann, "/password")
        assert "at least 8 characters" in types(ann, "short")
        assert "hubbub login" in types(ann, f"/password {PASSWORD}")
        assert len(login(broker, tmp_path / "key", PASSWORD).stderr) > 0
        assert types(ann, "/devices").startswith("the keys of ann:")
        assert types(ann, "/unregister") == "ann is yours until you leave"
