"""The client tells the broker how far it was read: the newest of each place, not too often."""

from __future__ import annotations

import json

from chatlib.core.actions import Effects, SendControl
from chatlib.core.marks import Marks
from chatlib.core.requests import Requests
from chatlib.protocol.codec import decode_head
from tests.core.notation import show_fields


class Teller:
    """Marks, and what they sent."""

    def __init__(self) -> None:
        self.effects = Effects()
        self.requests = Requests(self.effects)
        self.marks = Marks(self.requests)

    def tell(self, now: float) -> list[str]:
        self.marks.tell(now)
        actions = self.effects.actions.copy()
        self.effects.actions.clear()
        return [show_fields(json.loads(a.frame)) for a in actions if isinstance(a, SendControl)]

    def hear(self, now: float, **answer: object) -> None:
        frame = json.dumps({"id": self.requests.ids[0], **answer}).encode()
        self.requests.settle(decode_head(frame), frame, now)


def test_the_newest_of_each_place_is_told() -> None:
    teller = Teller()
    assert teller.tell(0) == []
    for seq in (3, 9, 7):
        teller.marks.add(("lobby", None), seq)
    teller.marks.add((None, "bob"), 8)
    assert teller.tell(1) == ["op=read room=lobby seq=9"]
    assert teller.tell(3) == []  # it is on its way
    teller.hear(3, ok=True, read=[])
    assert teller.tell(3) == ["op=read peer=bob seq=8"]
    teller.hear(3, ok=True, read=[])
    assert teller.tell(9) == []


def test_it_is_told_now_and_then() -> None:
    teller = Teller()
    teller.marks.add(("lobby", None), 1)
    assert teller.tell(1) == ["op=read room=lobby seq=1"]
    teller.hear(1, ok=True, read=[])
    teller.marks.add(("lobby", None), 2)
    assert teller.tell(1.9) == []
    assert teller.tell(2) == ["op=read room=lobby seq=2"]


def test_what_the_broker_could_not_keep_is_told_again_and_no_older_one() -> None:
    teller = Teller()
    teller.marks.add(("lobby", None), 5)
    teller.tell(1)
    teller.marks.add(("lobby", None), 7)
    teller.hear(1, ok=False, error={"code": "unavailable", "message": "full"})
    assert teller.tell(2) == ["op=read room=lobby seq=7"]
    teller.hear(2, ok=False, error={"code": "unavailable", "message": "full"})
    assert teller.tell(3) == ["op=read room=lobby seq=7"]
    teller.hear(3, ok=False, error={"code": "not_joined", "message": "left"})
    assert teller.tell(4) == []


def test_another_session_is_told_nothing() -> None:
    teller = Teller()
    teller.marks.add(("lobby", None), 5)
    teller.tell(1)
    teller.marks.add(("ops", None), 6)
    teller.marks.clear()
    assert teller.tell(2) == [] and not teller.requests.ids
