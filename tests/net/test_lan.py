"""Which address is picked for the local network, among which candidates."""

from __future__ import annotations

import ipaddress
import socket

import pytest

from chatlib.errors import BadConfiguration
from chatlib.net.lan import own_address, own_addresses, pick, route_sources

LOOPBACK = ["127.0.0.1", "::1"]
LINK_LOCAL = "fe80::fc:ff:fe00:1"


@pytest.mark.parametrize(
    ("sources", "own", "picked"),
    [
        (["192.168.1.20"], ["192.168.1.20", "172.17.0.1"], "192.168.1.20"),
        (["192.168.1.20", "2001:db8::7"], ["192.168.1.20", "2001:db8::7"], "192.168.1.20"),
        (["2001:db8::7"], ["172.17.0.1", "10.0.0.1"], "[2001:db8::7]"),
        (["127.0.0.1", LINK_LOCAL], ["192.168.1.20"], "192.168.1.20"),
        (["0.0.0.0"], ["192.168.1.20"], "192.168.1.20"),
        ([], ["192.168.1.20"], "192.168.1.20"),
        ([], ["192.168.1.20", "192.168.1.20"], "192.168.1.20"),
        ([], ["169.254.7.7"], "169.254.7.7"),
        ([], ["fd00::2"], "[fd00::2]"),
        ([], ["fd00::2", "192.168.1.20"], "192.168.1.20"),
    ],
)
def test_what_is_picked(sources: list[str], own: list[str], picked: str) -> None:
    assert pick(sources, [*LOOPBACK, *own, LINK_LOCAL]) == picked


@pytest.mark.parametrize(
    ("own", "listed", "named"),
    [
        (["192.168.1.20", "10.0.0.1"], "10.0.0.1, 192.168.1.20", "tcp://10.0.0.1:5555"),
        (["fd00::2", "fd00::1"], "[fd00::1], [fd00::2]", "tcp://[fd00::1]:5555"),
        (["10.0.0.1", "192.168.1.20", "fd00::1"], "10.0.0.1, 192.168.1.20, [fd00::1]", "--listen"),
    ],
)
def test_several_are_listed(own: list[str], listed: str, named: str) -> None:
    with pytest.raises(BadConfiguration) as caught:
        pick([], [*LOOPBACK, *own, LINK_LOCAL])
    assert f"({listed})" in str(caught.value) and "--listen" in str(caught.value)
    assert named in str(caught.value)


@pytest.mark.parametrize("own", [[], [LINK_LOCAL], ["0.0.0.0"]])
def test_none_is_said(own: list[str]) -> None:
    with pytest.raises(BadConfiguration, match="no address on a network"):
        pick([], [*LOOPBACK, *own])


def test_this_machine_has_its_loopback_and_all_can_be_listened_on() -> None:
    found = own_addresses()
    assert "127.0.0.1" in found
    for address in found:
        if ":" not in address:
            with socket.socket() as listening:
                listening.bind((address, 0))
    assert all(ipaddress.ip_address(source) for source in route_sources())
    assert set(route_sources()) <= set(found)


def test_a_name_where_no_route_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatlib.net.lan.route_sources", lambda: iter(["2001:db8::7"]))
    assert own_address() == socket.gethostname()
    monkeypatch.setattr("chatlib.net.lan.route_sources", lambda: iter(["10.0.0.1", "fd00::2"]))
    assert own_address() == "10.0.0.1"
