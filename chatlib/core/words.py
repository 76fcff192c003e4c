"""Words about words: replies, edits, deletions, reactions, each an event of its own.

What they are about is in the history, of which the state knows nothing: so it was looked up before,
and stands in the line (`Regarding`). What came in the same pass was not there then, and nobody can
know its seq yet. Of two lines of one pass the second can be about what the first deletes; the store
blanks both.
"""

from __future__ import annotations

from typing import Any

from chatlib.core.commands import Original, Regarding
from chatlib.core.state import Session
from chatlib.protocol import limits
from chatlib.protocol.codec import text_fault
from chatlib.protocol.events import Line
from chatlib.protocol.fields import Error

PLAIN = ("say", "act")  # kinds of lines that need no `re`, and of events that others can be about
AGAIN_MS = 100  # after which a line that could not be looked up is sent again
TOO_MANY = "what these lines are about could not be looked up yet"


def line_fault(line: Line) -> Error | None:
    """Return what is wrong with a line about an earlier event, as far as its text tells."""
    if line.re is None:
        return Error("bad_message", f"{line.kind} needs 're', the seq of what it is about")
    if line.kind == "delete":
        return None
    if line.kind == "react":
        if any(c.isspace() for c in line.text):
            return Error("bad_text", "a reaction is one word or sign, without a space")
        return text_fault(line.text, limits.REACTION_BYTES)
    return text_fault(line.text, limits.TEXT_BYTES)


def regarding(line: Line) -> Regarding:
    """Return a line about an earlier event, which is yet to be looked up."""
    return Regarding(line.n, line.text, line.room, line.to, line.kind, line.re)


def fault(
    session: Session, line: Regarding, peer: str | None, *, moderates: bool = False
) -> Error | None:
    """Return why the session may not say this about that event, or None.

    Who `moderates` may delete what others said. `peer` is the user to whom it is said privately.
    Who may not see an event is told the same as if it were not there.
    """
    original = line.original
    if original is None or original.kind not in PLAIN or original.peer != peer:
        return Error("no_such_event", f"there is no message {line.re} here, or not any more")
    if original.deleted:
        return Error("no_such_event", f"the message {line.re} was deleted")
    if line.kind == "delete" and moderates:
        return None
    if line.kind in ("edit", "delete") and not is_author(session, original):
        return Error("not_yours", f"only who said it may {line.kind} the message {line.re}")
    return None


def is_author(session: Session, original: Original) -> bool:
    """Tell whether the session may change what was said: its user said it, on any device."""
    return original.user == session.user.id


def told(line: Line) -> dict[str, Any]:
    """Return what the event of a line has of it."""
    text = None if line.kind == "delete" else line.text
    return {"kind": line.kind, "n": line.n, "text": text, "re": line.re}
