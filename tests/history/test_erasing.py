"""What was deleted is gone: from pages, from the file, from a backup; in both stores alike."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatlib.core.batch import Entry
from chatlib.core.state import Changes
from chatlib.core.streams import changing
from chatlib.history.care import backup, check, export, load
from chatlib.history.memory import OVERHEAD, MemoryStore
from chatlib.history.retention import Keep, Retention
from chatlib.history.sqlite import FILE, SqliteStore
from chatlib.history.store import Store, StoreFailed
from chatlib.protocol.codec import blank, decode_event, encode
from chatlib.protocol.events import Event

NOTHING = Changes(0, 0, 0, [], [], [], [], [])
LOBBY, OPS, INBOX = "room/lobby/", "room/ops/", "inbox/ann"


class Told:
    """Events that are stored, each chained to the one before it in its stream."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.seq = 0
        self._last: dict[str, int] = {}

    def make(self, kind: str, stream: str = LOBBY, peer: str | None = None, **more: object) -> int:
        self.seq += 1
        room = None if peer else stream.split("/")[1]
        event = Event(
            seq=self.seq, prev=self._last.get(stream, 0), at="2027-01-15T08:00:00.000Z",
            kind=kind, room=room, to=peer, nick="ann", sid="ann", **more,  # type: ignore[arg-type]
        )  # fmt: skip
        self._last[stream] = self.seq
        changes = NOTHING._replace(seq=self.seq)
        entry = changing(Entry(stream, self.seq, encode(event), peer), kind, event.re)
        self.store.commit([entry], changes)
        return self.seq

    def texts(self, stream: str = LOBBY, peer: str | None = None) -> list[str | None]:
        page = self.store.page(stream, after=0, limit=999, size=10**6, peer=peer)
        return [decode_event(line).text for line in page.lines]


@pytest.fixture(params=["memory", "disk"])
def told(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Told]:
    with closing(
        MemoryStore("e") if request.param == "memory" else SqliteStore(tmp_path, "e")
    ) as store:
        yield Told(store)


def test_one_event_is_found_where_it_is(told: Told) -> None:
    seq = told.make("say", text="one")
    line = told.store.event(LOBBY, seq)
    assert line is not None and decode_event(line).text == "one"
    assert told.store.event(LOBBY, seq + 1) is None
    assert told.store.event(OPS, seq) is None


def test_an_event_that_was_dropped_is_not_found() -> None:
    told = Told(MemoryStore("e", 3 * (OVERHEAD + 150)))
    for _ in range(9):
        told.make("say", text="x")
    assert told.store.event(LOBBY, 1) is None
    assert told.store.event(LOBBY, 9) is not None


def test_a_deletion_blanks_the_message_and_its_edits_and_nothing_else(told: Told) -> None:
    first = told.make("say", text="one")
    other = told.make("say", text="two")
    elsewhere = told.make("say", OPS, text="three")
    told.make("edit", re=first, text="uno")
    told.make("edit", re=other, text="due")
    told.make("edit", OPS, re=elsewhere, text="tre")
    told.make("edit", re=first, text="un")
    told.make("say", text="a reply", re=first)
    before = told.store.event(LOBBY, first)
    told.make("delete", re=first)
    assert told.texts() == ["", "two", "", "due", "", "a reply", None]
    assert told.texts(OPS) == ["three", "tre"]
    assert before is not None and told.store.event(LOBBY, first) == blank(before)
    event = decode_event(blank(before))
    assert (event.seq, event.prev, event.nick, event.text, event.deleted) == (1, 0, "ann", "", True)


def test_a_private_message_is_blanked_in_its_conversation_too(told: Told) -> None:
    first = told.make("say", INBOX, "bob", text="psst")
    told.make("say", INBOX, "eve", text="for eve")
    told.make("edit", INBOX, "bob", re=first, text="pst")
    told.make("delete", INBOX, "robert", re=first)  # bob has another name now
    assert told.texts(INBOX) == ["", "for eve", "", None]
    assert told.texts(INBOX, "bob") == ["", ""]
    assert told.texts(INBOX, "eve") == ["for eve"]


def test_what_is_gone_is_no_reason_to_fail() -> None:
    told = Told(MemoryStore("e", 3 * (OVERHEAD + 150)))
    first = told.make("say", text="one")
    for _ in range(9):
        told.make("edit", re=first, text="x")
    told.make("delete", re=first)
    assert told.texts()[-1] is None


