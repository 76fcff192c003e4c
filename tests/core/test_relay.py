"""The relay: each event of a room once and in order, whatever the feed drops."""

from __future__ import annotations

from chatlib.core.actions import Subscribe, Unsubscribe
from chatlib.core.relay import Followed, Relay
from chatlib.core.replaying import Heard
from chatlib.core.signals import Gap
from chatlib.protocol.codec import encode
from chatlib.protocol.events import Event
from chatlib.protocol.topics import topic_replay


class Play:
    """A broker's feed, with one room, whose history is `seqs`; and a relay."""

    def __init__(self, *seqs: int, epoch: str = "e") -> None:
        self.relay = Relay("nonce")
        self.seqs = list(seqs)
        self.epoch = epoch
        self.oldest = 0
        self.asked: list[bytes] = []
        self.told: list[int | tuple[int, int] | str] = []

    def event(self, seq: int) -> Event:
        prev = max((s for s in self.seqs if s < seq), default=0)
        return Event(seq=seq, prev=prev, kind="say", room="ops", nick="a", sid="s", text="x")

    def live(self, *seqs: int) -> None:
        self.relay.take(b"room/ops/", b"\n".join(encode(self.event(s)) for s in seqs), 0.0)
        self.look()

    def head(self, seq: int) -> None:
        marker = Event(seq=seq, kind="head", room="ops", epoch=self.epoch)
        self.relay.take(b"room/ops/", encode(marker), 0.0)
        self.look()

    def look(self) -> None:
        for action in self.relay.actions:
            if isinstance(action, Subscribe) and action.topic.startswith(b"replay/"):
                self.asked.append(action.topic)
        self.relay.actions.clear()
        for one in self.relay.delivered:
            if isinstance(one, Heard):
                self.told.append(one.event.seq)
            elif isinstance(one, Gap):
                self.told.append((one.after, one.before))
            elif isinstance(one, Followed):
                self.told.append(f"from {one.head}")
        self.relay.delivered.clear()

    def answer(self, most: int = 1000) -> None:
        """Answer what was asked first."""
        topic = self.asked.pop(0)
        place = topic_replay(topic)
        assert place is not None
        there = [s for s in self.seqs if s >= self.oldest]
        found = there[-1:] if place.after is None else [s for s in there if s > place.after]
        some = found[:most]
        marker = Event(
            seq=self.seqs[-1] if self.seqs else 0, kind="replayed", room="ops", epoch=self.epoch,
            count=len(some), more=len(found) > len(some),
        )  # fmt: skip
        lines = [*(encode(self.event(s)) for s in some), encode(marker)]
        self.relay.take(topic, b"\n".join(lines), 0.0)
        self.look()

    def follow(self) -> None:
        self.relay.follow("ops", 0.0)
        self.look()
        self.answer()


def test_it_begins_at_the_newest_event() -> None:
    play = Play(1, 2, 3)
    play.relay.follow("ops", 0.0)
    play.look()
    play.live(3)  # before it is known where the room begins
    assert play.relay.tail("ops") is None and play.told == []
    play.answer()
    play.seqs += [5, 7]
    play.live(5, 7)
    play.live(5)
    assert play.told == ["from 3", 5, 7]


def test_a_room_that_is_not_there_begins_with_its_first_event() -> None:
    play = Play()
    play.follow()
    play.seqs += [4]
    play.live(4)
    assert play.told == ["from 0", 4]


def test_what_was_dropped_is_asked_for_once() -> None:
    play = Play(1)
    play.follow()
    play.seqs += [2, 3, 4, 5]
    play.live(4)
    play.live(5)
    assert play.told == ["from 1"] and len(play.asked) == 1
    play.answer(most=3)
    play.answer()
    assert play.told == ["from 1", 2, 3, 4, 5] and not play.asked


def test_a_lost_last_message_is_noticed_by_the_marker() -> None:
    play = Play(1)
    play.head(1)
    play.follow()
    play.seqs += [2]
    play.head(2)
    play.answer()
    assert play.told == ["from 1", 2]


def test_what_is_gone_is_a_gap() -> None:
    play = Play(1)
    play.follow()
    play.seqs += [2, 3, 4]
    play.oldest = 4
    play.live(4)
    play.answer()
    assert play.told == ["from 1", (1, 4), 4]


def test_another_history_begins_anew() -> None:
    play = Play(1, 2)
    play.head(2)
    play.follow()
    play.epoch, play.seqs = "f", [1]
    play.head(1)
    play.asked = play.asked[-1:]
    play.answer()
    play.seqs += [2]
    play.live(2)
    assert play.told == ["from 2", "from 1", 2]


def test_another_socket_asks_again() -> None:
    play = Play(1)
    play.follow()
    assert play.relay.topics == [b"beacon/", b"room/ops/"]
    play.seqs += [2]
    play.relay.renewed(0.0)
    play.look()
    play.answer()
    assert play.told == ["from 1", 2]


def test_nothing_is_told_of_a_room_that_is_not_followed_any_more() -> None:
    play = Play(1)
    play.follow()
    play.relay.unfollow("ops")
    assert play.relay.actions == [Unsubscribe(b"room/ops/")]
    play.seqs += [2]
    play.live(2)
    assert play.told == ["from 1"] and play.relay.tail("ops") is None
