"""How `hubbub log` writes an event: as text, as its JSON line, in a form of one's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from chatlib.core.replaying import Heard
from chatlib.core.signals import Gap
from chatlib.core.subscriber import NewHistory
from chatlib.errors import Misuse
from chatlib.protocol.events import Event
from chatlib.sanitize import sanitize

Written = Heard | Gap | NewHistory
Form = Callable[[Written], str | bytes]  # empty for what is not put out
FIELDS = ("seq", "prev", "kind", "room", "nick", "text", "sid", "n", "re", "old", "reason", "to")


def local_time(event: Event) -> datetime:
    """Return when it happened, here; the beginning of Unix time where that can't be read."""
    try:
        return datetime.fromisoformat(event.at).astimezone()
    except (ValueError, OverflowError):
        return datetime.fromtimestamp(0, UTC)


def gap(told: Gap | NewHistory) -> dict[str, Any]:
    """Return what is told in-band of events that can't be had any more."""
    if isinstance(told, NewHistory):
        return {"kind": "gap", "from": told.after + 1, "to": None, "epoch": told.epoch}
    return {"kind": "gap", "room": told.room, "from": told.after + 1, "to": told.before - 1}


def as_json(told: Written) -> bytes:
    """Return the line that the broker sent, as it is."""
    return told.line if isinstance(told, Heard) else json.dumps(gap(told)).encode()


def as_text(*, colour: bool = False, zone: Callable[[Event], datetime] = local_time) -> Form:
    """Return the form for people; what others wrote is made safe for a terminal."""
    from chatlib.tui.render import DIM, ERROR, NOTICE, View, sentence, split_rows, to_terminal

    def write(told: Written) -> str:
        if not isinstance(told, Heard):
            return to_terminal([(ERROR, _lost(told))], colour)
        event = told.event
        spans = sentence(event, View("", event.room or ""))
        if not spans:
            return ""
        at = zone(event).strftime("%Y-%m-%d %H:%M:%S ")
        head = [(DIM, at), (NOTICE, f"#{sanitize(event.room or '')} ")]
        return "\n".join(to_terminal(row, colour) for row in split_rows([*head, *spans]))

    return write


def _lost(told: Gap | NewHistory) -> str:
    if isinstance(told, NewHistory):
        return f"-- the broker has begun a new history; what came after {told.after} is lost --"
    lost = f"{told.after + 1} to {told.before - 1}"
    return f"-- what was said in {sanitize(told.room or '')} can no longer be had: {lost} --"


def as_template(template: str) -> Form:
    """Return a form such as `{at:%H:%M} {room} <{nick}> {text}`. Raises Misuse.

    Each event is one line: a newline in a text becomes visible.
    """

    def write(told: Written) -> str:
        if not isinstance(told, Heard):
            return _lost(told)
        values: dict[str, Any] = {
            name: _bare(getattr(told.event, name)) for name in FIELDS
        }  # at is a time, all else as the wire has it
        return template.format(at=local_time(told.event), **values)

    try:
        write(
            Heard(Event(kind="say", at="2026-11-21T09:30:00Z", room="a", nick="b", text="c"), b"")
        )
    except (KeyError, IndexError, ValueError, AttributeError, TypeError) as e:
        raise Misuse(
            f"{template!r} is no form ({e}): it has fields in braces, of at, {', '.join(FIELDS)}"
        ) from None
    return write


def _bare(value: str | int | None) -> str | int:
    return sanitize(value) if isinstance(value, str) else "" if value is None else value
