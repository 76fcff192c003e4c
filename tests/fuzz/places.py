"""What is true of addresses, links and names, whatever somebody typed."""

from __future__ import annotations

import contextlib
import re

from chatlib.errors import BadAddress, BadName
from chatlib.names import NICK_CHARS, ROOM_CHARS, SUGGESTIONS, nick_key, room_name, suggest_nick
from chatlib.protocol.links import (
    LINK_CHARS,
    Endpoint,
    Link,
    beside,
    dialled,
    parse_endpoint,
    parse_link,
)
from chatlib.protocol.topics import room_topic, topic_room
from chatlib.security.keys import from_link, to_link
from chatlib.skeleton import skeletons

_token = re.compile(r"\bt=([A-Za-z0-9_-]{8,})")


def typed(data: bytes) -> str:
    """Return bytes as a command line gives them: what is no UTF-8 comes as lone surrogates."""
    return data.decode("utf-8", "surrogateescape")


def endpoint(data: bytes) -> Endpoint:
    return parse_endpoint(typed(data))


def is_endpoint(data: bytes, found: Endpoint) -> None:
    assert parse_endpoint(str(found)) == found
    assert 0 <= found.port <= 65535
    assert found.loopback in (True, False)
    str(found).encode()  # it goes to libzmq
    with contextlib.suppress(BadAddress):
        for other in beside(found):
            assert parse_endpoint(str(other)) == other
    dialled(typed(data), found)


def link(data: bytes) -> Link:
    text = typed(data)
    try:
        return parse_link(text)
    except BadAddress as e:
        shown, _, query = text.partition("?")
        for token in _token.findall(query):
            if token not in shown and token in str(e):  # by chance, or it is told
                assert _fault(text.replace(token, "z" * len(token))) == str(e), "it is told"
        raise


def _fault(text: str) -> str:
    try:
        parse_link(text)
    except BadAddress as e:
        return str(e)
    return ""


def is_link(data: bytes, found: Link) -> None:
    if found.server_key is not None and found.server_key != "A" * 43:  # zero is nobody's
        assert to_link(from_link(found.server_key)) == found.server_key
    if len(str(found)) <= LINK_CHARS:  # percent-encoded, a room can be longer than it was
        assert parse_link(str(found)) == found


def name(data: bytes) -> str:
    """Fold as a room and as a nickname. Raises BadName when it is neither."""
    text = typed(data)
    with contextlib.suppress(BadName):
        room = room_name(text)
        assert room_name(room) == room and 0 < len(room) <= ROOM_CHARS
        assert topic_room(room_topic(room)) == room
    return nick_key(text)


def is_name(data: bytes, key: str) -> None:
    assert nick_key(key) == key and 0 < len(key) <= NICK_CHARS
    key.encode()
    assert skeletons(typed(data))
    folded = nick_key.cache_info().misses
    other = suggest_nick(typed(data), {key})
    assert nick_key(other) != key
    assert nick_key.cache_info().misses - folded <= SUGGESTIONS + 1, "it costs too much"
