"""What was measured, as rows: to a table for people, to JSON, and to docs/performance.md."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

MARKER = "<!-- All below this line is written by `make bench ARGS=--write-docs`. -->"
NOTE = 80  # characters of why a row was skipped, or failed; JSON has all

Turn = dict[str, float]


class Column(NamedTuple):
    """A figure that is taken of each turn; a table shows the median of them, or `show` of them."""

    title: str
    value: Callable[[Turn], float]
    form: str = ",.0f"
    show: Callable[[Sequence[float]], float] = statistics.median


LOAD = Column("load CPU %", lambda t: 100 * t["load_cpu_s"] / t["seconds"])
OTHERS = Column("others' CPU %", lambda t: max(others(t, "server"), others(t, "load")))


def others(turn: Turn, core: str) -> float:
    """Return what programs that are no part of this took of a core, in %."""
    mine = 100 * turn[f"{core}_cpu_s"] / turn["seconds"]
    return max(0.0, turn[f"{core}_core_percent"] - mine)


class Row(NamedTuple):
    """One server in one case.

    `ratios` are, turn by turn, what Hubbub reached divided by what this server did; `goal` and
    `met` judge them (or, on a row of Hubbub's own, the figures themselves).
    """

    case: str
    server: str
    turns: list[Turn]
    ratios: Sequence[float] = ()
    goal: str = ""
    met: bool | None = None
    note: str = ""


class Table(NamedTuple):
    """One measure: what it is, its columns (the first is the one compared), its rows."""

    name: str
    title: str
    columns: list[Column]
    rows: list[Row]
    note: str = ""


def spread(values: Sequence[float], form: str = ",.0f") -> str:
    """Return the median, and the least and the most where there are several."""
    if not values:
        return ""
    middle = format(statistics.median(values), form)
    if len(values) == 1:
        return middle
    return f"{middle} ({min(values):{form}}–{max(values):{form}})"


def cells(table: Table) -> list[list[str]]:
    """Return the table as text: a line of titles, then a line for each row."""
    compared = any(row.ratios for row in table.rows)
    judged = any(row.goal for row in table.rows)
    head = ["case", "server", *(column.title for column in table.columns)]
    head += ["Hubbub / this"] * compared + ["goal", "met"] * judged
    lines = [head]
    for row in table.rows:
        line = [row.case, row.server]
        for i, column in enumerate(table.columns):
            values = [column.value(turn) for turn in row.turns]
            middle = [column.show(values)] if values else []
            line.append(spread(values if i == 0 else middle, column.form))
        if row.note:
            line[2] = f"{line[2]} {row.note[:NOTE]}".strip()
        line += [f"{spread(row.ratios, '.2f')} ×" if row.ratios else ""] * compared
        line += [row.goal, {True: "yes", False: "**no**", None: ""}[row.met]] * judged
        lines.append(line)
    return lines


def as_text(table: Table) -> str:
    """Return the table with aligned columns."""
    lines = [[cell.replace("**", "") for cell in line] for line in cells(table)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    numbers = range(2, len(lines[0]))
    out = [f"== {table.title}"]
    for line in lines:
        padded = [
            cell.rjust(width) if i in numbers else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        out.append("  ".join(padded).rstrip())
    return "\n".join([*out, *([table.note] if table.note else [])])


def as_markdown(table: Table) -> str:
    """Return the table in Markdown, under its title."""
    head, *lines = cells(table)
    rule = ["---" if i < 2 else "---:" for i in range(len(head))]
    rows = [f"| {' | '.join(line)} |" for line in (head, rule, *lines)]
    note = f"\n{table.note}\n" if table.note else ""
    return f"## {table.title}\n\n" + "\n".join(rows) + "\n" + note


def as_json(machine: dict[str, Any], options: dict[str, Any], tables: Iterable[Table]) -> str:
    """Return everything, each turn's raw numbers too, as JSON."""
    measured = [
        {
            "measure": table.name,
            "title": table.title,
            "rows": [
                row._asdict()
                | {
                    "medians": {
                        column.title: statistics.median([column.value(turn) for turn in row.turns])
                        for column in table.columns
                        if row.turns
                    }
                }
                for row in table.rows
            ],
        }
        for table in tables
    ]
    return json.dumps({"machine": machine, "options": options, "measured": measured}, indent=1)


def write_docs(
    path: Path, machine: dict[str, Any], options: dict[str, Any], tables: Iterable[Table]
) -> None:
    """Replace what stands below MARKER in the document; what stands above is written by hand."""
    above, marker, _ = path.read_text().partition(MARKER)
    if not marker:
        raise ValueError(f"{path} has no line {MARKER!r}")
    facts = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in machine.items())
    how = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in options.items())
    parts = [f"Measured on: {facts}.\n\nOptions: {how}.\n", *map(as_markdown, tables)]
    path.write_text(f"{above}{MARKER}\n\n" + "\n".join(parts))
