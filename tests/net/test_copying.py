"""Copies of the history that an operator asks a running broker for, and what `status` tells."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from chatlib import Client
from chatlib.net import copying
from chatlib.net.operator import Operator
from chatlib.protocol import answers, requests
from chatlib.protocol.answers import BrokerStatus, Storage
from tests.support import PATIENCE, RunningBroker


def storage(operator: Operator) -> Storage:
    found = operator.ask(requests.Status(), BrokerStatus).storage
    assert found is not None
    return found


def copied(operator: Operator) -> Storage:
    """Return what is told when no copy is being made any more."""
    end = time.monotonic() + PATIENCE
    while (found := storage(operator)).backing_up:
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def test_a_copy_of_a_running_broker(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with RunningBroker(tmp_path, data=data) as broker, Operator(data) as operator:
        before = storage(operator)
        assert (before.durability, before.backup) == ("disk", "")
        assert before.bytes > 0 and (before.free or 0) > before.bytes
        with Client(broker.control, "ann") as ann:
            ann.join("lobby")
            file = operator.ask(requests.Backup(), answers.BackingUp).file
            after = copied(operator)
        assert after.fault == "" and after.backup.endswith("Z")
        target = data / "backups" / file
        assert after.backup_file == str(target) and after.backup_bytes == target.stat().st_size
        with closing(sqlite3.connect(target)) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert db.execute("SELECT count(*) FROM rooms").fetchone() == (1,)
        whats = [bytes(e) for e in operator.ask(requests.Audit(), answers.Page).events]
        assert any(b'"backup"' in line and file.encode() in line for line in whats)


def test_a_copy_that_can_not_be_made_is_told(tmp_path: Path) -> None:
    made = copying.Copying(tmp_path / "nothing")
    made.begin(["one"])
    made.wait(PATIENCE)
    assert made.fault and not made.busy


def test_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    began = []
    made = copying.Copying(tmp_path)
    monkeypatch.setattr(copying, "backup", lambda directory, target: began.append(target.name))
    monkeypatch.setattr(copying.Copying, "busy", property(lambda self: bool(began)))
    made.begin(["one"])
    made.wait(PATIENCE)
    made.begin(["two"])
    made.wait(PATIENCE)
    assert began == ["one"]


def test_what_a_status_tells_of_sessions(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with RunningBroker(tmp_path, data=data) as broker, Operator(data) as operator:
        with Client(broker.control, "ann") as ann:
            ann.join("lobby")
            for text in "abc":
                ann.say("lobby", text)
            ann.flush(PATIENCE)
            told = operator.ask(requests.Status(), BrokerStatus)
        (session,) = told.sessions
        assert session.said == 3 and session.key == ""
        assert session.client.startswith("chatlib"), session.client
        commits = told.times["commits"]
        assert len(commits.counts) == len(commits.bounds) + 1 and sum(commits.counts) >= 2
        assert commits.sum > 0
