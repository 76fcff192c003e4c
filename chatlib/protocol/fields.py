"""Types of fields that requests, answers and events share."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Seq = Annotated[int, Meta(ge=0, le=2**53)]  # docs/protocol.md: integers fit in 53 bits
Absent = Annotated[int, Meta(ge=-1, le=2**53)]
Name = Annotated[str, Meta(max_length=256)]  # names.py has the real rules and the better words
Id = Annotated[int, Meta(ge=-(2**53), le=2**53)] | Annotated[str, Meta(max_length=64)]


class Error(Struct, omit_defaults=True):
    """What was refused and why. `code` is for programs, `message` for people."""

    code: str
    message: str
    suggestion: str | None = None
    after_ms: int | None = None
