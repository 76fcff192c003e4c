"""The audit log: who used which right, a stream of its own that is stored and never emitted."""

from __future__ import annotations

from typing import Any

from chatlib.core.batch import Batch, Entry
from chatlib.core.commands import ByOperator, Drain
from chatlib.core.grants import Head
from chatlib.core.state import Session, State
from chatlib.core.streams import timestamp
from chatlib.core.whom import shown
from chatlib.protocol.codec import encode
from chatlib.protocol.events import Event

STREAM = "audit"
OPERATOR = "operator"  # who asks over ipc, without a session: the user who runs the broker


def head(state: State) -> int:
    """Return the seq of the newest entry, 0 for none."""
    known = state.audits.get(STREAM)
    return known.seq if known is not None else 0


def note(state: State, session: Session, what: str, batch: Batch, **more: Any) -> None:
    """Write down what somebody did from his session."""
    write(state, session.nick, session.owner, what, batch, **more)


def note_operator(state: State, command: ByOperator, what: str, batch: Batch, **more: Any) -> None:
    """Write down what an operator did without one."""
    write(state, operator_nick(state, command), command.by, what, batch, **more)


def operator_nick(state: State, command: ByOperator) -> str:
    """Return how an operator is called who does something without a session."""
    known = (s.nick for s in state.sessions.values() if command.by and s.owner == command.by)
    return min(known, default=OPERATOR)


def drain(state: State, command: Drain, batch: Batch) -> None:
    """Write down that an operator let the broker be drained."""
    note_operator(state, command, "drain", batch)


def write(state: State, nick: str, key: str, what: str, batch: Batch, **more: Any) -> None:
    """Add an entry: `to` is whom it was done to, `room` where, `text` how or why."""
    prev = head(state)
    seq = state.next_seq()
    state.put(state.audits, STREAM, Head(seq))
    kind = STREAM
    event = Event(
        seq=seq,
        prev=prev,
        at=timestamp(state.at),
        kind=kind,
        nick=nick,
        key=shown(key) if key else None,
        what=what,
        **more,
    )
    batch.entries.append(Entry(STREAM, seq, encode(event)))
