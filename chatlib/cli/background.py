"""Starting a broker in the background, for `hubbub chat --start`."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from chatlib.errors import CannotCreate, Unreachable
from chatlib.protocol.links import Endpoint

START_S = 10.0


def state_directory() -> Path:
    """Return where logs go: $XDG_STATE_HOME/hubbub, else ~/.local/state/hubbub."""
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "hubbub"


def ensure_broker(endpoint: Endpoint) -> None:
    """Start a broker at `endpoint` when nothing answers there and it is on this machine."""
    if not endpoint.loopback or _answers(endpoint):
        return
    log = state_directory() / "broker.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as out:
            broker = subprocess.Popen(
                [sys.executable, "-m", "chatlib.cli", "broker", "--listen", str(endpoint)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,  # it outlives this terminal
            )
    except OSError as e:
        raise CannotCreate(f"cannot write the broker's log {log}: {e.strerror}") from e
    deadline = time.monotonic() + START_S
    while not _answers(endpoint):
        if broker.poll() is not None or time.monotonic() > deadline:
            raise CannotCreate(f"the broker did not start: read {log}")
        time.sleep(0.05)
    print(f"started a broker in the background (pid {broker.pid}, log {log})")
    print(f"it goes on when you leave; stop it with: kill {broker.pid}")


def _answers(endpoint: Endpoint) -> bool:
    from chatlib.net.dial import dial

    try:
        dial(endpoint, 1.0)
    except Unreachable:
        return False
    return True
