"""A broker that was killed comes back with what it had: sessions, topics, messages, one history."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatlib import Client, Event
from tests.support import RunningBroker, eventually


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
        assert "keeps 30 days and 20 events of each room" in broker.output()
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
