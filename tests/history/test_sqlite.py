"""The store on disk: the same pages as the one in memory, and a state that comes back whole."""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatlib.core.apply import apply
from chatlib.core.batch import Batch, Entry
from chatlib.core.commands import (
    Ban,
    ChangeNick,
    Command,
    CreateRoom,
    Deregister,
    EndSession,
    Invite,
    JoinRoom,
    LeaveRoom,
    OpenSession,
    Origin,
    Question,
    Register,
    RoomBan,
    Say,
    SetTopic,
    Unregister,
)
from chatlib.core.questions import answer
from chatlib.core.state import Changes, State
from chatlib.errors import BadConfiguration, CannotCreate
from chatlib.history.care import check
from chatlib.history.memory import MemoryStore
from chatlib.history.retention import DAY, Keep, Retention
from chatlib.history.schema import APPLICATION_ID, MIGRATIONS
from chatlib.history.sqlite import (
    FILE,
    LOOKS,
    MARK,
    TRIM,
    SqliteStore,
)
from chatlib.history.store import StoreFailed
from chatlib.protocol import requests
from chatlib.protocol.events import Line

HOUR = MARK
NOTHING = Changes(0, 0, 0, [], [], [], [], [])
ORIGIN = Origin(b"\0abcd", 1)

entries = st.lists(
    st.tuples(
        st.sampled_from(["room/lobby/", "room/ops/", "inbox/ann"]),
        st.sampled_from([None, "bob", "cyd"]),
        st.integers(1, 400),
    ),
    max_size=40,
)
places = st.one_of(st.none(), st.integers(0, 50))


@settings(max_examples=30, deadline=None)
@given(entries, places, places, st.integers(1, 12), st.integers(1, 2000))
def test_pages_are_those_of_the_store_in_memory(
    wanted: list[tuple[str, str | None, int]],
    after: int | None,
    before: int | None,
    limit: int,
    size: int,
) -> None:
    made = [
        Entry(stream, seq, b"x" * length, peer if stream.startswith("inbox") else None)
        for seq, (stream, peer, length) in enumerate(wanted, 1)
    ]
    memory = MemoryStore("e")
    memory.commit(made)
    with tempfile.TemporaryDirectory() as directory:
        disk = SqliteStore(Path(directory), "e")
        disk.commit(made, NOTHING)
        before = None if after is not None else before
        for stream in ("room/lobby/", "room/none/", "inbox/ann"):
            for peer in (None, "bob"):
                asked = {"after": after, "before": before, "limit": limit, "size": size}
                assert disk.page(stream, peer=peer, **asked) == memory.page(
                    stream, peer=peer, **asked
                )
        disk.close()


def opened(sid: str, nick: str | None) -> OpenSession:
    return OpenSession(at=5, sid=sid, origin=ORIGIN, new_token=f"token {sid}", nick=nick)


SIDS = ["s1", "s2", "s3"]
commands = st.lists(
    st.one_of(
        st.builds(
            opened,
            st.sampled_from(SIDS),
            st.sampled_from(["Ann", "bob", None]),
        ),
        st.builds(
            lambda sid, room: JoinRoom(at=6, sid=sid, room=room),
            st.sampled_from(SIDS),
            st.sampled_from(["lobby", "ops"]),
        ),
        st.builds(
            lambda sid, room: LeaveRoom(at=7, sid=sid, room=room),
            st.sampled_from(SIDS),
            st.sampled_from(["lobby", "ops"]),
        ),
        st.builds(
            lambda sid: SetTopic(at=8, sid=sid, room="ops", text="cake"), st.sampled_from(SIDS)
        ),
        st.builds(lambda sid: ChangeNick(at=9, sid=sid, nick="Cyd"), st.sampled_from(SIDS)),
        st.builds(lambda sid: EndSession(at=10, sid=sid, reason="left"), st.sampled_from(SIDS)),
        st.builds(
            lambda sid, n, to: Say(
                at=11, sid=sid, lines=[Line(n, "hi", room=None if to else "lobby", to=to)]
            ),
            st.sampled_from(SIDS),
            st.integers(1, 3),
            st.sampled_from([None, "ann", "bob"]),
        ),
    ),
    max_size=25,
)


