"""What a pass keeps of its peers: nothing of those that were turned away."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

import pytest

from chatlib.core.commands import NOBODY
from chatlib.history.memory import MemoryStore
from chatlib.history.store import StoreFailed
from chatlib.net.pipeline import Pipeline, Place

ONE, TWO = b"\0aaaa", b"\0bbbb"


def make_pipeline() -> Pipeline:
    numbers = count()
    return Pipeline(
        MemoryStore("epoch"), Place("", "", "a test"), fresh=lambda size: f"fresh{next(numbers)}"
    )


def hello(nick: str, **more: Any) -> bytes:
    return json.dumps({"op": "hello", "v": 1, "nick": nick} | more).encode()


def answers(pipeline: Pipeline, *requests: list[bytes], now: float = 0.0) -> list[dict[str, Any]]:
    pipeline.run([], [(request, NOBODY) for request in requests], [], now, int(now * 1000))
    return [json.loads(frames[-1]) for frames in pipeline.control]


def test_refused_hellos_leave_nothing() -> None:
    pipeline = make_pipeline()
    answers(pipeline, [ONE, hello("ann")])
    for now in range(5):
        flood = [[TWO, hello(nick)] for nick in ("ann", "a b", "") * 50]
        told = answers(pipeline, *flood, now=now)
        assert {answer["error"]["code"] for answer in told} == {"nick_taken", "bad_nick"}
    admission = pipeline.admission
    assert len(admission._seen) == len(admission._bound) == len(admission._bindings) == 1
    assert not pipeline.admission.overdue(29, 0)


def test_hellos_on_one_connection_in_one_pass() -> None:
    """The last that is granted is the one that the connection speaks for."""
    pipeline = make_pipeline()
    nicks = ("ann", "ANN", "bob")
    told = answers(pipeline, *([ONE, hello(nick, id=i)] for i, nick in enumerate(nicks)))
    first, refused, last = sorted(told, key=lambda answer: answer["id"])
    assert (first["ok"], refused["ok"], last["ok"]) == (True, False, True)
    assert pipeline.admission._bound == {ONE: last["sid"]}
    assert set(pipeline.admission._seen) == {first["sid"], last["sid"]}


def test_pipelined_behind_a_hello() -> None:
    pipeline = make_pipeline()
    told = answers(pipeline, [ONE, hello("ann", id=1)], [ONE, b'{"op":"join","id":2,"room":"x"}'])
    assert [(answer["id"], answer["ok"]) for answer in told] == [(1, True), (2, True)]


def test_a_pass_that_stores_nothing_does_not_tell_that_the_disk_has_space_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pipeline = make_pipeline()

    def commit(*_: object) -> None:
        raise StoreFailed("the disk is full")

    with monkeypatch.context() as full:
        full.setattr(pipeline.store, "commit", commit)
        answers(pipeline, [ONE, hello("ann")])
        assert [note.what for note in pipeline.notes] == ["failing"]
        answers(pipeline, now=1.0)
        answers(pipeline, [ONE, hello("ann")], now=2.0)
        assert not pipeline.notes
    answers(pipeline, [ONE, hello("ann")], now=3.0)
    assert [note.what for note in pipeline.notes] == ["opened", "storing"]
