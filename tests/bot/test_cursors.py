"""The file that a bot goes on from: whole or not there, for one bot, and for its owner alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatlib import SavedSession
from chatlib.bot.cursors import CursorFile, Place, Saved, usual_path
from chatlib.errors import BadConfiguration, CannotCreate

SAVED = Saved(
    epoch="e1", token="secret", said=3, inbox=Place(5, "2026"), rooms={"lobby": Place(7, "2027")}
)


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "bots" / "robot.json"
    with CursorFile(path) as file:
        assert file.load() == Saved()
        file.save(SAVED)
        assert file.load() == SAVED
    assert path.stat().st_mode & 0o777 == 0o600, "the token is a secret"
    assert sorted(p.name for p in path.parent.iterdir()) == ["robot.json", "robot.json.lock"]


def test_the_session_in_it() -> None:
    assert SAVED.session == SavedSession("secret", "e1", inbox=5, said=3)
    assert Saved().session is None


def test_one_bot_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "robot.json"
    with (
        CursorFile(path),
        pytest.raises(CannotCreate, match="another bot keeps its cursor in"),
        CursorFile(path),
    ):
        pass
    with CursorFile(path):
        pass


@pytest.mark.parametrize("text", ["", "{", "[]", '{"rooms":{"lobby":3}}', "\xff"])
def test_a_damaged_file_is_not_taken_for_an_empty_one(tmp_path: Path, text: str) -> None:
    path = tmp_path / "robot.json"
    path.write_text(text, "latin-1")
    with pytest.raises(BadConfiguration, match="without the file"):
        CursorFile(path).load()


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "robot.json"
    path.write_text('{"version":2}')
    with pytest.raises(BadConfiguration, match="newer version: update"):
        CursorFile(path).load()


def test_a_place_that_can_not_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotCreate, match="cannot keep a cursor in"):
        CursorFile(tmp_path / "file" / "robot.json").__enter__()


def test_where_it_is_unless_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    found = usual_path("tcp://127.0.0.1:5555", "..")
    assert found == tmp_path / "hubbub" / "bots" / "..@tcp%3A%2F%2F127.0.0.1%3A5555.json"
    monkeypatch.delenv("XDG_STATE_HOME")
    assert usual_path("a", "b") == Path.home() / ".local/state/hubbub/bots/b@a.json"
