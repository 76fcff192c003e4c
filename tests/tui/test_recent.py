"""What commands and lines can be about."""

from __future__ import annotations

from typing import Any

from chatlib.protocol.events import Event
from chatlib.tui import recent
from chatlib.tui.recent import KEPT, Recent


def said(seq: int, nick: str = "ann", room: str | None = "lobby", **more: Any) -> Event:
    known = {"kind": "say", "text": str(seq), "sid": nick} | more
    return Event(seq=seq, prev=0, room=room, nick=nick, **known)


def test_the_last_message_of_a_room_and_of_somebody() -> None:
    made = Recent()
    for event in (said(1), said(2, "Bob"), said(3, room="ops"), said(4, room=None), said(5, "é/")):
        made.take(event)
    found = [made.last("lobby", user="ann"), made.last("lobby", nick="bob"), made.last("lobby")]
    assert [event and event.seq for event in found] == [1, 2, 5]
    assert made.last("den") is None


def test_no_more_is_kept_than_is_of_use() -> None:
    made = Recent()
    made.take(said(1))
    made.take(said(2, kind="react", re=1))
    for seq in range(3, KEPT + 3):
        made.take(said(seq))
    assert made.find(1) is None
    assert made.find(3) is not None
    assert (len(made._said), made._reactions) == (KEPT, set())


def test_what_is_not_known_here_may_be_known_elsewhere() -> None:
    before = Recent()
    before.take(said(1))
    made = recent.Recent(before)
    assert made.find(1) is not None and made.find(2) is None and made.find(None) is None
