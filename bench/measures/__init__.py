"""The measures: each module has `measure(bench)`, which returns a table."""

from __future__ import annotations

import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.report import Column, Row, Turn
from bench.servers import NotInstalled


class Bench(NamedTuple):
    """How thoroughly to measure: turns, seconds of each, and where servers keep their files."""

    directory: Path
    turns: int = 3
    seconds: float = 3.0
    quick: bool = False
    cases: Sequence[tuple[int, int]] | None = None  # of the fan-out; None is all

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """Give a directory that is removed at the end of the block."""
        with tempfile.TemporaryDirectory(prefix=".bench-", dir=self.directory) as directory:
            yield Path(directory)

    def say(self, text: str) -> None:
        """Tell whoever waits how far it is; the results go to standard output."""
        print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)

    def in_turns(
        self, case: str, subjects: dict[str, Callable[[Path], Turn]], turns: int | None = None
    ) -> dict[str, Row]:
        """Measure each subject, one after the other, and all that again for each turn."""
        rows = {name: Row(case, name, []) for name in subjects}
        for number in range(turns or self.turns):
            for name, subject in subjects.items():
                if rows[name].note:
                    continue
                self.say(f"{case}: {name}, turn {number + 1}")
                try:
                    with self.scratch() as directory:
                        rows[name].turns.append(subject(directory))
                except NotInstalled as e:
                    rows[name] = rows[name]._replace(note=f"skipped: {e}")
                except (RuntimeError, OSError) as e:
                    self.say(str(e))
                    rows[name] = rows[name]._replace(note=f"failed: {e}")
        return rows


def compare(ours: Row, theirs: Row, column: Column, least: float | None = None) -> Row:
    """Return `theirs` with Hubbub's ratio to it in each turn, judged where there is a goal."""
    pairs = zip(ours.turns, theirs.turns, strict=False)
    ratios = [column.value(a) / column.value(b) for a, b in pairs if column.value(b)]
    if least is None:
        return theirs._replace(ratios=ratios)
    met = statistics.median(ratios) >= least if ratios else None
    return theirs._replace(ratios=ratios, goal=f"≥ {least:g} ×", met=met)
