"""The broker is killed again and again at full speed, and nothing acknowledged is lost.

Ten people say, ten read. Whatever a sender saw acknowledged is at every reader once, in the order
in which it was said, the same order for all; nobody is told of a leave or a join.
"""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest

from chatlib import Client, Connection, Event
from tests.support import RunningBroker, eventually

PEOPLE = 10
ROUNDS, SOAK_ROUNDS = 5, 300
EACH = 60  # messages that each says in a round


class Reader(threading.Thread):
    """Keeps what one member is told."""

    def __init__(self, client: Client) -> None:
        super().__init__(daemon=True)
        self.client = client
        self.said: list[tuple[str, str]] = []
        self.seqs: list[int] = []
        self.moved: list[tuple[str, str]] = []
        self.other: list[object] = []

    def run(self) -> None:
        for told in self.client.events():
            if isinstance(told, Event):
                self.seqs.append(told.seq)
                if told.kind == "say":
                    self.said.append((told.nick, told.text or ""))
                else:
                    self.moved.append((told.kind, told.nick))
            elif not isinstance(told, Connection):
                self.other.append(told)


def crash_and_return(broker: RunningBroker, chance: random.Random) -> RunningBroker:
    threading.Event().wait(chance.uniform(0.0, 0.08))
    broker.kill()
    again = broker.again()
    again.__enter__()
    return again


def test_nothing_acknowledged_is_lost(tmp_path: Path, soak: bool) -> None:
    chance = random.Random(7)
    broker = RunningBroker(tmp_path, data=tmp_path / "data").__enter__()
    try:
        senders = [Client(broker.control, f"s{i}").start() for i in range(PEOPLE)]
        readers = [Reader(Client(broker.control, f"r{i}").start()) for i in range(PEOPLE)]
        for client in (*senders, *(r.client for r in readers)):
            client.join("lobby")
        for reader in readers:
            reader.start()
        for round_ in range(SOAK_ROUNDS if soak else ROUNDS):
            threads = [threading.Thread(target=say, args=(s, round_ * EACH, EACH)) for s in senders]
            for thread in threads:
                thread.start()
            broker = crash_and_return(broker, chance)
            for thread in threads:
                thread.join()
            for sender in senders:
                sender.flush(60)
            total = PEOPLE * EACH * (round_ + 1)
            eventually(
                f"round {round_}: everyone has {total} messages",
                lambda: all(len(r.said) >= total for r in readers),  # noqa: B023
            )
        check(senders, readers, (round_ + 1) * EACH)
        for client in (*senders, *(r.client for r in readers)):
            client.close()
    finally:
        broker.__exit__()


def say(sender: Client, first: int, count: int) -> None:
    for i in range(first, first + count):
        sender.say("lobby", str(i))


def check(senders: list[Client], readers: list[Reader], each: int) -> None:
    told = readers[0].said
    for reader in readers:
        assert reader.said == told, "not one order for all"
        assert reader.seqs == sorted(set(reader.seqs)), "twice, or out of order"
        assert not reader.other
        assert all(kind == "join" for kind, _ in reader.moved), "a resumed session made noise"
    for sender in senders:
        assert [t for n, t in told if n == sender.nick] == [str(i) for i in range(each)]


def test_a_restart_resumes_without_noise(tmp_path: Path) -> None:
    with (
        RunningBroker(tmp_path, data=tmp_path / "data") as broker,
        Client(broker.control, "ann") as ann,
        Client(broker.control, "bob") as bob,
    ):
        ann.join("lobby")
        bob.join("lobby")
        bob.topic("lobby", "cake")
        sid, epoch = bob.sid, broker.epoch
        broker.kill()
        with broker.again() as second:
            assert second.epoch == epoch
            eventually("bob is back", lambda: bob.state == "online" and bob.who())
            assert bob.sid == sid
            assert {m.nick for m in ann.who("lobby")} == {"ann", "bob"}
            assert ann.topic("lobby") == "cake"
            ann.tell("bob", "still you?")
            ann.flush(30)
            assert [e.text for e in bob.history(peer="ann")] == ["still you?"]
            kinds = [e.kind for e in bob.history("lobby")]
            assert kinds == ["join", "join", "topic"]


def test_the_full_disk_is_told_survived_and_left_behind(tmp_path: Path) -> None:
    """A limit on the size of files stands for the full disk: tests may run as root."""
    with RunningBroker(tmp_path, data=tmp_path / "data") as broker:
        import resource

        with Client(broker.control, "ann") as ann:
            ann.join("lobby")
            ann.say("lobby", "before")
            ann.flush(30)
            size = (tmp_path / "data" / "history.sqlite3-wal").stat().st_size
            hard = resource.prlimit(broker.process.pid, resource.RLIMIT_FSIZE)[1]
            resource.prlimit(broker.process.pid, resource.RLIMIT_FSIZE, (size, hard))
            for i in range(200):
                ann.say("lobby", f"{i} {'x' * 1000}")
            eventually("the operator is told", lambda: "NOTHING IS STORED" in broker.output())
            assert ann.pending()
            assert [e.text for e in ann.history("lobby")][:2] == [None, "before"]
            resource.prlimit(broker.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
            ann.flush(60)
            eventually("the operator is told", lambda: "being stored again" in broker.output())
            said = [e.text for e in ann.history("lobby", after=0, limit=1000) if e.kind == "say"]
            assert said == ["before", *(f"{i} {'x' * 1000}" for i in range(200))]


@pytest.mark.parametrize("durability", ["disk", "os"])
def test_both_durabilities_survive_the_process(tmp_path: Path, durability: str) -> None:
    options = ("--durability", durability)
    with RunningBroker(tmp_path, *options, data=tmp_path / "data") as broker:
        with Client(broker.control, "ann") as ann:
            ann.join("lobby")
            ann.say("lobby", "keep this")
            ann.flush(30)
            broker.kill()
        with broker.again(), Client(broker.control, "bob") as bob:
            assert "keep this" in [e.text for e in bob.history("lobby")]


def test_a_second_broker_on_one_history_is_refused(tmp_path: Path) -> None:
    with (
        RunningBroker(tmp_path, data=tmp_path / "data") as broker,
        pytest.raises(AssertionError, match="another broker") as refused,
        RunningBroker(tmp_path, data=tmp_path / "data"),
    ):
        pass
    assert f"(pid {broker.process.pid})" in str(refused.value)


def test_what_retention_dropped_is_told_as_a_gap(tmp_path: Path) -> None:
    options = ("--keep-events", "20", "--keep-days", "30", "--heartbeat", "0.4")
    with (
        RunningBroker(tmp_path, *options, data=tmp_path / "data") as broker,
        Client(broker.control, "ann") as ann,
    ):
        assert "keeps 30 days and 20 events a room" in broker.output()
        ann.join("lobby")
        for i in range(100):
            ann.say("lobby", str(i))
        ann.flush(30)

        def trimmed() -> list[Event]:
            events = ann.history("lobby", after=1, limit=1000)
            return events if len(events) == 20 else []

        events = eventually("only 20 events are kept", trimmed)
        assert events[0].prev > 1, "the chain shows the gap"
        assert [e.text for e in events] == [str(i) for i in range(80, 100)]
