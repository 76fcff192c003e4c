"""The thread that searches: beside the loop, and ended with it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatlib.core.batch import Entry
from chatlib.core.commands import Origin
from chatlib.core.questions import Find
from chatlib.core.state import Changes
from chatlib.history import index, search
from chatlib.history.sqlite import SqliteStore
from chatlib.history.store import Found
from chatlib.protocol.codec import decode_event, encode
from chatlib.protocol.events import Event
from tests.support import PATIENCE, eventually


class Searching:
    """A store whose searcher is at work."""

    def __init__(self, directory: Path) -> None:
        self.store = SqliteStore(directory, "e1")
        self.woken: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.seq = 0

    def start(self) -> None:
        self.store.search.start(lambda: self.woken.put(None))

    def say(self, text: str | None, nick: str = "ann") -> None:
        self.seq += 1
        line = encode(Event(seq=self.seq, prev=0, kind="say", nick=nick)).replace(
            b'"say"', b'"say","text":' + encode(text)
        )
        changes = Changes(self.seq, 0, 0, [], [], [], [], [])
        self.store.commit([Entry("room/lobby/", self.seq, line)], changes)

    def find(self, words: str) -> Found:
        assert self.store.search.ask(Find(Origin(b"", words), words, (), True))
        self.woken.get(timeout=PATIENCE)
        (found,) = self.store.search.found()
        assert found.origin.id == words
        return found

    def finds(self, words: str) -> bool:
        return eventually(f"{words} is found", lambda: self.find(words).lines) is not None


@pytest.fixture
def searching(tmp_path: Path) -> Iterator[Searching]:
    made = Searching(tmp_path)
    yield made
    made.store.close()


@pytest.mark.parametrize(
    ("seq", "nick", "text"), [(0, "", "x"), (0, "ann", None), (2**50, "a", "x")]
)
def test_what_only_an_import_brings_stops_nobody(
    searching: Searching, seq: int, nick: str, text: str | None
) -> None:
    searching.say("before")
    searching.seq = max(searching.seq, seq)
    searching.say(text, nick)
    searching.seq = 10
    searching.say("after")
    searching.start()
    assert searching.finds("before")
    assert seq or searching.finds("after")


def test_what_is_stored_is_found_soon(searching: Searching) -> None:
    searching.say("before")
    searching.start()
    assert searching.finds("before")
    for n in range(50):
        searching.say(f"word{n}")
    assert searching.finds("word49")
    assert searching.find("nothing").lines == []


def test_what_was_not_indexed_at_the_end_is_so_later(tmp_path: Path) -> None:
    first = Searching(tmp_path)
    first.start()
    for n in range(1_500):
        first.say(f"word{n}")
    first.store.close()
    second = Searching(tmp_path)
    second.start()
    try:
        assert second.finds("word0") and second.finds("word1499")
    finally:
        second.store.close()


def test_no_thread_before_the_start_and_none_behind_the_end(tmp_path: Path) -> None:
    threads = threading.active_count()
    made = Searching(tmp_path)
    assert threading.active_count() == threads
    assert not made.store.search.ask(Find(Origin(b"", 1), "x", (), True))
    made.start()
    assert threading.active_count() == threads + 1
    made.store.close()
    assert threading.active_count() == threads


def test_too_many_searches(searching: Searching, monkeypatch: pytest.MonkeyPatch) -> None:
    searching.start()
    monkeypatch.setattr(search, "MAX_WAITING", 0)
    assert not searching.store.search.ask(Find(Origin(b"", 1), "x", (), True))


def test_a_disk_that_fails_is_told_and_tried_again(
    searching: Searching, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(search, "RETRY_S", 0.3)
    (tmp_path / index.FILE).mkdir()  # nothing can be opened there, nor taken away
    searching.say("word")
    searching.start()
    assert searching.find("word").fault
    (tmp_path / index.FILE).rmdir()
    eventually("it is found after all", lambda: searching.find("word").lines)


def test_what_is_deleted_while_it_is_searched_for_is_not_told(searching: Searching) -> None:
    searching.start()
    searching.say("word one")
    searching.say("word two")
    assert searching.finds("two")  # so both are in the index
    assert searching.store.search.ask(Find(Origin(b"", 1), "word", (), True))
    searching.woken.get(timeout=PATIENCE)  # it was found, and nobody has taken it yet
    delete = encode(Event(seq=3, prev=2, kind="delete", re=1))
    changes = Changes(3, 0, 0, [], [], [], [], [])
    searching.store.commit([Entry("room/lobby/", 3, delete, None, 1, True)], changes)
    (found,) = searching.store.search.found()
    assert [decode_event(line).text for line in found.lines] == ["word two"]
    assert not searching.store.search._forgotten
    searching.store.commit([Entry("room/lobby/", 4, delete, None, 2, True)], changes)
    assert not searching.store.search._forgotten, "nobody searches"
