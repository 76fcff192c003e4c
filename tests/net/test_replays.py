"""Replays: pages of public rooms on the topic that asked for them, within a budget."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import zmq

from chatlib.core.batch import Entry
from chatlib.core.state import State, new_room
from chatlib.history.memory import MemoryStore
from chatlib.history.store import StoreFailed
from chatlib.net import replays
from chatlib.net.replays import Replays
from tests.support import Peer, RunningBroker, eventually

EPOCH = "e1"


class House:
    """Rooms with events of one size, and what was published of them."""

    def __init__(self) -> None:
        self.state = State(EPOCH)
        self.store = MemoryStore(EPOCH)
        self.published: list[tuple[bytes, list[dict[str, Any]]]] = []
        self.replays = Replays(self.state, self.store, self._publish)

    def _publish(self, topic: bytes, lines: Any) -> None:
        self.published.append((topic, [json.loads(line) for line in lines]))

    def fill(self, name: str, count: int, *, stream: str = "", size: int = 0) -> None:
        room = new_room(name)
        room.stream = stream or room.stream
        self.state.rooms[name] = room
        entries = []
        for _ in range(count):
            self.state.seq += 1
            line = {"seq": self.state.seq, "prev": room.head, "room": name, "kind": "say"}
            text = json.dumps(line | {"text": "x" * size}).encode()
            entries.append(Entry(room.stream, self.state.seq, text))
            room.head = self.state.seq
        self.store.commit(entries)

    def ask(self, *topics: str, now: float = 0.0) -> list[tuple[bytes, list[dict[str, Any]]]]:
        self.published.clear()
        self.replays.take(topic.encode() for topic in topics)
        self.replays.serve(now)
        return self.published


@pytest.fixture
def house() -> House:
    return House()


def seqs(lines: list[dict[str, Any]]) -> list[int]:
    return [line["seq"] for line in lines if "prev" in line]


@pytest.mark.parametrize(
    ("place", "found", "more"),
    [
        ("0", range(1, 1001), True),
        ("500", range(501, 1501), True),
        ("2400", range(2401, 2501), False),
        ("2500", [], False),
        ("9999", [], False),
        ("0+2", [1, 2], True),
        ("-3", [2498, 2499, 2500], True),
        ("3-5", [1, 2], False),
        ("1000-2", [998, 999], True),
    ],
)
def test_a_page(house: House, place: str, found: Any, more: bool) -> None:
    house.fill("lobby", 2500)
    ((topic, lines),) = house.ask(f"replay/lobby/{place}/x")
    assert topic == f"replay/lobby/{place}/x".encode()
    assert seqs(lines) == list(found)
    marker = {"seq": 2500, "kind": "replayed", "room": "lobby", "epoch": EPOCH}
    marker |= {"count": len(found)} if found else {}
    assert lines[-1] == marker | ({"more": True} if more else {})


def test_a_page_is_bounded_in_bytes(house: House) -> None:
    house.fill("lobby", 300, size=8_000)
    ((_, lines),) = house.ask("replay/lobby/0/x")
    assert 100 < lines[-1]["count"] < 131 and lines[-1]["more"]


def test_rooms_that_are_not_public_are_not_there(house: House) -> None:
    house.fill("lobby", 1)
    house.fill("secret", 3, stream="private/secret/")
    nothing = {"seq": 0, "kind": "replayed", "epoch": EPOCH}
    for name in ("secret", "nowhere"):
        ((_, lines),) = house.ask(f"replay/{name}/0/x")
        assert lines == [nothing | {"room": name}]
    ((_, lines),) = house.ask("replay//0/x")
    assert [line.get("room") for line in lines] == ["lobby", None]


def test_the_heads_of_all_rooms_come_in_the_order_of_their_news(house: House) -> None:
    for name in ("c", "a", "b"):
        house.fill(name, 10)
    head = {"kind": "head", "epoch": EPOCH}
    ((_, lines),) = house.ask("replay//10/x")
    last = {"seq": 30, "kind": "replayed", "epoch": EPOCH, "count": 2}
    assert lines == [head | {"seq": 20, "room": "a"}, head | {"seq": 30, "room": "b"}, last]
    ((_, lines),) = house.ask("replay//0+1/x")
    assert lines[0] == head | {"seq": 10, "room": "c"} and lines[1]["more"]


def test_a_pass_is_bounded_and_the_others_wait_in_turn(house: House) -> None:
    house.fill("lobby", 100, size=8_000)
    topics = [f"replay/lobby/0/x{i}" for i in range(3)]
    assert [topic.decode() for topic, _ in house.ask(*topics)] == topics[:1]
    assert house.replays.ready and house.replays.patience() == 0
    assert [topic.decode() for topic, _ in house.ask()] == topics[1:2]
    assert [topic.decode() for topic, _ in house.ask()] == topics[2:]
    assert not house.replays.ready and not house.ask()


def test_a_budget_is_for_all_and_earned_back(house: House) -> None:
    house.fill("lobby", 120, size=8_000)
    asked = 0
    while not house.replays._allowed < 0:
        assert house.ask(f"replay/lobby/0/{asked}")
        asked += 1
    assert asked * 1_000_000 > replays.BURST_BYTES * 0.9
    assert not house.ask("replay/lobby/0/late") and not house.replays.ready
    wait = house.replays.patience()
    assert wait > 0
    assert house.ask(now=wait + 0.001)


def test_no_more_than_so_many_wait(house: House) -> None:
    house.fill("lobby", 1)
    house.replays.take(b"replay/lobby/0/%d" % i for i in range(2 * replays.MOST_WAITING))
    found = 0
    while house.replays.ready:
        found += len(house.ask())
    assert found == replays.MOST_WAITING


def test_asked_twice_is_answered_once(house: House) -> None:
    house.fill("lobby", 1)
    assert len(house.ask("replay/lobby/0/x", "replay/lobby/0/x")) == 1


def test_a_store_that_fails_has_no_answer(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def page(*_: object, **__: object) -> None:
        raise StoreFailed("the disk is gone")

    house.fill("lobby", 1)
    monkeypatch.setattr(house.store, "page", page)
    assert not house.ask("replay/lobby/0/x")
    assert not house.replays.ready


# -- a real broker --------------------------------------------------------------------------------


@pytest.fixture
def ann(broker: RunningBroker) -> Iterator[Peer]:
    made = Peer(broker)
    assert made.hello("ann")["ok"] and made.ask(op="join", id=1, room="lobby")["ok"]
    yield made
    made.close()


def read_replay(sub: zmq.Socket[bytes]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while not found or found[-1]["kind"] != "replayed":
        _, body = sub.recv_multipart()
        assert body.count(b"\n") < 1000 and len(body) <= 256 * 1024
        found += map(json.loads, body.split(b"\n"))
    return found


def test_history_and_live_on_one_socket(ann: Peer) -> None:
    for n in range(1, 1501):
        ann.send({"n": n, "room": "lobby", "text": f"{n:800}"})
    eventually("all was said", lambda: ann.ask(op="ping", id=2)["accepted"] == 1500)
    sub = ann.subscribe(b"replay/lobby/1/first")
    first = read_replay(sub)
    assert seqs(first) == list(range(2, 1002)) and first[-1]["more"]
    sub.unsubscribe(b"replay/lobby/1/first")
    sub.subscribe(b"room/lobby/")
    sub.subscribe(b"replay/lobby/1001/second")
    ann.send({"n": 1501, "room": "lobby", "text": "live"})
    found: list[dict[str, Any]] = []
    while 1502 not in seqs(found) or all(line["kind"] != "replayed" for line in found):
        found += map(json.loads, sub.recv_multipart()[1].split(b"\n"))
    assert sorted(set(seqs(found))) == list(range(1002, 1503))
    sub.close()


def test_who_subscribes_again_is_answered_again(ann: Peer) -> None:
    for nonce in (b"one", b"two"):
        with ann.subscribe(b"replay/lobby/0/" + nonce) as sub:
            assert seqs(read_replay(sub)) == [1]


def test_private_messages_are_in_no_replay(ann: Peer) -> None:
    ann.send({"n": 1, "to": "ann", "text": "psst"})
    eventually("it was said", lambda: ann.ask(op="ping", id=2)["accepted"] == 1)
    inbox = f"inbox/{ann.ask(op='who', id=3)['members'][0]['sid']}"
    for name in ("", inbox.replace("/", "")):
        with ann.subscribe(f"replay/{name}/0/x".encode()) as sub:
            assert "psst" not in json.dumps(read_replay(sub))


def test_a_flood_of_questions_ends_nothing(broker: RunningBroker, ann: Peer) -> None:
    with ann.subscribe(b"room/lobby/") as sub:
        for i in range(3_000):
            sub.subscribe(b"replay/lobby/0/%d" % i)
            sub.subscribe(b"replay/lobby/%d/" % i)
        ann.send({"n": 1, "room": "lobby", "text": "still here"})
        while b"still here" not in sub.recv_multipart()[1]:
            pass
    assert ann.ask(op="ping", id=9)["ok"]
