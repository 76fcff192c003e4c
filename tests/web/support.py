"""A real page server, and people who come by WebSocket."""

from __future__ import annotations

import contextlib
import itertools
import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from http.client import HTTPResponse
from pathlib import Path
from typing import Any, Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.support import PATIENCE, ROOT, eventually


class RunningPage:
    """`hubbub web` as a process of its own, on a free port of 127.0.0.1.

    `tuned` are settings of tests/web/tuned_page.py.
    """

    def __init__(
        self,
        directory: Path,
        address: str,
        *arguments: str,
        listen: str = "127.0.0.1:0",
        tuned: Sequence[str] = (),
    ) -> None:
        self.directory = directory
        self.address = address
        self.arguments = arguments
        self.listen = listen
        self.tuned = tuned
        self.ready_file = directory / f"page-{time.monotonic_ns()}.json"
        self.log = directory / f"{self.ready_file.stem}.log"

    def __enter__(self) -> Self:
        program = ["tests.web.tuned_page", *self.tuned, "--"] if self.tuned else ["chatlib.cli"]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable, "-m", *program, "web", self.address,
                    "--data", str(self.directory / "web"), "--listen", self.listen,
                    "--ready-file", str(self.ready_file), *self.arguments,
                ],
                cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        eventually("the page is served", self._is_ready)
        self.url = json.loads(self.ready_file.read_text())["page"].rstrip("/")
        self.listen = self.url.partition("//")[2]
        return self

    def _is_ready(self) -> bool:
        assert self.process.poll() is None, f"the page server ended: {self.output()}"
        return self.ready_file.exists()

    def output(self) -> str:
        """Return all that it has printed."""
        return self.log.read_text()

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()
        self.process.wait()

    def again(self) -> RunningPage:
        """Return one on the same port and directory, not started yet."""
        return RunningPage(
            self.directory, self.address, *self.arguments, listen=self.listen, tuned=self.tuned
        )

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()

    # -- HTTP ---------------------------------------------------------------------------------

    def post(self, path: str, body: Any, **headers: str) -> tuple[int, dict[str, Any], str]:
        """Return status, answer and cookie; headers are given with `_` for `-`."""
        usual = {"Content-Type": "application/json", "Origin": self.url}
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, usual | given)
        status, text, answered = self._open(request)
        return status, json.loads(text), answered.get("Set-Cookie") or ""

    def get(self, path: str, **headers: str) -> tuple[int, str, Any]:
        """Return status, text and headers."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._open(urllib.request.Request(self.url + path, headers=given))

    def _open(self, request: urllib.request.Request) -> tuple[int, str, Any]:
        try:
            answer: HTTPResponse = urllib.request.urlopen(request, timeout=PATIENCE)
            with answer:
                return answer.status, answer.read().decode(), answer.headers
        except urllib.error.HTTPError as e:
            with e:
                return e.code, e.read().decode(), e.headers

    def enter(self, nick: str, token: str = "") -> str:
        """Choose a nickname; return the cookie."""
        status, answer, cookie = self.post("/api/enter", {"nick": nick, "token": token})
        assert status == 200, answer
        return cookie.partition(";")[0]


class Browser:
    """One tab, without the browser: a WebSocket, and all that it was told."""

    _keys = itertools.count(1)

    def __init__(self, page: RunningPage, cookie: str) -> None:
        self.page = page
        self.cookie = cookie
        self.told: list[dict[str, Any]] = []
        self.welcome: dict[str, Any] = {}
        self._ids = itertools.count(1)
        self.connect()

    def connect(self) -> None:
        """Open the WebSocket."""
        self._stack = contextlib.ExitStack()
        self._socket = self._stack.enter_context(
            connect(
                self.page.url.replace("http", "ws", 1) + "/ws",
                origin=self.page.url,  # type: ignore[arg-type]
                additional_headers={"Cookie": self.cookie},
                open_timeout=PATIENCE,
                max_size=None,
                proxy=None,
            )
        )
        self.await_online()

    def await_online(self) -> None:
        """Wait until the broker is there."""
        self.until("welcome", lambda told: told["state"] == "online")

    def reconnect(self) -> None:
        """Come back until somebody is there."""

        def tried() -> bool:
            try:
                self.connect()
            except (OSError, ConnectionClosed):
                return False
            return True

        eventually("the page server is back", tried)

    def send(self, **frame: Any) -> None:
        """Send a frame."""
        self._socket.send(json.dumps(frame))

    def receive(self, timeout: float = PATIENCE) -> dict[str, Any]:
        """Return what is told next."""
        found: dict[str, Any] = json.loads(self._socket.recv(timeout))
        self.told.append(found)
        if found.get("kind") == "welcome":
            self.welcome = found
        return found

    def until(self, kind: str, check: Callable[[dict[str, Any]], Any] = lambda told: True) -> Any:
        """Read until something of this kind comes; return it."""
        deadline = time.monotonic() + PATIENCE
        while True:
            found = self.receive(max(0.01, deadline - time.monotonic()))
            if found.get("kind") == kind and check(found):
                return found

    def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        """Ask, and return the answer."""
        id = next(self._ids)
        self.send(op=op, id=id, **fields)
        while (found := self.receive()).get("id") != id or "ok" not in found:
            pass
        return found

    def say(self, text: str, *, key: str = "", **fields: Any) -> str:
        """Say something; return its key."""
        key = key or f"t-{next(self._keys)}"
        self.send(op="say", key=key, text=text, **fields)
        return key

    def acknowledged(self, key: str) -> dict[str, Any]:
        """Wait for what becomes of a message."""
        while (found := self.outcome(key)) is None:
            self.receive()
        return found

    def outcome(self, key: str) -> dict[str, Any] | None:
        """Return what became of a message, where it was told."""
        return next((t for t in self.told if t.get("key") == key and t["kind"] != "slow"), None)

    def events(self, room: str | None) -> list[dict[str, Any]]:
        """Return the events of a room (None: private ones) that came, in order, each once."""
        frames = (t["events"] for t in self.told if "events" in t and t.get("room") == room)
        found = {event["seq"]: event for frame in frames for event in frame}
        return [found[seq] for seq in sorted(found)]

    def texts(self, room: str | None) -> list[str]:
        """Return their texts."""
        return [event["text"] for event in self.events(room) if "text" in event]

    def hear(self, room: str | None, text: str) -> dict[str, Any]:
        """Read until a text has come in a room; return its event."""
        while text not in self.texts(room):
            self.receive()
        return next(event for event in self.events(room) if event.get("text") == text)

    def close(self) -> None:
        """Close the tab."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
