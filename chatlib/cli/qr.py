"""A link as a QR code, in characters of a terminal.

Two modules stand in one character, one above the other: so a link of the usual length is half as
wide as a terminal. What is light is drawn, what is dark is left out; colours are set, so that a
terminal of dark letters shows no negative. Where there are no colours, the terminal's are taken to
be light on dark, as `qrencode` does.
"""

from __future__ import annotations

import os
import shutil
import sys
from typing import TextIO

BORDER = 4  # modules of light around it, which ISO 18004 asks for
HALVES = {(True, True): " ", (True, False): "▄", (False, True): "▀", (False, False): "█"}
COLOURS, PLAIN = "\x1b[38;5;231;48;5;16m", "\x1b[0m"  # white on black, which no theme redefines


def show(link: str, out: TextIO | None = None) -> None:
    """Draw a link on `out` (standard output); say on standard error where it would be cut off."""
    out = out or sys.stdout
    terminal = out.isatty()
    rows = draw(link, out.encoding)
    if terminal and len(rows[0]) > (columns := shutil.get_terminal_size().columns):
        text = f"its QR code is {len(rows[0])} columns wide, this terminal has {columns}: widen it"
        print(f"hubbub: {text}, or draw into a file", file=sys.stderr)
        return
    coloured = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    for row in rows:
        print(f"{COLOURS}{row}{PLAIN}" if coloured else row, file=out)
    out.flush()


def draw(link: str, encoding: str = "utf-8") -> list[str]:
    """Return the rows of a link's QR code, in `##` where `encoding` has no half blocks."""
    import segno

    # As much correction as there is room for: it makes the code no larger.
    code = segno.make_qr(link, error="L", boost_error=True)
    dark = [[bool(module) for module in row] for row in code.matrix_iter(border=BORDER)]
    try:
        "▄▀█".encode(encoding)
    except UnicodeEncodeError:
        return ["".join("  " if module else "##" for module in row) for row in dark]
    dark += [[True] * len(dark[0])] * (len(dark) % 2)  # nothing, below the border
    return [
        "".join(HALVES[pair] for pair in zip(upper, lower, strict=True))
        for upper, lower in zip(dark[::2], dark[1::2], strict=True)
    ]
