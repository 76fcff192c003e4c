"""`hubbub log` and `hubbub send` as processes of their own, beside a real broker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Self

from chatlib import Client
from tests.support import PATIENCE, ROOT, RunningBroker, eventually

HUBBUB = (sys.executable, "-m", "chatlib.cli")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def hubbub(
    *arguments: str | Path, text: str = "", cwd: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*HUBBUB, *map(str, arguments)],
        input=text, capture_output=True, text=True, timeout=60, cwd=cwd, check=False,
        env={**ENVIRONMENT, **{k: v for k, v in os.environ.items() if k in ("HOME", "TZ")}},
    )  # fmt: skip


def log(
    broker: RunningBroker, *arguments: str | Path, **more: Any
) -> subprocess.CompletedProcess[str]:
    """Run a log to its end."""
    return hubbub("log", broker.control, "--feed", broker.feed, *arguments, **more)


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def said(text: str) -> list[str]:
    return [event["text"] for event in events(text) if event["kind"] == "say"]


class Logging:
    """A log that runs on; `lines` is what it has written so far."""

    def __init__(self, broker: RunningBroker, *arguments: str | Path, **more: Any) -> None:
        self._command = [*HUBBUB, "log", broker.control, "--feed", broker.feed]
        self._command += map(str, arguments)
        self._more = more
        self.lines: list[str] = []

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, cwd=ROOT, text=True, env=ENVIRONMENT | dict(os.environ),
            **self._more,
        )  # fmt: skip
        assert self.process.stdout is not None and self.process.stderr is not None
        self._errors: list[str] = []
        self._readers = [
            threading.Thread(target=self._read, args=(self.process.stdout, self.lines)),
            threading.Thread(target=self._read, args=(self.process.stderr, self._errors)),
        ]
        for reader in self._readers:
            reader.start()
        return self

    def _read(self, pipe: IO[str], into: list[str]) -> None:
        for line in pipe:
            into.append(line)

    @property
    def errors(self) -> str:
        return "".join(self._errors)

    def until(self, text: str) -> list[str]:
        """Wait until it has written a line with this in it; return all lines."""
        eventually(f"{text!r} is written", lambda: any(text in line for line in self.lines.copy()))
        return self.lines

    def end(self) -> int:
        """Wait for its end and return its exit code."""
        code = self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join()
        return code

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.end()
        assert self.process.stdout is not None and self.process.stderr is not None
        self.process.stdout.close()
        self.process.stderr.close()


@contextmanager
def ann_in_rooms(broker: RunningBroker) -> Iterator[Client]:
    """Give a client that is in three rooms."""
    with Client(broker.control, "ann") as client:
        for room in ("ops-web", "ops-db", "lobby"):
            client.join(room)
        yield client


def say(client: Client, room: str, *texts: str) -> None:
    for text in texts:
        client.say(room, text)
        client.flush(PATIENCE)
