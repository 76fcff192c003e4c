"""A cursor moves when its event is handled and what was said is acknowledged; then it is kept."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatlib import SavedSession
from chatlib.bot import progress as module
from chatlib.bot.cursors import CursorFile, Place, Saved
from chatlib.bot.progress import Progress
from chatlib.protocol.events import Event
from tests.support import eventually


class Speaker:
    """What progress knows of a client."""

    def __init__(self) -> None:
        self.oldest: int | None = None
        self.session = SavedSession("secret", "e1", said=9)


def event(seq: int, room: str | None = "lobby") -> Event:
    return Event(kind="say", room=room, seq=seq, prev=0, at=f"at {seq}")


@pytest.fixture
def speaker() -> Speaker:
    return Speaker()


@pytest.fixture
def file(tmp_path: Path) -> CursorFile:
    return CursorFile(tmp_path / "robot.json")


@pytest.fixture
def progress(speaker: Speaker, file: CursorFile) -> Iterator[Progress]:
    made = Progress(file, Saved(), lambda: speaker.oldest, lambda: speaker.session)
    made.start()
    made.begin("e1")
    yield made
    made.close()
    assert not made.thread.is_alive()


def test_the_session_is_kept_at_once(progress: Progress, file: CursorFile) -> None:
    eventually("it is kept", lambda: file.load() == Saved(epoch="e1", token="secret"))


def test_a_cursor_waits_for_the_acknowledgement(
    progress: Progress, file: CursorFile, speaker: Speaker
) -> None:
    speaker.oldest = 4
    progress.done("e1", event(10), 3)
    progress.done("e1", event(11), 4)
    progress.done("e1", event(12), 0)  # behind the one that waits
    progress.done("e1", event(13, None), 2)
    eventually("the first is kept", lambda: file.load().rooms == {"lobby": Place(10, "at 10")})
    eventually("the private one, too", lambda: file.load().inbox == Place(13, "at 13"))
    assert progress.place("lobby") == Place(10, "at 10")
    speaker.oldest = None
    progress.kick()
    eventually("all are kept", lambda: file.load().rooms == {"lobby": Place(12, "at 12")})


def test_who_waits_for_what_is_handled(progress: Progress) -> None:
    assert not progress.await_handled("lobby", 10, 0.01)
    threading.Timer(0.01, progress.done, ("e1", event(10), 99)).start()
    assert progress.await_handled("lobby", 10, 30)


def test_another_history_has_other_seqs(
    progress: Progress, file: CursorFile, speaker: Speaker
) -> None:
    progress.done("e1", event(10), 0)
    eventually("it is kept", lambda: file.load().rooms)
    speaker.session = SavedSession("other", "e2")
    progress.begin("e2")
    progress.done("e1", event(11), 0)
    eventually("it begins anew", lambda: file.load().rooms == {"lobby": Place(0, "at 10")})
    assert (file.load().epoch, file.load().token) == ("e2", "other")


def test_a_room_that_was_left_is_forgotten(progress: Progress, file: CursorFile) -> None:
    progress.done("e1", event(10), 0)
    eventually("it is kept", lambda: file.load().rooms)
    progress.forget("lobby")
    progress.kick()
    eventually("it is forgotten", lambda: not file.load().rooms)


def test_how_much_was_said_is_kept_at_the_end_alone(speaker: Speaker, file: CursorFile) -> None:
    progress = Progress(file, Saved(), lambda: speaker.oldest, lambda: speaker.session)
    progress.start()
    progress.begin("e1")
    progress.done("e1", event(10), 0)
    eventually("it is kept", lambda: file.path.exists() and file.load().rooms)
    assert file.load().said is None
    progress.close()
    assert file.load().said == 9


def test_a_file_that_can_not_be_written_is_tried_again(
    progress: Progress,
    file: CursorFile,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    eventually("it is kept", file.path.exists)
    monkeypatch.setattr(module, "RETRY_S", 0.01)
    place = file.path
    file.path = place.parent / "gone" / "robot.json"
    progress.done("e1", event(10), 0)
    eventually("it is told", lambda: "cannot write the cursor" in caplog.text)
    file.path = place
    eventually("it is kept", lambda: file.load().rooms)


def test_nothing_is_kept_without_a_file(speaker: Speaker) -> None:
    progress = Progress(None, Saved(), lambda: speaker.oldest, lambda: speaker.session)
    progress.start()
    progress.begin("e1")
    progress.done("e1", event(10), 0)
    assert progress.await_handled("lobby", 10, 30)
    progress.close()
    assert progress.place("lobby") == Place(10, "at 10")
