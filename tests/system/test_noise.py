"""Hostile peers at all three ports, while two honest people talk and notice nothing."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Iterator
from typing import Any

import pytest
import zmq

from tests.support import PATIENCE, Peer, RunningBroker, eventually, peers
from tests.system.noise import GREETING, ready, undisturbed, wired


@pytest.fixture(autouse=True)
def two_talk(broker: RunningBroker) -> Iterator[None]:
    with undisturbed(broker):
        yield


@pytest.fixture
def peer(broker: RunningBroker) -> Iterator[Peer]:
    with peers(broker, 1) as (made,):
        yield made


@pytest.fixture
def mallory(peer: Peer) -> Peer:
    """A peer with a session, in the lobby."""
    peer.hello("mallory")
    assert peer.ask(op="join", id=2, room="lobby")["ok"]
    return peer


def code(answer: dict[str, Any]) -> str:
    """Return the error code of an answer."""
    assert answer["ok"] is False and answer["error"]["message"]
    found: str = answer["error"]["code"]
    return found


# -- control -------------------------------------------------------------------------------------


def say_control(peer: Peer, frame: bytes) -> dict[str, Any]:
    peer.dealer.send(frame)
    answer: dict[str, Any] = json.loads(peer.dealer.recv())
    return answer


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (b"", "bad_json"),
        (b"\x00\x01\x02", "bad_json"),
        (b"\xff\xfe\xfd", "bad_json"),
        (b'{"op":"nick","nick":"\xff"}', "bad_json"),
        (b'{"op":"nick","nick":"\\ud800"}', "bad_json"),
        (b'{"op":"ping","id":' + b"9" * 5_000 + b"}", "bad_json"),
        (b'{"op":"ping"', "bad_json"),
        (b'{"a":' * 10_000, "bad_json"),
        (b"[" * 60_000, "bad_json"),
        (b'{"op":"ping"}{"op":"ping"}', "bad_json"),
        (b"[]", "bad_request"),
        (b"null", "bad_request"),
        (b'"ping"', "bad_request"),
        (b"{}", "unknown_op"),
        (b'{"op":"fly"}', "unknown_op"),
        (b'{"op":7}', "unknown_op"),
        (b'{"op":["ping"]}', "unknown_op"),
        (b'{"op":"join"}', "bad_request"),
        (b'{"op":"join","room":7}', "bad_request"),
        (b'{"op":"join","room":"' + b"x" * 300 + b'"}', "bad_request"),
        (b'{"op":"join","room":"lobby","after":-1}', "bad_request"),
        (b'{"op":"join","room":"lobby","after":9007199254740993}', "bad_request"),
        (b'{"op":"join","room":""}', "bad_room"),
        (b'{"op":"join","room":"a/b"}', "bad_room"),
        (b'{"op":"join","room":"a b"}', "bad_room"),
        (b'{"op":"join","room":"' + b"x" * 51 + b'"}', "bad_room"),
        (b'{"op":"nick","nick":"a b"}', "bad_nick"),
        (b'{"op":"nick","nick":"\\u0000"}', "bad_nick"),
        (b'{"op":"nick","nick":"ANN"}', "nick_taken"),
        (b'{"op":"leave","room":"nowhere"}', "no_such_room"),
        (b'{"op":"history"}', "bad_request"),
        (b'{"op":"history","room":"lobby","inbox":true}', "bad_request"),
        (b'{"op":"history","room":"lobby","after":1,"before":9}', "bad_request"),
        (b'{"op":"history","room":"lobby","limit":0}', "bad_request"),
        (b'{"op":"history","room":"nowhere"}', "no_such_room"),
        (b'{"op":"history","peer":"a b"}', "bad_nick"),
        (b'{"op":"who","room":"nowhere"}', "no_such_room"),
        (b'{"op":"topic","room":"nowhere"}', "no_such_room"),
        (b'{"op":"topic","room":"nowhere","text":"x"}', "no_such_room"),
        (b'{"op":"topic","room":"lobby","text":"' + b"x" * 513 + b'"}', "too_long"),
        (b'{"op":"topic","room":"lobby","text":"a\\nb"}', "bad_text"),
        (b'{"op":"topic","room":"lobby","text":"\\u001b[2J"}', "bad_text"),
        (b'{"op":"hello","v":0}', "wrong_version"),
        (b'{"op":"hello","v":' + b"9" * 4_000 + b"}", "wrong_version"),
        (b'{"op":"hello","v":"1"}', "bad_request"),
        (b'{"op":"ping","x":"' + b"x" * 65_536 + b'"}', "too_big"),
    ],
)  # fmt: skip
def test_bad_request(mallory: Peer, frame: bytes, expected: str) -> None:
    assert code(say_control(mallory, frame)) == expected
    assert mallory.ask(op="ping", id="still")["id"] == "still"


def test_bad_hello(peer: Peer) -> None:
    assert code(peer.ask(op="ping", id=1)) == "no_session"
    assert code(peer.hello("ann")) == "nick_taken"
    assert code(peer.hello("")) == "bad_nick"
    assert code(peer.hello("x" * 33)) == "bad_nick"
    assert code(peer.ask(op="ping", id=1)) == "no_session"
    assert peer.hello("fine")["ok"]


def test_huge_topic(broker: RunningBroker, mallory: Peer) -> None:
    """Over MAXMSGSIZE: libzmq hangs up, and the peer may come again."""
    mallory.dealer.send(json.dumps({"op": "topic", "room": "lobby", "text": "x" * 2**20}).encode())
    with peers(broker, 1) as (again,):
        assert again.ask(op="hello", id=1, v=1, session=mallory.token.decode())["resumed"]
        assert again.ask(op="topic", id=2, room="lobby")["topic"] == ""


def test_many_parts(broker: RunningBroker, mallory: Peer) -> None:
    """Messages of thousands of frames are dropped whole."""
    for size in (2, 3, 5_000):
        mallory.dealer.send_multipart([b'{"op":"ping"}'] * size)
        mallory.push.send_multipart([mallory.token] * size)
    mallory.push.send(mallory.token)
    assert mallory.delivery()["error"]["code"] == "bad_json"  # of the two frames: token, no JSON
    assert mallory.ask(op="ping", id="still")["id"] == "still"
    with mallory.context.socket(zmq.XSUB) as feed:
        feed.connect(broker.feed)
        feed.send_multipart([b"\x01room/"] * 5_000)


def test_chosen_routing_ids(broker: RunningBroker, peer: Peer) -> None:
    """A peer that names itself is not heard: it could be somebody who has just gone."""
    for name in (b"ann", b"\x01abc\x02", b"x" * 255):
        with peer.context.socket(zmq.DEALER) as named:
            named.setsockopt(zmq.ROUTING_ID, name)
            named.rcvtimeo = 100
            named.connect(broker.control)
            named.send(b'{"op":"hello","v":1}')
            with pytest.raises(zmq.Again):
                named.recv()
    assert peer.hello("honest")["ok"]


def test_forged_automatic_ids(broker: RunningBroker, peer: Peer) -> None:
    """Names that look like libzmq's own, which no socket of libzmq would let one choose."""
    hello = b'{"op":"ping","id":1}'
    for number in range(200):
        name = b"\x00" + struct.pack(">I", number * 0x01000193 % 2**32)
        with wired(broker.control, GREETING, ready(b"DEALER", name)) as wire:
            wire.sendall(b"\x00" + bytes([len(hello)]) + hello)
    assert peer.hello("honest")["ok"]


