"""How events look, line by line."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest

from chatlib.core.signals import Connection, Gap, Refusal
from chatlib.protocol.events import Event
from chatlib.tui.render import Renderer, View, nick_style, to_terminal

VIEW = View(user="me", room="lobby")


SAID = Event(seq=1, prev=0, kind="say", room="lobby", nick="bob", text="one\ntwo " + "x" * 50)
REPLIED = "bob: one two " + "x" * 32 + "…"


def shown(renderer: Renderer, view: View = VIEW, **fields: Any) -> list[str]:
    at = fields.pop("at", "2026-11-21T09:30:00.123Z")
    event = Event(**({"seq": 1, "prev": 0, "room": "lobby", "nick": "ann"} | fields), at=at)
    return [to_terminal(line, colour=False) for line in renderer.event(event, view)]


@pytest.fixture
def renderer() -> Renderer:
    made = Renderer(UTC)
    shown(made, kind="say", text="the first of the day")
    return made


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"kind": "say", "text": "hi"}, "09:30 <ann> hi"),
        ({"kind": "say", "text": "hi", "room": "ops"}, "09:30 #ops <ann> hi"),
        ({"kind": "act", "text": "waves"}, "09:30 * ann waves"),
        ({"kind": "join"}, "09:30 → ann joined lobby"),
        ({"kind": "leave", "reason": "left"}, "09:30 ← ann left lobby"),
        ({"kind": "leave", "reason": "timeout"}, "09:30 ← ann left lobby (connection timed out)"),
        ({"kind": "leave", "reason": "new\x1bone"}, "09:30 ← ann left lobby (new␛one)"),
        ({"kind": "nick", "old": "ann", "nick": "bea"}, "09:30 ann is now bea"),
        ({"kind": "topic", "text": "cake"}, "09:30 ann set the topic of lobby: cake"),
        ({"kind": "topic", "text": ""}, "09:30 ann took away the topic of lobby"),
        (
            {"kind": "say", "room": None, "to": "bob", "sid": "me", "text": "x"},
            "09:30 to bob alone: x",
        ),
        (
            {"kind": "say", "room": None, "to": "bob", "sid": "a", "text": "x"},
            "09:30 ann to you alone: x",
        ),
        ({"kind": "act", "room": None, "to": "bob", "text": "nods"}, "09:30 * (private) ann nods"),
        (
            {"kind": "leave", "reason": "kicked", "by": "bob", "text": "noise"},
            "09:30 ← ann was put out of lobby by bob: noise",
        ),
        ({"kind": "role", "to": "bob", "role": "owner"}, "09:30 ann made bob an owner of lobby"),
        ({"kind": "role", "to": "bob", "role": "member"}, "09:30 ann made bob a member of lobby"),
        (
            {"kind": "role", "to": "bob", "role": "none"},
            "09:30 ann took the role of bob away in lobby",
        ),
        ({"kind": "mute", "to": "bob"}, "09:30 ann muted bob in lobby"),
        ({"kind": "mute", "to": "bob", "until": "noon"}, "09:30 ann muted bob in lobby until noon"),
        ({"kind": "unmute", "to": "bob"}, "09:30 ann lets bob speak again in lobby"),
        ({"kind": "ban", "to": "bob", "text": "x"}, "09:30 ann banned bob from lobby: x"),
        ({"kind": "unban", "to": "bob"}, "09:30 ann no longer bans bob from lobby"),
        (
            {"kind": "kick", "to": "bob", "text": "x", "inbox": True},
            "09:30 ann put bob out of lobby: x",
        ),
        (
            {"kind": "invite", "room": "den", "to": "bob", "inbox": True},
            "09:30 ann lets you into the private room den: /join den",
        ),
    ],
)
def test_each_kind_reads_as_a_sentence(
    renderer: Renderer, fields: dict[str, Any], line: str
) -> None:
    assert shown(renderer, **fields) == [line]


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"kind": "say", "text": "hi", "re": 1}, f"09:30 <ann> (to {REPLIED}) hi"),
        ({"kind": "act", "text": "nods", "re": 1}, f"09:30 * ann (to {REPLIED}) nods"),
        ({"kind": "edit", "text": "hi", "re": 1}, "09:30 <ann> hi (edited)"),
        ({"kind": "delete", "re": 1}, "09:30 ann deleted a message"),
        ({"kind": "react", "text": "👍", "re": 1}, f"09:30 ann reacts 👍 to {REPLIED}"),
        ({"kind": "say", "text": "", "deleted": True}, "09:30 <ann> (deleted)"),
        ({"kind": "act", "text": "", "deleted": True, "re": 1}, "09:30 * ann (deleted)"),
        (
            {"kind": "edit", "room": None, "to": "me", "text": "x", "re": 1},
            "09:30 ann to you alone: x (edited)",
        ),
        (
            {"kind": "delete", "room": None, "to": "me", "re": 1},
            "09:30 ann deleted a message (private)",
        ),
    ],
)
def test_what_is_about_another_message(
    renderer: Renderer, fields: dict[str, Any], line: str
) -> None:
    assert shown(renderer, VIEW._replace(about=SAID), **fields) == [line]


def test_what_is_about_a_message_that_is_not_known(renderer: Renderer) -> None:
    assert shown(renderer, kind="say", text="hi", re=1) == [
        "09:30 <ann> (to an earlier message) hi"
    ]
    back = VIEW._replace(takes_back=True)
    told = ["09:30 ann takes back 👍 to an earlier message"]
    assert shown(renderer, back, kind="react", text="👍", re=1) == told
    assert shown(renderer, kind="edit", text="", deleted=True, re=1) == []


def test_kinds_of_the_future_are_skipped(renderer: Renderer) -> None:
    assert shown(renderer, kind="hologram", text="x") == []


def test_a_day_line_stands_where_the_date_changes(renderer: Renderer) -> None:
    assert shown(renderer, kind="say", text="late", at="2026-11-22T00:01:00.000Z") == [
        "—— Sunday, 22 November 2026 ——",
        "00:01 <ann> late",
    ]


def test_rows_of_one_message_are_indented(renderer: Renderer) -> None:
    assert shown(renderer, kind="say", text="one\ntwo") == ["09:30 <ann> one", "      two"]


def test_nothing_of_others_reaches_the_terminal_raw(renderer: Renderer) -> None:
    evil = "\x1b]0;owned\x07\u202e\x9b2J"
    for kind in ("say", "act", "edit", "delete", "react", "join", "leave", "nick", "topic"):
        fields = dict.fromkeys(("nick", "text", "old", "reason", "to", "room"), evil)
        event = Event(seq=1, prev=0, kind=kind, re=1, **fields)
        lines = renderer.event(event, VIEW._replace(about=event))
        assert lines
        for line in lines:
            assert not set(to_terminal(line, colour=False)) & set("\x1b\x07\u202e\x9b")


def test_a_time_that_cannot_be_read_is_left_out(renderer: Renderer) -> None:
    assert shown(renderer, kind="say", text="hi", at="yesterday") == ["<ann> hi"]


@pytest.mark.parametrize(
    ("told", "line"),
    [
        (Gap("lobby", 3, 9), "-- what was said in lobby before this can no longer be had --"),
        (Gap(None, 3, 9), "-- what was said before this can no longer be had --"),
        (
            Refusal(1, "no_such_nick", "nobody is called bo", "psst"),
            "not sent: nobody is called bo: psst",
        ),
        (Connection("offline", "connection refused"), "-- offline: connection refused --"),
        (Connection("refused", "no", code="key_refused"), "-- no --"),
        (
            Connection("online", new_history=True),
            "-- online again; the broker has begun a new history --",
        ),
    ],
)
def test_signals(renderer: Renderer, told: Any, line: str) -> None:
    assert [to_terminal(x, colour=False) for x in renderer.signal(told)] == [line]


def test_colours_are_stable_and_can_be_turned_off() -> None:
    assert nick_style("Ann") == nick_style("ann")
    assert len({nick_style(f"person{i}") for i in range(100)}) > 6
    line = [("bold", "x"), ("", "y")]
    assert to_terminal(line, colour=True) == "\x1b[1mx\x1b[0my"
    assert to_terminal(line, colour=False) == "xy"


@pytest.mark.parametrize(
    "at", ["", "now", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"]
)
def test_a_time_that_is_none_is_left_out(at: str) -> None:
    assert shown(Renderer(UTC), kind="say", text="hi", at=at) == ["<ann> hi"]
