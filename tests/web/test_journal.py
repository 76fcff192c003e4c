"""What is written at once comes to the same as what is written one by one."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from chatlib.web.journal import ACCEPTED, INSERT, MOST_ROWS, OUTCOME, Journal, Statement, merged
from tests.support import PATIENCE

PERSON = "INSERT INTO persons (id, cookie, nick, seen) VALUES (?, ?, ?, 0)"
NUMBER = "UPDATE said SET n = ? WHERE person = ? AND key = ?"


def talk(people: int, each: int) -> list[Statement]:
    """Return what many people who say much have written, mixed as it comes."""
    found: list[Statement] = [(PERSON, (p, f"c{p}", f"p{p}")) for p in range(people)]
    for n in range(1, each + 1):
        for p in range(people):
            found.append((INSERT, (p, f"k{n}", n, b"{}", float(n))))
            if n > 1:
                found.append((OUTCOME, ("ok" if n % 5 else "muted", "", n * 7, p, f"k{n - 1}")))
                found.append((ACCEPTED, (n - 1, p)))
        if n == each // 2:
            found.append((NUMBER, (1_000, 3, "k1")))
    found.append((OUTCOME, ("gone", "said again", 1, 0, "k1")))
    found.append((INSERT, (0, "k1", 9, b"[]", 0.5)))
    found.append((OUTCOME, ("gone", "", 1, 1, "k1")))
    found.append((INSERT, (1, "k1", 9, b"[]", 0.5)))  # and nothing became of it yet
    found.append((OUTCOME, ("ok", "and again", 2, 0, "k1")))
    return found


def tables(directory: Path, writes: list[list[Statement]]) -> Any:
    """Return what stands in the file after these writes."""
    done = threading.Event()
    journal = Journal(directory / "web.db", lambda call: call())
    for write in writes[:-1]:
        journal.write(*write)
    journal.write(*writes[-1], then=done.set)
    assert done.wait(PATIENCE)
    journal.close()
    with sqlite3.connect(directory / "web.db") as base:
        return [
            base.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
            for table in ("persons", "said")
        ]


@pytest.mark.parametrize(("people", "each"), [(4, 6), (3, MOST_ROWS)])
def test_all_at_once_and_one_by_one(tmp_path: Path, people: int, each: int) -> None:
    whole = talk(people, each)
    (tmp_path / "one").mkdir()
    with sqlite3.connect(tmp_path / "plain.db", isolation_level=None) as base:
        journal = Journal(tmp_path / "one" / "web.db", lambda call: call())
        journal.close()
        base.executescript(
            "\n".join(
                row[0] + ";"
                for row in sqlite3.connect(tmp_path / "one" / "web.db").execute(
                    "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL"
                )
            )
        )
        base.execute("BEGIN")
        for statement, values in whole:
            base.execute(statement, values)
        base.execute("COMMIT")
        expected = [
            base.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
            for table in ("persons", "said")
        ]
    (tmp_path / "two").mkdir()
    assert tables(tmp_path / "two", [whole]) == expected


def test_a_crowd_takes_few_statements() -> None:
    crowd = talk(100, 5)[100:]
    assert len(crowd) > 1_000
    assert len(list(merged(crowd))) < 12


def test_what_comes_alone_stays_as_it_is() -> None:
    alone: list[Statement] = [(INSERT, (1, "k", 1, b"{}", 0.0)), (NUMBER, (2, 1, "k"))]
    assert list(merged(alone)) == alone