def test_flood_of_hellos(broker: RunningBroker, peer: Peer) -> None:
    """Sessions without end from one connection: all but the last are let go of in time."""
    peer.dealer.rcvhwm = 0
    for i in range(3_000):
        peer.dealer.send(json.dumps({"op": "hello", "v": 1, "id": i}).encode())
        peer.dealer.send(b'{"op":"hello","v":1,"nick":"ann","id":"x"}')
    with peers(broker, 1) as (other,):
        assert other.hello("honest")["ok"]


def test_reads_that_are_not_read(broker: RunningBroker, mallory: Peer) -> None:
    """Ten thousand histories asked for by a peer that takes none: the others get theirs."""
    for n in range(1, 201):
        mallory.send({"n": n, "room": "lobby", "text": f"{n:8000}"})
    eventually("all was said", lambda: mallory.ask(op="ping", id=1)["accepted"] == 200)
    with mallory.context.socket(zmq.DEALER) as greedy:
        greedy.rcvhwm = 1
        greedy.connect(broker.control)
        greedy.send(json.dumps({"op": "hello", "v": 1, "nick": "greedy"}).encode())
        for _ in range(10_000):
            greedy.send(b'{"op":"history","room":"lobby"}')
        with peers(broker, 1) as (other,):
            assert other.hello("other")["ok"]
            for i in range(20):
                page = other.ask(op="history", id=i, room="lobby", limit=5)
                assert page["ok"] and len(page["events"]) == 5


