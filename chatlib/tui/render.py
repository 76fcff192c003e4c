"""Events to lines of styled text: pure, and the only place that decides how the chat looks.

A line is a list of (style, text); `to_terminal` writes it with the colours of a terminal, or
without. All text of others passes sanitize() here.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import NamedTuple

from chatlib.core.signals import Connection, Gap, Refusal
from chatlib.errors import BadName
from chatlib.names import nick_key
from chatlib.protocol.events import Event
from chatlib.sanitize import sanitize
from chatlib.tui.when import shown

Span = tuple[str, str]
Line = list[Span]

DIM, BOLD, ERROR, NOTICE, PRIVATE = "dim", "bold", "error", "notice", "private"

_SGR = {DIM: "2", BOLD: "1", ERROR: "31", NOTICE: "36", PRIVATE: "35"}
_NICK_COLOURS = ("31", "32", "33", "34", "35", "36", "91", "92", "93", "94", "95", "96")

QUOTED = 40  # characters of what a reply is to

_REASONS = {"timeout": "connection timed out", "left": ""}


class View(NamedTuple):
    """From where an event is looked at: who one is, and which room is on the screen.

    `about` is the message that the event is about, where it is known; `takes_back` tells that a
    reaction is taken back by it.
    """

    user: str
    room: str
    about: Event | None = None
    takes_back: bool = False


def nick_style(nick: str) -> str:
    """Return the style of a nickname: always the same for the same one."""
    try:
        key = nick_key(nick)
    except BadName:
        key = nick
    return f"nick{zlib.crc32(key.encode('utf-8', 'replace')) % len(_NICK_COLOURS)}"


def to_terminal(line: Line, colour: bool) -> str:
    """Return a line as a terminal takes it; without `colour`, bare text."""
    if not colour:
        return "".join(text for _, text in line)
    return "".join(f"\x1b[{_sgr(style)}m{text}\x1b[0m" if style else text for style, text in line)


def _sgr(style: str) -> str:
    if style.startswith("nick"):
        return f"1;{_NICK_COLOURS[int(style[4:])]}"
    return _SGR[style]


class Renderer:
    """Turns what is delivered into lines; remembers the day, to tell when it changes."""

    def __init__(self, zone: tzinfo | None = None) -> None:
        self._zone = zone  # None is local time
        self._day = ""

    def event(self, event: Event, view: View) -> list[Line]:
        """Return the lines of an event; none for a kind that is newer than this client."""
        spans = sentence(event, view)
        if not spans:
            return []
        at = self._local(event.at)
        head: Line = [(DIM, at.strftime("%H:%M ") if at else "")]
        if (place := event.place) is not None and place != view.room:
            head.append((NOTICE, f"#{sanitize(place)} "))
        lines = self._new_day(at)
        rows = split_rows([*head, *spans])
        return [*lines, *rows]

    def _local(self, at: str) -> datetime | None:
        try:
            return datetime.fromisoformat(at).astimezone(self._zone)
        except (ValueError, OverflowError):  # also one that is before or after all years here
            return None

    def _new_day(self, at: datetime | None) -> list[Line]:
        day = at.strftime("%A, %d %B %Y") if at else self._day
        if day == self._day:
            return []
        self._day = day
        return [[(DIM, f"—— {day} ——")]]

    def signal(self, told: Connection | Gap | Refusal) -> list[Line]:
        """Return the lines of what is no event of the chat."""
        if isinstance(told, Gap):
            where = f"in {sanitize(told.room)} " if told.room else ""
            return [[(ERROR, f"-- what was said {where}before this can no longer be had --")]]
        if isinstance(told, Refusal):
            text = "not sent: " * bool(told.ticket) + sanitize(told.message)
            text += f": {told.text}" if told.text else ""
            return split_rows([(ERROR, sanitize(text, lines=True))])
        return self._connection(told)

    def _connection(self, told: Connection) -> list[Line]:
        if told.state == "offline":
            return [[(ERROR, f"-- offline: {sanitize(told.detail)} --")]]
        if told.state == "online" and told.new_history:
            return [[(NOTICE, "-- online again; the broker has begun a new history --")]]
        if told.state == "online":
            return [[(NOTICE, "-- online again --")]]
        if told.state in ("closed", "refused") and told.detail:
            return [[(ERROR, f"-- {sanitize(told.detail)} --")]]
        return []


def sentence(event: Event, view: View) -> Line:
    """Return what an event says, without time and room; empty for a kind that is newer than us."""
    return _SENTENCES[event.kind](event, view) if event.kind in _SENTENCES else []


def split_rows(spans: Line) -> list[Line]:
    """Return one line for each row of a text, the later ones indented."""
    rows: list[Line] = [[]]
    for style, text in spans:
        first, *others = text.split("\n")
        rows[-1].append((style, first))
        rows += [[("", "      "), (style, other)] for other in others]
    return rows


def _name(nick: str) -> Span:
    return (nick_style(nick), sanitize(nick))


def _say(event: Event, view: View) -> Line:
    text = _text(event, view)
    if event.to is None:
        return [("", "<"), _name(event.nick), ("", "> "), *text]
    if event.author == view.user:
        return [(PRIVATE, "to "), _name(event.to), (PRIVATE, " alone: "), *text]
    return [_name(event.nick), (PRIVATE, " to you alone: "), *text]


def _text(event: Event, view: View) -> Line:
    """Return what was said, behind what it answers."""
    if event.deleted:
        return [(DIM, "(deleted)")]
    reply = event.re is not None and event.kind != "edit"
    answers = [(DIM, f"(to {_quoted(view)}) ")] if reply else []
    return [*answers, ("", sanitize(event.text or "", lines=True))]


def _quoted(view: View) -> str:
    """Return whom an event is about, and the beginning of what they had said."""
    if view.about is None:
        return "an earlier message"
    text = (view.about.text or "").replace("\n", " ")
    beginning = text if len(text) <= QUOTED else text[:QUOTED].rstrip() + "…"
    return sanitize(f"{view.about.nick}: {beginning}")


def _edit(event: Event, view: View) -> Line:
    return [] if event.deleted else [*_say(event, view), (DIM, " (edited)")]


def _delete(event: Event, view: View) -> Line:
    alone = " (private)" if event.to is not None else ""
    return [_name(event.nick), (DIM, f" deleted a message{alone}")]


def _react(event: Event, view: View) -> Line:
    alone = "(private) " if event.to is not None else ""
    does = "takes back" if view.takes_back else "reacts"
    sign = sanitize(event.text or "")
    about = _quoted(view)
    return [("", f"{alone}"), _name(event.nick), (DIM, f" {does} {sign} to {about}")]


def _act(event: Event, view: View) -> Line:
    alone = [(PRIVATE, "(private) ")] if event.to is not None else []
    return [("", "* "), *alone, _name(event.nick), ("", " "), *_text(event, view)]


def _join(event: Event, view: View) -> Line:
    return [(DIM, "→ "), _name(event.nick), (DIM, f" joined{_room(event)}")]


def _leave(event: Event, view: View) -> Line:
    if event.by is not None:
        why = f": {sanitize(event.text)}" if event.text else ""
        put_out = (DIM, f" was put out{_room(event, ' of')} by ")
        return [(DIM, "← "), _name(event.nick), put_out, _name(event.by), (DIM, why)]
    reason = _REASONS.get(event.reason or "", event.reason or "")
    why = f" ({sanitize(reason)})" if reason else ""
    return [(DIM, "← "), _name(event.nick), (DIM, f" left{_room(event)}{why}")]


def _room(event: Event, before: str = "") -> str:
    return f"{before} {sanitize(event.room)}" if event.room else ""


def _role(event: Event, view: View) -> Line:
    nothing = event.role in (None, "none")
    verb = " took the role of " if nothing else " made "
    article = "an" if event.role == "owner" else "a"
    given = f" away in{_room(event)}" if nothing else f" {article} {event.role} of{_room(event)}"
    return [_name(event.nick), (DIM, verb), _name(event.to or ""), (DIM, sanitize(given))]


def _invite(event: Event, view: View) -> Line:
    room = sanitize(event.room or "")
    text = f" lets you into the private room {room}: /join {room}"
    return [_name(event.nick), (NOTICE, text)]


def _ruled(verb: str, more: str = "") -> Callable[[Event, View], Line]:
    """Return what tells that somebody did this to somebody in a room."""

    def told(event: Event, view: View) -> Line:
        until = f" until {sanitize(shown(event.until, event.at))}" if event.until else ""
        why = f": {sanitize(event.text)}" if event.text else ""
        where = f"{_room(event, more)}{until}{why}"
        return [_name(event.nick), (DIM, f" {verb} "), _name(event.to or ""), (DIM, where)]

    return told


def _nick(event: Event, view: View) -> Line:
    return [_name(event.old or ""), (DIM, " is now "), _name(event.nick)]


def _topic(event: Event, view: View) -> Line:
    if not event.text:
        return [_name(event.nick), (DIM, f" took away the topic of{_room(event)}")]
    return [
        _name(event.nick),
        (DIM, f" set the topic of{_room(event)}: "),
        (BOLD, sanitize(event.text)),
    ]


_SENTENCES = {
    "say": _say,
    "act": _act,
    "edit": _edit,
    "delete": _delete,
    "react": _react,
    "join": _join,
    "leave": _leave,
    "nick": _nick,
    "topic": _topic,
    "role": _role,
    "invite": _invite,
    "kick": _ruled("put", " out of"),
    "ban": _ruled("banned", " from"),
    "unban": _ruled("no longer bans", " from"),
    "mute": _ruled("muted", " in"),
    "unmute": _ruled("lets", " speak again in"),
}
