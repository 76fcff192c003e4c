"""What applying a pass's commands brought about, for commit to store and emit to tell."""

from __future__ import annotations

from typing import Literal, NamedTuple

from msgspec import Struct

from chatlib.core.commands import Origin
from chatlib.protocol.answers import Answer, Failure, Joined, Welcome
from chatlib.protocol.events import Notice
from chatlib.protocol.fields import Error

INBOX = "inbox/"


class Entry(NamedTuple):
    """One event on its way into the history.

    `stream` is a room's topic (`room/lobby/`), a private room (`private/den/`), a user's inbox
    (`inbox/ID`) or the audit log; `line` is the JSON that is stored, emitted and answered: one
    format for disk and wire. `peer` is the nick key of the other one in a private conversation.
    `changes` is the seq in the same stream of what this edits or, with `erases`, deletes: then the
    store blanks it, and its edits. `readers` are the ids of the users that a private room's event
    is for: those who were in it at that moment.
    """

    stream: str
    seq: int
    line: bytes
    peer: str | None = None
    changes: int | None = None
    erases: bool = False
    readers: tuple[str, ...] = ()


class Reply(NamedTuple):
    """An answer that waits for the commit."""

    origin: Origin
    answer: Answer | Failure


class JoinReply(NamedTuple):
    """The answer to a join: its members and events are filled in after the commit.

    Those after `after`; without it the last ones up to `joined`, the seq of the member's own join.
    """

    origin: Origin
    answer: Joined
    after: int | None
    joined: int
    user: str = ""


class Count(NamedTuple):
    """The answer to `read`: messages of others behind these cursors are counted in the store.

    `rooms` are names, streams and cursors. Of the `inbox` what lies behind the cursors of `peers`
    is counted, of `peer` alone where one is named; None for no conversation at all.
    """

    origin: Origin
    user: str
    rooms: list[tuple[str, str, int]]
    inbox: str | None
    peers: dict[str, int]
    peer: str | None = None


class Opened(NamedTuple):
    """The answer to a hello; the broker fills in its endpoints. `token` is the session's."""

    origin: Origin
    answer: Welcome


class Note(Struct, omit_defaults=True):
    """A line for whoever runs the broker. `key` is a fingerprint, `by` who did it to `nick`."""

    what: Literal[
        "opened", "resumed", "ended", "renamed", "joined", "left", "failing", "storing",
        "invited", "redeemed", "banned", "unbanned", "promoted", "slowed", "undecided", "crowded",
        "greedy", "registered", "unregistered", "devices", "reset", "wrong password", "kicked",
        "muted", "unmuted", "linked", "draining", "feed closed",
    ]  # fmt: skip
    sid: str
    nick: str
    room: str | None = None
    old: str | None = None
    reason: str | None = None
    count: int = 0  # how often it was slowed since the note before
    key: str = ""
    address: str = ""
    by: str = ""
    until: str = ""


class Batch:
    """The outcome of one pass."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.replies: list[Reply | JoinReply | Count | Opened] = []
        self.notices: list[tuple[str, Notice]] = []  # (sid, notice)
        self.notes: list[Note] = []
        self.rewound: set[str] = set()  # sids that were told `resend`: once a pass is enough
        self.scolded: set[str] = set()  # sids that were told of an unreadable frame, likewise
        self.expelled: list[str] = []  # keys and addresses to be cut off at once
        self.removed: list[str] = []  # keys that their owners removed: to be cut off soon
        self.copies: list[str] = []  # names of files that the history is to be copied to
        self.repeats = 0  # lines that had been accepted before
        self.used = 0  # numbers of lines that were used up, refused ones too

    def fail(self, origin: Origin | None, error: Error) -> None:
        """Answer a request with an error."""
        if origin is not None:
            self.replies.append(Reply(origin, Failure(id=origin.id, error=error)))

    def confirm(self, origin: Origin | None) -> None:
        """Answer a request with no more than yes."""
        if origin is not None:
            self.replies.append(Reply(origin, Answer(id=origin.id)))

    def refuse(self, sid: str, n: int, error: Error) -> None:
        """Tell a sender that its message `n` is used up and was not accepted."""
        self.notices.append((sid, Notice(kind="refused", n=n, error=error)))

    def resend(self, sid: str, first: int) -> None:
        """Tell a sender that something before what it sent is missing."""
        if sid not in self.rewound:
            self.rewound.add(sid)
            self.notices.append((sid, Notice(kind="resend", from_=first)))

    def slow(self, sid: str, first: int, after_ms: int, reason: str) -> None:
        """Tell a sender that what it sent from `first` on can't be taken yet."""
        if sid not in self.rewound:
            self.rewound.add(sid)
            told = Notice(kind="slow", from_=first, after_ms=after_ms, reason=reason)
            self.notices.append((sid, told))