# -- intake --------------------------------------------------------------------------------------


def refusal(mallory: Peer, body: bytes) -> dict[str, Any]:
    mallory.push.send_multipart([mallory.token, body])
    notice = mallory.delivery()
    assert notice["kind"] == "refused"
    error: dict[str, Any] = notice["error"] | {"n": notice.get("n")}
    return error


def test_bad_lines(mallory: Peer) -> None:
    """Each is answered by name; those with a number are used up."""
    for body in (b"", b"\xff", b"hello", b"[]", b'{"room":"lobby","text":"x"}', b'{"n":1'):
        if body:
            assert refusal(mallory, body)["code"] == "bad_json"
    assert refusal(mallory, b'{"n":0,"room":"lobby","text":"x"}')["code"] == "bad_message"
    assert refusal(mallory, b'{"n":-5,"room":"lobby","text":"x"}')["code"] == "bad_message"
    assert refusal(mallory, b'{"n":1.5,"room":"lobby","text":"x"}')["code"] == "bad_message"
    used_up = [
        ({"room": "lobby"}, "empty_text"),
        ({"room": "lobby", "kind": "delete"}, "bad_message"),
        ({"room": "lobby", "kind": "delete", "re": "x"}, "bad_message"),
        ({"room": "lobby", "kind": "delete", "re": 2**60}, "bad_message"),
        ({"room": "lobby", "kind": "delete", "re": 2**53}, "no_such_event"),
        ({"room": "lobby", "text": 7}, "bad_message"),
        ({"room": "lobby", "text": "x", "kind": "join"}, "bad_message"),
        ({"text": "to nobody"}, "bad_message"),
        ({"room": "lobby", "to": "ann", "text": "to two"}, "bad_message"),
        ({"room": "lobby", "text": ""}, "empty_text"),
        ({"room": "lobby", "text": "\x1b]0;mine\x07"}, "bad_text"),
        ({"room": "lobby", "text": "x" * 8_193}, "too_long"),
        ({"room": "lobby", "text": "x" * 100_000}, "too_long"),
        ({"room": "nowhere", "text": "x"}, "no_such_room"),
        ({"room": "a b", "text": "x"}, "bad_room"),
        ({"to": "nobody", "text": "x"}, "no_such_nick"),
        ({"to": "a b", "text": "x"}, "bad_nick"),
    ]
    for n, (line, expected) in enumerate(used_up, 1):
        error = refusal(mallory, json.dumps({"n": n} | line).encode())
        assert (error["code"], error["n"]) == (expected, n)
    assert mallory.ask(op="ping", id=1)["accepted"] == len(used_up)


def test_too_big_lines(broker: RunningBroker, mallory: Peer) -> None:
    """Over MAXMSGSIZE libzmq hangs up on the PUSH; the session is none the worse."""
    mallory.push.send_multipart([mallory.token, bytes(300 * 1024)])
    with mallory.context.socket(zmq.PUSH) as push:
        push.connect(broker.intake)
        push.send_multipart([mallory.token, b'{"n":1,"room":"lobby","text":"well"}'])
        eventually("it was taken", lambda: mallory.ask(op="ping", id=1)["accepted"] == 1)


def test_forged_and_stale_tokens(broker: RunningBroker, mallory: Peer) -> None:
    """Nobody speaks for another; nobody speaks who has gone."""
    stale, sid = mallory.token, mallory.ask(op="who", id=3)["members"][0]["sid"]
    assert mallory.ask(op="bye", id=4)["ok"]
    assert mallory.hello("mallory")["ok"]
    chance = random.Random(1)
    for token in (stale, b"", sid.encode(), b"\xff" * 32, b"x" * 100_000, chance.randbytes(32)):
        mallory.push.send_multipart([token, b'{"n":1,"room":"lobby","text":"forged"}'])
    assert not mallory.ask(op="hello", id=5, v=1, session=stale.decode())["resumed"]
    assert not mallory.ask(op="hello", id=5, v=1, session=sid)["resumed"]
    page = mallory.ask(op="history", id=6, room="lobby")
    assert "forged" not in json.dumps(page)


