"""Requests wait for their answers, across connections."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatlib.core.actions import Effects, SendControl
from chatlib.core.requests import ANSWER_S, TRIES, Requests
from chatlib.errors import Misuse, ProtocolViolation, Refused, TimedOut
from chatlib.protocol import answers, requests
from chatlib.protocol.codec import decode_head


class Asking:
    """Requests, what they sent, and what was heard."""

    def __init__(self) -> None:
        self.effects = Effects()
        self.requests = Requests(self.effects)
        self.heard: list[Any] = []

    def ask(self, request: Any, *, quiet: bool = False, send: bool = True) -> int:
        return self.requests.add(
            request, answers.Renamed, 0.0, lambda answer, now: self.heard.append(answer),
            quiet=quiet, send=send,
        )  # fmt: skip

    def sent(self) -> list[int]:
        """Return the ids of what was sent since this was asked last."""
        actions = self.effects.actions.copy()
        self.effects.actions.clear()
        return [json.loads(a.frame)["id"] for a in actions if isinstance(a, SendControl)]

    def settle(self, **answer: Any) -> None:
        frame = json.dumps(answer).encode()
        self.requests.settle(decode_head(frame), frame, 1.0)


def nick() -> requests.Nick:
    return requests.Nick(nick="zoe")


def test_an_answer_is_told_to_whoever_asked() -> None:
    asking = Asking()
    one, two = asking.ask(nick()), asking.ask(nick(), quiet=True)
    assert asking.sent() == [one, two]
    asking.settle(id=two, ok=True, nick="b")
    asking.settle(id=one, ok=True, nick="a")
    assert [answer.nick for answer in asking.heard] == ["b", "a"]
    assert [(id, answer.nick) for id, answer in asking.effects.answers] == [(one, "a")]
    assert len(asking.requests) == 0


def test_what_can_not_be_encoded_is_not_kept() -> None:
    """It would be asked again later, and end the client's thread."""
    asking = Asking()
    with pytest.raises(Misuse, match=r"'a\\udcff' can't be sent: '\\udcff' is no UTF-8"):
        asking.ask(requests.Nick(nick="a\udcff"))
    assert len(asking.requests) == 0 and asking.sent() == []
    assert asking.ask(nick()) == 1


def test_a_failure_is_told_as_refused() -> None:
    asking = Asking()
    id = asking.ask(nick())
    asking.settle(id=id, ok=False, error={"code": "c", "message": "m", "suggestion": "s"})
    (answer,) = asking.heard
    assert isinstance(answer, Refused)
    assert (answer.code, str(answer), answer.suggestion) == ("c", "m", "s")


def test_a_failure_without_a_reason_is_one_still() -> None:
    asking = Asking()
    asking.settle(id=asking.ask(nick()), ok=False)
    assert asking.heard[0].code == "unknown"


def test_an_answer_that_makes_no_sense_leaves_the_request_waiting() -> None:
    asking = Asking()
    id = asking.ask(nick())
    with pytest.raises(ProtocolViolation):
        asking.settle(id=id, ok=True, nick=7)
    assert asking.requests.find(id) is not None
    assert not asking.heard


@pytest.mark.parametrize("id", [None, "1", 7, 1.0, [1]])
def test_only_ids_that_were_given_are_found(id: Any) -> None:
    asking = Asking()
    asking.ask(nick())
    assert asking.requests.find(id) is None


def test_an_unanswered_request_is_asked_again_so_many_times() -> None:
    asking = Asking()
    id = asking.ask(nick())
    assert asking.sent() == [id]
    now = 0.0
    for _ in range(TRIES - 1):
        assert asking.requests.ask_again(now + ANSWER_S - 0.1)
        assert asking.sent() == []
        now += ANSWER_S
        assert asking.requests.ask_again(now)
        assert asking.sent() == [id]
    assert not asking.requests.ask_again(now + ANSWER_S)


def test_a_new_connection_repeats_what_still_waits() -> None:
    asking = Asking()
    one, two = asking.ask(nick(), send=False), asking.ask(nick())
    assert asking.requests.ids == [one, two]
    asking.settle(id=one, ok=True, nick="a")
    asking.sent()
    asking.requests.repeat([one, two], 9.0)
    assert asking.sent() == [two]


