"""Searches, from the request to what SQLite makes of it."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from chatlib.core.batch import INBOX, Entry
from chatlib.core.commands import Origin, Question
from chatlib.core.questions import Find, answer
from chatlib.core.state import Changes, Session, State, User, new_room
from chatlib.core.streams import timestamp
from chatlib.errors import ProtocolViolation
from chatlib.history.index import WordIndex
from chatlib.history.sqlite import FILE, SqliteStore
from chatlib.names import nick_key, room_name
from chatlib.protocol.codec import decode_event, decode_request, encode
from chatlib.protocol.events import Event
from chatlib.protocol.requests import Search

START = 1_800_000_000_000
SAID = (
    ("room/lobby/", "the quick brown fox"), ("room/ops/", "c++ OR naïve \"quoted\" place:s1"),
    (INBOX + "s1", "a secret of ann"), (INBOX + "s2", "secret of bob, the fox"),
)  # fmt: skip


class History:
    """A history with a little in it, and its index; `state` is of the broker that asks."""

    def __init__(self) -> None:
        self.directory = tempfile.TemporaryDirectory()
        store = SqliteStore(Path(self.directory.name), "e1")
        entries = [
            Entry(stream, seq, encode(Event(
                seq=seq, prev=0, at=timestamp(START + seq), kind="say", nick="ann", text=text,
            )))
            for seq, (stream, text) in enumerate(SAID, 1)
        ]  # fmt: skip
        store.commit(entries, Changes(len(SAID), START, 0, [], [], [], [], []))
        store.close()
        self.index = WordIndex(Path(self.directory.name, FILE), "e1")
        while self.index.step():
            pass
        self.state = State("e1")
        self.state.rooms["ops"] = new_room("ops")
        ann = self.state.users["s1"] = User("s1", "ann", nick_key("ann"))
        self.state.sessions["s1"] = Session("s1", b"", ann)


@cache
def _history() -> History:
    return History()


def request(data: bytes) -> Search:
    """Return the search that is asked for, its names folded as admission does."""
    asked: Search = decode_request(b'{"op":"search",' + data.strip().removeprefix(b"{"))
    if type(asked) is not Search:  # a second op, which counts
        raise ProtocolViolation("unknown_op", "no search")
    if asked.room is not None:
        asked.room = room_name(asked.room)
    if asked.from_ is not None:
        asked.from_ = nick_key(asked.from_)
    return asked


def finds(data: bytes, asked: Search) -> None:
    history = _history()
    wanted = answer(history.state, Question(Origin(b"\0aaaa", 1), "s1", asked))
    if not isinstance(wanted, Find):
        return
    result = history.index.find(wanted, lambda: False)
    assert result.complete
    for line in result.lines:
        event = decode_event(line)
        assert event.text != SAID[3][1], "found in somebody else's inbox"
        assert asked.room is None or event.text == dict(SAID)[f"room/{asked.room}/"]
