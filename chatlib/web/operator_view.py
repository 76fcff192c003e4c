"""What the operator's page is shown: of two looks at the broker, rates; of long lists, a window.

However many sessions there are, a page is sent no more rows than it can show.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from chatlib.protocol.answers import BrokerStatus, RoomActivity, SessionActivity, Times

MOST_ROWS = 100  # of one list in one frame
MOST_SLOW = 20
POINTS = 300  # of the charts: five minutes
WORDS = 64

Count = Annotated[int, Meta(ge=0, le=1_000_000)]


class Window(Struct, frozen=True):
    """Which part of a list is seen, how it is sorted, and what is looked for in it."""

    first: Count = 0
    rows: Annotated[int, Meta(ge=0, le=MOST_ROWS)] = 40
    sort: Literal["nick", "address", "client", "lag", "rate", "rooms", "silent", "room", "members",
                  "events"] = "rate"  # fmt: skip
    down: bool = True
    find: Annotated[str, Meta(max_length=WORDS)] = ""


class Look(Struct, tag_field="op", tag="look", kw_only=True):
    """Say what one sees of the lists."""

    sessions: Window = Window()
    rooms: Window = Window()


class View:
    """The last two looks, and the points of the charts."""

    def __init__(self) -> None:
        self._now: BrokerStatus | None = None
        self._before: BrokerStatus | None = None
        self._said: dict[str, float] = {}  # lines a second, by sid
        self._events: dict[str, float] = {}  # events a second, by room
        self.points: deque[dict[str, Any]] = deque(maxlen=POINTS)

    def take(self, status: BrokerStatus) -> None:
        """Take in another look."""
        self._before, self._now = self._now, status
        before = self._before
        if before is None or before.epoch != status.epoch or before.uptime >= status.uptime:
            before = status
        seconds = max(status.uptime - before.uptime, 0.001)
        known = {session.sid: session.said for session in before.sessions}
        self._said = {
            s.sid: max(0, s.said - known.get(s.sid, s.said)) / seconds for s in status.sessions
        }
        told = {room.room: room.events for room in before.activity}
        self._events = {
            r.room: max(0, r.events - told.get(r.room, r.events)) / seconds for r in status.activity
        }
        self.points.append(self._point(before, status, seconds))

    def _point(self, before: BrokerStatus, now: BrokerStatus, seconds: float) -> dict[str, Any]:
        point: dict[str, Any] = {"at": now.at, "sessions": len(now.sessions)}
        for name in ("accepted", "published", "delivered", "refused", "slowed"):
            grown = now.counts.get(name, 0) - before.counts.get(name, 0)
            point[name] = round(max(0, grown) / seconds, 1)
        for name, times in now.times.items():
            for part, place in (("50", 0.5), ("99", 0.99)):
                point[name + part] = _percentile(before.times.get(name), times, place)
        return point

    def frame(self, look: Look) -> dict[str, Any] | None:
        """Return what is told of the newest look; None before the first."""
        now = self._now
        if now is None:
            return None
        slow = [s for s in now.sessions if s.congested or s.slowed]
        slow.sort(key=lambda s: (not s.congested, -s.slowed))
        return {
            "kind": "status",
            "server": now.server,
            "epoch": now.epoch,
            "uptime": now.uptime,
            "seq": now.seq,
            "history": now.history,
            "failing": now.failing,
            "draining": now.draining,
            "more": now.more,
            "storage": now.storage,
            "counts": now.counts,
            "refusals": now.refusals,
            "refused": now.refused[:MOST_SLOW],
            "refused_count": sum(one.ago <= POINTS for one in now.refused),
            "point": self.points[-1],
            "slow": [self._session(s) for s in slow[:MOST_SLOW]],
            "slow_count": len(slow),
            "sessions": self._sessions(now.sessions, look.sessions),
            "rooms": self._rooms(now.activity, look.rooms),
        }

    def _sessions(self, all: Sequence[SessionActivity], window: Window) -> dict[str, Any]:
        keys = {
            "nick": lambda s: s.nick.casefold(),
            "address": lambda s: s.address,
            "client": lambda s: s.client,
            "lag": lambda s: s.lag or 0,
            "rooms": lambda s: s.rooms,
            "silent": lambda s: s.silent,
        }
        words = window.find.casefold()
        found = [
            s for s in all
            if not words or words in f"{s.nick} {s.address} {s.client} {s.key}".casefold()
        ]  # fmt: skip
        found.sort(key=lambda s: s.nick.casefold())
        found.sort(
            key=keys.get(window.sort, lambda s: self._said.get(s.sid, 0.0)), reverse=window.down
        )
        rows = found[window.first : window.first + window.rows]
        return _listed(len(all), len(found), window, [self._session(s) for s in rows])

    def _session(self, session: SessionActivity) -> dict[str, Any]:
        return {
            "sid": session.sid,
            "nick": session.nick,
            "address": session.address,
            "key": session.key,
            "client": session.client,
            "bot": session.bot,
            "lag": session.lag,
            "rate": round(self._said.get(session.sid, 0.0), 1),
            "rooms": session.rooms,
            "silent": session.silent,
            "slowed": session.slowed,
            "congested": session.congested,
        }

    def _rooms(self, all: Sequence[RoomActivity], window: Window) -> dict[str, Any]:
        keys = {
            "room": lambda r: r.room.casefold(),
            "members": lambda r: r.members,
            "events": lambda r: r.events,
        }
        words = window.find.casefold()
        found = [r for r in all if words in r.room.casefold()]
        found.sort(key=lambda r: (-r.members, r.room))
        found.sort(
            key=keys.get(window.sort, lambda r: self._events.get(r.room, 0.0)), reverse=window.down
        )
        rows = [
            {
                "room": room.room,
                "members": room.members,
                "rate": round(self._events.get(room.room, 0.0), 1),
                "events": room.events,
                "head": room.head,
                "private": room.private,
                "closed": room.closed,
            }
            for room in found[window.first : window.first + window.rows]
        ]
        return _listed(len(all), len(found), window, rows)


def _listed(total: int, found: int, window: Window, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"total": total, "found": found, "first": window.first, "rows": rows}


def _percentile(before: Times | None, now: Times, place: float) -> float | None:
    """Return ms below which that part of what was new stayed, as its bound; None for nothing new.

    What took longer than the last bound counts as that one.
    """
    known = before.counts if before is not None else [0] * len(now.counts)
    grown = [max(0, a - b) for a, b in zip(now.counts, known, strict=True)]
    if before is now or not (total := sum(grown)):
        return None
    low, seen = 0.0, 0
    for bound, count in zip(now.bounds, grown, strict=False):
        if seen + count >= place * total:
            return round(1000 * (low + (bound - low) * (place * total - seen) / count), 3)
        low, seen = bound, seen + count
    return round(1000 * low, 3)
