"""The CI announcer, as a job would run it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from chatlib import Event
from tests.support import ROOT, RunningBroker
from tests.system.people import clients, until


def announce(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "examples" / "announce.py"), *arguments]
    return subprocess.run(
        command, input=text, capture_output=True, text=True, timeout=60, check=False,
        env={"PYTHONPATH": "."}, cwd=ROOT,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "text", "said"),
    [
        (
            ["--project", "hubbub", "--status", "success", "--url", "https://ci/7"],
            "",
            "✅ hubbub: success\nhttps://ci/7",
        ),
        (
            ["--project", "hubbub", "--status", "failure", "-"],
            "one\x1b[31m\ntwo\n",
            "❌ hubbub: failure\none␛[31m\ntwo",
        ),
        (
            ["--json", "-", "--branch", "main"],
            json.dumps({"project": "hubbub", "status": "cancelled"}),
            "🚫 hubbub main: cancelled",
        ),
    ],
)
def test_what_it_says(broker: RunningBroker, arguments: list[str], text: str, said: str) -> None:
    with clients(broker.control, "ann", "ci") as (ann, _):
        done = announce("--broker", broker.control, *arguments, text=text)
        assert (done.returncode, done.stderr) == (0, "")
        told = until(ann, lambda e: isinstance(e, Event) and e.kind == "say")[-1]
        assert (told.text, told.nick, told.bot) == (said, "ci_", True)


def test_a_result_in_a_file(broker: RunningBroker, tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    file.write_text(json.dumps({"project": "hubbub", "status": "RUNNING"}))
    with clients(broker.control, "ann", room="ops") as (ann,):
        done = announce("--broker", broker.control, "--room", "ops", "--json", str(file))
        assert (done.returncode, done.stderr) == (0, "")
        told = until(ann, lambda e: isinstance(e, Event) and e.kind == "say")[-1]
        assert (told.text, told.room) == ("⏳ hubbub: running", "ops")


@pytest.mark.parametrize(
    ("arguments", "text", "code", "fault"),
    [
        (["--status", "success"], "", 2, "a result has a project"),
        (["--json", "-"], "{", 2, "announce: Expecting"),
        (["--json", "-"], "[]", 2, "is an object"),
        (["--json", "/nowhere"], "", 2, "No such file"),
        (["--project", "x", "--status", "success"], "", 69, "127.0.0.1:1"),
        (["--project", "x", "--status", "success", "--nick", "a b"], "", 2, "no space"),
    ],
)
def test_what_goes_wrong_is_one_line(
    arguments: list[str], text: str, code: int, fault: str
) -> None:
    done = announce("--broker", "tcp://127.0.0.1:1", *arguments, text=text)
    assert done.returncode == code
    assert fault in done.stderr
    assert done.stderr.count("\n") == 1
