"""A program in a pseudo-terminal, and what a person would see on its screen."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Self

import pexpect
import pyte

from tests.support import ROOT, eventually


class Terminal:
    """`hubbub ...` in a terminal of its own; the program that is left behind is `sh`.

    The shell shows, after the client has gone, in which state it left the terminal.
    """

    def __init__(
        self, *command: str, columns: int = 80, rows: int = 24, **environment: str
    ) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        call = " ".join(["exec", sys.executable, "-m", "chatlib.cli", *command])
        script = f"trap : INT; stty -g; ({call}); echo CODE $?; stty -g"
        self.child = pexpect.spawn(
            "/bin/sh",
            ["-c", script],
            dimensions=(rows, columns),
            cwd=str(ROOT),
            env={**os.environ, "TERM": "xterm-256color", "LANG": "C.UTF-8", **environment},
        )

    def look(self) -> str:
        """Take in what was printed, and return the screen."""
        with contextlib.suppress(pexpect.TIMEOUT, pexpect.EOF):
            while True:
                data = self.child.read_nonblocking(65536, 0.02)
                self.raw += data
                self._stream.feed(data)
                if b"\x1b[6n" in data:  # it asks where its cursor is; a real terminal answers
                    at = self.screen.cursor
                    self.child.send(f"\x1b[{at.y + 1};{at.x + 1}R")
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()

    def sees(self, part: str) -> Self:
        """Wait until the screen shows `part`."""
        try:
            eventually(f"the screen shows {part!r}", lambda: self._shows(part))
        except AssertionError as e:
            raise AssertionError(f"{e}; it shows:\n{self.look()}") from None
        return self

    def _shows(self, part: str) -> bool:
        return part in self.look() or part in "".join(self.screen.display)  # wrapped

    def type(self, text: str) -> Self:
        """Type, without Enter."""
        self.child.send(text)
        return self

    def enter(self, text: str) -> Self:
        """Type a line."""
        return self.type(text + "\r")

    def left_clean(self) -> int:
        """Wait for the end, check that the terminal is as it was, and return the exit code."""
        self.sees("CODE ")
        eventually("the shell is done", lambda: (self.look(), not self.child.isalive())[1])
        self.look()  # what it wrote last
        lines = self.raw.decode("utf-8", "replace").replace("\r", "").split("\n")
        modes = [line for line in lines if line.count(":") > 20]
        assert len(modes) == 2 and modes[0] in modes[1], modes
        for on, off in ((b"\x1b[?2004h", b"\x1b[?2004l"), (b"\x1b[?25l", b"\x1b[?25h")):
            assert self.raw.rfind(off) >= self.raw.rfind(on), f"{on!r} was not taken back"
        return int(next(line for line in lines if "CODE " in line).rpartition("CODE ")[2])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.child.close(force=True)
