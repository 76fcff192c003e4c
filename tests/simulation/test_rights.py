"""Private rooms, and people who are put out of rooms, in a storm: nobody reads what he may not.

The judge looks at each frame that leaves the broker, whoever asked for it and however late.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chatlib.core import rights, streams
from chatlib.core.batch import Entry
from chatlib.net import pipeline
from tests.core import consistency
from tests.simulation.station import Station
from tests.simulation.test_teeth import caught
from tests.simulation.weather import weather
from tests.simulation.world import CRASHING, Plan, World

PLAN = Plan(members=12, thinks=0.7, suffers=5.0, rights=True)
SMALL = CRASHING._replace(rights=True, thinks=0.2)


@pytest.mark.seeds(12, 1_000)
def test_nobody_reads_what_he_may_not(request: pytest.FixtureRequest, seed: int) -> None:
    world = weather(request, seed, PLAN)
    assert world.judge.private
    assert world.judge.denied > 10
    consistency.check(world.station.pipeline.state)


@pytest.mark.seeds(12, 1_000)
def test_nor_when_the_broker_ends(request: pytest.FixtureRequest, seed: int) -> None:
    weather(request, seed, PLAN._replace(crashes=10))


@pytest.mark.seeds(8, 1_000)
def test_nor_behind_the_files_of_one_that_ended(
    request: pytest.FixtureRequest, seed: int, tmp_path: Path
) -> None:
    weather(request, seed, SMALL, tmp_path)


class Peer:
    """Somebody who asks what a test says, and keeps what he is told."""

    def __init__(self, station: Station) -> None:
        self.routing = station.new_routing()
        self.frames: list[bytes] = []
        self._station = station
        station.connect(self)

    def ask(self, op: str, **fields: Any) -> None:
        frame = json.dumps({"op": op, **fields}).encode()
        self._station.take_control(self.routing, frame)

    def deliver(self, frame: bytes) -> None:
        self.frames.append(frame)

    def lose(self) -> None: ...


def test_what_was_answered_before_a_kick_in_the_same_pass_is_no_leak() -> None:
    """But nothing that came behind the kick, and nothing later, is taken for that."""
    world = World(0, Plan(members=0))
    ann, bob = Peer(world.station), Peer(world.station)
    for peer, nick in ((ann, "ann"), (bob, "bob")):
        peer.ask("hello", v=1, nick=nick)
    ann.ask("create", room="den", private=True)
    ann.ask("role", room="den", nick="bob", role="member")
    for peer in (ann, bob):
        peer.ask("join", room="den")
    ann.ask("topic", room="den", text="an old one")
    world.clock.run_until(1)
    again = json.loads(bob.frames[0])
    bob.ask("topic", room="den", text="a new one")
    bob.ask("hello", v=1, session=again["session"])
    ann.ask("kick", room="den", nick="bob")
    ann.ask("topic", room="den", text="bob is out")
    world.clock.run_until(1.1)  # one pass; the judge sees all that it sends
    (answer,) = [f for f in bob.frames if b'"topic":"a new one"' in f]
    (welcome,) = [f for f in bob.frames if b'"resumed":true' in f]
    head = json.loads(welcome)["rooms"]["den"]

    def leaks(frame: bytes) -> bool:
        try:
            world.judge.sent({again["sid"]}, frame)
        except AssertionError as e:
            assert "may not read it" in str(e)
            return True
        return False

    assert not leaks(answer) and not leaks(answer.replace(b"a new", b"an old"))
    assert leaks(answer.replace(b"a new one", b"bob is out"))
    assert leaks(welcome.replace(b'"den":%d' % head, b'"den":%d' % (head + 9)))
    world.clock.run_until(3)
    assert leaks(answer) and leaks(welcome)


@pytest.mark.parametrize("place", [("room/", "private/"), ""])
def test_private_rooms_on_the_feed(monkeypatch: pytest.MonkeyPatch, place: object) -> None:
    monkeypatch.setattr(pipeline, "PUBLIC", place)
    caught("private", PLAN)


def test_private_rooms_that_are_read_by_whoever_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rights, "role_of", lambda state, me, room: "owner")
    caught("may not read it|listed for|no moderator", PLAN)


def test_private_rooms_that_are_told_to_those_who_left(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, ever = Entry, set[str]()

    def everybody(*known: Any, readers: tuple[str, ...] = ()) -> Entry:
        ever.update(readers)
        return whole(*known, readers=tuple(sorted(ever)) if readers else ())

    monkeypatch.setattr(streams, "Entry", everybody)
    caught("may not read it", PLAN)


def test_deleted_texts_that_are_read_by_whoever_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(rights.TABLE, rights.SeeDeleted, rights.READS)
    caught("read after it was deleted", PLAN._replace(thinks=0.3))


def test_lists_that_tell_of_private_rooms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rights, "sees", lambda state, session, room: True)
    caught("listed for", PLAN)
