"""Passwords of registered nicknames: who may try, and what a guess finds out."""

from __future__ import annotations

from typing import Any

import pytest

from chatlib.core.commands import LogIn, SetPassword, Unhashed
from chatlib.core.passwords import PER_MINUTE, Attempts, salt_of
from chatlib.net.passwords import Passwords
from chatlib.protocol.keys import fingerprint
from tests.core.registered_play import House, key

GOOD = "correct horse"


class Hasher(Passwords):
    """Hashes at once what is asked, without a thread: a hash of a test costs nothing."""

    def ask(self, wanted: Unhashed, now: float) -> object:  # type: ignore[override]
        if error := self._attempts.begin(wanted, now):
            return error
        wanted.command.hash = f"{wanted.password} {wanted.command.salt!r}".encode()
        self._open.append(wanted)
        self._done.append(wanted)
        return None


@pytest.fixture
def house() -> House:
    house = House("ann", "bob")
    house.pipeline._passwords = Hasher()
    house.pipeline.admission._passwords = True
    house.hello("ann", "ann")
    house.ask("ann", "register")
    assert tried(house, "ann", "password", password=GOOD)["ok"]
    return house


def tried(house: House, who: str, op: str, **fields: str) -> Any:
    """Ask something with a password; the hash is there a pass later."""
    house.now += 60
    house.ask_only(who, op, **fields)
    house.wait(0)
    return house.answer(who)


def test_a_password_adds_the_key_that_asks(house: House) -> None:
    assert tried(house, "anb", "login", nick="ANN", password=GOOD)["nick"] == "ann"
    assert house.hello("anb")["nick"] == "ann"
    assert tried(house, "anb", "login", nick="ann", password=GOOD)["ok"]
    assert house.state.identities[key("ann")].keys == (key("ann"), key("anb"))


def test_a_guess_does_not_find_out_who_is_registered(house: House) -> None:
    house.hello("bob", "bob")
    house.ask("bob", "register")
    for nick in ("ann", "bob", "nobody"):
        assert tried(house, "mal", "login", nick=nick, password="guess") == "wrong_password"
    assert house.hello("mal", "mal") == "not_admitted"
    assert salt_of(house.state, "bob") == salt_of(house.state, "Bob") != salt_of(house.state, "n")
    assert tried(house, "mal", "login", nick="a b", password="guess") == "bad_nick"


def test_a_new_password_ends_the_old_one_and_so_do_reset_and_unregister(house: House) -> None:
    assert tried(house, "ann", "password", password="battery staple")["ok"]
    assert tried(house, "anb", "login", nick="ann", password=GOOD) == "wrong_password"
    house.ask("op", "reset", nick="ann")
    assert tried(house, "anb", "login", nick="ann", password="battery staple") == "wrong_password"


def test_a_password_that_a_removed_device_had_set_goes_with_it(house: House) -> None:
    tried(house, "stolen", "login", nick="ann", password=GOOD)
    house.hello("stolen")
    stolen = fingerprint(key("stolen").encode())
    assert house.ask("ann", "undevice", key=stolen)["ok"]
    assert tried(house, "stolen", "login", nick="ann", password=GOOD)["ok"], "it was ann's own"
    house.hello("stolen")
    assert tried(house, "stolen", "password", password="mine from now on")["ok"]
    assert house.ask("ann", "undevice", key=stolen)["ok"]
    told = tried(house, "mal", "login", nick="ann", password="mine from now on")
    assert told == "wrong_password"


def test_operators_have_no_password(house: House) -> None:
    house.hello("op", "op")
    house.ask("op", "register")
    assert tried(house, "op", "password", password=GOOD) == "not_allowed"
    known = house.state.identities[key("op")]
    assert not known.password


def test_an_operators_key_is_not_added(house: House) -> None:
    assert tried(house, "op", "login", nick="ann", password=GOOD) == "not_allowed"


def test_who_is_not_registered_sets_none(house: House) -> None:
    house.hello("bob", "bob")
    assert tried(house, "bob", "password", password=GOOD) == "not_registered"
    assert tried(house, "bob", "password", password="short") == "bad_request"


def test_a_broker_that_takes_none_says_what_else() -> None:
    house = House("ann")
    house.hello("ann", "ann")
    for op, more in (("password", {}), ("login", {"nick": "ann"})):
        assert house.ask("ann", op, password=GOOD, **more) == "no_passwords"
    assert "/device" in house.sent["ann"][0]["error"]["message"]


def login(nick: str) -> LogIn:
    return LogIn(at=1, key="K", nick=nick, salt=b"")


def test_so_many_tries_a_minute_of_an_address_and_for_a_nickname() -> None:
    attempts = Attempts()
    for i in range(PER_MINUTE):
        one = Unhashed(login("ann"), "x", f"10.0.0.{i}")
        assert attempts.begin(one, 1.0) is None
        attempts.end(one)
    error = attempts.begin(Unhashed(login("ANN"), "x", "10.0.0.9"), 1.0)
    assert error is not None and (error.code, error.after_ms) == ("slow_down", 12_000)
    assert attempts.begin(Unhashed(login("bob"), "x", "10.0.0.9"), 1.0) is None
    assert attempts.begin(Unhashed(login("ann"), "x", "10.0.0.8"), 13.1) is None


def test_one_try_at_a_time() -> None:
    attempts = Attempts()
    first = Unhashed(login("ann"), "x", "2001:db8::1")
    assert attempts.begin(first, 1.0) is None
    for other in (
        Unhashed(login("ann"), "x", "10.0.0.1"),
        Unhashed(login("b"), "x", "2001:db8::2"),
    ):
        error = attempts.begin(other, 1.0)
        assert error is not None and error.code == "busy"
    attempts.end(first)
    assert attempts.begin(Unhashed(login("b"), "x", "2001:db8::2"), 1.0) is None


def test_a_password_is_in_no_representation() -> None:
    assert GOOD not in repr(Unhashed(SetPassword(at=1, salt=b""), GOOD, ""))
