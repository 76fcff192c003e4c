"""The page server beside a broker: a process of its own, so that the broker's loop waits for none.

It ends with the broker, however that ends: it reads a pipe that nobody else holds.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

from chatlib.errors import BadConfiguration
from chatlib.protocol.links import Endpoint

END_S = 5.0
AGAIN_S = (1.0, 2.0, 5.0, 15.0, 30.0)
OUR_FAULT = frozenset({2, 73, 77, 78})  # exit codes that no second try takes back
ANYWHERE = {"*": "127.0.0.1", "0.0.0.0": "127.0.0.1", "[::]": "[::1]"}


def check_extra() -> None:
    """Raise BadConfiguration where the page server is not installed."""
    if not all(map(find_spec, ("starlette", "uvicorn", "websockets"))):
        raise BadConfiguration(
            "--web needs Starlette and uvicorn: install them with: pip install 'hubbub[web]'"
        )


class PageProcess:
    """Runs `hubbub web`, and again when it fails; `note` is told why."""

    def __init__(
        self, arguments: Sequence[str], *, quiet: bool, note: Callable[[str], None]
    ) -> None:
        self._command = [sys.executable, "-m", "chatlib.cli", "web", "--with-parent", *arguments]
        self._scratch = "" if "--data" in arguments else tempfile.mkdtemp(prefix="hubbub-web-")
        if self._scratch:  # the sessions of a broker in memory end with it
            self._command += ["--data", self._scratch]
        self._quiet = quiet
        self._note = note
        self._ending = threading.Event()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._run, name="page", daemon=True)

    def start(self) -> None:
        """Start it."""
        self._thread.start()

    def _run(self) -> None:
        tries = 0
        while not self._ending.is_set():
            with self._lock:
                self._process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL if self._quiet else None,
                )
            code = self._process.wait()
            if self._ending.is_set():
                return
            if code in OUR_FAULT:
                self._note(f"the page is not served (exit code {code}); the broker goes on")
                return
            wait = AGAIN_S[min(tries, len(AGAIN_S) - 1)]
            tries += 1
            self._note(f"the page server ended with exit code {code}: again in {wait:g} s")
            self._ending.wait(wait)

    def close(self) -> None:
        """End it."""
        self._ending.set()
        with self._lock:
            process = self._process
        if process is not None:
            if process.stdin is not None:
                process.stdin.close()
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
        self._thread.join(END_S)
        if self._scratch:
            shutil.rmtree(self._scratch, ignore_errors=True)


def page_arguments(
    control: Endpoint, page: tuple[str, int], data: Path | None, *, encrypted: bool, config: str
) -> list[str]:
    """Return what `hubbub web` is given to serve the page of a broker here.

    `page` is where, a host of IPv6 in brackets. `data` is the broker's directory; None for one in
    memory. Raises BadConfiguration.
    """
    if data is None and encrypted:
        raise BadConfiguration("--web of an encrypted broker keeps a key: leave out --memory")
    address = control._replace(host=ANYWHERE.get(control.host, control.host))
    found = [str(address), "--listen", f"{page[0]}:{page[1]}"]
    if data is not None:
        found += ["--broker-data", str(data), "--data", str(data / "web")]
        found += ["--ready-file", str(data / "web" / "page.json")]
    return [*found, "--config", config] if config else found
