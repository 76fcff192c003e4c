"""What the system tests share: waiting for what a client is told, members in processes."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import zmq

from chatlib import Client, Connection, Event, Gap
from tests.support import PATIENCE, ROOT, eventually

Context = zmq.Context[zmq.Socket[bytes]]


def has_ipv6() -> bool:
    """Tell whether ::1 can be listened on."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def until(client: Client, wanted: Callable[[Any], bool], patience: float = PATIENCE) -> list[Any]:
    """Take what a client is told until something is `wanted`; return all of it."""
    found: list[Any] = []
    for told in client.events(timeout=patience):
        found.append(told)
        if wanted(told):
            return found
    raise AssertionError(f"not told within {patience} s; the last were {found[-5:]}")


def until_said(client: Client, text: str) -> list[Any]:
    """Take what a client is told until somebody says `text`."""
    return until(client, lambda told: isinstance(told, Event) and told.text == text)


def texts(told: list[Any]) -> list[str]:
    """Return what was said, in order."""
    return [e.text for e in told if isinstance(e, Event) and e.kind in ("say", "act")]


def kinds(told: list[Any], *wanted: str) -> list[tuple[str, str]]:
    """Return (kind, nick) of the events of these kinds."""
    return [(e.kind, e.nick) for e in told if isinstance(e, Event) and e.kind in wanted]


def assert_chained(told: list[Any], room: str) -> None:
    """Check that no event of a room is missing, doubled or out of place."""
    assert not [t for t in told if isinstance(t, Gap)]
    events = [e for e in told if isinstance(e, Event) and e.room == room]
    for before, after in itertools.pairwise(events):
        assert after.prev == before.seq, (before, after)


def went_offline(told: list[Any]) -> bool:
    """Tell whether the connection was lost."""
    return any(isinstance(t, Connection) and t.state == "offline" for t in told)


class Member:
    """A client of its own process; what it is told is a line in `log`.

    See tests/system/member.py, which it runs.
    """

    def __init__(self, directory: Path, address: str, nick: str) -> None:
        self.nick = nick
        self.log = directory / f"{nick}.jsonl"
        self.log.touch()
        self._command = [sys.executable, "-m", "tests.system.member", address, nick, str(self.log)]

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(self._command, cwd=ROOT, stdin=subprocess.DEVNULL)
        eventually(f"{self.nick} joined", self.told)
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGCONT)
            self.process.kill()
        self.process.wait()

    def told(self) -> list[dict[str, Any]]:
        """Return what it was told so far; a line that is not finished is left out."""
        *lines, _ = self.log.read_text().split("\n")
        return [json.loads(line) for line in lines]

    def until_said(self, text: str) -> list[dict[str, Any]]:
        """Wait until it heard `text`; return all that it was told."""
        mark = json.dumps(text)
        eventually(f"{self.nick} heard {mark}", lambda: mark in self.log.read_text())
        return self.told()

    def stop(self) -> None:
        """Let the process stand still."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it run again."""
        os.kill(self.process.pid, signal.SIGCONT)


@contextlib.contextmanager
def clients(address: str, *nicks: str, room: str | None = "lobby") -> Iterator[list[Client]]:
    """Give one client for each nick, in `room`, closed at the end."""
    with contextlib.ExitStack() as stack:
        made = [stack.enter_context(Client(address, nick)) for nick in nicks]
        for client in made:
            if room is not None:
                client.join(room)
        yield made
