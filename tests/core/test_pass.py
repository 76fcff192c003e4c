"""Passes of the broker: what is packed into a feed message, markers, beacons, the farewell."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, ClassVar

from hypothesis import given
from hypothesis import strategies as st

from chatlib.core.batch import Entry
from chatlib.history.memory import MemoryStore
from chatlib.net.packing import PACKED_BYTES, feed_bodies
from chatlib.protocol.limits import FEED_LINES
from tests.core.broker_play import BrokerPlay, play


@given(st.lists(st.integers(1, PACKED_BYTES), max_size=40), st.integers(0, 2_500))
def test_feed_messages_keep_to_their_limits(large: list[int], small: int) -> None:
    lines = [b"x" * size for size in large] + [b"y"] * small
    bodies = list(feed_bodies(lines))
    assert [line for body in bodies for line in body.split(b"\n")] == lines
    for body in bodies:
        assert body.count(b"\n") < FEED_LINES
        assert len(body) <= PACKED_BYTES


@given(st.lists(st.integers(1, PACKED_BYTES // 2), min_size=2, max_size=40))
def test_feed_messages_are_not_cut_without_need(sizes: list[int]) -> None:
    bodies = list(feed_bodies([b"x" * size for size in sizes]))
    for body, behind in pairwise(bodies):
        assert len(body) + 1 + len(behind.split(b"\n")[0]) > PACKED_BYTES - 2


def test_a_line_that_is_too_large_goes_alone() -> None:
    lines = [b"a", b"x" * (PACKED_BYTES + 1), b"b"]
    assert list(feed_bodies(lines)) == lines


def test_a_thousand_lines_are_one_message() -> None:
    assert [len(b) for b in feed_bodies([b"x"] * (FEED_LINES + 1))] == [2 * FEED_LINES - 1, 1]


def test_a_subscription_is_answered_with_a_head_marker_behind_the_events() -> None:
    play(
        """
        subscribe room/lobby/
        subscribe room/nowhere/
        subscribe room/lobby/
        t1 >> n=1 room=lobby text=hi
            room/lobby/ < 2<1 say lobby ann.1 "hi"
            room/lobby/ < head lobby 2
            room/nowhere/ < head nowhere 0
        """,
        ann="lobby",
    )


def test_a_subscription_to_all_rooms_is_answered_with_one_marker_for_all() -> None:
    play(
        """
        subscribe room/
        subscribe ro
        t1 >> n=1 room=lobby text=hi
            room/lobby/ < 3<1 say lobby ann.1 "hi"
            room/ < head * 3
        """,
        ann="lobby ops",
    )


def test_other_prefixes_get_no_marker() -> None:
    play(
        """
        subscribe room/lob
        subscribe room/lobby/x/
        subscribe room//
        subscribe elsewhere
        """,
        ann="lobby",
    )


def test_a_room_that_fell_quiet_is_marked_once() -> None:
    play(
        """
        t1 >> n=1 room=lobby text=hi
            room/lobby/ < 2<1 say lobby ann.1 "hi"
        wait 4
        wait 3
            room/lobby/ < head lobby 2
        wait 60
            room/lobby/ < 3<2 leave lobby ann reason=timeout
            room/lobby/ < head lobby 3
        """,
        ann="lobby",
    )


def beacons(broker: BrokerPlay) -> list[dict[str, object]]:
    return [json.loads(body) for topic, body in broker.pipeline.feed if topic == b"beacon/"]


def test_a_beacon_comes_every_heartbeat_whoever_subscribes() -> None:
    broker = BrokerPlay()
    seen = []
    for second in range(31):
        broker.pipeline.run([], [], [b"beacon/"], second, second * 1000)
        seen += [second for _ in beacons(broker)]
    assert seen == [0, 10, 20, 30]


def test_a_beacon_tells_the_newest_seq_and_the_time() -> None:
    broker = BrokerPlay()
    broker.given(ann="lobby ops")
    broker.pipeline.run([], [], [], 10.0, 1_795_253_400_123)
    told = {"kind": "beacon", "epoch": "e1", "seq": 2, "at": "2027-01-15T08:00:00.000Z"}
    assert beacons(broker) == [told]


def test_the_farewell_goes_to_everybody() -> None:
    broker = BrokerPlay()
    broker.given(ann="", bob="lobby")
    broker.pipeline.farewell("for tonight")
    goodbye = {"kind": "closing", "reason": "for tonight"}
    assert beacons(broker) == [goodbye]
    assert [json.loads(frames[-1]) for frames in broker.pipeline.control] == [goodbye, goodbye]


def test_the_loop_may_sleep_until_the_next_beat() -> None:
    broker = BrokerPlay()
    assert broker.pipeline.next_beat(0.0) == 0.0
    broker.pipeline.run([], [], [], 0.0, 0)
    assert broker.pipeline.next_beat(0.0) == 1.25
    assert broker.pipeline.next_beat(9.5) == 0.5


def test_nothing_is_told_before_it_is_stored() -> None:
    broker = BrokerPlay()

    class Watching(MemoryStore):
        told: ClassVar[list[int]] = []

        def commit(self, entries: Sequence[Entry], *rest: Any) -> None:
            self.told.append(len(broker.pipeline.feed) + len(broker.pipeline.control))
            super().commit(entries, *rest)

    broker.pipeline.store = Watching("e1")
    broker.given(ann="lobby")
    broker.play("""
        t1 >> n=1 room=lobby text=hi
            room/lobby/ < 2<1 say lobby ann.1 "hi"
        """)
    assert Watching.told == [0, 0]