def test_quiet_requests_of_a_kind_are_dropped() -> None:
    asking = Asking()
    asked = requests.Ping(), requests.History(room="lobby"), requests.Ping()
    ids = [asking.ask(r, quiet=quiet) for r, quiet in zip(asked, (1, 1, 0), strict=True)]
    asking.requests.drop(requests.Ping)
    assert asking.requests.ids == ids[1:]


def test_when_all_fail_the_loud_ones_are_told() -> None:
    asking = Asking()
    loud, _ = asking.ask(nick()), asking.ask(nick(), quiet=True)
    error = TimedOut("gone")
    asking.requests.fail_all(error)
    assert asking.effects.answers == [(loud, error)]
    assert len(asking.requests) == 0


UNAVAILABLE = {"code": "unavailable", "message": "try again"}


def test_a_passing_refusal_of_what_was_asked_once_is_told() -> None:
    asking = Asking()
    asking.settle(id=asking.ask(nick()), ok=False, error=UNAVAILABLE)
    assert asking.heard[0].code == "unavailable"


def test_a_passing_refusal_of_what_was_asked_twice_leaves_it_open() -> None:
    asking = Asking()
    id = asking.ask(nick())
    asking.requests.ask_again(ANSWER_S)
    asking.settle(id=id, ok=False, error=UNAVAILABLE)
    assert not asking.heard
    asking.settle(id=id, ok=False, error={"code": "nick_taken", "message": "x"})
    assert asking.heard[0].code == "nick_taken"


def test_a_leave_withdraws_the_joins_before_it() -> None:
    asking = Asking()
    before, quiet, elsewhere = (
        asking.ask(requests.Join(room="ops")),
        asking.ask(requests.Join(room="ops"), quiet=True),
        asking.ask(requests.Join(room="lobby")),
    )
    leave = asking.ask(requests.Leave(room="ops"))
    after = asking.ask(requests.Join(room="ops"))
    asking.requests.withdraw_joins("ops", leave)
    assert asking.requests.ids == [elsewhere, leave, after]
    assert [(id, a.code) for id, a in asking.effects.answers] == [(before, "not_joined")]
    assert asking.requests.find(quiet) is None


def test_a_join_is_not_asked_again_while_its_room_is_being_left() -> None:
    asking = Asking()
    asking.ask(requests.Join(room="ops"))
    elsewhere = asking.ask(requests.Join(room="lobby"))
    leave = asking.ask(requests.Leave(room="ops"))
    asking.sent()
    asking.requests.ask_again(ANSWER_S)
    assert asking.sent() == [elsewhere, leave]


def test_who_is_told_to_slow_down_asks_again_when_told() -> None:
    asking = Asking()
    one, two = asking.ask(nick()), asking.ask(requests.Ping(), quiet=True)
    asking.sent()
    for id, after_ms in ((one, 2_000), (two, None)):
        error = {"code": "slow_down", "message": "m", "after_ms": after_ms}
        asking.settle(id=id, ok=False, error=error)  # at 1.0
    assert not asking.heard and not asking.effects.answers
    for now, sent in ((2.9, []), (3.1, [one]), (5.9, []), (6.1, [two])):
        assert asking.requests.ask_again(now)
        assert asking.sent() == sent


def test_however_often_one_is_told_to_slow_down_it_is_no_silence() -> None:
    asking = Asking()
    id = asking.ask(nick())
    error = {"code": "slow_down", "message": "m", "after_ms": 0}
    for _ in range(3 * TRIES):
        asking.settle(id=id, ok=False, error=error)
        assert asking.requests.ask_again(1.0)
    assert len(asking.sent()) == 3 * TRIES + 1


def test_a_hello_that_came_too_soon_is_told() -> None:
    """It may only be said again on a new connection."""
    asking = Asking()
    id = asking.ask(requests.Hello(v=1), quiet=True)
    asking.settle(id=id, ok=False, error={"code": "slow_down", "message": "m", "after_ms": 9})
    (answer,) = asking.heard
    assert answer.code == "slow_down"
