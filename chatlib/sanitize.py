"""Text of others, made safe for a terminal. Everything that a peer wrote passes here first.

A terminal obeys control characters, whoever wrote them: they can move the cursor, rename the
window, or answer in the user's name. Here they become visible instead. Characters that reorder
or hide text (bidi overrides and isolates, tags, blank letters) are taken out; ordinary text of all
scripts, combining accents, emoji and their joiners stay.
"""

from __future__ import annotations

import re

_REPLACEMENT = "�"

# C0 and DEL have pictures of their own; C1, which some terminals obey, is shown by its number.
_pictures = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "␡"}
_c1 = {code: f"<{code:02X}>" for code in range(0x80, 0xA0)}
_separators = {0x2028: " ", 0x2029: " "}
_removed = dict.fromkeys(
    [
        *range(0x202A, 0x202F),  # bidi embeddings and overrides
        *range(0x2066, 0x206A),  # bidi isolates
        *range(0x206A, 0x2070),  # deprecated format characters
        0x061C, 0x200E, 0x200F,  # bidi marks: invisible, and of no use in a line of chat
        0x00AD, 0x180E, 0x200B, 0x2060, *range(0x2061, 0x2065), 0xFEFF,  # invisible
        0x115F, 0x1160, 0x3164, 0xFFA0, 0x2800,  # letters that look like a space
        *range(0xFFF9, 0xFFFC),  # interlinear annotation
        *range(0xE0000, 0xE0080),  # tags: invisible, and can carry a hidden text
    ],
    "",
)  # fmt: skip
_surrogates = dict.fromkeys(range(0xD800, 0xE000), _REPLACEMENT)

_TABLE = str.maketrans({**_pictures, **_c1, **_separators, **_removed, **_surrogates})
_LINES = {**_TABLE, 0x0A: "\n", 0x09: "    "}

_MARKS = 4  # combining marks that a letter may carry; more only climb over other lines
_stacked = re.compile(rf"([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{{{_MARKS}}})[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+")  # fmt: skip # noqa: E501


def sanitize(text: str, *, lines: bool = False) -> str:
    """Return `text` with nothing in it that a terminal would obey.

    With `lines`, newlines stay and tabs become spaces; without, they too are made visible.
    """
    if text.isascii() and text.isprintable():
        return text
    return _stacked.sub(r"\1", text.translate(_LINES if lines else _TABLE))
