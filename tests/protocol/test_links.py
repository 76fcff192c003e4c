"""Addresses: what users type, and where intake and feed are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatlib.errors import BadAddress
from chatlib.protocol.links import (
    DEFAULT_ADDRESS,
    DEFAULT_PORT,
    IPC_BYTES,
    Endpoint,
    beside,
    dialled,
    parse_endpoint,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tcp://127.0.0.1:5555", Endpoint("127.0.0.1", 5555)),
        ("tcp://example.org:7", Endpoint("example.org", 7)),
        ("example.org", Endpoint("example.org", DEFAULT_PORT)),
        ("example.org:7", Endpoint("example.org", 7)),
        ("tcp://example.org", Endpoint("example.org", DEFAULT_PORT)),
        ("tcp://example.org/", Endpoint("example.org", DEFAULT_PORT)),
        ("tcp://*:7", Endpoint("*", 7)),
        ("tcp://[::1]:7", Endpoint("[::1]", 7)),
        ("[::1]", Endpoint("[::1]", DEFAULT_PORT)),
        ("[fe80::1%eth0]:7", Endpoint("[fe80::1%eth0]", 7)),
        ("127.0.0.1:0", Endpoint("127.0.0.1", 0)),
        ("127.0.0.1:*", Endpoint("127.0.0.1", 0)),
        ("ipc:///tmp/hubbub", Endpoint("", 0, "/tmp/hubbub")),
        ("ipc://here", Endpoint("", 0, "here")),
    ],
)
def test_forms_of_an_address(text: str, expected: Endpoint) -> None:
    assert parse_endpoint(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", ":", ":7", "tcp://", "tcp://:7", "a b", "a:b", "a:7:8", "::1", "a:65536", "a:-1",
        "http://a", "inproc://a", "ipc://", "tcp://a/b", "tcp://[a", "a:7x", "a\n", "a:٧",
        "ipc://" + "x" * (IPC_BYTES - 6), "ipc://" + "ü" * 51,
    ],
)  # fmt: skip
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(BadAddress) as caught:
        parse_endpoint(text)
    assert repr(text) in str(caught.value)


def test_the_longest_path_of_ipc() -> None:
    path = "x" * (IPC_BYTES - len(".intake"))
    assert parse_endpoint(f"ipc://{path}").path == path


@given(st.text(max_size=30))
def test_anything_typed_is_an_address_or_a_bad_one(text: str) -> None:
    try:
        endpoint = parse_endpoint(text)
    except BadAddress:
        return
    assert parse_endpoint(str(endpoint)) == endpoint
    assert 0 <= endpoint.port <= 65535


def test_the_default_address() -> None:
    assert str(parse_endpoint(DEFAULT_ADDRESS)) == DEFAULT_ADDRESS


@pytest.mark.parametrize(
    ("control", "intake", "feed"),
    [
        ("tcp://a:5555", "tcp://a:5556", "tcp://a:5557"),
        ("tcp://[::1]:65533", "tcp://[::1]:65534", "tcp://[::1]:65535"),
        ("tcp://a:0", "tcp://a:0", "tcp://a:0"),
        ("ipc:///tmp/x", "ipc:///tmp/x.intake", "ipc:///tmp/x.feed"),
    ],
)
def test_intake_and_feed_are_beside_control(control: str, intake: str, feed: str) -> None:
    assert tuple(map(str, beside(parse_endpoint(control)))) == (intake, feed)


@pytest.mark.parametrize("port", [65534, 65535])
def test_there_must_be_room_for_two_more_ports(port: int) -> None:
    with pytest.raises(BadAddress, match="65533"):
        beside(Endpoint("a", port))


@pytest.mark.parametrize(
    ("text", "loopback", "ipv6"),
    [
        ("127.0.0.1", True, False), ("127.9.9.9", True, False), ("localhost", True, False),
        ("[::1]", True, True), ("ipc:///tmp/x", True, False), ("10.0.0.1", False, False),
        ("*", False, False), ("0.0.0.0", False, False), ("[::]", False, True),
        ("example.org", False, False), ("[fe80::1%eth0]", False, True),
    ],
)  # fmt: skip
def test_what_only_this_machine_can_reach(text: str, loopback: bool, ipv6: bool) -> None:
    endpoint = parse_endpoint(text)
    assert (endpoint.loopback, endpoint.ipv6) == (loopback, ipv6)


@pytest.mark.parametrize(
    ("answered", "control", "expected"),
    [
        ("tcp://*:7", "tcp://a:5555", "tcp://a:7"),
        ("tcp://*:7", "tcp://[::1]:5555", "tcp://[::1]:7"),
        ("tcp://b:7", "tcp://a:5555", "tcp://b:7"),
        ("ipc:///tmp/x.feed", "ipc:///tmp/x", "ipc:///tmp/x.feed"),
    ],
)
def test_a_star_stands_for_the_host_that_was_dialled(
    answered: str, control: str, expected: str
) -> None:
    assert dialled(answered, parse_endpoint(control)) == expected