def picture(state: State) -> object:
    return (
        state.seq,
        state.at,
        state.guests,
        {s.sid: (s.digest, s.user.id, s.bot, s.accepted, s.since) for s in state.sessions.values()},
        {u.id: (u.nick, u.key, u.inbox, sorted(u.rooms), u.sessions) for u in state.users.values()},
        {r.name: (r.topic, r.head, dict(r.members)) for r in state.rooms.values()},
        dict(state.nicks),
        dict(state.digests),
        {d: (e.accepted, e.at) for d, e in state.ended.items()},
    )


PRIVATE = Say(at=11, sid="s1", lines=[Line(1, "psst", to="bob")])


@settings(max_examples=30, deadline=None)
@given(st.lists(commands, max_size=4))
@example([[opened("s1", "Ann"), opened("s2", "bob"), PRIVATE]])
def test_a_state_comes_back_as_it_was_committed(passes: list[list[Command]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        store = SqliteStore(Path(directory), "e")
        state = State(store.epoch)
        for commands_ in passes:
            batch = Batch()
            for command in commands_:
                if isinstance(command, OpenSession) and command.sid in state.sessions:
                    continue  # admission gives every session a sid of its own
                apply(state, command, batch)
            changes = state.changes()
            if batch.entries or changes.any:
                store.commit(batch.entries, changes)
            state.keep()
        store.close()
        again = SqliteStore(Path(directory), "other")
        restored = State(again.epoch)
        restored.restore(again.load())
        again.close()
    assert restored.epoch == "e"
    assert picture(restored)[3:] == picture(state)[3:]  # type: ignore[index]
    assert restored.seq == state.seq


def test_a_commit_is_whole_or_nothing(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, "e")
    store.commit([Entry("room/lobby/", 1, b"one")], NOTHING)
    twice = [Entry("room/ops/", 2, b"two"), Entry("room/lobby/", 1, b"one again")]
    with pytest.raises(StoreFailed):
        store.commit(twice, NOTHING)
    assert store.page("room/ops/", limit=9, size=999).lines == []
    store.commit([Entry("room/ops/", 2, b"two")], NOTHING)  # its stream has a number of its own
    assert store.page("room/ops/", limit=9, size=999).lines == [b"two"]
    assert store.page("room/lobby/", limit=9, size=999).lines == [b"one"]
    store.close()


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    SqliteStore(tmp_path, "e").close()
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(BadConfiguration, match="newer Hubbub"):
        SqliteStore(tmp_path, "e")


def test_an_older_schema_is_brought_up_to_date(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / FILE) as db:
        db.executescript(MIGRATIONS[0])
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute("PRAGMA user_version = 1")
        db.execute("INSERT INTO meta VALUES ('epoch', 'the old one')")
        db.execute("INSERT INTO streams VALUES (1, 'a')")
        db.executemany("INSERT INTO events VALUES (1, ?, NULL, x'78')", [(i,) for i in range(1, 9)])
    db.close()
    store = SqliteStore(tmp_path, "e", retention=Retention(Keep(events=3)))
    store.trim(0)
    assert store.epoch == "the old one"
    assert kept(store) == (3, 6)
    store.close()


def test_somebody_else_s_database_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute("CREATE TABLE recipes (name TEXT)")
    db.close()
    with pytest.raises(BadConfiguration, match="not one of Hubbub's"):
        SqliteStore(tmp_path, "e")


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("dear diary, " * 100)
    with pytest.raises(CannotCreate, match="cannot use the history"):
        SqliteStore(tmp_path, "e")


def test_a_place_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotCreate, match=r"cannot write .*file/data: .*; use another --data"):
        SqliteStore(tmp_path / "file" / "data", "e")


def test_one_history_has_one_broker(tmp_path: Path) -> None:
    first = SqliteStore(tmp_path, "e")
    with pytest.raises(CannotCreate, match="another broker"):
        SqliteStore(tmp_path, "e")
    first.close()
    SqliteStore(tmp_path, "e").close()


def committed(store: SqliteStore, first: int, last: int, at: int = 0, stream: str = "a") -> None:
    for seq in range(first, last + 1):
        store.commit([Entry(stream, seq, b"x")], NOTHING._replace(seq=seq, at=at))


def kept(store: SqliteStore, stream: str = "a") -> tuple[int, int]:
    page = store.page(stream, after=0, limit=10_000, size=10**6)
    return len(page.lines), page.oldest


def test_the_newest_events_of_each_stream_are_kept(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, "e", retention=Retention(Keep(events=10)))
    committed(store, 1, 25)
    committed(store, 26, 30, stream="b")
    for _ in range(3):
        store.trim(0)
    assert (kept(store), kept(store, "b")) == ((10, 16), (5, 26))
    store.close()
    again = SqliteStore(
        tmp_path, "e", retention=Retention(Keep(events=4))
    )  # it counts on after a restart
    again.trim(0)
    assert (kept(again), kept(again, "b")) == ((4, 22), (4, 27))
    again.close()


def test_old_events_are_dropped_to_the_hour(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, "e", retention=Retention(Keep(age=2 * HOUR)))
    for hour in range(1, 6):
        committed(store, hour * 10, hour * 10 + 9, at=hour * HOUR)
    store.trim(5 * HOUR)
    assert kept(store) == (30, 30)  # those of the hours 3, 4 and 5
    store.close()


def test_trimming_goes_in_small_steps(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, "e", "os")
    committed(store, 1, TRIM + 100)
    store.close()
    store = SqliteStore(tmp_path, "e", "os", Retention(Keep(events=1)))
    assert store.trim(0)
    assert kept(store) == (100, TRIM + 1)
    assert not store.trim(0)
    assert kept(store) == (1, TRIM + 100)
    store.close()


def test_a_room_may_be_kept_otherwise(tmp_path: Path) -> None:
    rooms = {"ops": Keep(), "den": Keep(events=2, age=DAY)}
    store = SqliteStore(tmp_path, "e", "os", Retention(Keep(events=5), rooms))
    for name in ("room/ops/", "room/den/", "room/lobby/", "inbox/den"):
        committed(store, 1, 10, stream=name)
    assert not store.trim(0)
    assert kept(store, "room/ops/") == (10, 1)
    assert kept(store, "room/den/") == (2, 9)
    assert kept(store, "room/lobby/") == kept(store, "inbox/den") == (5, 6)
    assert "keeps 5 events of each room, 1 days and 2 events of den, everything of ops" in (
        store.describe()
    )
    store.close()


def test_what_comes_fast_is_dropped_fast(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, "e", "os", Retention(Keep(events=1)))
    store.commit([Entry("a", seq, b"x") for seq in range(1, 5 * TRIM)], NOTHING)
    assert not store.trim(0)
    assert kept(store)[0] == 1
    store.close()


def test_a_round_of_trimming_looks_at_every_stream(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, "e", "os", Retention(Keep(events=1)))
    for n in range(LOOKS + 5):
        committed(store, 2 * n + 1, 2 * n + 2, stream=f"room/{n}/")
    assert store.trim(0)
    assert not store.trim(0)
    assert all(kept(store, f"room/{n}/")[0] == 1 for n in range(LOOKS + 5))
    store.close()


def test_without_retention_nothing_goes(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, "e")
    committed(store, 1, 20)
    store.trim(10**15)
    assert kept(store) == (20, 1)
    store.close()


def test_a_history_from_before_users_goes_on(tmp_path: Path) -> None:
    """Each session of the schema before is somebody of its own, with the sid as id."""
    db = sqlite3.connect(tmp_path / FILE)
    for step in MIGRATIONS[:5]:
        db.executescript(step)
    db.executescript(
        f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 5;"
        "INSERT INTO meta VALUES ('epoch', 'old'), ('seq', 2), ('at', 7), ('guests', 1);"
        "INSERT INTO rooms VALUES ('ops', 'cake', 1);"
        "INSERT INTO sessions VALUES"
        " ('s1', x'01', 'Ann', 0, 4, 2, '{\"ops\":1}', '{\"ops\":1}', 'K');"
        "INSERT INTO sessions VALUES ('s2', x'02', 'bob', 1, 0, 2, '{}', '{}', '');"
    )
    db.commit()
    db.close()
    assert check(tmp_path) == [], "beside a broker of before"
    for _ in range(2):
        store = SqliteStore(tmp_path, "new")
        state = State(store.epoch)
        state.restore(store.load())
        store.close()
        ann, bob = state.sessions["s1"], state.sessions["s2"]
        assert (ann.accepted, ann.owner, ann.since, bob.bot) == (4, "K", 0, True)
        user = state.users["s1"]
        assert ann.user is user and (user.nick, user.inbox, user.read) == ("Ann", 2, {"ops": 1})
        assert (user.sessions, user.identity) == (("s1",), "")
        assert state.rooms["ops"].members == {"s1": 1}
        assert state.nicks == {"ann": "s1", "bob": "s2"} and state.epoch == "old"
    assert check(tmp_path) == []


def test_lists_are_in_the_same_order_after_a_restart(tmp_path: Path) -> None:
    """Each is made in an order that is not that of the keys, as the store gives them back."""
    store = SqliteStore(tmp_path, "e")
    state, batch = State("e"), Batch()
    made: list[Command] = [OpenSession(at=1, sid="s1", origin=ORIGIN, new_token="t1", nick="ann")]
    made.append(CreateRoom(at=1, sid="s1", room="ops"))
    for at, nick in enumerate(("eve", "bob", "mal"), 2):
        made.append(OpenSession(at=1, sid=nick, origin=ORIGIN, new_token=nick, nick=nick))
        made.append(RoomBan(at=at, sid="s1", room="ops", nick=nick))
        made.append(Ban(at=at, who=f"{nick}'s address", local=True))
        made.append(
            Invite(at=at, id=nick, token=nick, digest=nick.encode(), room="ops", uses=1,
                   seconds=at, local=True)
        )  # fmt: skip
    made.append(Ban(at=8, who="bob's address", local=True))  # once more
    for command in made:
        apply(state, command, batch)
    store.commit(batch.entries, state.changes())
    store.close()
    store = SqliteStore(tmp_path, "e")
    again = State("e")
    again.restore(store.load())
    store.close()
    for one in (state, again):
        of_room: Any = answer(one, Question(ORIGIN, "s1", requests.Bans(room="ops")))
        assert [ban.who for ban in of_room.bans] == ["mal", "bob", "eve"]
        roles: Any = answer(one, Question(ORIGIN, "s1", requests.Roles(room="ops")))
        assert [ban.who for ban in roles.bans] == ["mal", "bob", "eve"]
        of_all: Any = answer(one, Question(ORIGIN, "", requests.Bans()))
        listed = [ban.who for ban in of_all.bans]
        assert listed == ["bob's address", "mal's address", "eve's address"]
        invited: Any = answer(one, Question(ORIGIN, "", requests.Invitations()))
        assert [line.invitation for line in invited.invitations] == ["eve", "bob", "mal"]


def test_a_registered_user_without_a_session_comes_back(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, "e")
    state = State("e")

    def does(*commands: Command) -> None:
        batch = Batch()
        for command in commands:
            apply(state, command, batch)
        store.commit(batch.entries, state.changes())
        state.keep()

    key = "K" * 40
    does(
        OpenSession(at=5, sid="s1", origin=ORIGIN, new_token="t1", nick="Ann", key=key),
        JoinRoom(at=6, sid="s1", room="ops"),
        Register(at=7, sid="s1"),
        OpenSession(at=8, sid="s2", origin=ORIGIN, new_token="t2", key=key),
    )
    does(EndSession(at=9, sid="s1", reason="left"))
    does(EndSession(at=10, sid="s2", reason="left"))
    store.close()
    assert check(tmp_path) == []
    store = SqliteStore(tmp_path, "e")
    again = State("e")
    again.restore(store.load())
    assert picture(again) == picture(state)
    user = again.users["s1"]
    assert (user.identity, user.present, list(user.rooms)) == (key, False, ["ops"])
    assert again.rooms["ops"].members == {} and again.identities == state.identities
    state = again
    does(Unregister(at=11, sid="s1"), Deregister(at=11, nick="ANN", local=True))
    assert not again.users
    assert not store.load().users
    store.close()
