"""Nicknames that look alike, after Unicode Technical Standard #39: `раураl` in Cyrillic is paypal.

A skeleton is for comparing only, never to be shown or stored: another table gives another one.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path

from chatlib.names import nick_key

ROUNDS = 5
_TABLE = Path(__file__).with_name("confusables.txt")


def skeletons(nick: str) -> frozenset[str]:
    """Return what `nick` looks like, as typed and folded: two that share one are look-alikes.

    Both are needed: `paypaI` looks like paypal only while its `I` is a capital. Raises BadName.
    """
    return frozenset((skeleton(nick), skeleton(nick_key(nick))))


def load() -> None:
    """Read the table now, so that nobody waits for it later."""
    _prototypes()


def skeleton(text: str) -> str:
    """Return the skeleton of `text`: equal ones can be taken for each other.

    Beyond the standard, case is folded (0 looks like O, and O is o), and the order of writing is
    not looked at: what turns it around is in no nickname.
    """
    for _ in range(ROUNDS):  # a prototype may be written in characters that have one, too
        once = _internal(unicodedata.normalize("NFKC", text)).casefold()
        if once == text:
            break
        text = once
    return text


def _internal(text: str) -> str:
    """Return the internalSkeleton of section 4."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", text).translate(_prototypes()))


@cache
def _prototypes() -> dict[int, str]:
    table: dict[int, str] = {}
    for line in _TABLE.read_text("ascii", "replace").splitlines():
        if not line.startswith("#"):
            prototype, _, characters = line.partition(":")
            like = "".join(chr(int(code, 16)) for code in prototype.split())
            table |= {int(code, 16): like for code in characters.split()}
    return table
