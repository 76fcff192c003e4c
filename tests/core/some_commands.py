"""Commands of all kinds, as noise for the state: some sensible, some not."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

from hypothesis import strategies as st

from chatlib.core import commands
from chatlib.core.commands import Command, Origin
from chatlib.protocol.events import BadLine, Line
from chatlib.protocol.fields import Error
from chatlib.protocol.keys import encode_z85, fingerprint

NICKS = st.sampled_from(["ann", "ANN", "Zoë", "guest1", "bob", "a b", ""])
KEYS = st.sampled_from(["ann", "zoë", "guest1", "bob", "nobody"])
ROOMS = st.sampled_from(["lobby", "ops", "küche"])
SIDS = st.sampled_from([f"s{i}" for i in range(5)])
TOKENS = st.sampled_from([None, "made-up", *(f"t{i}" for i in range(5))])
KEYS = st.sampled_from([encode_z85(bytes([i]) * 32).decode() for i in range(3)])
ROLES = st.sampled_from(["", "", "operator"])
GOOD_NICKS = st.sampled_from(["ann", "Zoë", "guest1", "bob"])
SALTS = st.sampled_from([b"", b"salt"])
LINKS = [{"id": i, "token": "", "digest": i.encode(), "seconds": 600} for i in ("i1", "i2")]
LINES = st.lists(
    st.one_of(
        st.builds(
            Line, n=st.integers(1, 6), text=st.just("x"), room=ROOMS,
            kind=st.sampled_from(["say", "act"]),
        ),
        st.builds(Line, n=st.integers(1, 6), text=st.just("x"), to=NICKS),
        st.builds(BadLine, n=st.integers(1, 6), error=st.just(Error("bad_text", "no"))),
    ),
    max_size=4,
)  # fmt: skip

ACTS: st.SearchStrategy[tuple[type[Command], dict[str, Any]]] = st.one_of(
    st.tuples(
        st.just(commands.OpenSession),
        st.fixed_dictionaries(
            {
                "token": TOKENS,
                "nick": st.none() | NICKS,
                "bot": st.booleans(),
                "key": st.just("") | KEYS,
            }
        ),
    ),
    st.tuples(st.just(commands.ChangeNick), st.fixed_dictionaries({"sid": SIDS, "nick": NICKS})),
    st.tuples(
        st.just(commands.JoinRoom),
        st.fixed_dictionaries({"sid": SIDS, "room": ROOMS, "after": st.sampled_from([None, 0, 9])}),
    ),
    st.tuples(st.just(commands.LeaveRoom), st.fixed_dictionaries({"sid": SIDS, "room": ROOMS})),
    st.tuples(
        st.just(commands.SetTopic),
        st.fixed_dictionaries({"sid": SIDS, "room": ROOMS, "text": st.sampled_from(["", "\0"])}),
    ),
    st.tuples(
        st.just(commands.MarkRead),
        st.fixed_dictionaries({"sid": SIDS, "room": ROOMS, "seq": st.integers(0, 40)}),
    ),
    st.tuples(
        st.just(commands.MarkRead),
        st.fixed_dictionaries({"sid": SIDS, "peer": NICKS, "seq": st.integers(0, 40)}),
    ),
    st.tuples(
        st.just(commands.CreateRoom),
        st.fixed_dictionaries({"sid": SIDS, "room": ROOMS, "private": st.booleans()}),
    ),
    st.tuples(
        st.just(commands.SetRole),
        st.fixed_dictionaries(
            {
                "sid": SIDS, "room": ROOMS, "nick": KEYS,
                "role": st.sampled_from(["owner", "moderator", "member", "none"]),
            }
        ),
    ),
    st.tuples(
        st.sampled_from(
            [commands.Kick, commands.RoomBan, commands.RoomUnban, commands.Mute, commands.Unmute]
        ),
        st.fixed_dictionaries({"sid": SIDS, "room": ROOMS, "nick": KEYS, "local": st.booleans()}),
    ),
    st.tuples(st.just(commands.Say), st.fixed_dictionaries({"sid": SIDS, "lines": LINES})),
    st.tuples(
        st.just(commands.EndSession),
        st.fixed_dictionaries({"sid": SIDS, "reason": st.sampled_from(["left", "timeout"])}),
    ),
)  # fmt: skip

KEYED: st.SearchStrategy[tuple[type[Command], dict[str, Any]]] = st.one_of(
    st.tuples(st.just(commands.Admit), st.fixed_dictionaries({"key": KEYS, "role": ROLES})),
    st.tuples(st.just(commands.Register), st.fixed_dictionaries({"sid": SIDS})),
    st.tuples(st.just(commands.Unregister), st.fixed_dictionaries({"sid": SIDS})),
    st.tuples(st.just(commands.Deregister), st.fixed_dictionaries({"nick": GOOD_NICKS})),
    st.tuples(
        st.just(commands.AddDevice),
        st.builds(lambda sid, link: {"sid": sid, **link}, SIDS, st.sampled_from(LINKS)),
    ),
    st.tuples(
        st.just(commands.Reset),
        st.builds(lambda nick, link: {"nick": nick, **link}, GOOD_NICKS, st.sampled_from(LINKS)),
    ),
    st.tuples(
        st.just(commands.Redeem),
        st.fixed_dictionaries({"key": KEYS, "digest": st.sampled_from([b"i1", b"i2"])}),
    ),
    st.tuples(
        st.just(commands.RemoveDevice),
        st.fixed_dictionaries({"sid": SIDS, "key": KEYS.map(lambda k: fingerprint(k.encode()))}),
    ),
    st.tuples(st.just(commands.SetPassword), st.fixed_dictionaries({"sid": SIDS, "salt": SALTS})),
    st.tuples(
        st.just(commands.LogIn),
        st.fixed_dictionaries({"key": KEYS, "nick": GOOD_NICKS, "salt": SALTS}),
    ),
    st.tuples(st.just(commands.Ban), st.fixed_dictionaries({"who": KEYS})),
    st.tuples(st.just(commands.Unban), st.fixed_dictionaries({"who": KEYS})),
)
ACTS = st.one_of(ACTS, KEYED, KEYED)


def numbered(acts: list[tuple[type[Command], dict[str, Any]]]) -> Iterator[Command]:
    """Make commands of acts: each has a time of its own, each new session a sid of its own."""
    sids = count()
    for at, (kind, known) in enumerate(acts, 1_000):
        origin = None if kind in (commands.Say, commands.Admit) else Origin(b"\0aaaa", at)
        made = {}
        if kind is commands.OpenSession:
            i = next(sids)
            made = {"sid": f"s{i}", "new_token": f"t{i}"}
        yield kind(at=at, origin=origin, **known, **made)