def test_nothing_is_kept_of_what_was_dropped() -> None:
    store = MemoryStore("e", 3 * (OVERHEAD + 150))
    told = Told(store)
    first = told.make("say", INBOX, "bob", text="one")
    told.make("edit", INBOX, "bob", re=first, text="uno")
    for _ in range(9):
        told.make("say", text="x")
    assert (store._peers, store._edits) == ({}, {})


def test_a_commit_that_fails_blanks_nothing(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path, "e")) as store:
        told = Told(store)
        told.make("say", text="one")
        again = Entry(LOBBY, 1, b"{}")
        with pytest.raises(StoreFailed):
            store.commit([Entry(LOBBY, 2, b"{}", None, 1, True), again], NOTHING)
        assert told.texts() == ["one"]


def test_edits_are_forgotten_with_their_events(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path, "e", retention=Retention(Keep(events=2)))) as store:
        told = Told(store)
        first = told.make("say", text="one")
        told.make("edit", re=first, text="uno")
        told.make("edit", re=first, text="un")
        told.make("say", text="two")
        assert told.store.trim(0) is False
        assert told.texts() == ["un", "two"]
        assert store._db.execute("SELECT seq FROM edits").fetchall() == [(3,)]


KINDS = st.sampled_from(["say", "edit", "delete"])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(KINDS, st.sampled_from([LOBBY, OPS, INBOX]), st.integers(1, 12))))
def test_both_stores_answer_the_same(acts: list[tuple[str, str, int]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        both = [Told(MemoryStore("e")), Told(SqliteStore(Path(directory), "e"))]
        for told in both:
            for kind, stream, about in acts:
                re = None if kind == "say" else about
                told.make(kind, stream, "bob" if stream == INBOX else None, text="x", re=re)
        memory, disk = both
        for stream in (LOBBY, OPS, INBOX):
            for peer in (None, "bob"):
                asked = {"after": 0, "limit": 99, "size": 10**6, "peer": peer}
                assert memory.store.page(stream, **asked) == disk.store.page(stream, **asked)
            for seq in range(len(acts) + 1):
                assert memory.store.event(stream, seq) == disk.store.event(stream, seq)
        disk.store.close()


@pytest.mark.parametrize("size", [1, 40, 1_500, 8_000])
def test_a_backup_does_not_hold_what_was_deleted(tmp_path: Path, size: int) -> None:
    """Whatever SQLite did to its pages before: it splits and joins them, and texts move."""
    store = SqliteStore(tmp_path / "data", "e")
    told = Told(store)
    secrets = []
    for n in range(400):
        stream = f"room/r{n % 7}/"
        seq = told.make("say", stream, text=f"secret {n}! " + "x" * (size * n % 8_000))
        if n % 5 == 0:
            told.make("edit", stream, re=seq, text=f"secret {n}! again" + "y" * size)
            secrets.append((n, stream, seq))
    for _, stream, seq in secrets:
        told.make("delete", stream, re=seq)
    copy = tmp_path / "copy" / FILE
    copy.parent.mkdir()
    backup(tmp_path / "data", copy)
    held = copy.read_bytes()
    assert [n for n, _, _ in secrets if b"secret %d!" % n in held] == []
    assert b"secret 1!" in held
    assert check(copy.parent) == []
    store.close()


def test_an_export_holds_no_deleted_text_and_comes_back_so(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "a", "e")
    told = Told(store)
    first = told.make("say", text="one")
    told.make("edit", re=first, text="uno")
    other = told.make("say", text="two")
    told.make("edit", re=other, text="due")
    told.make("delete", re=first)
    store.close()
    lines = list(export(tmp_path / "a"))
    assert [decode_event(line).text for line in lines] == ["", "", "two", "due", None]
    load(tmp_path / "b", "f", lines)
    assert list(export(tmp_path / "b")) == lines
    with closing(SqliteStore(tmp_path / "b", "f")) as again:  # it knows what is an edit of what
        again.commit([Entry(LOBBY, 9, b"{}", None, other, True)], NOTHING)
    assert [decode_event(line).text for line in list(export(tmp_path / "b"))[:4]] == [""] * 4
