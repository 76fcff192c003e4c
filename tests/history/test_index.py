"""The index of words: it finds what was said where one may read it, and is built again at need."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chatlib.core.batch import INBOX, Entry
from chatlib.core.commands import Origin
from chatlib.core.questions import Find
from chatlib.core.state import Changes
from chatlib.core.streams import changing, timestamp
from chatlib.history import index
from chatlib.history.index import FILE, WordIndex, expression
from chatlib.history.retention import EVERYTHING, Keep, Retention
from chatlib.history.sqlite import FILE as HISTORY
from chatlib.history.sqlite import MARK, SqliteStore
from chatlib.protocol.codec import decode_event, encode
from chatlib.protocol.events import Event

START = 1_800_000_000_000
ORIGIN = Origin(b"\0abcd", 1)


class History:
    """A history in a directory, and its index."""

    def __init__(self, directory: Path, retention: Retention = EVERYTHING) -> None:
        self.store = SqliteStore(directory, "e1", retention=retention)
        self.path = directory / HISTORY
        self.seq = 0
        self.at = START
        self.index = WordIndex(self.path, "e1")

    def say(self, text: str, nick: str = "ann", stream: str = "room/lobby/", **more: Any) -> None:
        self.seq += 1
        event = Event(
            seq=self.seq, prev=0, at=timestamp(self.at), nick=nick, text=text,
            **{"kind": "say", **more},
        )  # fmt: skip
        changes = Changes(self.seq, self.at, 0, [], [], [], [], [])
        entry = changing(Entry(stream, self.seq, encode(event)), event.kind, event.re)
        self.store.commit([entry], changes)

    def reopen(self, epoch: str = "e1") -> None:
        self.index.close()
        self.index = WordIndex(self.path, epoch)

    def catch_up(self) -> None:
        self.reopen()
        while self.index.step():
            pass

    def find(self, words: str = "", **wanted: Any) -> list[str | None]:
        found = self.index.find(
            Find(ORIGIN, words, **{"streams": (), "public": True, **wanted}), lambda: False
        )
        assert found.fault == ""
        return [decode_event(line).text for line in found.lines]

    def close(self) -> None:
        self.index.close()
        self.store.close()


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with closing(History(tmp_path)) as made:
        yield made


@pytest.mark.parametrize(
    ("words", "texts"),
    [
        ("brown", ["The quick BROWN fox", "brown naïve bear"]),
        ("fox quick", ["The quick BROWN fox"]),
        ('"quick brown"', ["The quick BROWN fox"]),
        ('"brown quick"', []),
        ("naive", ["brown naïve bear"]),
        ("bea*", ["brown naïve bear"]),
        ("bea", []),
        ("bear !!!", ["brown naïve bear"]),
        ("Привет", ["привет, мир"]),
        ("c++", ["I like c and c++"]),
        ('brown OR "', []),
        ("text:brown", []),
        ("brown*)", ["The quick BROWN fox", "brown naïve bear"]),
        ('"un"closed', []),
        ("NEAR(brown fox)", []),
    ],
)
def test_words(history: History, words: str, texts: list[str]) -> None:
    for text in ("The quick BROWN fox", "brown naïve bear", "привет, мир", "I like c and c++"):
        history.say(text)
    history.catch_up()
    assert history.find(words) == texts


def test_only_where_one_may_read(history: History) -> None:
    history.say("word one")
    history.say("word two", stream="room/ops/")
    history.say("word three", stream=INBOX + "s1")
    history.say("word four", stream=INBOX + "s2")
    history.catch_up()
    assert history.find("word") == ["word one", "word two"]
    assert history.find("word", streams=(INBOX + "s1",)) == ["word one", "word two", "word three"]
    assert history.find("word", streams=("room/ops/",), public=False) == ["word two"]
    assert history.find("word", streams=(INBOX + "s9",), public=False) == []
    # Nor can words be made up that name a place.
    for words in ("s4", "public", "place", 'x" OR place : "s4', "n616e6e"):
        assert history.find(words) == []


def test_who_and_when(history: History) -> None:
    for hour, nick in enumerate(["ann", "Bob", "ann", "bob ", "ann"]):
        history.at = START + hour * MARK
        history.say(f"word {hour}", nick.strip())
    history.catch_up()
    assert history.find("word", who="bob") == ["word 1", "word 3"]
    assert history.find(who="bob") == ["word 1", "word 3"]
    assert history.find("word", since=START + MARK) == ["word 1", "word 2", "word 3", "word 4"]
    assert history.find("word", before=START + MARK) == ["word 0"]
    assert history.find("word", since=START + MARK, before=START + 3 * MARK) == ["word 1", "word 2"]
    assert history.find("word", since=START + MARK + 1) == ["word 2", "word 3", "word 4"]
    assert history.find("word", below=3) == ["word 0", "word 1"]
    assert history.find("word", since=START + 9 * MARK) == []


def test_the_newest_come_first_and_then_more(history: History) -> None:
    for n in range(5):
        history.say(f"word {n}")
    history.catch_up()
    found = history.index.find(Find(ORIGIN, "word", (), True, limit=2), lambda: False)
    assert [decode_event(line).seq for line in found.lines] == [4, 5]
    assert found.more and found.complete
    found = history.index.find(Find(ORIGIN, "word", (), True, limit=3, below=4), lambda: False)
    assert [decode_event(line).seq for line in found.lines] == [1, 2, 3] and not found.more


def test_what_is_no_message_is_not_found(history: History) -> None:
    history.say("word", kind="topic")
    history.say("word", kind="act")
    history.catch_up()
    assert history.find("word") == ["word"]


def test_indexing_takes_small_steps(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "STEP", 3)
    for n in range(5):
        history.say(f"word {n}")
        history.say(f"word {n}", stream="room/ops/")
    history.reopen()
    assert history.index.step()
    assert len(history.find("word")) == 3
    found = history.index.find(Find(ORIGIN, "word", (), True), lambda: False)
    assert not found.complete
    while history.index.step():
        pass
    assert len(history.find("word")) == 10
    history.reopen()
    assert not history.index.behind and len(history.find("word")) == 10


def damage(path: Path) -> None:
    path.with_name(FILE).write_bytes(b"no database at all" * 1_000)


def older(path: Path) -> None:
    with closing(sqlite3.connect(path.with_name(FILE))) as db:
        db.execute("PRAGMA user_version = 0")


def ahead(path: Path) -> None:
    """Let the history have lost what the index has: the power failed under `--durability os`."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)")


