"""A disk that fills up: it is told, nothing is acknowledged falsely, and it is left behind.

A limit on the size of the broker's files stands for the full disk: tests may run as root.
"""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from chatlib import Client
from tests.support import ROOT, Peer, RunningBroker, eventually, peers
from tests.system.rounds import PEOPLE, Crowd, Lives

ROUNDS, SOAK_ROUNDS = 5, 100
EACH, SIZE = 40, 1_000  # messages that each says in a round, and their bytes
FULL = "NOTHING IS STORED"
KiB = 1024


def leave_room(broker: RunningBroker, size: int = resource.RLIM_INFINITY) -> None:
    """Let no file of the broker grow beyond so many bytes."""
    resource.prlimit(broker.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_it_is_told_survived_and_left_behind(tmp_path: Path) -> None:
    with (
        RunningBroker(tmp_path, data=tmp_path / "data") as broker,
        Client(broker.control, "ann") as ann,
    ):
        ann.join("lobby")
        ann.say("lobby", "before")
        ann.flush(30)
        leave_room(broker, wal(tmp_path))
        for i in range(200):
            ann.say("lobby", f"{i} {'x' * SIZE}")
        eventually("the operator is told", lambda: FULL in broker.output())
        assert ann.pending()
        assert [e.text for e in ann.history("lobby")][:2] == [None, "before"]
        leave_room(broker)
        ann.flush(60)
        eventually("the operator is told", lambda: "being stored again" in broker.output())
        said = [e.text for e in ann.history("lobby", after=0, limit=1000) if e.kind == "say"]
        assert said == ["before", *(f"{i} {'x' * SIZE}" for i in range(200))]


ON_A_SMALL_DISK = """
mount -t tmpfs -o size=300k tmpfs "$1" || exit 99
set -- "$1" "$3" "$2" -m chatlib.cli broker --listen tcp://127.0.0.1:0 --data "$1/data"
disk=$1 history=$2; shift 2
if test $history = old; then
    "$@" > /dev/null & until test -S "$disk/data/operator.sock"; do sleep 0.1; done
    kill $!; wait
fi
cat /dev/zero > "$disk/fill" 2> /dev/null
exec timeout 20 "$@"
"""


@pytest.mark.parametrize("history", ["new", "old"])
def test_a_start_on_the_full_disk_says_so(tmp_path: Path, history: str) -> None:
    ran = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", ON_A_SMALL_DISK, "sh", tmp_path,
         sys.executable, history],
        capture_output=True, text=True, timeout=60, check=False, cwd=ROOT,
    )  # fmt: skip
    if ran.returncode == 99 or ran.stderr.startswith("unshare:"):
        pytest.skip(f"no file system can be mounted here: {ran.stderr}")
    assert "the disk is full; make room on it" in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert ran.returncode == 73


def test_a_log_on_the_full_disk_does_not_end_the_broker(tmp_path: Path) -> None:
    with (
        RunningBroker(tmp_path, data=tmp_path / "data") as broker,
        peers(broker, 1) as (peer,),
    ):
        peer.hello("ann")
        leave_room(broker, 0)
        peer.send({"n": 1, "to": "ann", "text": "a note"})
        assert peer.delivery()["kind"] == "slow"
        assert peer.ask(op="ping")["accepted"] == 0
        leave_room(broker)
        peer.send({"n": 1, "to": "ann", "text": "a note"})
        assert peer.delivery()["text"] == "a note"
        eventually("the operator is told", lambda: "being stored again" in broker.output())
        assert broker.stop() == 0


def test_it_fills_up_again_and_again(tmp_path: Path, soak: bool) -> None:
    """It is filled while all talk; every other time the broker is killed while it is full."""
    chance = random.Random(9)
    with Lives(tmp_path) as lives, Crowd(lives.broker.control) as crowd:
        seq, interrupted = head(lives.broker), 0
        for round_ in range(SOAK_ROUNDS if soak else ROUNDS):
            with peers(lives.broker, 1) as (peer,):
                peer.hello("peer")
                leave_room(lives.broker, wal(tmp_path) + chance.randint(0, 256) * KiB)
                with crowd.talking(EACH, SIZE):
                    time.sleep(chance.uniform(0.0, 0.1))
                    leave_room(lives.broker, 0)
                    check_slow(peer)
                    interrupted += any(sender.pending() for sender in crowd.senders)
                    check_stored(peer, crowd, seq)
                    if round_ % 2:
                        lives.crash()
                    else:
                        leave_room(lives.broker)
                check_accepted(peer)
                peer.ask(op="bye")
            crowd.settle(f"round {round_}")
            seq = head(lives.broker)
    assert interrupted, "all was stored before the disk was full"


def wal(directory: Path) -> int:
    return (directory / "data" / "history.sqlite3-wal").stat().st_size


def head(broker: RunningBroker) -> int:
    """Return the seq of the lobby's newest event."""
    with peers(broker, 1) as (peer,):
        peer.hello("head")
        found: int = peer.ask(op="history", room="lobby", limit=1)["head"]
        peer.ask(op="bye")
    return found


def check_slow(peer: Peer) -> None:
    """See that a message is not accepted, and what was answered to it."""
    peer.send({"n": 1, "to": "peer", "text": "a note"})
    slow = peer.delivery()
    assert (slow["kind"], slow["from"]) == ("slow", 1)
    assert slow["after_ms"] > 0
    assert "disk" in slow["reason"]
    assert peer.ask(op="ping")["accepted"] == 0
    assert peer.ask(op="topic", room="lobby")["ok"]
    assert peer.ask(op="join", room="ops")["error"]["code"] == "unavailable"


def check_stored(peer: Peer, crowd: Crowd, seq: int) -> None:
    """See by reading, which goes on, that all that was acknowledged or told is stored."""
    known = {sender.nick: crowd.acknowledged(sender) for sender in crowd.senders}
    told = [reader.said.copy() for reader in crowd.readers]
    stored = [(event["nick"], event["text"]) for event in read(peer, seq)]
    for nick, texts in known.items():
        assert [text for n, text in stored if n == nick][: len(texts)] == texts
    for said in told:
        assert stored[: len(said)] == said
    assert len(peer.ask(op="who", room="lobby")["members"]) == 2 * PEOPLE


def read(peer: Peer, after: int) -> list[dict[str, Any]]:
    """Read the lobby to its end."""
    found: list[dict[str, Any]] = []
    more = True
    while more:
        page = peer.ask(op="history", room="lobby", after=found[-1]["seq"] if found else after)
        assert page["ok"]
        found += page["events"]
        more = page["more"]
    return found


def check_accepted(peer: Peer) -> None:
    """See that what was not accepted is, now that there is space, and once."""

    def accepted() -> bool:
        peer.ask(op="hello", v=1, session=peer.token.decode())
        peer.send({"n": 1, "to": "peer", "text": "a note"})
        return bool(peer.ask(op="ping")["accepted"] == 1)

    eventually("the note is accepted", accepted)
    assert [e["text"] for e in peer.ask(op="history", inbox=True)["events"]] == ["a note"]
