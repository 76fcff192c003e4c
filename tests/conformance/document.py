"""What a test reads out of docs/protocol.md: its fenced blocks and its tables."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any, NamedTuple

from tests.support import ROOT

PATH = ROOT / "docs" / "protocol.md"

_fence = re.compile(r"^```(.*)\n((?:.*\n)*?)^```$", re.MULTILINE)


class Block(NamedTuple):
    """A fenced block: what stands behind its fence, its text, and the line where it begins."""

    info: str
    text: str
    line: int


@cache
def document() -> str:
    return PATH.read_text()


def blocks() -> list[Block]:
    """Return the fenced blocks of the document."""
    text = document()
    return [
        Block(found[1], found[2], text.count("\n", 0, found.start()) + 1)
        for found in _fence.finditer(text)
    ]


def values(text: str) -> list[Any]:
    """Return the JSON values that stand in `text` one after the other, wrapped or not."""
    decoder = json.JSONDecoder()
    found = []
    while text := text.strip():
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:]
    return found


def table(first_column: str) -> list[list[str]]:
    """Return the rows of the one table whose first column has this heading."""
    lines = document().splitlines()
    starts = [
        i
        for i, line in enumerate(lines[:-1])
        if line.startswith(f"| {first_column} |") and lines[i + 1].startswith("| ---")
    ]
    assert len(starts) == 1, f"{len(starts)} tables begin with {first_column!r}"
    rows = []
    for line in lines[starts[0] + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def names(cell: str) -> list[str]:
    """Return what stands in backticks in a cell."""
    return re.findall(r"`([^`]+)`", cell)
