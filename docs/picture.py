#!/usr/bin/env python3
"""Draw docs/running.svg from a real run: a broker and two clients, each in a pseudo-terminal.

Needs the development dependencies (pexpect, pyte). Run it with `python docs/picture.py` after the
look of the client changed.
"""

from __future__ import annotations

import os
import sys
import time
from html import escape
from pathlib import Path

import pexpect
import pyte

HERE = Path(__file__).parent
CELL_W, CELL_H, PAD = 7.8, 17, 12
COLOURS = {
    "default": "#d8dee9", "black": "#6b7385", "red": "#e0707a", "green": "#8fc77e",
    "brown": "#e3c078", "yellow": "#e3c078", "blue": "#7fa7e0", "magenta": "#c792d4",
    "cyan": "#7cc7d0", "white": "#eceff4", "brightblack": "#7b8496",
    "brightred": "#f08a93", "brightgreen": "#a8dc98", "brightyellow": "#f4d58f",
    "brightbrown": "#f4d58f", "brightblue": "#9cc0f5", "brightmagenta": "#dcaae8",
    "brightcyan": "#97dde5",
}  # fmt: skip


class Terminal:
    """One program in a pseudo-terminal of its own."""

    def __init__(self, title: str, columns: int, rows: int, *command: str) -> None:
        self.title, self.columns, self.rows = title, columns, rows
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        environment = os.environ | {"TERM": "xterm-256color", "LANG": "C.UTF-8"}
        environment.pop("NO_COLOR", None)
        self.child = pexpect.spawn(
            sys.executable,
            ["-m", "chatlib.cli", *command],
            dimensions=(rows, columns),
            cwd=HERE.parent,
            env=environment,
        )

    def look(self, seconds: float) -> None:
        """Take in what it prints for a while; answer when it asks where its cursor is."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                data = self.child.read_nonblocking(65536, 0.05)
            except (pexpect.TIMEOUT, pexpect.EOF):
                continue
            self._stream.feed(data)
            if b"\x1b[6n" in data:
                y, x = self.screen.cursor.y + 1, self.screen.cursor.x + 1
                self.child.send(f"\x1b[{y};{x}R")

    def svg(self, x: float, y: float) -> tuple[str, float]:
        """Return the drawing of the window at (x, y), and its height."""
        width, height = self.columns * CELL_W + 2 * PAD, self.rows * CELL_H + 2 * PAD + 22
        parts = [
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="8" fill="#20242d"/>',
            f'<text x="{x + PAD}" y="{y + 18}" fill="#8b93a5">{escape(self.title)}</text>',
        ]
        for row in range(self.rows):
            baseline = y + 22 + PAD + (row + 0.75) * CELL_H
            column = 0
            while column < self.columns:
                cell = self.screen.buffer[row][column]
                end, text = column, ""
                while end < self.columns and self._like(self.screen.buffer[row][end], cell):
                    text += self.screen.buffer[row][end].data
                    end += 1
                if text.strip():
                    weight = ' font-weight="bold"' if cell.bold else ""
                    parts.append(
                        f'<text x="{x + PAD + column * CELL_W:.1f}" y="{baseline:.1f}"'
                        f' fill="{self._colour(cell.fg)}"{weight} xml:space="preserve"'
                        f' textLength="{len(text) * CELL_W:.1f}">{escape(text)}</text>'
                    )
                column = end
        return "\n".join(parts), height

    @staticmethod
    def _like(one: pyte.screens.Char, other: pyte.screens.Char) -> bool:
        return (one.fg, one.bold) == (other.fg, other.bold)

    @staticmethod
    def _colour(name: str) -> str:
        return COLOURS.get(name) or (f"#{name}" if len(name) == 6 else COLOURS["default"])


def main() -> None:
    """Let two people talk, and draw all three windows."""
    address = "tcp://127.0.0.1:5555"
    broker = Terminal("hubbub broker --memory", 100, 11, "broker", "--memory")
    broker.look(1.5)
    ann = Terminal("hubbub chat --nick ann", 62, 17, "chat", "--nick", "ann", address)
    ann.look(1.5)
    bob = Terminal("hubbub chat --nick bob", 62, 17, "chat", "--nick", "bob", address)
    everyone = (broker, ann, bob)
    bob.look(1.5)
    for who, line in (
        (ann, "/topic launch day"),
        (ann, "is everybody here?"),
        (bob, "I am. Where is the cake?"),
        (ann, "/me points at the kitchen"),
        (bob, "/msg ann it had better be chocolate"),
        (ann, "/msg bob it is"),
        (bob, "привет всем from the lab"),
        (bob, "back in fi"),
    ):
        who.child.send(line)
        for terminal in everyone:
            terminal.look(0.3)
        if line != "back in fi":  # left on the line: what comes in does not disturb it
            who.child.send("\r")
        for terminal in everyone:
            terminal.look(0.4)
    ann.child.send("take your time\r")
    for terminal in everyone:
        terminal.look(0.6)

    left, height = ann.svg(0, 0)
    right, _ = bob.svg(62 * CELL_W + 2 * PAD + 16, 0)
    below, more = broker.svg(0, height + 16)
    width = 2 * (62 * CELL_W + 2 * PAD) + 16
    tall = height + more + 16
    (HERE / "running.svg").write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {tall:.0f}"'
        ' font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="13">\n'
        f"{left}\n{right}\n{below}\n</svg>\n"
    )
    for terminal in reversed(everyone):
        terminal.child.terminate(force=True)


if __name__ == "__main__":
    main()
