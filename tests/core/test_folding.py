"""Messages as they read now: the same, however the events came."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chatlib.core.folding import Message, fold
from chatlib.protocol.codec import blank, decode_event, encode
from chatlib.protocol.events import Event

ACTS = st.lists(
    st.tuples(
        st.sampled_from(["say", "act", "edit", "delete", "react", "join"]),
        st.integers(1, 12),
        st.sampled_from(["ann", "bob"]),
        st.sampled_from(["x", "y", "z"]),
    ),
    max_size=20,
)


def event(seq: int, kind: str, nick: str = "ann", **more: Any) -> Event:
    return Event(seq=seq, prev=seq - 1, kind=kind, room="lobby", nick=nick, sid=nick, **more)


def live(acts: list[tuple[str, int, str, str]]) -> list[Event]:
    """Return the events as the feed brings them."""
    made = []
    for seq, (kind, about, nick, text) in enumerate(acts, 1):
        re = min(about, seq - 1) if kind in ("edit", "delete", "react") else None
        made.append(event(seq, kind, nick, re=re, text=None if kind == "delete" else text))
    return made


def stored(events: list[Event]) -> list[Event]:
    """Return the events as history answers them, when all of them have happened."""
    deleted = {e.re for e in events if e.kind == "delete"}
    deleted &= {e.seq for e in events if e.kind in ("say", "act")}
    return [
        decode_event(blank(encode(e)))
        if e.seq in deleted or (e.kind == "edit" and e.re in deleted)
        else e
        for e in events
    ]


@given(ACTS, st.data())
def test_folding_is_independent_of_paging(
    acts: list[tuple[str, int, str, str]], data: st.DataObject
) -> None:
    """Pages overlap, come in any order, and were read before something was deleted or after it."""
    events = live(acts)
    forms = dict(enumerate((events, stored(events))))
    pages = [events]
    for _ in range(data.draw(st.integers(0, 4))):
        first, last = data.draw(st.integers(0, 20)), data.draw(st.integers(0, 20))
        pages.append(forms[data.draw(st.integers(0, 1))][first:last])
    pages = data.draw(st.permutations(pages))
    assert fold(e for page in pages for e in page) == fold(events) == fold(stored(events))


@given(ACTS)
def test_a_message_reads_as_its_newest_edit_says(acts: list[tuple[str, int, str, str]]) -> None:
    events = live(acts)
    messages = {m.event.seq: m for m in fold(events)}
    assert list(messages) == [e.seq for e in events if e.kind in ("say", "act")]
    for seq, message in messages.items():
        about = [e for e in events if e.re == seq]
        assert message.deleted == any(e.kind == "delete" for e in about)
        edits = [e for e in about if e.kind == "edit"]
        if message.deleted:
            assert (message.text, message.event.text, message.edited) == ("", "", 0)
        elif edits:
            assert (message.text, message.edited) == (edits[-1].text, edits[-1].seq)
        else:
            assert (message.text, message.edited) == (message.event.text, 0)
        for text in ("x", "y", "z"):
            for who in ("ann", "bob"):
                times = sum(e.kind == "react" and e.text == text and e.sid == who for e in about)
                assert (who in message.reactions.get(text, {})) == (times % 2 == 1)


def test_in_short() -> None:
    first = event(1, "say", text="helo")
    events = [
        first,
        event(2, "edit", text="hello", re=1),
        event(3, "react", "bob", text="👋", re=1),
        event(4, "say", "bob", text="hi", re=1),
        event(5, "react", "bob", text="👋", re=4),
        event(6, "react", "bob", text="👋", re=4),
        event(7, "edit", text="of what is not here", re=99),
        event(8, "hologram", text="x", re=1),
    ]
    assert fold(events) == [
        Message(first, "hello", 2, reactions={"👋": {"bob": "bob"}}),
        Message(events[3], "hi"),
    ]
    assert first.text == "helo" and first.deleted is False


def test_events_that_are_folded_stay_what_they_are() -> None:
    events = [event(1, "say", text="x"), event(2, "delete", re=1)]
    fold(events)
    assert events[0].text == "x"


def test_pages_may_come_in_any_order_and_twice() -> None:
    events = [
        event(1, "say", text="x"),
        event(2, "say", text="y"),
        event(3, "edit", re=2, text="z"),
        event(4, "edit", re=1, text="z"),
        event(5, "delete", re=1),
    ]
    folded = fold(events)
    assert [(m.event.seq, m.text, m.deleted) for m in folded] == [(1, "", True), (2, "z", False)]
    assert fold(reversed(events)) == folded
    assert fold(stored(events)) == fold(stored(events)[:4]) == folded
    assert fold([*stored(events)[:4], *events[:4]]) == folded
    assert fold([*events[:4], *stored(events)[:4]]) == folded
