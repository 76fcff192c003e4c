"""A log subscriber has every event of its rooms once and in order, whatever the feed drops."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatlib.core.replaying import Heard
from chatlib.core.seeking import Plan
from chatlib.core.signals import Gap
from chatlib.core.subscriber import NewHistory, Position, Progress, Rooms
from tests.core.feed_play import NIGHT, Feed, Log

ALL = Rooms()
OPS = Rooms(("ops",))
BEGIN = Position()


@pytest.fixture
def feed() -> Feed:
    return Feed()


def fill(feed: Feed, *rooms: str, times: int = 1) -> None:
    for _ in range(times):
        for room in rooms:
            feed.say(room)


# -- from where -----------------------------------------------------------------------------------


@pytest.mark.parametrize("rooms", [ALL, Rooms(("ops", "dev"))])
def test_all_that_came_before_and_all_that_comes(feed: Feed, rooms: Rooms) -> None:
    fill(feed, "ops", "dev", times=2_500)
    log = Log(feed, rooms, BEGIN)
    assert log.seqs == list(range(1, 5_001)) and log.live
    fill(feed, "ops", "dev")
    log.pump()
    assert log.seqs[5_000:] == [5_001, 5_002]


def test_only_the_rooms_that_are_followed(feed: Feed) -> None:
    fill(feed, "ops", "dev", "ops2", times=3)
    assert Log(feed, OPS, BEGIN).seqs == [1, 4, 7]
    log = Log(feed, Rooms((), lambda room: room.startswith("ops")), BEGIN, "y")
    assert log.seqs == [1, 3, 4, 6, 7, 9]
    fill(feed, "ops3", "dev")
    log.pump()
    assert log.seqs[6:] == [10]


def test_from_a_seq_on(feed: Feed) -> None:
    fill(feed, "ops", "dev", times=10)
    assert Log(feed, ALL, Position(seq=15)).seqs == [16, 17, 18, 19, 20]


def test_from_where_another_ended(feed: Feed) -> None:
    fill(feed, "ops", "dev", "web", times=10)
    start = Position("e1", 3, {"ops": 28, "dev": 23, "other": 9})
    seen = set(Log(feed, ALL, start).seqs)
    assert seen == {*range(6, 31, 3), 26, 29}


@pytest.mark.parametrize("newest", [0, 1, 7, 20, 3_000])
def test_the_newest(feed: Feed, newest: int) -> None:
    fill(feed, "ops", "dev", "ops", times=400)
    for rooms in (ALL, Rooms(("ops", "dev"))):
        log = Log(feed, rooms, Plan(newest), f"n{len(rooms.names)}")
        assert log.seqs == list(range(1, 1_201))[-newest:] * bool(newest)
        feed.topics.clear()


def test_the_newest_that_are_liked(feed: Feed) -> None:
    fill(feed, "ops", times=10)
    liked = [feed.say("ops", "bob"), feed.say("dev", "bob"), feed.say("ops", "bob")]
    fill(feed, "ops", "dev", times=3_000)
    plan = Plan(2, keep=lambda event: event.nick == "bob")
    found = Log(feed, ALL, plan)
    assert found.seqs[0] == liked[-2]
    nobody = Log(feed, ALL, Plan(2, keep=lambda event: event.nick == "cyd"), "y")
    assert nobody.seqs == [] and nobody.live


@pytest.mark.parametrize("since", [0, 1, 500, 999, 1_200, 1_201, 9_999])
def test_since_a_time(feed: Feed, since: int) -> None:
    fill(feed, "ops", "dev", "ops", times=400)
    for nonce, rooms in (("x", ALL), ("y", Rooms(("ops", "dev")))):
        log = Log(feed, rooms, Plan(since=NIGHT + since * 1000), nonce)
        assert log.seqs == list(range(max(1, since), 1_201))
        assert log.asked < 50
        feed.topics.clear()


def test_the_newest_between_two_times(feed: Feed) -> None:
    fill(feed, "ops", "dev", times=500)
    log = Log(feed, ALL, Plan(10, since=NIGHT + 895_000, until=NIGHT + 901_000))
    assert log.seqs[0] == 895
    log = Log(feed, ALL, Plan(3, since=NIGHT + 100_000, until=NIGHT + 901_000), "y")
    assert log.seqs[0] == 898


def test_nothing_is_there_yet(feed: Feed) -> None:
    log = Log(feed, OPS, Plan(10))
    assert log.live and log.seqs == []
    fill(feed, "dev", "ops")
    log.pump()
    assert log.seqs == [2]


# -- what is missing ------------------------------------------------------------------------------


def test_what_was_dropped_is_fetched(feed: Feed) -> None:
    log = Log(feed, ALL, BEGIN)
    fill(feed, "ops", "dev")
    feed.lossy = True
    fill(feed, "ops", "dev", times=5)
    feed.lossy = False
    fill(feed, "ops")
    log.pump()
    assert [s for s in log.seqs if s % 2] == list(range(1, 14, 2))
    feed.quiet("dev")
    log.pump()
    assert sorted(log.seqs) == list(range(1, 14))


def test_an_answer_that_was_dropped_is_asked_for_again(feed: Feed) -> None:
    fill(feed, "ops", times=5)
    feed.lossy = True
    log = Log(feed, OPS, BEGIN)
    feed.lossy = False
    log.wait(1)
    assert log.seqs == []
    log.wait(5)
    assert log.seqs == [1, 2, 3, 4, 5]


def test_half_an_answer_is_none(feed: Feed) -> None:
    fill(feed, "ops", times=1_000)  # and the marker: two feed messages
    log = Log(feed, Rooms(("dev",)), BEGIN)
    log.subscriber._followed = OPS
    log.subscriber.check(0.0)
    log._perform()
    feed.replays.serve(0.0)
    topic, body = feed.queue.popleft()
    lines = body.split(b"\n")
    assert len(lines) == 1_001
    feed.queue.append((topic, b"\n".join(lines[:3] + lines[4:])))
    log.pump()
    assert log.seqs == list(range(1, 1_001))


def test_what_is_gone_is_a_gap(feed: Feed) -> None:
    fill(feed, "ops", times=10)
    feed.forget("ops", 4)
    assert Log(feed, OPS, Position(seq=1)).told[1:3] == [
        Gap("ops", 1, 5),
        *[one for one in Log(feed, OPS, Position(seq=4), "y").told if isinstance(one, Heard)][:1],
    ]
    assert Log(feed, OPS, Position(oldest=True), "z").seqs == [5, 6, 7, 8, 9, 10]


def test_all_is_gone(feed: Feed) -> None:
    fill(feed, "ops", times=10)
    feed.forget("ops", 10)
    log = Log(feed, OPS, Position(seq=3))
    assert log.seqs == [-10]
    fill(feed, "ops")
    log.pump()
    assert log.seqs == [-10, 11]


def test_a_connection_that_broke(feed: Feed) -> None:
    log = Log(feed, ALL, BEGIN)
    fill(feed, "ops", "dev", times=3)
    log.reconnect()
    assert log.seqs == [1, 2, 3, 4, 5, 6]


def test_one_that_broke_in_the_middle_of_an_answer(feed: Feed) -> None:
    fill(feed, "ops", times=2_000)
    feed.replays._allowed = -1
    log = Log(feed, ALL, BEGIN)
    feed.replays._waiting.clear()
    feed.replays._allowed = 1e9
    log.reconnect()
    assert log.seqs == list(range(1, 2_001))


def test_another_history(feed: Feed) -> None:
    fill(feed, "ops", times=5)
    log = Log(feed, ALL, BEGIN)
    feed.new_life("e2")
    fill(feed, "ops", times=2)
    feed.beat()
    log.pump()
    assert log.seqs == [1, 2, 3, 4, 5, 1, 2]
    assert [one for one in log.told if isinstance(one, NewHistory)] == [NewHistory("e2", 5)]


def test_a_cursor_of_another_history(feed: Feed) -> None:
    fill(feed, "ops", times=2)
    log = Log(feed, ALL, Position("e0", 3, {"ops": 70}))
    assert NewHistory("e1", 70) in log.told and log.seqs == [1, 2]


# -- progress -------------------------------------------------------------------------------------


def test_progress_is_what_a_cursor_can_be_made_of(feed: Feed) -> None:
    fill(feed, "ops", "dev", times=3)
    log = Log(feed, ALL, Position(seq=2))
    assert [one for one in log.told if isinstance(one, Progress)] == [
        Progress("e1", 2, False),
        Progress("e1", 6, True),
    ]
    assert isinstance(log.told[0], Progress) and log.told[-1] == Progress("e1", 6, True)


def test_live_events_wait_for_older_ones(feed: Feed) -> None:
    """In the order of seq while it catches up, though the other room's come first."""
    fill(feed, "ops", times=3_000)
    feed.replays._allowed = -1
    log = Log(feed, Rooms(("ops", "dev")), BEGIN)
    fill(feed, "dev", times=10)
    feed.replays._allowed = 1e9
    log.pump()
    assert log.seqs == list(range(1, 3_011))


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["say", "say", "lose", "find", "pump", "break", "wait", "quiet"]),
        st.sampled_from(["a", "b", "c"]),
        st.integers(1, 40),
    ),
    max_size=40,
)


@given(STEPS, st.booleans(), st.integers(0, 60))
def test_once_and_in_order_whatever_happens(
    steps: list[tuple[str, str, int]], named: bool, before: int
) -> None:
    feed = Feed()
    fill(feed, "a", "b", "c", times=before)
    log = Log(feed, Rooms(("a", "b", "c")) if named else ALL, BEGIN)
    for what, room, times in steps:
        if what == "say":
            fill(feed, room, times=times)
        elif what in ("lose", "find"):
            feed.lossy = what == "lose"
        elif what == "pump":
            log.pump()
        elif what == "break":
            log.reconnect()
        elif what == "wait":
            log.wait(times)
        elif room in feed.state.rooms:
            feed.quiet(room)
    feed.lossy = False
    log.reconnect()
    for _ in range(5):
        log.wait(60)
    told = [(one.event.room, one.event.seq) for one in log.told if isinstance(one, Heard)]
    assert sorted(seq for _, seq in told) == list(range(1, feed.state.seq + 1))
    for name in ("a", "b", "c"):
        own = [seq for room, seq in told if room == name]
        assert own == sorted(own)
