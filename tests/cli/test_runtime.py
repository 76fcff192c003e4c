"""A broker that keeps its history in memory can be asked as long as it runs."""

from __future__ import annotations

import re
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatlib.cli.runtime import directory
from chatlib.history.care import in_use
from tests.cli.follow_play import hubbub
from tests.support import PATIENCE, RunningBroker


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A runtime directory whose name leaves room for that of a socket."""
    with tempfile.TemporaryDirectory() as made:
        monkeypatch.setenv("XDG_RUNTIME_DIR", made)
        yield Path(made)


@pytest.mark.parametrize("access", [[], ["--access", "invite"]])
def test_it_is_asked_and_leaves_nothing(tmp_path: Path, short: Path, access: list[str]) -> None:
    with RunningBroker(tmp_path, *access) as broker:
        found = re.search(r"^  operator hubbub top --data (\S+)$", broker.output(), re.M)
        assert found and Path(found[1]).parent == short
        told = hubbub("top", "--data", found[1], "--once", "--interval", "0.1")
        assert told.returncode == 0 and "history memory: this run" in told.stdout
        if access:
            assert f"`hubbub invite --data {found[1]}`" in broker.output()
            link = hubbub("invite", "--data", found[1]).stdout.strip()
            assert hubbub("send", "ci", link, "-m", "hi").returncode == 0
        assert hubbub("drain", "--data", found[1]).returncode == 0
        assert broker.process.wait(PATIENCE) == 0
    assert list(short.iterdir()) == []


def test_it_is_nobody_elses_and_in_use(short: Path) -> None:
    with directory() as made:
        assert made is not None and made.parent == short
        assert stat.S_IMODE(made.stat().st_mode) == 0o700 and in_use(made)
    assert not made.exists() and not in_use(made)


@pytest.mark.parametrize("base", [None, "", "here"])
def test_it_is_not_made_where_one_happens_to_be(
    base: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("here").mkdir()
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    if base is not None:
        monkeypatch.setenv("XDG_RUNTIME_DIR", base)
    with directory() as made:
        assert made is not None and made.parent == Path(tempfile.gettempdir())
        assert list(tmp_path.rglob("*")) == [tmp_path / "here"]


def test_where_none_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker on a machine without a place to write starts all the same."""
    for name in ("XDG_RUNTIME_DIR", "TMPDIR"):
        monkeypatch.setenv(name, "/proc")
    with RunningBroker(tmp_path, "--access", "invite") as broker:
        assert "  operator " not in broker.output()
