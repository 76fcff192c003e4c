"""Whom an operator means, in all the forms that people meet."""

from __future__ import annotations

import pytest

from chatlib.core import questions
from chatlib.core.whom import shown
from chatlib.protocol.keys import to_link
from tests.core.registered_play import House, key

MAL = key("mal")


@pytest.fixture
def house() -> House:
    house = House("mal")
    house.hello("mal", "mal")
    return house


@pytest.mark.parametrize("form", [str, shown, lambda key: to_link(key.encode())])
def test_a_key_in_every_form(house: House, form: type[str]) -> None:
    assert house.ask("op", "ban", key=form(MAL))["ok"]
    assert house.hello("mal") == "banned"
    assert house.ask("op", "unban", who=form(MAL))["ok"]
    assert house.hello("mal")["ok"]
    assert house.ask("op", "promote", key=form(MAL), role="operator")["ok"]
    assert house.ask("mal", "bans")["bans"] == []


def test_what_is_no_key_is_not_taken_for_one(house: House) -> None:
    for wrong in ("mal", MAL[:-1], MAL + "x", shown(key("nobody"))):
        assert house.ask("op", "ban", key=wrong) == "bad_request"
        assert house.ask("op", "promote", key=wrong, role="operator") == "bad_request"
        assert house.ask("op", "unban", who=wrong) == "not_banned"
    assert house.ask("op", "promote", key=key("op"), role="none") == "not_allowed", "the last one"


@pytest.mark.parametrize(
    ("named", "comes_from"),
    [
        ("192.0.2.7", "::ffff:192.0.2.7"),  # as a socket for IPv4 and IPv6 tells it
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:DB8:0::7", "2001:db8::99"),  # whoever has one address of a /64 has all
    ],
)
def test_an_address_as_the_doorman_meets_it(house: House, named: str, comes_from: str) -> None:
    rule = house.pipeline.admission.rule
    assert rule is not None
    assert house.ask("op", "ban", address=named)["ok"]
    assert rule.fault(house.state, "control", key("new"), comes_from) == "banned"
    assert not rule.fault(house.state, "control", key("new"), "192.0.2.8")
    assert house.ask("op", "unban", who=named)["ok"]
    assert not rule.fault(house.state, "control", key("new"), comes_from)
    assert house.ask("op", "ban", address="example.org") == "bad_request"


def test_of_many_bans_the_newest_are_listed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "MAX_LIST", 2)
    for last in (1, 2, 3):
        assert house.ask("op", "bans")["more"] is False
        assert house.ask("op", "ban", address=f"192.0.2.{last}")["ok"]
        house.wait(1)
    found = house.ask("op", "bans")
    assert [ban["who"] for ban in found["bans"]] == ["192.0.2.3", "192.0.2.2"]
    assert found["more"] is True
