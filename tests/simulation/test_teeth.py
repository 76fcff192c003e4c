"""The simulation finds what it is there to find: each promise broken on purpose is seen."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from chatlib.core import commands, speech
from chatlib.core.apply import _HANDLERS
from chatlib.core.batch import INBOX, Batch, Entry
from chatlib.core.outbox import Outbox
from chatlib.core.reader import Reader
from chatlib.core.state import Session, State
from chatlib.core.stream import Stream
from chatlib.history import erasing
from chatlib.history.memory import MemoryStore
from chatlib.history.sqlite import SqliteStore
from chatlib.net.pipeline import Pipeline
from chatlib.protocol.events import Event
from tests.simulation.disk import MemoryDisk, _File
from tests.simulation.test_crashes import FRAIL
from tests.simulation.world import CRASHING, STORM, Plan, World

PLAN = Plan(members=12, thinks=1.0, suffers=5.0)
# Clients end and come back while what they said last is still on its way.
HASTY = Plan(members=12, thinks=0.1, suffers=1.0, frail=1.0, storm=STORM._replace(overtaken=0.3))
COMMIT = "    batch = self._commit(commands, batch)\n"
EMIT = "    self._emit(batch, now)\n"

CHATTY = Plan(members=5, seconds=60, thinks=0.1, suffers=20.0)  # much is edited and deleted


def caught(verdict: str, plan: Plan = PLAN, directory: Path | None = None) -> None:
    """Expect that the judge sees in one of a few seeds what is wrong, and says so."""
    with pytest.raises(AssertionError, match=verdict):
        for seed in range(10):
            World(seed, plan, directory and directory / str(seed)).run()


def changed(function: Callable[..., Any], *changes: tuple[str, str]) -> Callable[..., Any]:
    """Return a function with its source changed; what is changed must be there, once."""
    source = textwrap.dedent(inspect.getsource(function))
    for old, new in changes:
        assert source.count(old) == 1, f"not once in {function.__qualname__}: {old}"
        source = source.replace(old, new)
    made: dict[str, Any] = {}
    exec(compile(source, __file__, "exec"), function.__globals__, made)
    return made[function.__name__]


@pytest.mark.parametrize("point", ["before the commit", "in the commit"])
def test_emit_before_commit_and_a_crash_between(
    monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    swapped = changed(Pipeline.run, (COMMIT, ""), (EMIT, EMIT + COMMIT))
    monkeypatch.setattr(Pipeline, "run", swapped)
    for seed in range(10):
        World(seed, CRASHING._replace(crashes=0)).run()  # it takes the crash to tell
    caught("never stored", CRASHING._replace(points=(point,)))


def test_a_store_that_commits_later(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    late = changed(
        SqliteStore.commit,
        ('db.execute("BEGIN IMMEDIATE")', 'db.in_transaction or db.execute("BEGIN IMMEDIATE")'),
        ('db.execute("COMMIT")', 'changes.seq % 2 and db.execute("COMMIT")'),
    )
    monkeypatch.setattr(SqliteStore, "commit", late)
    World(0, CRASHING._replace(crashes=0), tmp_path / "calm").run()
    caught("who is|the head of", CRASHING, tmp_path)


def test_repeats_that_are_not_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    say = changed(
        speech.say,
        ("if line.n <= accepted:", "if False:"),
        ("if line.n != accepted + 1:", "if line.n > accepted + 1:"),
        ("accepted = line.n\n", "accepted = max(accepted, line.n)\n"),
    )
    monkeypatch.setitem(_HANDLERS, commands.Say, say)
    caught("twice, or out of the sender's order")
    caught("twice, or out of the sender's order", CRASHING)


def test_holes_that_are_not_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    say = changed(speech.say, ("if line.n != accepted + 1:", "if False:"))
    monkeypatch.setitem(_HANDLERS, commands.Say, say)
    caught("acknowledged and not in the history")


def test_gaps_that_are_not_repaired(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stream, "missing", False)
    caught("misses the end of")


def test_gaps_that_are_not_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def receive(self: Stream, event: Event) -> Sequence[Event]:
        if self.cursor is None or event.seq <= self.cursor:
            return ()
        self.cursor = event.seq
        return (event,)

    monkeypatch.setattr(Stream, "receive", receive)
    caught("instead of")


def test_heads_that_are_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stream, "learn", lambda self, head: None)
    caught("misses the end of")


def test_events_that_are_told_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Stream.receive

    def receive(self: Stream, event: Event) -> Sequence[Event]:
        return whole(self, event) or [event]

    monkeypatch.setattr(Stream, "receive", receive)
    caught("again")


def test_an_outbox_that_trusts_the_wire(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Outbox, "rewind", lambda self, first, now: None)
    monkeypatch.setattr(Outbox, "resume", lambda self, accepted, now: None)
    caught("waits for .* acknowledgements")


def test_a_session_taken_up_whose_numbers_are_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = ("self._foreign = accepted != self._expected", "self._foreign = False")
    monkeypatch.setattr(Outbox, "resume", changed(Outbox.resume, foreign))
    caught("acknowledged and not in the history|not stored|refused, though it is there", HASTY)


def test_a_session_taken_up_whose_numbers_are_not_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Outbox, "take_over", lambda self, said: None)
    caught("acknowledged and not in the history|not stored", FRAIL)


def test_a_session_taken_up_whose_inbox_is_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reader, "take_over", lambda self, epoch, inbox: None)
    caught("again", FRAIL)


def test_acknowledging_what_was_not_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = MemoryDisk.commit

    def commit(self: MemoryDisk, entries: Sequence[Entry], changes: Any) -> None:
        if not self.watch.network.happens(0.05):
            whole(self, entries, changes)

    monkeypatch.setattr(MemoryDisk, "commit", commit)
    caught("never stored|acknowledged and not in the history|a gap where nothing is")


def test_a_failed_commit_that_is_half_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(State, "take_back", State.keep)
    caught(
        "acknowledged and not in the history|broken chain|a gap where nothing is",
        PLAN._replace(storm=STORM._replace(commit_loss=0.1)),
    )


def test_a_letter_to_somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    whole: Any = speech.tell_inbox

    def tell_inbox(state: State, owner: Session, peer: Session, event: Event, batch: Batch) -> None:
        whole(state, owner, peer, event, batch)
        other = next(s for s in state.sessions.values() if s not in (owner, peer))
        batch.entries[-1] = batch.entries[-1]._replace(stream=INBOX + other.sid)

    monkeypatch.setattr(speech, "tell_inbox", tell_inbox)
    caught("in the inbox of")


def test_a_wall_clock_that_is_followed_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(State, "tick", lambda self, at: setattr(self, "at", at))
    caught("time went back")


def test_deleted_texts_that_stay(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(MemoryDisk, "_erase", lambda self, stream, seq: None)
        caught("deleted, or not")
    monkeypatch.setattr(erasing, "erase", lambda db, events, kept: iter(()))
    caught("deleted, or not", CRASHING, tmp_path)


def test_edits_of_deleted_texts_that_stay(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with monkeypatch.context() as patch:
        only = changed(MemoryStore._erase, ("*self._edits.pop((stream, erased), ())", ""))
        patch.setattr(MemoryDisk, "_erase", only)
        caught("deleted, or not", CHATTY)
    monkeypatch.setattr(erasing, "_LINES", erasing._LINES.replace("first = :seq", "0"))
    caught("deleted, or not", CHATTY, tmp_path)


def test_a_deletion_that_a_crash_undoes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The text goes behind the commit, and a broker that ends between the two keeps it."""

    def commit(self: Any, entries: Sequence[Entry], changes: Any) -> None:
        SqliteStore.commit(self, [e._replace(changes=None) for e in entries], changes)
        self.watch.judge.committed(entries)
        if not (changes.users or changes.gone):  # or the judge would not know who is here
            self.watch.fate.reach("between the two", [e for e in entries if e.erases])
        self._change([e for e in entries if e.changes])

    monkeypatch.setattr(_File, "commit", commit)
    plan = CRASHING._replace(points=("between the two",), crashes=1.0, thinks=0.1)
    caught("deleted, or not", plan, tmp_path)


def test_changing_what_others_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatlib.core.words.is_author", lambda session, original: True)
    caught("somebody else's")


def test_refusing_what_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatlib.core.words.is_author", lambda session, original: False)
    caught("refused, though it is there")


def test_two_of_one_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatlib.core.users.nick_fault", lambda state, nick, sid: None)
    caught("two are called")
