"""Every error that Hubbub raises, and the exit code that it means.

Local misuse (`Misuse` and below) and a peer's fault (`ProtocolViolation`, `Refused`) are
different classes: the first is mended here, the second over there. Exit codes follow sysexits.
"""

from __future__ import annotations


class HubbubError(Exception):
    """The root of all errors of this package. `exit_code` is what a command exits with."""

    exit_code = 70


class Misuse(HubbubError, ValueError):
    """The caller gave something that can't work; nothing was sent."""

    exit_code = 2


class BadName(Misuse):
    """A nickname breaks the rules of docs/protocol.md; says which rule. `code` is the wire's."""

    code = "bad_nick"


class BadRoom(BadName):
    """A room name breaks the rules."""

    code = "bad_room"


class BadAddress(Misuse):
    """An endpoint is not one of the forms that Hubbub understands."""

    exit_code = 78


class BadConfiguration(HubbubError):
    """What this command was told to work with can't be worked with."""

    exit_code = 78


class KeyChanged(HubbubError):
    """A broker has another key than the one that is known for its address."""

    exit_code = 77


class Unreachable(HubbubError):
    """No broker answers at the address."""

    exit_code = 69


class TimedOut(HubbubError):
    """A broker is there, but what was asked did not come in time."""

    exit_code = 75


class OutboxFull(TimedOut):
    """So much waits for an acknowledgement that no more is taken now."""


class CannotCreate(HubbubError):
    """A socket or a file that is needed can't be made."""

    exit_code = 73


class ProtocolViolation(HubbubError):
    """The peer sent what docs/protocol.md does not allow.

    `code` is the error code of the wire; `id` is the request's, where it could be read.
    """

    exit_code = 76

    def __init__(self, code: str, message: str, id: int | str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.id = id


class Refused(HubbubError):
    """The broker understood and said no. `code` is from the table in docs/protocol.md.

    Or no session came about, for the keys: then `code` is one that core.signals.Connection names.

    `suggestion` is what would be accepted instead, where the broker knows it.
    """

    exit_code = 77

    def __init__(self, code: str, message: str, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.suggestion = suggestion
