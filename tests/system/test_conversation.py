"""People, programs and bare sockets in one conversation, on every kind of endpoint."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from chatlib import Client, Event
from tests.support import PATIENCE, Peer, RunningBroker, peers
from tests.system.people import assert_chained, clients, has_ipv6, texts, until, until_said


@pytest.fixture
def sub(broker: RunningBroker) -> Iterator[zmq.Socket[bytes]]:
    """A SUB that knows nothing of Hubbub."""
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.linger = 0
        socket.rcvtimeo = int(PATIENCE * 1000)
        socket.connect(broker.feed)
        yield socket


def read(sub: zmq.Socket[bytes], last: str) -> list[dict[str, Any]]:
    """Read a SUB until somebody says `last`."""
    found: list[dict[str, Any]] = []
    while True:
        _, body = sub.recv_multipart()
        found += map(json.loads, body.split(b"\n"))
        if any(event.get("text") == last for event in found):
            return found


def ask(req: zmq.Socket[bytes], **request: Any) -> dict[str, Any]:
    req.send(json.dumps(request).encode())
    answer: dict[str, Any] = json.loads(req.recv())
    return answer


def test_people_talk(broker: RunningBroker, sub: zmq.Socket[bytes]) -> None:
    sub.subscribe(b"")
    assert json.loads(sub.recv_multipart()[1])["kind"] in ("head", "beacon")  # it is live
    with clients(broker.control, "ann", "bob", "cyd") as (ann, bob, cyd):
        ann.topic("lobby", "launch day")
        ann.say("lobby", "Is everybody here?")
        ann.flush(PATIENCE)
        bob.say("lobby", "looks around", kind="act")
        bob.tell("cyd", "the secret cake")
        bob.tell("CYD", "is a secret lie", kind="act")
        bob.flush(PATIENCE)
        assert ann.rename("annabel") == ann.nick == "annabel"
        cyd.leave("lobby")
        assert cyd.joined == []
        ann.say("lobby", "the end")

        heard = {c: until_said(c, "the end") for c in (ann, bob)}
        private = until_said(cyd, "is a secret lie")

    public = [
        ("topic", "ann", "launch day"),
        ("say", "ann", "Is everybody here?"),
        ("act", "bob", "looks around"),
        ("nick", "annabel", None),
        ("leave", "cyd", None),
        ("say", "annabel", "the end"),
    ]
    for told in heard.values():
        room = [(e.kind, e.nick, e.text) for e in told if isinstance(e, Event) and e.room]
        assert [e for e in room if e[0] != "join"] == public
        assert_chained(told, "lobby")
    renamed = next(e for e in heard[bob] if isinstance(e, Event) and e.kind == "nick")
    left = next(e for e in heard[bob] if isinstance(e, Event) and e.kind == "leave")
    assert (renamed.old, left.reason) == ("ann", "left")

    for told in (private, heard[bob]):
        secret = [(e.kind, e.to, e.text) for e in told if isinstance(e, Event) and e.to]
        assert secret == [("say", "cyd", "the secret cake"), ("act", "cyd", "is a secret lie")]
    assert not [e for e in heard[ann] if isinstance(e, Event) and e.to]
    feed = read(sub, "the end")
    assert "secret" not in json.dumps(feed)
    assert [(e["kind"], e["nick"], e.get("text")) for e in feed if "prev" in e][3:] == public


def test_bare_reader(broker: RunningBroker, sub: zmq.Socket[bytes]) -> None:
    """One SUB socket and a JSON parser are enough to read a public room."""
    with clients(broker.control, "ann") as (ann,):
        for text in ("one", "two", "three"):
            ann.say("lobby", text)
        ann.flush(PATIENCE)
        sub.subscribe(b"room/lobby/")
        topic, body = sub.recv_multipart()
        marker = json.loads(body)
        ann.say("lobby", "four")
        four = read(sub, "four")[-1]
    assert topic == b"room/lobby/"
    assert marker == {"kind": "head", "room": "lobby", "seq": four["prev"], "epoch": broker.epoch}
    assert (four["kind"], four["nick"], four["n"]) == ("say", "ann", 4)


@pytest.mark.parametrize("prefix", [b"room/", b"ro", b""])
def test_marker_of_all_rooms(broker: RunningBroker, sub: zmq.Socket[bytes], prefix: bytes) -> None:
    with clients(broker.control, "ann"):
        sub.subscribe(prefix)
        topic, body = sub.recv_multipart()
        while topic == b"beacon/":
            topic, body = sub.recv_multipart()
    assert topic == b"room/"
    assert json.loads(body) == {"kind": "head", "seq": 1, "epoch": broker.epoch}


def test_quiet_room_is_marked(tmp_path: Path) -> None:
    """Within a heartbeat, a reader learns that the last message was the last."""
    with (
        RunningBroker(tmp_path, "--heartbeat", "0.2") as broker,
        peers(broker, 1) as (peer,),
        clients(broker.control, "ann") as (ann,),
    ):
        sub = peer.subscribe(b"room/lobby/")
        sub.recv_multipart()
        ann.say("lobby", "well")
        event, marker = (json.loads(sub.recv_multipart()[1]) for _ in range(2))
    assert event["text"] == "well"
    assert (marker["kind"], marker["seq"]) == ("head", event["seq"])


def test_req_peer(broker: RunningBroker) -> None:
    """A REQ is a full citizen of control; the empty delimiter that it sends comes back."""
    with zmq.Context() as context, clients(broker.control, "ann") as (ann,):
        ann.say("lobby", "hello REQ")
        ann.flush(PATIENCE)
        with context.socket(zmq.REQ) as req, context.socket(zmq.DEALER) as dealer:
            req.rcvtimeo = dealer.rcvtimeo = int(PATIENCE * 1000)
            req.connect(broker.control)
            dealer.connect(broker.control)
            welcome = ask(req, op="hello", id="one", v=1, nick="req", client="a test")
            assert (welcome["ok"], welcome["id"], welcome["resumed"]) == (True, "one", False)
            assert ask(req, op="join", id=2, room="#Lobby")["room"] == "lobby"
            page = ask(req, op="history", id=3, room="lobby")
            assert [e.get("text") for e in page["events"]] == [None, "hello REQ", None]
            assert ask(req, op="who", id=4, room="lobby")["members"] == [
                {"nick": "ann", "sid": ann.sid},
                {"nick": "req", "sid": welcome["sid"]},
            ]
            assert ask(req, op="rooms", id=5)["rooms"][0]["members"] == 2
            assert ask(req, op="bye", id=6)["ok"]
            assert ask(req, op="ping", id=7)["error"]["code"] == "no_session"

            dealer.send_multipart([b"", b'{"op":"hello","v":1,"id":8}'])
            delimiter, body = dealer.recv_multipart()
            assert (delimiter, json.loads(body)["id"]) == (b"", 8)


def test_history(broker: RunningBroker) -> None:
    with clients(broker.control, "ann", "bob") as (ann, bob):
        for i in range(120):
            ann.say("lobby", f"{i}")
        ann.tell("bob", "between us")
        ann.flush(PATIENCE)
        newest = bob.history("lobby", limit=5)
        assert texts(newest) == ["115", "116", "117", "118", "119"]
        assert texts(bob.history("lobby", before=newest[0].seq, limit=2)) == ["113", "114"]
        assert texts(bob.history("lobby", after=newest[1].seq)) == ["117", "118", "119"]
        assert texts(bob.history(peer="ann")) == texts(ann.history(peer="BOB")) == ["between us"]
        assert bob.history(peer="cyd") == []

        with Client(broker.control, "cyd") as cyd:
            cyd.join("lobby", history=3)
            assert texts(until(cyd, lambda t: isinstance(t, Event) and t.nick == "cyd")) == [
                "117",
                "118",
                "119",
            ]
            assert cyd.history(peer="ann") == []


def talk(address: str) -> None:
    with clients(address, "ann", "bob") as (ann, bob):
        ann.say("lobby", "to all")
        ann.tell("bob", "to you")
        told = until_said(bob, "to you") + until_said(ann, "to all")
        assert "to all" in texts(told)


def test_ipc() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="hub") as short,  # an ipc path has few bytes
        RunningBroker(Path(short), listen=f"ipc://{short}/chat") as broker,
    ):
        assert broker.intake == f"ipc://{short}/chat.intake"
        assert broker.feed == f"ipc://{short}/chat.feed"
        talk(broker.control)


def test_ipv6(tmp_path: Path) -> None:
    if not has_ipv6():
        pytest.skip("this machine has no ::1")
    with RunningBroker(tmp_path, listen="tcp://[::1]:0") as broker:
        assert broker.control.startswith("tcp://[::1]:")
        talk(broker.control)


def test_advertised_host(tmp_path: Path) -> None:
    with RunningBroker(tmp_path, "--advertise", "localhost") as broker:
        with peers(broker, 1) as (peer,):
            welcome = peer.hello("raw")
        ports = [place.rpartition(":")[2] for place in (broker.intake, broker.feed)]
        assert [welcome["intake"], welcome["feed"]] == [f"tcp://localhost:{p}" for p in ports]
        talk(broker.control)


def test_host_that_was_dialled(broker: RunningBroker) -> None:
    with peers(broker, 1) as (peer,):
        assert peer.hello("raw")["feed"] == broker.feed.replace("127.0.0.1", "*")
    talk(broker.control.replace("127.0.0.1", "localhost"))


def test_ready_file(broker: RunningBroker) -> None:
    """Port 0 took three free ports, and the ready file says which."""
    ready = json.loads(broker.ready_file.read_text())
    assert ready["pid"] == broker.process.pid
    places = [broker.control, broker.intake, broker.feed]
    ports = {int(place.removeprefix("tcp://127.0.0.1:")) for place in places}
    assert len(ports) == 3 and 0 not in ports
    with peers(broker, 1) as (peer,):
        assert peer.hello("ann")["epoch"] == ready["epoch"]


def test_told_at_once_of_what_waited(broker: RunningBroker) -> None:
    """Events that nobody took yet wait in their order, through a pause of the caller's."""
    with clients(broker.control, "ann", "bob") as (ann, bob):
        for i in range(300):
            ann.say("lobby", str(i))
        ann.flush(PATIENCE)
        time.sleep(0.2)
        assert texts(until_said(bob, "299")) == [str(i) for i in range(300)]


def test_guest(broker: RunningBroker) -> None:
    with Client(broker.control) as one, Client(broker.control, bot=True) as two:
        assert one.nick != two.nick
        assert [m.bot for m in one.who() if m.nick == two.nick] == [True]


def test_peer_of_the_examples(broker: RunningBroker) -> None:
    """A DEALER and a PUSH of one's own, following docs/protocol.md."""
    with peers(broker, 1) as (peer,), clients(broker.control, "ann") as (ann,):
        assert isinstance(peer, Peer) and peer.hello("script")["accepted"] == 0
        peer.ask(op="join", id=2, room="lobby")
        peer.send({"n": 1, "room": "lobby", "text": "beep"}, {"n": 2, "to": "ann", "text": "boop"})
        assert texts(until_said(ann, "boop")) == ["beep", "boop"]
        assert peer.ask(op="ping", id=3)["accepted"] == 2
