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

NICKS = st.sampled_from(["ann", "ANN", "Zoë", "guest1", "bob", "a b", ""])
KEYS = st.sampled_from(["ann", "zoë", "guest1", "bob", "nobody"])
ROOMS = st.sampled_from(["lobby", "ops", "küche"])
SIDS = st.sampled_from([f"s{i}" for i in range(5)])
TOKENS = st.sampled_from([None, "made-up", *(f"t{i}" for i in range(5))])
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
        st.fixed_dictionaries({"token": TOKENS, "nick": st.none() | NICKS, "bot": st.booleans()}),
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


def numbered(acts: list[tuple[type[Command], dict[str, Any]]]) -> Iterator[Command]:
    """Make commands of acts: each has a time of its own, each new session a sid of its own."""
    sids = count()
    for at, (kind, known) in enumerate(acts, 1_000):
        origin = None if kind is commands.Say else Origin(b"\0aaaa", at)
        made = {}
        if kind is commands.OpenSession:
            i = next(sids)
            made = {"sid": f"s{i}", "new_token": f"t{i}"}
        yield kind(at=at, origin=origin, **known, **made)
