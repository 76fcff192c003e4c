"""Every command that README and docs show is run, in their order, beside a broker.

They run as they stand, but for where: the environment says which addresses and directories they
take, and what can't be here (another machine's address, a file that never ends) is replaced.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chatlib.cli.configuration import Configuration
from chatlib.cli.main import command_parsers
from tests.support import PATIENCE, ROOT, eventually

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NOT_HERE = {"make", "sudo", "docker", "pip"}  # they change the machine, or are tests themselves
FREE = "tcp://127.0.0.1:0"
INSTEAD = {
    "--lan": f"--listen {FREE} --access invite",
    "tcp://192.168.1.20:5555": f"{FREE} --access invite",
    "tail -f": "tail",
    "--metrics 127.0.0.1:9464": "--metrics 127.0.0.1:0",
    "jq -c '{text: .summary}' alerts.jsonl": """echo '{"text": "the disk is full"}'""",
    "ship-somewhere": "cat",
}
PARSERS = command_parsers()


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.M | re.S)


def commands(page: Path) -> list[str]:
    """Return what a reader is shown to type."""
    shown = [
        line[2:] for b in blocks(page, "console") for line in b.splitlines() if line[:2] == "$ "
    ]
    plain = [line for b in blocks(page, "sh") for line in b.splitlines() if line]
    return [line for line in shown + plain if shlex.split(line)[0] not in NOT_HERE]


class Shell:
    """A user's shell: `hubbub` is on the path, and at most one broker runs in the background."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.ready = directory / "ready.json"
        self.broker: subprocess.Popen[bytes] | None = None
        bin = directory / "bin"
        bin.mkdir()
        script = bin / "hubbub"
        script.write_text(f'#!/bin/sh\nexec {sys.executable} -m chatlib.cli "$@"\n')
        script.chmod(0o755)
        (directory / "build.log").write_text("the build is green\n")
        self.environ = os.environ | {
            "PATH": f"{bin}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "HUBBUB_DATA": str(directory / "data"),
            "HUBBUB_BROKER_LISTEN": FREE,
            "HUBBUB_BROKER_READY_FILE": str(self.ready),
        }

    def run(self, line: str) -> None:
        for shown, instead in INSTEAD.items():
            line = line.replace(shown, instead)
        if line.startswith("hubbub broker"):
            self.start(line)
            return
        place = json.loads(self.ready.read_text()) if self.ready.exists() else {}
        commands = ("CHAT", "LOG", "SEND")
        environ = self.environ | {
            f"HUBBUB_{name}_ADDRESS": place.get("control", FREE) for name in commands
        }
        if "feed" in place:
            environ |= {"HUBBUB_LOG_FEED": place["feed"], "HUBBUB_LOG_IDLE": "1"}
        line = line.replace("127.0.0.1:9464", place.get("metrics", ""))
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", line],
            cwd=self.directory, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            env=environ, timeout=2 * PATIENCE, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"

    def start(self, line: str) -> None:
        self.stop()
        self.ready.unlink(missing_ok=True)
        with (self.directory / "log").open("w") as log:
            self.broker = subprocess.Popen(
                shlex.split(line), cwd=self.directory, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, env=self.environ,
                executable=str(self.directory / "bin" / "hubbub"),
            )  # fmt: skip
        eventually("the broker is ready", self.is_ready)

    def is_ready(self) -> bool:
        assert self.broker is not None
        assert self.broker.poll() is None, (self.directory / "log").read_text()
        return self.ready.exists()

    def stop(self) -> None:
        if self.broker is not None:
            if self.broker.poll() is None:
                self.broker.send_signal(signal.SIGTERM)
            assert self.broker.wait(PATIENCE) == 0


@pytest.mark.parametrize("page", [p for p in PAGES if commands(p)], ids=lambda p: p.name)
def test_what_is_shown_runs(page: Path, tmp_path: Path) -> None:
    if shutil.which("curl") is None and "curl" in page.read_text():
        pytest.skip("there is no curl on this machine")
    shell = Shell(tmp_path)
    try:
        if not commands(page)[0].startswith("hubbub broker"):
            shell.start("hubbub broker --metrics 127.0.0.1:0")
        for line in commands(page):
            if line == "hubbub drain" or shell.broker is None or shell.broker.poll() is None:
                shell.run(line)
            else:  # it was drained
                shell.start("hubbub broker")
                shell.run(line)
    finally:
        shell.stop()


def test_what_is_shown_is_found() -> None:
    """So that the test above does not run nothing."""
    assert len(commands(ROOT / "README.md")) >= 6
    assert len(commands(ROOT / "docs" / "operations.md")) >= 12


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_what_is_named_is_there(page: Path) -> None:
    """Commands and options in running text."""
    for text in re.findall(r"(?<!`)`([^`\n]*(?:\n[^`\n]+)?)`(?!`)", page.read_text()):
        words = text.split()
        if words[:1] != ["hubbub"] or len(words) < 2 or not words[1].islower():
            continue
        assert words[1] in PARSERS, text
        known = PARSERS[words[1]]._option_string_actions
        for word in words[2:]:
            if word.startswith("--"):
                assert word.partition("=")[0] in known, text


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_the_files_shown_are_good(page: Path, tmp_path: Path) -> None:
    for number, block in enumerate(blocks(page, "toml")):
        path = tmp_path / f"{number}.toml"
        path.write_text(block)
        assert Configuration(path, {}, PARSERS).faults == []


def test_the_metrics_named_are_those_told(tmp_path: Path) -> None:
    from chatlib.net.broker import Broker
    from chatlib.net.metrics import BrokerCollector

    broker = Broker(FREE)
    broker.bind()
    try:
        told = {metric.name: metric.documentation for metric in BrokerCollector(broker)._read()}
    finally:
        broker._close()
    text = (ROOT / "docs" / "operations.md").read_text()
    rows = dict(re.findall(r"^\| `(hubbub_\w+?)(?:_total)?` \| ([^,|(]*)", text, re.M))
    assert set(rows) == set(told)
    for name, means in rows.items():
        assert told[name].startswith(means.strip()), name
