"""The error tree: whose fault it is, and the exit code that it means."""

from __future__ import annotations

import pytest

from chatlib import errors
from chatlib.errors import HubbubError, Misuse, ProtocolViolation, Refused

EVERY = [
    value for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, HubbubError)
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "exit_code"),
    [
        ("HubbubError", 70), ("Misuse", 2), ("BadName", 2), ("BadAddress", 78),
        ("BadConfiguration", 78), ("KeyChanged", 77), ("Unreachable", 69), ("TimedOut", 75),
        ("OutboxFull", 75), ("CannotCreate", 73),
        ("ProtocolViolation", 76), ("Refused", 77),
    ],
)  # fmt: skip
def test_exit_codes_follow_sysexits(name: str, exit_code: int) -> None:
    assert getattr(errors, name).exit_code == exit_code


def test_one_except_clause_catches_them_all_and_each_says_what_it_is() -> None:
    assert len(EVERY) >= 10
    for error in EVERY:
        assert issubclass(error, HubbubError)
        assert error.__doc__


def test_misuse_is_mended_here_and_a_peers_fault_over_there() -> None:
    here = {error for error in EVERY if issubclass(error, Misuse)}
    assert {error.__name__ for error in here} >= {"Misuse", "BadName", "BadAddress"}
    assert all(issubclass(error, ValueError) for error in here)
    assert not here & {ProtocolViolation, Refused}


def test_a_violation_carries_the_code_of_the_wire_and_the_requests_id() -> None:
    error = ProtocolViolation("bad_json", "what is wrong", 7)
    assert (error.code, error.id, str(error)) == ("bad_json", 7, "what is wrong")
    assert ProtocolViolation("bad_json", "x").id is None


def test_a_refusal_carries_what_would_be_accepted_instead() -> None:
    error = Refused("nick_taken", "ann is in use", "ann_")
    assert (error.code, error.suggestion, str(error)) == ("nick_taken", "ann_", "ann is in use")
    assert Refused("x", "y").suggestion is None
