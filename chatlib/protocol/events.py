"""Lines that go up on intake; events, markers and notices that come down."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from chatlib.protocol.fields import Absent, Error, Name, Seq

PUBLIC_KINDS = (
    "say", "act", "edit", "delete", "react", "join", "leave", "nick", "topic", "role", "mute",
    "unmute", "ban", "unban",
)  # fmt: skip
"""The kinds of events on the feed that this version knows; newer brokers may have more."""


class Line(Struct, omit_defaults=True):
    """One message on its way in: to a room or to one person, numbered from 1 in its session.

    `re` is the seq of the event that it is about: what it answers, edits, deletes or reacts to.
    """

    n: Annotated[int, Meta(ge=1, le=2**53)]
    text: str = ""
    room: Name | None = None
    to: Name | None = None
    kind: Literal["say", "act", "edit", "delete", "react"] = "say"
    re: Seq | None = None


class BadLine(Struct):
    """A line whose `n` could be read and nothing else: it is used up, and refused."""

    n: int
    error: Error


class Event(Struct, kw_only=True, omit_defaults=True):
    """Something that happened: one line of the feed, of an inbox, of history.

    `seq` rises over the whole broker, `prev` is the seq before it in the same room or inbox.
    Markers (`head`, `replayed`, `beacon`, `closing`) are read into the same shape, without `prev`.
    """

    seq: Absent = -1  # -1 is absent: 0 is a value that must be written
    prev: Absent = -1
    at: str = ""
    kind: str
    room: str | None = None
    to: str | None = None
    nick: str = ""
    sid: str = ""
    user: str | None = None
    n: Seq = 0
    re: Seq | None = None
    text: str | None = None
    deleted: bool = False
    old: str | None = None
    reason: str | None = None
    bot: bool = False
    role: str | None = None
    by: str | None = None
    until: str | None = None
    inbox: bool = False
    what: str | None = None
    key: str | None = None
    epoch: str | None = None
    count: Seq = 0
    more: bool = False

    @property
    def author(self) -> str:
        """Whose it is: the id of a user, which is the sid of his first session."""
        return self.user or self.sid

    @property
    def place(self) -> str | None:
        """The room in whose stream it lies; None for an inbox, though it may tell of a room."""
        return None if self.inbox else self.room


class Notice(Struct, kw_only=True, omit_defaults=True):
    """Told to one session, unasked, and not part of history.

    kinds: `resend` (from), `slow` (from, after_ms, reason), `refused` (n, error; without n the
    whole message could not be read), `closing` (reason).
    """

    kind: str
    from_: Seq | None = field(default=None, name="from")
    after_ms: Seq | None = None
    n: Seq | None = None
    error: Error | None = None
    reason: str | None = None
