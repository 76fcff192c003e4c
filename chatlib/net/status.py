"""How the broker does, for its operator: what only the loop knows of its rooms and sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatlib.core.commands import NOBODY
from chatlib.protocol import answers

if TYPE_CHECKING:
    from chatlib.net.pipeline import Pipeline

MOST_SHOWN = 500  # rooms or sessions; an answer has to fit into a frame of control


def complete(status: answers.BrokerStatus, pipeline: Pipeline, now: float, since: float) -> None:
    """Fill in an answer to `status`; `since` is when the broker began."""
    status.uptime = round(now - since, 3)
    status.history = pipeline.store.describe()
    status.failing = pipeline.failing
    status.draining = pipeline.draining
    status.counts = pipeline.statistics.counts()
    rooms, sessions = activity(pipeline), session_activity(pipeline, now)
    status.activity, status.sessions = rooms[:MOST_SHOWN], sessions[:MOST_SHOWN]
    status.more = max(len(rooms), len(sessions)) > MOST_SHOWN


def activity(pipeline: Pipeline) -> list[answers.RoomActivity]:
    """Return the rooms, the liveliest first."""
    told = pipeline.statistics.rooms
    found = [
        answers.RoomActivity(room.name, len(room.members), told[room.stream], room.head)
        for room in pipeline.state.rooms.values()
    ]
    return sorted(found, key=lambda room: (-room.events, -room.members, room.room))


def session_activity(pipeline: Pipeline, now: float) -> list[answers.SessionActivity]:
    """Return the sessions, those furthest behind first."""
    found = []
    for session in pipeline.state.sessions.values():
        sid = session.sid
        found.append(
            answers.SessionActivity(
                session.nick,
                sid,
                len(session.user.rooms),
                round(pipeline.admission.silent(sid, now), 1),
                pipeline.admission.peers.get(sid, NOBODY).address,
                session.bot,
                pipeline.statistics.lag(session),
                pipeline.statistics.slowed[sid],
                pipeline.admission.route(sid) in pipeline.congested,
            )
        )
    return sorted(found, key=lambda s: (not s.congested, -(s.lag or 0), -s.slowed, s.nick))