def test_numbers_out_of_order(mallory: Peer) -> None:
    """A hole is asked for, a repeat is dropped, and a flood of them is not echoed one by one."""
    for n in [9] * 500:
        mallory.send({"n": n, "room": "lobby", "text": "too early"})
    assert mallory.delivery() == {"kind": "resend", "from": 1}
    for n in [1] * 500 + [2, 2]:
        mallory.send({"n": n, "room": "lobby", "text": "once"})
    told: list[dict[str, Any]] = [{}]
    while told[-1].get("accepted") != 2:
        told.append(say_control(mallory, b'{"op":"ping"}'))
    mallory.dealer.send(b'{"op":"history","id":"page","room":"lobby","limit":1000}')
    while told[-1].get("id") != "page":
        told.append(json.loads(mallory.dealer.recv()))
    assert not [t for t in told if t.get("kind") == "resend" and t["from"] != 1]
    page = told[-1]
    assert [e["n"] for e in page["events"] if e["nick"] == "mallory" and "n" in e] == [1, 2]


# -- feed ----------------------------------------------------------------------------------------


def test_thousands_of_subscriptions(broker: RunningBroker, peer: Peer) -> None:
    with peer.context.socket(zmq.SUB) as sub:
        sub.rcvtimeo = int(PATIENCE * 1000)
        sub.sndhwm = 0  # else it drops subscriptions itself
        sub.connect(broker.feed)
        sub.subscribe(b"room/nowhere/")
        topic, body = sub.recv_multipart()
        assert (topic, json.loads(body)["seq"]) == (b"room/nowhere/", 0)
        for i in range(5_000):
            sub.subscribe(b"room/%d/" % i)
            sub.subscribe(b"\x00\xff%d" % i)
        sub.subscribe(b"room/lobby/")
        while sub.recv_multipart()[0] != b"room/lobby/":
            pass  # markers of empty rooms


def test_frames_to_the_feed(broker: RunningBroker, peer: Peer) -> None:
    """What an XSUB sends that is no subscription goes nowhere."""
    sub = peer.subscribe(b"")
    chance = random.Random(2)
    with peer.context.socket(zmq.XSUB) as xsub:
        xsub.connect(broker.feed)
        forged = b'{"seq":9,"prev":8,"kind":"say","room":"lobby","nick":"ann","text":"forged"}'
        for _ in range(200):
            xsub.send_multipart([b"room/lobby/", forged])
            xsub.send(forged)
            xsub.send(b"\x01" + chance.randbytes(chance.randrange(900)))
            xsub.send(b"\x00" + chance.randbytes(20))  # unsubscribes from what it never asked for
            xsub.send(chance.randbytes(50))
        xsub.send(b"\x01room/lobby/")
        assert xsub.recv_multipart()
    for _ in range(100):
        assert b"forged" not in b"".join(sub.recv_multipart())
    sub.close()


def test_long_subscription(broker: RunningBroker, peer: Peer) -> None:
    """Over 1 KiB libzmq hangs up on the SUB."""
    long = [peer.subscribe(b"x" * size) for size in (2_000, 100_000)]
    with peer.subscribe(b"room/lobby/") as sub:
        assert sub.recv_multipart()
    for refused in long:
        refused.close()


def test_slow_subscribers(broker: RunningBroker, mallory: Peer) -> None:
    """Subscribers that never read are left behind, and nobody waits for them."""
    deaf = []
    for _ in range(5):
        sub = mallory.context.socket(zmq.SUB)
        sub.rcvhwm = 1
        sub.subscribe(b"")
        sub.connect(broker.feed)
        deaf.append(sub)
    for n in range(1, 2_001):
        mallory.send({"n": n, "room": "lobby", "text": f"{n:8000}"})
    eventually("all was said", lambda: mallory.ask(op="ping", id=1)["accepted"] == 2_000)
    for sub in deaf:
        sub.close()