@pytest.mark.parametrize("harm", [damage, older, ahead])
def test_an_index_that_is_no_good_is_built_again(
    history: History, harm: Callable[[Path], None]
) -> None:
    history.say("word one")
    history.say("word two")
    history.catch_up()
    history.index.close()
    harm(history.path)
    history.index = WordIndex(history.path, "e1")
    assert history.index.behind
    history.catch_up()
    assert history.find("one") == ["word one"]


def test_an_index_of_another_life_is_built_again(history: History) -> None:
    history.say("word")
    history.catch_up()
    history.reopen("e2")
    assert history.index.behind


def test_what_retention_took_is_not_found_and_goes_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "SLACK", 0)
    with closing(History(tmp_path, Retention(Keep(events=2)))) as history:
        for n in range(6):
            history.say(f"word {n}")
        history.catch_up()
        history.store.trim(history.at)
        assert history.find("word") == ["word 4", "word 5"]
        history.reopen()
        assert history.index.behind  # built again, without the four
        history.catch_up()
        assert history.find("word") == ["word 4", "word 5"]


def test_a_search_that_takes_too_long_says_so(history: History) -> None:
    for n in range(1_000):
        history.say(f"word {n}")
    history.catch_up()
    never = Find(ORIGIN, "word", (), True, since=START + 1)  # all are looked at, and too old
    found = history.index.find(never, lambda: True)
    assert "took too long" in found.fault and found.lines == ()
    found = history.index.find(never._replace(since=START, limit=900), lambda: True)
    assert 0 < len(found.lines) < 900 and found.more
    assert history.index.find(never, lambda: False).fault == ""


def test_every_word_is_quoted() -> None:
    wanted = Find(ORIGIN, 'a "b c" d* "" * "x"y', ("room/a/",), True, who="ann")
    assert expression(wanted, [7]) == (
        'text : ("a" AND "b c" AND "d*" * AND "x" AND "y")'
        ' AND who : "n616e6e" AND place : ("s7" OR "public")'
    )


def test_an_edited_message_is_found_by_what_it_says_now(history: History) -> None:
    history.say("word brown")
    history.say("word green", kind="edit", re=1)
    history.catch_up()
    assert history.find("brown") == []
    assert history.find("word") == history.find(who="ann") == ["word green"]
    history.say("word blue", kind="edit", re=1)  # not indexed yet, and the others are old already
    assert history.find("word") == []
    history.catch_up()
    assert history.find("green") == []
    assert history.find("word") == ["word blue"]


def test_an_edit_elsewhere_changes_nothing(history: History) -> None:
    history.say("word one")
    history.say("word two", stream="room/ops/")
    history.say("word three", stream="room/ops/", kind="edit", re=2)
    history.say("word four", stream=INBOX + "s1", kind="edit", re=1)  # of an event that is gone
    history.catch_up()
    assert history.find("word") == ["word one", "word three"]


def test_a_deleted_message_is_not_found(history: History) -> None:
    history.say("word one")
    history.say("word two", kind="edit", re=1)
    history.catch_up()
    history.say("", kind="delete", re=1)
    assert history.find("word") == history.find(who="ann") == []
    history.catch_up()
    assert history.find("word") == history.find(who="ann") == []
    history.say("word three")
    history.say("", kind="delete", re=4)
    history.catch_up()  # it was never indexed with its text
    assert history.find("word") == history.find(who="ann") == []
    (rows,) = history.index._db.execute("SELECT sum(words) FROM progress").fetchone()
    assert rows == 2
