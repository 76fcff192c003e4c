"""The readers of examples/: each short, each whole, in three languages, beside a real broker."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from chatlib import Client
from tests.support import PATIENCE, ROOT, RunningBroker, eventually

EXAMPLES = ROOT / "examples"
MODULES = os.pathsep.join(
    filter(None, (os.environ.get("NODE_PATH"), str(ROOT / "build" / "node" / "node_modules")))
)


def python(directory: Path) -> list[str]:
    return [sys.executable, str(EXAMPLES / "reader.py")]


def node(directory: Path) -> list[str]:
    found = shutil.which("node") or shutil.which("nodejs")
    if found is None:
        pytest.skip("there is no Node.js: install nodejs")
    asked = subprocess.run(
        [found, "-e", "require('zeromq')"], env=os.environ | {"NODE_PATH": MODULES},
        capture_output=True, check=False,
    )  # fmt: skip
    if asked.returncode:
        pytest.skip("Node.js has no zeromq: npm install --prefix build/node zeromq@6")
    return [found, str(EXAMPLES / "reader.js")]


def c(directory: Path) -> list[str]:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler: install gcc")
    made = subprocess.run(
        [compiler, "-Wall", "-Werror", "-o", directory / "reader", EXAMPLES / "reader.c", "-lzmq"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "zmq.h" in made.stderr:
        pytest.skip("there is no zmq.h: install libzmq3-dev")
    assert made.returncode == 0, made.stderr
    return [str(directory / "reader")]


class Reading:
    """One of the readers, and the events that it has printed."""

    def __init__(self, command: list[str], feed: str) -> None:
        self.events: list[dict[str, object]] = []
        self.process = subprocess.Popen(
            [*command, feed, "lobby"], stdout=subprocess.PIPE, text=True,
            env=os.environ | {"NODE_PATH": MODULES},
        )  # fmt: skip
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.events.append(json.loads(line))

    def until(self, text: str) -> list[int]:
        """Wait for a text; return all seqs so far."""
        eventually(f"{text!r} is read", lambda: any(e.get("text") == text for e in self.events))
        return [int(str(event["seq"])) for event in self.events]

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._thread.join()
        assert self.process.stdout is not None
        self.process.stdout.close()


def say(broker: RunningBroker, *texts: str) -> None:
    with Client(broker.control, "ann") as ann:
        ann.join("lobby")
        for text in texts:
            ann.say("lobby", text)
        ann.flush(PATIENCE)


LANGUAGES = pytest.mark.parametrize("language", [python, node, c], ids=lambda f: f.__name__)
Language = Callable[[Path], list[str]]


@LANGUAGES
def test_history_and_live(broker: RunningBroker, tmp_path: Path, language: Language) -> None:
    command = language(tmp_path)
    with Client(broker.control, "ann") as ann:
        ann.join("lobby")
        for number in range(2_500):
            ann.say("lobby", f'number {number} \U0001f600 "seq": {{}} \\ \'')
        ann.say("lobby", "the past")
        ann.flush(PATIENCE)
        reading = Reading(command, broker.feed)
        try:
            assert reading.until("the past") == list(range(1, 2_503))
            for number in range(1_000):
                ann.say("lobby", f"live {number}")
            assert reading.until("live 999") == list(range(1, 3_503))
        finally:
            reading.close()


@LANGUAGES
def test_what_is_missed_is_fetched(tmp_path: Path, language: Language) -> None:
    """For one life of the broker its feed is elsewhere."""
    command, data = language(tmp_path), tmp_path / "data"
    with RunningBroker(tmp_path, data=data) as broker:
        say(broker, "before")
        reading = Reading(command, broker.feed)
        try:
            reading.until("before")
            broker.kill()
            places = ("--intake", broker.intake, "--feed", "tcp://127.0.0.1:0")
            with RunningBroker(tmp_path, *places, listen=broker.control, data=data) as elsewhere:
                say(elsewhere, *(f"number {number}" for number in range(1_200)))
                elsewhere.stop()
            with broker.again() as again:
                say(again, "after")
                seqs = reading.until("after")
                assert seqs == list(range(1, len(seqs) + 1)) and len(seqs) > 1_202
        finally:
            reading.close()


@LANGUAGES
def test_another_history(tmp_path: Path, language: Language) -> None:
    command = language(tmp_path)
    with RunningBroker(tmp_path) as broker:
        say(broker, "before")
        reading = Reading(command, broker.feed)
        try:
            reading.until("before")
            broker.kill()
            with broker.again() as again:
                say(again, "after")
                assert 2 in reading.until("after")[3:]
        finally:
            reading.close()


@pytest.mark.parametrize("language", [python, node, c])
def test_they_tell_what_they_take(tmp_path: Path, language: Language) -> None:
    for arguments in ([], ["tcp://127.0.0.1:1"]):
        done = subprocess.run(
            [*language(tmp_path), *arguments], env=os.environ | {"NODE_PATH": MODULES},
            capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        assert done.returncode in (1, 2)
        assert done.stderr.startswith("usage: ") and done.stderr.endswith(" FEED ROOM\n")


@pytest.mark.parametrize("name", ["reader.py", "reader.js", "reader.c"])
def test_they_are_short(name: str) -> None:
    assert len((EXAMPLES / name).read_text().splitlines()) < 40
