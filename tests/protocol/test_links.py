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
    Link,
    beside,
    dialled,
    parse_endpoint,
    parse_link,
)

KEY = "VLU5MuP4" + "x" * 34 + "M"
HERE = Endpoint("example.org", DEFAULT_PORT)


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
        "ipc:///tmp/\udcff", "tcp://a\udcff", "a\0b", "ipc://a\nb", "ipc://a\u2028b", "ipc://a ",
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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hubbub://example.org", Link(HERE)),
        ("hubbub://example.org/", Link(HERE)),
        ("HUBBUB://example.org:7/ops", Link(Endpoint("example.org", 7), "ops")),
        ("hubbub://[::1]:7/ops", Link(Endpoint("[::1]", 7), "ops")),
        ("hubbub://[fe80::1%eth0]/ops", Link(Endpoint("[fe80::1%eth0]", DEFAULT_PORT), "ops")),
        ("hubbub://example.org/k%C3%BCche", Link(HERE, "küche")),
        ("hubbub://example.org/küche", Link(HERE, "küche")),
        ("hubbub://example.org/c%23", Link(HERE, "c#")),
        ("hubbub://example.org/#ops", Link(HERE, "#ops")),
        (f"hubbub://example.org?k={KEY}", Link(HERE, "", KEY)),
        (f"hubbub://example.org/ops?k={KEY}&t=a-_9", Link(HERE, "ops", KEY, "a-_9")),
        (f"hubbub://example.org/ops?new=%20&t=x&k={KEY}&", Link(HERE, "ops", KEY, "x")),
    ],
)
def test_forms_of_a_link(text: str, expected: Link) -> None:
    assert parse_link(text) == expected


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "start with hubbub://"), ("tcp://a", "start with hubbub://"),
        ("hubbub:a", "start with hubbub://"), (" hubbub://a", "start with hubbub://"),
        ("hubbub://", "no host"), ("hubbub:///ops", "no host"), ("hubbub://:7/ops", "no host"),
        ("hubbub://ann@a/ops", "no user"), ("hubbub://a:b/ops", "'a:b' is no HOST:PORT"),
        ("hubbub://a:65536", "no HOST:PORT"), ("hubbub://::1/ops", "no HOST:PORT"),
        ("hubbub://a b/ops", "no HOST:PORT"), ("hubbub://a:0/ops", "port 0"),
        ("hubbub://*/ops", "'*' is no host"), ("hubbub://a/b/c", "one room"),
        ("hubbub://a#b", "one room"), ("hubbub://a/%", "two hexadecimal"),
        ("hubbub://a/%zz", "two hexadecimal"), ("hubbub://a/%ff", "not percent-encoded UTF-8"),
        ("hubbub://a/x%0ay", "control character"), ("hubbub://a/x\ny", "control character"),
        ("hubbub://a?k=", "key (k=)"), ("hubbub://a?k=" + "A" * 42, "key (k=)"),
        ("hubbub://a?k=" + "B" * 43, "key (k=)"), ("hubbub://a?k=" + "+" * 43, "key (k=)"),
        ("hubbub://a?t=", "token (t=)"), ("hubbub://a?t=a%20b", "token (t=)"),
        ("hubbub://a?" + "x=1&" * 21, "20 fields"), ("hubbub://" + "a" * 2000, "at most 2000"),
    ],
)  # fmt: skip
def test_a_link_that_is_none_says_what_is_wrong(text: str, cause: str) -> None:
    with pytest.raises(BadAddress) as caught:
        parse_link(text)
    assert cause in str(caught.value)


@given(
    st.sampled_from([HERE, Endpoint("[::1]", 7), Endpoint("10.0.0.1", 65535)]),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=50),
    st.sampled_from([None, KEY]),
    st.none() | st.text("abcXYZ019-_", min_size=1, max_size=64),
)
def test_a_link_says_what_was_put_in(
    endpoint: Endpoint, room: str, key: str | None, token: str | None
) -> None:
    link = Link(endpoint, room, key, token)
    assert str(link).isascii()
    assert parse_link(str(link)) == link


@given(st.text(max_size=80).map("hubbub://".__add__) | st.text(max_size=30))
def test_anything_pasted_is_a_link_or_a_bad_address(text: str) -> None:
    try:
        link = parse_link(text)
    except BadAddress as e:
        assert str(e)
        return
    assert parse_link(str(link)) == link


@pytest.mark.parametrize(
    "text",
    [
        "hubub://a?t=secret",
        "hubbub://a b?t=secret",
        "hubbub://a/b/c?t=secret&k=x",
        "hubbub://a?t=secret!",
    ],
)
def test_an_error_never_shows_the_token(text: str) -> None:
    with pytest.raises(BadAddress) as caught:
        parse_link(text)
    assert "secret" not in str(caught.value)


def test_a_socket_file_has_no_link() -> None:
    with pytest.raises(BadAddress, match="only this machine"):
        str(Link(Endpoint("", 0, "/tmp/x")))


def test_a_room_that_is_no_utf_8_as_a_command_line_gives_it() -> None:
    with pytest.raises(BadAddress, match="percent-encoded UTF-8"):
        parse_link("hubbub://a/\udcff")
