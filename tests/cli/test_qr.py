"""A link drawn: read back from the characters, it is the code that was meant."""

from __future__ import annotations

import io
from typing import Any

import pytest
import segno

from chatlib.cli import qr
from chatlib.protocol.links import parse_link

LINK = (
    "hubbub://192.168.1.20:5555/lobby?k=fNIDI56w-6a5tYimwe05CbrMbx9H7fWVwkOnrLmgqVA"
    "&t=aFStz3dBmXiBt-mED1LaTA"
)
LONG = LINK.replace("192.168.1.20", "[2001:db8:1234:5678:9abc:def0:1234:5678]").replace(
    "lobby", "r" * 50
)
DARK = {" ": (1, 1), "▄": (1, 0), "▀": (0, 1), "█": (0, 0)}


def modules(rows: list[str]) -> list[list[int]]:
    """Return the modules, dark as 1, that half blocks draw in light."""
    found = []
    for row in rows:
        for half in (0, 1):
            found.append([DARK[character][half] for character in row])
    return found


def matrix(link: str) -> list[list[int]]:
    code = segno.make(link, micro=False, error="L")
    return [list(row) for row in code.matrix_iter(border=4)]


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("link", [LINK, LONG])
def test_it_is_the_code_of_the_link_with_its_border(link: str) -> None:
    parse_link(link)
    rows = qr.draw(link)
    expected = matrix(link)
    drawn = modules(rows)
    assert drawn[: len(expected)] == expected
    assert all(map(all, drawn[len(expected) :])) and len(drawn) - len(expected) < 2
    assert {len(row) for row in rows} == {len(expected)}
    assert len(rows[0]) < 80


def test_without_half_blocks_it_is_twice_as_wide() -> None:
    rows = qr.draw(LINK, "ascii")
    assert all(row.isascii() for row in rows)
    drawn = [[int(row[at : at + 2] == "  ") for at in range(0, len(row), 2)] for row in rows]
    assert drawn == matrix(LINK)


def test_a_terminal_is_told_the_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    out = Terminal()
    qr.show(LINK, out)
    rows = out.getvalue().splitlines()
    assert all(row.startswith(qr.COLOURS) and row.endswith(qr.PLAIN) for row in rows)
    bare = [row.removeprefix(qr.COLOURS).removesuffix(qr.PLAIN) for row in rows]
    assert bare == qr.draw(LINK)
    monkeypatch.setenv("NO_COLOR", "1")
    plain = Terminal()
    qr.show(LINK, plain)
    assert plain.getvalue().splitlines() == qr.draw(LINK)


def test_a_file_gets_plain_characters() -> None:
    out: Any = io.TextIOWrapper(io.BytesIO(), "utf-8")
    qr.show(LINK, out)
    assert out.buffer.getvalue().decode().splitlines() == qr.draw(LINK)


def test_a_terminal_that_is_too_narrow(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    out = Terminal()
    qr.show(LINK, out)
    assert not out.getvalue()
    wide = len(qr.draw(LINK)[0])
    assert f"{wide} columns wide, this terminal has 40" in capsys.readouterr().err
