"""Refusals of a `hello`, or of the invitation before it, that no waiting takes back."""

from __future__ import annotations

from chatlib.errors import Refused

FINAL = {
    "nick_taken", "bad_nick", "wrong_version", "bad_request", "unknown_op",
    "not_admitted", "bad_token", "wrong_key", "already_registered", "too_many_devices",
    "not_allowed",
}  # fmt: skip
NEXT_STEPS = {
    "not_admitted": "the broker does not admit your key: ask its operator for a link, or to let "
    "your key in",
    "bad_token": "the broker does not take this invitation (it is used up, expired, revoked or "
    "not of this broker): ask its operator for a new link",
}


def verdict(answer: Refused) -> Refused | None:
    """Return the refusal as it is to be told, with the next step; None for one that may pass."""
    if answer.code not in FINAL:
        return None
    return Refused(answer.code, NEXT_STEPS.get(answer.code, str(answer)), answer.suggestion)
