"""Who was refused what: the newest first, few however many they are."""

from __future__ import annotations

import pytest

from chatlib.core.commands import Peer
from chatlib.net import refusals
from chatlib.net.refusals import Refusals
from chatlib.security.door import Knock, Verdict

AWAY = Peer("key", "192.0.2.7")


class Kept:
    """Refusals whose clock is the test's."""

    def __init__(self) -> None:
        self.now = 0.0
        self.refusals = Refusals(lambda: self.now)

    def told(self, most: int = 10) -> list[tuple[str, str, int]]:
        return [(one.address, one.code, one.count) for one in self.refusals.newest(most)]


@pytest.fixture
def kept() -> Kept:
    return Kept()


def test_the_same_of_a_peer_is_counted_and_the_newest_comes_first(kept: Kept) -> None:
    kept.refusals.note("banned", AWAY)
    kept.refusals.note("slow_down", AWAY)
    kept.now = 5.0
    kept.refusals.note("banned", AWAY._replace(key="a new one"))
    kept.now = 7.0
    assert kept.told() == [("192.0.2.7", "banned", 2), ("192.0.2.7", "slow_down", 1)]
    newest = kept.refusals.newest(1)[0]
    assert (newest.key, newest.ago) == ("a new one", 2.0)


def test_of_many_the_oldest_are_forgotten(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MOST_KEPT", 3)
    for n in range(9):
        kept.refusals.note("banned", Peer(address=f"192.0.2.{n}"))
        kept.refusals.note("banned", Peer(address="192.0.2.0"))
    assert [address for address, *_ in kept.told()] == ["192.0.2.0", "192.0.2.8", "192.0.2.7"]
    assert len(kept.told(2)) == 2


def test_what_is_asked_is_of_whom_it_came(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MOST_ASKING", 2)

    def hear(*routings: bytes) -> None:
        arrived = [([routing, b"{}"], AWAY) for routing in routings]
        assert list(kept.refusals.hearing(arrived)) == arrived

    hear(b"1")
    kept.refusals.answered("no_session", b"1")
    kept.refusals.answered("no_session", b"2")
    hear(b"2", b"1")
    hear()
    kept.refusals.answered("wrong_password", b"1")  # whose password was hashed meanwhile
    hear(b"3")
    kept.refusals.answered("busy", b"2")  # forgotten
    assert kept.told() == [("192.0.2.7", "wrong_password", 1), ("192.0.2.7", "no_session", 1)]


def test_operators_here_and_nobody_are_not_told_of(kept: Kept) -> None:
    kept.refusals.note("no_such_nick", Peer(address="process 7", uid=1000))
    kept.refusals.note("no_such_nick", Peer())
    assert kept.told() == []


def test_who_knocks_in_vain_is_told_of(kept: Kept) -> None:
    verdicts = {"192.0.2.7": Verdict(None, "not admitted"), "192.0.2.8": Verdict(b"key")}
    judge = kept.refusals.judging(lambda knock: verdicts[knock.address])
    for address, verdict in verdicts.items():
        assert judge(Knock("control", address, "CURVE", b"key")) == verdict
    assert kept.told() == [("192.0.2.7", "not_admitted", 1)]
