"""A broker with keys, attacked over real sockets: who is not let in, and who notices nothing."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
import zmq

from chatlib.cli import qr
from chatlib.protocol.links import parse_link
from chatlib.security.keys import fingerprint
from tests.support import RunningBroker, eventually
from tests.system.guests import LITTLE_MS, Guest, Knocks, hubbub, invite, knocking


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RunningBroker]:
    with RunningBroker(tmp_path, "--access", "invite", data=tmp_path / "data") as running:
        yield running


@pytest.fixture
def knocks(broker: RunningBroker) -> Iterator[Knocks]:
    with knocking(broker) as make:
        yield make


@pytest.fixture
def ann(knocks: Knocks, broker: RunningBroker) -> Guest:
    guest = knocks()
    guest.come_in("ann", parse_link(invite(broker)))
    return guest


def test_an_invitation_lets_in_and_only_so_often(
    knocks: Knocks, broker: RunningBroker, ann: Guest
) -> None:
    link = parse_link(invite(broker, uses=2))
    bob, cyd, eve = (knocks() for _ in range(3))
    bob.come_in("bob", link)
    cyd.come_in("cyd", link)
    assert bob.ask("redeem", token=link.token) == "bad_token"  # replayed: nothing is left of it
    assert eve.ask("redeem", token=link.token) == "bad_token"
    assert eve.ask("hello", v=1, nick="eve") == "not_admitted"
    bob.say(1, "hello from bob")
    assert ann.hears("hello from bob") and cyd.hears("hello from bob")


def test_who_is_not_admitted_reaches_control_alone(
    knocks: Knocks, broker: RunningBroker, ann: Guest
) -> None:
    eve = knocks()
    for op in ("ping", "rooms", "who", "history", "join", "search"):
        assert eve.ask(op, room="lobby") in ("no_session", "bad_request")
    eve.feed = eve.made(zmq.SUB, broker.feed)
    eve.intake = eve.made(zmq.PUSH, broker.intake)
    ann.say(1, "a secret")
    eve.say(2, "let me in", ann.token)
    assert ann.hears("a secret")
    assert not eve.hears("", LITTLE_MS)
    assert ann.ask("ping")["accepted"] == 1


def test_a_stolen_token_is_worth_nothing(knocks: Knocks, broker: RunningBroker, ann: Guest) -> None:
    mal = knocks()
    mal.come_in("mal", parse_link(invite(broker)))
    mal.say(1, "I am ann", ann.token)
    assert mal.ask("hello", v=1, session=ann.token.decode()) == "wrong_key"
    assert mal.ask("ping")["accepted"] == 0
    ann.say(1, "I am ann myself")
    assert ann.hears("I am ann myself")
    assert ann.ask("history", room="lobby", after=0)["events"][-1]["nick"] == "ann"
    assert ann.ask("ping")["accepted"] == 1


def test_who_is_banned_is_out_and_the_others_lose_nothing(
    knocks: Knocks, broker: RunningBroker, ann: Guest
) -> None:
    mal = knocks()
    mal.come_in("mal", parse_link(invite(broker)))
    assert hubbub("ban", "mal", "--reason", "noise", "--data", broker.data or "").returncode == 0
    assert "mal" not in str(back(ann).ask("who"))

    def said() -> bool:
        ann.say(1, "after the ban")  # what a connection held when it ended is lost, and sent again
        mal.say(1, "still here?")
        return bool(ann.ask("ping")["accepted"] == 1)

    eventually("ann is heard", said)
    numbers = count(2)

    def heard() -> bool:
        ann.say(next(numbers), "once more")
        return ann.hears("once more", LITTLE_MS)

    eventually("ann hears", heard)
    assert not mal.hears("once more", LITTLE_MS)
    events = ann.ask("history", room="lobby", after=0)["events"]
    told = [(e["kind"], e["nick"], e.get("reason"), e.get("text")) for e in events]
    assert told[2:4] == [("leave", "mal", "banned", None), ("say", "ann", None, "after the ban")]
    key = mal.pair.public.decode()
    banned = hubbub("bans", "--data", broker.data or "").stdout.split()
    assert banned[0] == fingerprint(mal.pair.public) and key in banned
    assert f"ban  {banned[0]}" in hubbub("audit", "--data", broker.data or "").stdout
    assert hubbub("unban", banned[0], "--data", broker.data or "").returncode == 0
    again = knocks(mal.pair)
    assert again.ask("hello", v=1, nick="mal")["nick"] == "mal"


def back(guest: Guest) -> Guest:
    """Resume on the connection that libzmq made anew: what goes out on the old one is lost."""

    def resumed() -> bool:
        with contextlib.suppress(AssertionError):
            return bool(guest.ask("hello", 1_000, v=1, session=guest.token.decode())["resumed"])
        return False

    eventually("the session is resumed", resumed)
    return guest


def test_invitations_are_listed_and_taken_back(broker: RunningBroker) -> None:
    link = parse_link(invite(broker, uses=5, room="Ops", expires="2h"))
    assert link.room == "ops" and str(link.endpoint) == broker.control
    listed = hubbub("invitations", "--data", broker.data or "").stdout.split()
    assert listed[1:3] == ["ops", "5"]
    assert hubbub("uninvite", listed[0], "--data", broker.data or "").returncode == 0
    assert hubbub("invitations", "--data", broker.data or "").stdout == ""
    done = hubbub("uninvite", listed[0], "--data", broker.data or "")
    assert done.returncode == 77 and "there is no invitation" in done.stderr


def test_keys_and_invitations_outlive_the_broker(
    knocks: Knocks, broker: RunningBroker, tmp_path: Path
) -> None:
    ann = knocks()
    ann.come_in("ann", parse_link(invite(broker)))
    left = parse_link(invite(broker))
    broker.kill()
    assert {oct(p.stat().st_mode & 0o777) for p in (tmp_path / "data").glob("*.key")} == {"0o600"}
    with broker.again() as again:
        assert again.control == broker.control
        back(ann)
        bob = knocks(at=again)
        bob.come_in("bob", left)


def test_an_invitation_as_a_qr_code(broker: RunningBroker) -> None:
    done = hubbub("invite", "--qr", "--data", broker.data or "")
    link, *drawn = done.stdout.splitlines()
    assert parse_link(link).token and drawn == qr.draw(link)


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with RunningBroker(tmp_path, "--access", "invite", data=data):
        pass
    os.chmod(data / "broker.key", 0o644)
    done = hubbub("broker", "--listen", "tcp://127.0.0.1:0", "--access", "invite", "--data", data)
    assert done.returncode == 78 and f"chmod 600 {data / 'broker.key'}" in done.stderr


def test_operators_alone(broker: RunningBroker, tmp_path: Path) -> None:
    done = hubbub("invite", "--data", tmp_path / "nowhere")
    assert done.returncode == 69 and "no broker runs on" in done.stderr
