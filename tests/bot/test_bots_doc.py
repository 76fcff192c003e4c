"""What docs/bots.md shows is what happens."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from chatlib.bot import arguments, lane
from chatlib.bot.bot import GRACE_S, Bot
from chatlib.bot.cursors import usual_path
from chatlib.core.buckets import Limits
from chatlib.net.curve import make_pair
from chatlib.protocol.links import DEFAULT_ADDRESS
from chatlib.security.keys import to_link
from tests.support import ROOT

DOC = (ROOT / "docs" / "bots.md").read_text()


def blocks() -> dict[str, str]:
    """Return its programs, by their names."""
    return dict(re.findall(r"^```python ?(\S*)\n(.*?)^```", DOC, re.M | re.S))


def test_its_bot_passes_its_tests(tmp_path: Path) -> None:
    for name, text in blocks().items():
        if name:
            (tmp_path / name).write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "."],
        env={"PYTHONPATH": str(ROOT)}, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "3 passed" in done.stdout, done.stdout


def test_its_encrypted_bot_is_made() -> None:
    program = blocks()[""].replace("k=...&t=...", f"k={to_link(make_pair().public)}&t=abc")
    made: dict[str, object] = {}
    exec(program, made)
    bot = made["bot"]
    assert isinstance(bot, Bot)
    assert (bot.address, bot.rooms) == ("tcp://192.168.1.20:5555", ["ops"])


def test_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    shown = usual_path(DEFAULT_ADDRESS, "deploybot")
    assert str(shown.parent).endswith("/.local/state/hubbub/bots")
    assert f"`{shown.name}`" in DOC and "`~/.local/state/hubbub/bots`" in DOC


def test_its_numbers() -> None:
    assert f"grace={GRACE_S:g}" in DOC
    assert f"{lane.MOST_WAITING:,}\nmessages wait" in DOC
    bots = Limits().bot
    assert f"{bots.messages.per_s:g} messages a second, {bots.messages.burst:g} at once" in DOC


def test_its_table_of_hints() -> None:
    table = DOC.partition("| hint |")[2].partition("\n\n")[0]
    for word in re.findall(r"`(\d\w+)`", table.partition("timedelta")[2].partition("\n")[0]):
        assert arguments.duration(word) > timedelta(0)
    shown = re.findall(r"`(\w+)`", table.partition("| `bool` |")[2].partition("\n")[0])
    assert sorted(shown) == sorted(arguments.TRUE + arguments.FALSE)


def test_its_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", DOC):
        assert (ROOT / "docs" / target).exists(), target
