"""What of the feed `hubbub log` puts out: rooms, kinds, nicknames, words, times."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from chatlib.core.seeking import moment_of
from chatlib.core.subscriber import Rooms
from chatlib.errors import BadName, Misuse
from chatlib.names import nick_key, room_name
from chatlib.protocol.events import PUBLIC_KINDS, Event

_glob = re.compile(r"[*?\[]")


def rooms_of(patterns: Sequence[str]) -> Rooms:
    """Return which rooms these patterns mean: names, or globs such as `ops-*`. Raises BadName."""
    if patterns and not any(map(_glob.search, patterns)):
        return Rooms(tuple(dict.fromkeys(map(room_name, patterns))))
    globs = [
        pattern.lstrip("#").lower() if _glob.search(pattern) else room_name(pattern)
        for pattern in patterns or ["*"]
    ]
    return Rooms((), lambda room: any(fnmatchcase(room, glob) for glob in globs))


def pattern(text: str) -> re.Pattern[str]:
    """Return a regular expression. Raises Misuse."""
    try:
        return re.compile(text)
    except re.error as e:
        raise Misuse(f"{text!r} is no regular expression: {e}") from None


def doubt(kinds: Collection[str]) -> str:
    """Return what is to be said of kinds that no event may have; empty when all are known."""
    unknown = sorted(set(kinds) - set(PUBLIC_KINDS))
    if not unknown:
        return ""
    return (
        f"no kind {', '.join(map(repr, unknown))} is known here, though a newer broker may have it "
        f"(known: {', '.join(PUBLIC_KINDS)})"
    )


class Choice(NamedTuple):
    """Which events are put out; times are Unix time in ms. Empty means all."""

    kinds: Collection[str] = ()
    nicks: Collection[str] = ()
    include: Sequence[re.Pattern[str]] = ()
    exclude: Sequence[re.Pattern[str]] = ()
    since: int | None = None
    until: int | None = None

    def likes(self, event: Event) -> bool:
        """Tell whether an event is put out."""
        text = event.text or ""
        return (
            (not self.kinds or event.kind in self.kinds)
            and (not self.nicks or _key(event.nick) in self.nicks)
            and (not self.include or any(p.search(text) for p in self.include))
            and not any(p.search(text) for p in self.exclude)
            and (self.since is None or moment_of(event) >= self.since)
            and not self.ends(event)
        )

    def ends(self, event: Event) -> bool:
        """Tell whether an event is behind the time up to which things are put out."""
        return self.until is not None and moment_of(event) >= self.until


def _key(nick: str) -> str:
    try:
        return nick_key(nick)
    except BadName:  # of an older broker, with other rules
        return nick
