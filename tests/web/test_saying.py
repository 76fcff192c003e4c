"""What a person says is said once, whenever the page server ends."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from chatlib.core.outbox import Outbox
from chatlib.core.signals import Refusal
from chatlib.protocol.events import Line
from chatlib.web.journal import Journal
from chatlib.web.saying import Outcome, Saying
from tests.support import PATIENCE

pytestmark = pytest.mark.usefixtures("own_loop")


class Book:
    """A journal whose file is real and whose loop is this test."""

    def __init__(self, path: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self.journal = Journal(path, self.loop)
        self.told: list[tuple[str, str]] = []

    def begin(self) -> tuple[Saying, Outbox]:
        saying, outbox = Saying(1, self.journal, self._tell), Outbox()
        persons = self.journal.persons(0.0, 10)
        saying.begin(outbox, persons[0].accepted if persons else 0)
        return saying, outbox

    def _tell(self, outcome: Outcome) -> None:
        self.told.append((outcome.key, outcome.code))

    def written(self) -> None:
        """Run the loop until all is on disk, and everybody was called back."""
        on_disk = self.loop.create_future()
        self.journal.write(then=lambda: on_disk.set_result(None))
        self.loop.run_until_complete(asyncio.wait_for(on_disk, PATIENCE))

    def close(self) -> None:
        self.journal.close()
        self.loop.close()


def open_book(path: Path) -> Book:
    book = Book(path)
    book.journal.write((
        "INSERT OR IGNORE INTO persons (id, cookie, nick, seen) VALUES (1, 'c', 'ann', 1)", ()
    ))  # fmt: skip
    book.written()
    return book


def say(saying: Saying, outbox: Outbox, *keys: str) -> None:
    for key in keys:
        line = Line(n=1, room="lobby", text=key)
        saying.add(key, line, outbox.add(line), lambda: None)


def on_the_wire(outbox: Outbox) -> list[tuple[int, str]]:
    bodies = b"\n".join(outbox.frames(0.0))
    lines = [msgspec.json.decode(line, type=Line) for line in bodies.split(b"\n") if line]
    return [(line.n, line.text) for line in lines]


def test_nothing_goes_out_before_it_is_written(tmp_path: Path) -> None:
    book = open_book(tmp_path / "web.db")
    saying, outbox = book.begin()
    say(saying, outbox, "a", "b")
    assert on_the_wire(outbox) == []
    book.written()
    assert on_the_wire(outbox) == [(1, "a"), (2, "b")]
    assert saying.known("a") and not saying.known("c") and book.told == []
    outbox.acknowledge(1, 0.0)
    saying.settle(lambda: None)
    assert book.told == [("a", "ok")]
    assert saying.known("a") and book.told == [("a", "ok")] * 2
    book.close()


def test_a_process_after_us_says_the_same_under_the_same_numbers(tmp_path: Path) -> None:
    book = open_book(tmp_path / "web.db")
    saying, outbox = book.begin()
    say(saying, outbox, "a", "b", "c")
    book.written()
    on_the_wire(outbox)
    outbox.acknowledge(1, 0.0)
    saying.settle(lambda: None)
    book.close()

    book = open_book(tmp_path / "web.db")
    saying, outbox = book.begin()
    outbox.resume(2, 0.0)
    saying.settle(lambda: None)
    book.written()
    assert on_the_wire(outbox) == [(3, "c")]
    assert [saying.known(key) for key in "abc"] == [True] * 3
    assert book.told == [("b", "ok"), ("a", "ok"), ("b", "ok")]
    book.close()


def test_what_was_refused_out_of_turn_leaves_the_others_their_numbers(tmp_path: Path) -> None:
    book = open_book(tmp_path / "web.db")
    saying, outbox = book.begin()
    say(saying, outbox, "a", "b", "c")
    book.written()
    on_the_wire(outbox)
    # By control, while the event of what came before is still on its way by the feed.
    saying.refused(Refusal(2, "muted", "you may not", "b", room="lobby"))
    outbox.mark(2, 0.0)
    saying.settle(lambda: None)
    book.close()

    book = open_book(tmp_path / "web.db")
    saying, outbox = book.begin()
    outbox.resume(2, 0.0)  # the third did not get through
    saying.settle(lambda: None)
    book.written()
    assert on_the_wire(outbox) == [(3, "c")]
    assert book.told == [("a", "ok")]
    book.close()


def test_what_is_said_before_the_session_is_there_is_written_with_its_number(
    tmp_path: Path,
) -> None:
    book = open_book(tmp_path / "web.db")
    saying, outbox = book.begin()
    outbox.take_over(7)
    say(saying, outbox, "a")
    book.written()
    outbox.resume(7, 0.0)
    saying.settle(lambda: None)
    assert on_the_wire(outbox) == []
    book.written()
    assert on_the_wire(outbox) == [(8, "a")]
    assert [row.n for row in book.journal.lines(1, 0.0)] == [8]
    book.close()


def test_a_new_session_takes_new_numbers_with_its_token(tmp_path: Path) -> None:
    book = open_book(tmp_path / "web.db")
    saying, outbox = book.begin()
    say(saying, outbox, "a", "b", "c")
    book.written()
    on_the_wire(outbox)
    outbox.renew(1, 0.0)  # of the old session the first had got through
    token = ("UPDATE persons SET token = 'new' WHERE id = 1", ())
    saying.settle(lambda: None, token)
    assert on_the_wire(outbox) == []
    book.written()
    assert on_the_wire(outbox) == [(1, "b"), (2, "c")]
    kept = book.journal.persons(0.0, 10)[0]
    assert (kept.token, kept.accepted) == ("new", 0)
    rows = [row for row in book.journal.lines(1, 0.0) if not row.outcome]
    assert [(row.key, row.n) for row in rows] == [("b", 1), ("c", 2)]
    book.close()


def test_what_was_refused_is_told_again(tmp_path: Path) -> None:
    book = open_book(tmp_path / "web.db")
    saying, outbox = book.begin()
    say(saying, outbox, "a")
    book.written()
    saying.refused(Refusal(outbox.last_ticket, "muted", "you may not", "a", room="lobby"))
    outbox.acknowledge(1, 0.0)
    saying.settle(lambda: None)
    book.close()
    book = open_book(tmp_path / "web.db")
    saying, outbox = book.begin()
    assert saying.known("a") and book.told == [("a", "muted")]
    assert len(saying) == 0
    book.close()


def test_a_key_from_long_ago_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatlib.web.saying.MOST_KNOWN", 2)
    book = open_book(tmp_path / "web.db")
    saying, outbox = book.begin()
    for n, key in enumerate(("a", "b", "c", "a"), 1):
        assert not saying.known(key)
        say(saying, outbox, key)
        book.written()
        assert on_the_wire(outbox) == [(n, key)]
        outbox.acknowledge(n, 0.0)
        saying.settle(lambda: None)
    book.written()
    assert sorted(row.key for row in book.journal.lines(1, 0.0)) == ["a", "c"]
    book.close()


def test_who_sleeps_is_not_remembered_and_known_again(tmp_path: Path) -> None:
    book = open_book(tmp_path / "web.db")
    saying, outbox = book.begin()
    say(saying, outbox, "a")
    book.written()
    outbox.acknowledge(1, 0.0)
    saying.settle(lambda: None)
    saying.rest()
    assert saying.known("a")  # it is not on disk yet
    book.written()
    assert not saying.known("a")
    saying.begin(Outbox(), 1)
    saying.rest()
    saying.begin(Outbox(), 1)  # and is back before that is written
    book.written()
    assert saying.known("a")
    book.close()


def test_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("chatlib.web.journal.AGAIN_S", 0.01)
    book = open_book(tmp_path / "web.db")
    saying, outbox = book.begin()
    book.written()
    (pages,) = book.journal._base.execute("PRAGMA page_count").fetchone()
    book.journal._base.execute(f"PRAGMA max_page_count = {pages}")
    for key in ("a", "b"):
        line = Line(n=1, room="lobby", text=key * 8_000)
        saying.add(key, line, outbox.add(line), lambda: None)

    async def told() -> None:
        while "full" not in caplog.text:
            await asyncio.sleep(0.01)

    book.loop.run_until_complete(asyncio.wait_for(told(), PATIENCE))
    assert on_the_wire(outbox) == []
    book.journal._base.execute("PRAGMA max_page_count = 100000")
    book.written()
    assert [n for n, _ in on_the_wire(outbox)] == [1, 2]
    book.close()
