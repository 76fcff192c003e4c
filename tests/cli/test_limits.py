"""`--limit`: what it makes of the table, and what it refuses."""

from __future__ import annotations

import argparse

import pytest

from chatlib.cli.limits import limit
from chatlib.core.buckets import NO_LIMITS, PERSON, Limits, Rate, Rates
from chatlib.security.keys import encode_z85, fingerprint, to_link
from tests.cli.test_broker import run


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("messages=20/s,burst=200", Limits(PERSON._replace(messages=Rate(20, 200)))),
        ("people:messages=20/s", Limits(PERSON._replace(messages=Rate(20, 200)))),
        ("bytes=1M/min", Limits(PERSON._replace(bytes=Rate(1024**2 / 60, 10 * 1024**2 / 60)))),
        ("bytes=64K/s,burst=2M", Limits(PERSON._replace(bytes=Rate(64 * 1024, 2 * 1024**2)))),
        ("changes=1.5/h", Limits(PERSON._replace(changes=Rate(1.5 / 3600, 1)))),
        ("sessions=2/s,burst=4,most=3",
         Limits(PERSON._replace(sessions=Rate(2, 4), most_sessions=3))),
        ("sessions=off", Limits(PERSON._replace(sessions=None, most_sessions=None))),
        ("messages=off", Limits(PERSON._replace(messages=None))),
        ("off", NO_LIMITS),
    ],
)  # fmt: skip
def test_what_it_makes_of_the_defaults(text: str, made: Limits) -> None:
    assert limit(text)(Limits()) == made


def test_who_it_is_for() -> None:
    rates = Rates(requests=Rate(5, 50))
    assert limit("bots:requests=5/s")(NO_LIMITS) == NO_LIMITS._replace(bot=rates)
    assert limit("addresses:requests=5/s")(NO_LIMITS) == NO_LIMITS._replace(address=rates)
    assert limit("on")(NO_LIMITS) == Limits()


FINGERPRINT = fingerprint(encode_z85(bytes(range(32))))
KEY = to_link(encode_z85(bytes(range(32))))


@pytest.mark.parametrize(
    "who", [FINGERPRINT, FINGERPRINT.replace("-", ""), FINGERPRINT.upper(), KEY]
)
def test_a_single_key(who: str) -> None:
    one = limit(f"{who}:messages=5/s")(Limits())
    assert one == Limits(given={FINGERPRINT: {"messages": Rate(5, 50)}})
    two = limit(f"{KEY}:sessions=1/s,most=3")(one)
    more = {"messages": Rate(5, 50), "sessions": Rate(1, 10), "most_sessions": 3}
    assert two.given == {FINGERPRINT: more}
    assert limit(f"{who}:messages=off")(two).given == {FINGERPRINT: {**more, "messages": None}}
    assert limit("messages=off")(two).given == two.given
    assert limit("off")(two) == NO_LIMITS


def test_handshakes_are_of_addresses() -> None:
    made = limit("addresses:handshakes=5/s")(NO_LIMITS)
    assert made == NO_LIMITS._replace(address=Rates(handshakes=Rate(5, 50)))


def test_a_single_key_where_nobody_has_one() -> None:
    ended = run("--memory", "--listen", "tcp://127.0.0.1:0", "--limit", f"{KEY}:messages=5/s")
    assert ended.returncode == 78 and "this one knows no keys" in ended.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "give such as"),
        ("messages", "give such as"),
        ("messages=20", "give such as"),
        ("messages=20/d", "give such as"),
        ("messages=-1/s", "give such as"),
        ("messages=1e9/s", "'1e9' is no size"),
        ("messages=20/s,200", "give such as"),
        ("messages=20/s burst=200", "give such as"),
        ("words=20/s", "'words' is none of messages, bytes"),
        ("cats:messages=20/s", "'cats' is none of people, bots, addresses"),
        ("abcd-efgh:messages=20/s", "no key or fingerprint"),
        ("A" * 43 + ":messages=20/s", "no key or fingerprint"),
        ("handshakes=20/s", "'handshakes' is none of"),
        (f"{FINGERPRINT}:handshakes=20/s", "'handshakes' is none of"),
        (f"{FINGERPRINT}:messages=0/s", "0 a second"),
        ("messages=0/s", "0 a second is no rate"),
        ("messages=20/s,burst=0", "a burst is at least 1"),
        ("bytes=20/s,burst=1000", "a burst is at least 131072"),
        ("messages=20/s,most=3", "only sessions"),
        ("messages=off,burst=3", "a burst needs a rate"),
        ("sessions=1/s,most=0", "at least one"),
    ],
)
def test_nonsense_is_refused(text: str, said: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=said):
        limit(text)


def test_nonsense_ends_the_command() -> None:
    ended = run("--memory", "--listen", "tcp://127.0.0.1:0", "--limit", "messages=0/s")
    assert ended.returncode == 2
    assert "--limit: 'messages=0/s': messages: 0 a second is no rate" in ended.stderr
