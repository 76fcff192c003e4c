"""What operators are told is told in the time of here; what is for programs, in UTC."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatlib.cli.operator import told
from chatlib.protocol.events import Event
from tests.cli.follow_play import hubbub
from tests.support import RunningBroker

HERE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+09:00")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RunningBroker]:
    with RunningBroker(tmp_path, "--access", "invite", data=tmp_path / "data") as running:
        yield running


def test_times(broker: RunningBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    data = ("--data", str(broker.data))
    assert HERE.search(told := hubbub("invite", *data).stderr) and "lets in one person" in told
    assert "lets in 3 people" in hubbub("invite", *data, "--uses", "3").stderr
    assert hubbub("ban", *data, "--address", "192.0.2.1").returncode == 0
    for command in ("invitations", "bans", "audit"):
        told = hubbub(command, *data).stdout
        assert HERE.search(told) and not re.search(r"\d\dT\d\d", told), command
    for line in hubbub("audit", *data, "--json").stdout.splitlines():
        assert json.loads(line)["at"].endswith("Z")


def test_empty_lists_are_told(broker: RunningBroker) -> None:
    for command, said in (("invitations", "no invitation is good now"), ("bans", "nobody is")):
        done = hubbub(command, "--data", str(broker.data))
        assert (done.returncode, done.stdout) == (0, "") and said in done.stderr


def test_an_entry_of_the_audit_log_for_people() -> None:
    fields = {"nick": "ann", "what": "delete", "room": "ops", "re": 42}
    entry = Event(kind="audit", at="2026-11-21T06:12:14.351Z", **fields)
    assert told(entry).split("  ")[1:] == ["ann", "delete", "in ops", "message 42"]
