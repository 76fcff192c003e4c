"""A batch tells each sender once what one telling is enough for."""

from __future__ import annotations

from chatlib.core.batch import Batch, Reply
from chatlib.core.commands import Origin
from chatlib.protocol.answers import Failure
from chatlib.protocol.events import Notice
from chatlib.protocol.fields import Error

NO = Error("no", "no")


def test_a_resend_is_told_once_to_each() -> None:
    batch = Batch()
    for sid, first in (("a", 3), ("b", 1), ("a", 4)):
        batch.resend(sid, first)
    assert batch.notices == [
        ("a", Notice(kind="resend", from_=3)),
        ("b", Notice(kind="resend", from_=1)),
    ]


def test_each_refusal_is_told() -> None:
    batch = Batch()
    batch.refuse("a", 1, NO)
    batch.refuse("a", 2, NO)
    assert [(sid, notice.n) for sid, notice in batch.notices] == [("a", 1), ("a", 2)]


def test_a_failure_needs_somebody_who_asked() -> None:
    batch = Batch()
    batch.fail(None, NO)
    asked = Origin(b"\0aaaa", "seven")
    batch.fail(asked, NO)
    assert batch.replies == [Reply(asked, Failure(id="seven", error=NO))]
