"""docs/web.md against the code: what the page sends, what it is told, what is told apart."""

from __future__ import annotations

import re
from typing import Any, get_args

from chatlib.web import app, messages
from tests.support import ROOT

DOC = (ROOT / "docs" / "web.md").read_text()
PACKAGE = ROOT / "chatlib" / "web"


def table(heading: str) -> list[list[str]]:
    """Return the cells of the table behind a heading."""
    section = DOC.split(f"### {heading}\n", 1)[1].split("\n### ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows[2:]]


def words(cell: str) -> set[str]:
    return set(re.findall(r"`([a-z_]+)`", cell))


def test_the_table_has_every_op() -> None:
    tags: set[Any] = {kind.__struct_config__.tag for kind in messages.PASSED_ON}
    ours = (messages.Say, messages.Open, messages.Typing, messages.Bye)
    tags |= {kind.__struct_config__.tag for kind in ours}
    assert {op for row in table("What the page sends") for op in words(row[0])} == tags


def test_the_table_has_every_field() -> None:
    rows = {row[0]: row[1] for row in table("What the page sends")}
    for kind in (messages.Say, messages.Open, messages.Typing, messages.Bye):
        tag = kind.__struct_config__.tag
        assert words(rows[f"`{tag}`"]) - {"say", "act", "edit", "delete", "react"} == set(
            kind.__struct_fields__
        ), tag
    kinds = next(f for f in messages.Say.__annotations__.items() if f[0] == "kind")[1]
    assert set(get_args(eval(kinds, vars(messages)))) <= words(rows["`say`"])


def test_the_table_has_every_kind_that_is_told() -> None:
    source = "".join(path.read_text() for path in PACKAGE.glob("*.py"))
    told = set(re.findall(r'told\(\s*"([a-z]+)"', source)) | {"events", "inbox"}
    assert {kind for row in table("What the page is told") for kind in words(row[0])} == told


def test_the_close_codes() -> None:
    assert str(app.NOBODY) in DOC and str(app.TOO_MANY) in DOC


def test_nothing_is_loaded_from_elsewhere_nor_set_as_markup() -> None:
    for file in (PACKAGE / "static").rglob("*.*"):
        if file.suffix not in (".js", ".html", ".css"):
            continue
        text = file.read_text()
        assert "://" not in text.replace("http://www.w3.org/2000/svg", ""), file  # a name only
        for markup in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert markup not in text, file
        assert not re.search(r"<script(?![^>]*src=)|\son\w+=|style=", text), file


def test_the_operators_page_has_words_for_all_that_the_audit_log_tells() -> None:
    protocol = (ROOT / "docs" / "protocol.md").read_text()
    row = next(line for line in protocol.splitlines() if line.startswith("| `what` |"))
    told = words(row.partition("what was done:")[2])
    assert len(told) > 10
    page = (PACKAGE / "static" / "operator" / "words.js").read_text()
    tongues = re.findall(r"audits: \{(.*?)\},?\n", page)
    assert len(tongues) == 2
    for tongue in tongues:
        assert told <= set(re.findall(r"(\w+): \"", tongue))
