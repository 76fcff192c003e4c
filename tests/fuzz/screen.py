"""What is true of everything that is shown: a terminal obeys none of it."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC

from chatlib.core.signals import Connection, Gap, Refusal
from chatlib.protocol.codec import decode_events
from chatlib.protocol.events import Event
from chatlib.sanitize import sanitize
from chatlib.tui.render import Line, Renderer, View, to_terminal
from tests.fuzz.places import typed

_colours = re.compile(r"\x1b\[[0-9;]+m")
_OBEYED = ("Cc", "Cs", "Zl", "Zp")
_TURNING = ("RLO", "LRO", "RLE", "LRE", "PDF", "RLI", "LRI", "FSI", "PDI")


def harmless(text: str) -> None:
    """See that a terminal would only show this."""
    if text.isascii() and text.isprintable():
        return
    for character in text:
        assert unicodedata.category(character) not in _OBEYED, f"{character!a} comes out"
        assert unicodedata.bidirectional(character) not in _TURNING, f"{character!a} comes out"


def shown(lines: list[Line]) -> None:
    """See that lines can be printed."""
    for line in lines:
        harmless(to_terminal(line, colour=False))
        harmless(_colours.sub("", to_terminal(line, colour=True)))


def text(data: bytes) -> None:
    raw = typed(data)
    once = sanitize(raw)
    harmless(once)
    rows = sanitize(raw, lines=True)
    for row in rows.split("\n"):
        harmless(row)
    assert sanitize(rows, lines=True) == rows
    shown(Renderer(UTC).signal(Gap(raw, 1, 2)))
    shown(Renderer(UTC).signal(Refusal(1, raw, raw, raw, raw, raw)))
    for state in ("offline", "online", "closed", "refused"):
        shown(Renderer(UTC).signal(Connection(state, raw, nick=raw)))


def events(body: bytes) -> list[Event]:
    return decode_events(body)


def rendered(body: bytes, found: list[Event]) -> None:
    here, local = Renderer(UTC), Renderer()
    for event in found:
        for view in (View(event.sid, "lobby"), View("", event.room or "")):
            shown(here.event(event, view))
            shown(local.event(event, view))
