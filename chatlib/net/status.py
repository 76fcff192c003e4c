"""How the broker does, for its operator: what only the loop knows of its rooms and sessions."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from chatlib.core.commands import NOBODY
from chatlib.core.rights import NOTHING
from chatlib.errors import Misuse
from chatlib.net.statistics import Histogram
from chatlib.protocol import answers
from chatlib.protocol.keys import fingerprint

if TYPE_CHECKING:
    from chatlib.net.pipeline import Pipeline

MOST_REFUSED = 50  # peers
MOST_SHOWN = 2_000  # rooms or sessions; an answer has to fit into a frame of control


@lru_cache(8192)
def fingerprint_of(key: str) -> str:
    """Return what people call a key; of anything else, nothing."""
    try:
        return fingerprint(key.encode())
    except Misuse:
        return ""


def complete(status: answers.BrokerStatus, pipeline: Pipeline, now: float, since: float) -> None:
    """Fill in an answer to `status`; `since` is when the broker began."""
    status.uptime = round(now - since, 3)
    status.history = pipeline.store.describe()
    status.failing = pipeline.failing
    status.draining = pipeline.draining
    status.counts = pipeline.statistics.counts()
    status.activity = activity(pipeline)[:MOST_SHOWN]
    status.sessions = session_activity(pipeline, now)
    status.more = max(len(pipeline.state.rooms), len(pipeline.state.sessions)) > MOST_SHOWN
    status.times = {
        "commits": _times(pipeline.statistics.commits),
        "turns": _times(pipeline.statistics.turns),
        "messages": _times(pipeline.statistics.messages),
    }
    status.storage = storage(pipeline)
    status.refusals = dict(pipeline.statistics.refused)
    status.refused = pipeline.statistics.refusals.newest(MOST_REFUSED)
    for one in status.refused:
        one.key = fingerprint_of(one.key)


def _times(histogram: Histogram) -> answers.Times:
    return answers.Times(list(histogram.bounds), list(histogram.counts), round(histogram.sum, 6))


def storage(pipeline: Pipeline) -> answers.Storage:
    """Return where the history is kept, and how its copies do."""
    condition = pipeline.store.condition()
    found = answers.Storage(
        condition.durability,
        condition.size,
        condition.free,
        backing_up=pipeline.copying.busy,
        fault=pipeline.copying.fault,
    )
    if (copy := condition.copy) is not None:
        found.backup, found.backup_file, found.backup_bytes = copy.at, copy.file, copy.bytes
    return found


def activity(pipeline: Pipeline) -> list[answers.RoomActivity]:
    """Return the rooms, the liveliest first."""
    told = pipeline.statistics.rooms
    found = [
        answers.RoomActivity(
            room.name,
            len(room.members),
            told[room.stream],
            room.head,
            room.private,
            pipeline.state.rights.get(room.name, NOTHING).closed,
        )
        for room in pipeline.state.rooms.values()
    ]
    return sorted(found, key=lambda room: (-room.events, -room.members, room.room))


def session_activity(pipeline: Pipeline, now: float) -> list[answers.SessionActivity]:
    """Return the sessions, those furthest behind first; of more than are shown, only the first.

    All are ranked, for which a few numbers do; the rest is looked up of those that are shown.
    """
    admission, statistics = pipeline.admission, pipeline.statistics
    ranked = [
        (
            admission.route(sid) not in pipeline.congested,
            -((lag := statistics.lag(session)) or 0),
            -statistics.slowed[sid],
            session.nick,
            sid,
            lag,
        )
        for sid, session in pipeline.state.sessions.items()
    ]
    found = []
    for flowing, _, slowed, nick, sid, lag in sorted(ranked)[:MOST_SHOWN]:
        session = pipeline.state.sessions[sid]
        found.append(
            answers.SessionActivity(
                nick,
                sid,
                len(session.user.rooms),
                round(admission.silent(sid, now), 1),
                admission.peers.get(sid, NOBODY).address,
                session.bot,
                lag,
                -slowed,
                not flowing,
                admission.clients.get(sid, ""),
                fingerprint_of(session.owner) if session.owner else "",
                statistics.said[sid],
            )
        )
    return found
