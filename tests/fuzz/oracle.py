"""A second opinion on JSON: the standard library's, in Python.

It guides, too: msgspec is C, whose branches the fuzzer doesn't see; here it sees a string from a
number and a list from an object.
"""

from __future__ import annotations

import json
import json.scanner
from typing import Any

import msgspec

UNREADABLE: Any = object()


class _InPython(json.JSONDecoder):
    def __init__(self) -> None:
        super().__init__()
        self.parse_string = json.decoder.py_scanstring  # type: ignore[attr-defined]
        self.scan_once = json.scanner.py_make_scanner(self)  # type: ignore[attr-defined]


_plain = _InPython()


def read(text: bytes) -> Any:
    """Return the JSON value in `text`, or UNREADABLE."""
    try:
        return _plain.decode(text.decode())
    except (ValueError, RecursionError):
        return UNREADABLE


def agree(value: Any, told: Any) -> None:
    """See that a decoded message says what is written: each field as told, or its default.

    Where only msgspec can read it (it skips over what it does not know), nothing is compared.
    """
    if told is UNREADABLE:
        return
    if isinstance(value, msgspec.Raw):
        agree(read(bytes(value)), told)
    elif isinstance(value, msgspec.Struct):
        for field in msgspec.structs.fields(value):
            found = getattr(value, field.name)
            if field.encode_name in told:
                agree(found, told[field.encode_name])
            else:
                assert found == field.default, f"{field.encode_name} is {found!r}, and was not told"
    elif isinstance(value, list):
        assert len(value) == len(told)
        for one, other in zip(value, told, strict=True):
            agree(one, other)
    elif isinstance(value, dict) and all(isinstance(v, msgspec.Struct) for v in value.values()):
        assert value.keys() == told.keys()
    else:
        assert value == told, f"{value!r}, and {told!r} was told"
