"""A history in memory, against one that is too simple to be wrong."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatlib.core.batch import Entry
from chatlib.history.memory import OVERHEAD, MemoryStore
from chatlib.history.store import Page

STREAMS = st.sampled_from(["room/lobby/", "room/ops/", "inbox/ann"])
PEERS = st.none() | st.sampled_from(["bob", "eve"])
SEQS = st.none() | st.integers(0, 60)
LINES = st.integers(1, 200).map(lambda size: b"x" * size)


class Asked(NamedTuple):
    """What is asked of both."""

    stream: str
    after: int | None
    before: int | None
    limit: int
    size: int
    peer: str | None


ASKED = st.builds(
    Asked, STREAMS, SEQS, SEQS, st.integers(1, 30), st.integers(1, 2_000), PEERS
)  # fmt: skip


class Naive:
    """All entries in one list, looked through from the start each time."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def page(self, asked: Asked) -> Page:
        known = [
            e for e in self.entries
            if e.stream == asked.stream and asked.peer in (None, e.peer)
        ]  # fmt: skip
        if asked.after is not None:
            wanted = [e for e in known if e.seq > asked.after]
        else:
            wanted = [e for e in known if asked.before is None or e.seq < asked.before][::-1]
        taken: list[Entry] = []
        for entry in wanted[: asked.limit]:
            if taken and sum(len(e.line) for e in [*taken, entry]) > asked.size:
                break
            taken.append(entry)
        lines = [e.line for e in (taken if asked.after is not None else taken[::-1])]
        return Page(lines, known[0].seq if known else 0, len(taken) < len(wanted))


def page_of(store: MemoryStore, asked: Asked) -> Page:
    return store.page(
        asked.stream, after=asked.after, before=asked.before, limit=asked.limit,
        size=asked.size, peer=asked.peer,
    )  # fmt: skip


@given(
    st.lists(st.lists(st.tuples(STREAMS, LINES, PEERS), max_size=6), max_size=8),
    st.lists(ASKED, min_size=1, max_size=8),
)
def test_pages_are_what_a_simple_store_would_answer(
    batches: list[list[tuple[str, bytes, str | None]]], questions: list[Asked]
) -> None:
    store, naive, seq = MemoryStore("e"), Naive(), 0
    for batch in batches:
        entries = []
        for stream, line, peer in batch:
            seq += 1
            entries.append(Entry(stream, seq, line, peer if stream == "inbox/ann" else None))
        store.commit(entries)
        naive.entries += entries
        for asked in questions:
            assert page_of(store, asked) == naive.page(asked)


@given(st.lists(st.tuples(STREAMS, LINES, PEERS), max_size=60), st.integers(200, 3_000))
def test_of_what_does_not_fit_the_oldest_goes_first(
    said: list[tuple[str, bytes, str | None]], size: int
) -> None:
    store, kept = MemoryStore("e", size), Naive()
    costs: list[tuple[int, int]] = []
    for seq, (stream, line, peer) in enumerate(said, 1):
        entry = Entry(stream, seq, line, peer if stream == "inbox/ann" else None)
        store.commit([entry])
        kept.entries.append(entry)
        costs += [(seq, len(line) + OVERHEAD)] * (1 if entry.peer is None else 2)
        while sum(cost for _, cost in costs) > size:
            gone, _ = costs.pop(0)
            kept.entries = [e for e in kept.entries if e.seq > gone]
    for stream in ("room/lobby/", "room/ops/", "inbox/ann"):
        asked = Asked(stream, 0, None, 100, 10**6, None)
        assert page_of(store, asked) == kept.page(asked)


def events(store: MemoryStore, count: int, stream: str = "room/a/", first: int = 1) -> None:
    store.commit([Entry(stream, seq, b"%d" % seq) for seq in range(first, first + count)])


def test_a_long_history_is_cut_and_its_pages_stay_right() -> None:
    store = MemoryStore("e", size=(OVERHEAD + 5) * 3_000)
    for first in range(10_000, 30_000, 500):
        events(store, 500, first=first)
    page = store.page("room/a/", after=0, limit=2, size=100)
    assert page == Page([b"27000", b"27001"], 27_000, True)
    page = store.page("room/a/", before=27_002, limit=5, size=100)
    assert page == Page([b"27000", b"27001"], 27_000, False)


def test_a_stream_of_which_all_is_gone_is_as_one_that_never_was() -> None:
    store = MemoryStore("e", size=(OVERHEAD + 5) * 10)
    events(store, 3, "room/old/")
    events(store, 50, first=100)
    nothing = Page([], 0, False)
    assert store.page("room/old/", after=0, limit=9, size=9) == nothing
    assert store.page("room/never/", after=0, limit=9, size=9) == nothing
    events(store, 1, "room/old/", first=200)
    assert store.page("room/old/", limit=9, size=9) == Page([b"200"], 200, False)


def test_one_event_is_answered_however_large_it_is() -> None:
    store = MemoryStore("e")
    store.commit([Entry("room/a/", seq, b"x" * 100) for seq in (1, 2)])
    assert store.page("room/a/", after=0, limit=9, size=1) == Page([b"x" * 100], 1, True)
    assert store.page("room/a/", limit=9, size=1) == Page([b"x" * 100], 1, True)


def test_a_private_conversation_is_seen_alone_and_with_the_others() -> None:
    store = MemoryStore("e")
    for seq, peer in enumerate(("bob", "eve", "bob"), 1):
        store.commit([Entry("inbox/ann", seq, b"%d" % seq, peer)])
    assert store.page("inbox/ann", after=0, limit=9, size=99) == Page([b"1", b"2", b"3"], 1, False)
    assert store.page("inbox/ann", limit=9, size=99, peer="bob") == Page([b"1", b"3"], 1, False)
    assert store.page("inbox/ann", limit=9, size=99, peer="eve") == Page([b"2"], 2, False)
    assert store.page("inbox/ann", limit=9, size=99, peer="zoe") == Page([], 0, False)


@pytest.mark.parametrize(("mib", "said"), [(1, "1 MiB"), (256, "256 MiB")])
def test_it_says_how_much_it_keeps(mib: int, said: str) -> None:
    assert said in MemoryStore("e", mib * 1024 * 1024).describe()


def test_it_keeps_no_state_beyond_the_process() -> None:
    store = MemoryStore("e")
    events(store, 3)
    assert store.load() is None
    store.close()
