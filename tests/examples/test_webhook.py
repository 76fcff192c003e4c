"""The bridge: signed posts in, signed posts out, and nothing for who does not know the secret."""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from chatlib import Bot, Client
from chatlib.bot.testing import Room
from examples.webhook import HEADER, MOST_BYTES, make_bot, make_server, sign
from tests.support import PATIENCE, ROOT, RunningBroker, eventually

pytest_plugins = ["chatlib.bot.testing"]
SECRET = b"the secret of the tests"


class Receiver:
    """A server that is posted to. It refuses the first `faults` posts."""

    def __init__(self) -> None:
        self.posts: queue.Queue[tuple[dict[str, Any], str, bytes]] = queue.Queue()
        self.faults = 0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                fault, receiver.faults = receiver.faults > 0, max(0, receiver.faults - 1)
                if not fault:
                    receiver.posts.put((json.loads(body), self.headers[HEADER], body))
                self.send_response(500 if fault else 204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"


def serving(server: HTTPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield from (made for _ in serving(made.server))


@pytest.fixture
def bot(receiver: Receiver) -> Bot:
    return make_bot("tcp://127.0.0.1:1", "ops", SECRET, receiver.url, pauses=(0.01, 0.01))


@pytest.fixture
def hook(bot: Bot) -> Iterator[str]:
    server = make_server(bot, SECRET, 0)
    yield from (f"http://127.0.0.1:{server.server_port}/" for _ in serving(server))


def post(url: str, body: bytes, signature: str | None = None) -> tuple[int, str]:
    headers = {HEADER: sign(SECRET, body) if signature is None else signature}
    asked = urllib.request.Request(url, body, headers, method="POST")
    try:
        with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as e:
        with e:
            return e.code, e.read().decode()


def test_what_is_posted_is_said(room: Room, hook: str) -> None:
    assert post(hook, b'{"text": "deployed"}') == (200, "said\n")
    room.expect("deployed")


@pytest.mark.parametrize("signature", ["", "sha256=", "sha256=" + "0" * 64, "\xe9"])
def test_who_does_not_know_the_secret_says_nothing(room: Room, hook: str, signature: str) -> None:
    assert post(hook, b'{"text": "deployed"}', signature)[0] == 401
    room.expect_silence()


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"text"', b"{}", b'{"text": ""}', b'{"text": "\\u001b[2J"}']
)
def test_what_can_not_be_said(room: Room, hook: str, body: bytes) -> None:
    status, text = post(hook, body)
    assert (status, "that can be said" in text) == (400, True)
    room.expect_silence()


def test_too_much(hook: str) -> None:
    assert post(hook, b" " * (MOST_BYTES + 1))[0] == 413


def test_before_the_bot_is_in_its_room(hook: str) -> None:
    status, text = post(hook, b'{"text": "deployed"}')
    assert (status, "the bot does not run" in text) == (503, True)


def test_what_is_said_is_posted_once_it_can_be(room: Room, receiver: Receiver) -> None:
    receiver.faults = 2
    room.say("ann", "hello out there")
    event, signature, body = receiver.posts.get(timeout=PATIENCE)
    assert (event["text"], event["nick"], event["room"]) == ("hello out there", "ann", "ops")
    assert signature == sign(SECRET, body)
    room.whisper("ann", "for nobody else")
    room.say("ann", "and again")
    assert receiver.posts.get(timeout=PATIENCE)[0]["text"] == "and again"


def test_what_can_never_be_posted_is_told_in_the_log(
    room: Room, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.faults = 3
    room.say("ann", "lost")
    room.say("ann", "not lost")
    assert receiver.posts.get(timeout=PATIENCE)[0]["text"] == "not lost"
    assert "was not delivered" in caplog.text


def test_the_program(broker: RunningBroker, receiver: Receiver) -> None:
    command = [sys.executable, "examples/webhook.py", "--broker", broker.control, "--port", "0"]
    refused = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(ROOT)},
    )
    assert "set HUBBUB_WEBHOOK_SECRET" in refused.stderr
    given = {"PYTHONPATH": str(ROOT), "HUBBUB_WEBHOOK_SECRET": SECRET.decode()}
    environment = given | {"XDG_STATE_HOME": os.environ["XDG_STATE_HOME"]}
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert re.match("listening on http://127.0.0.1:", process.stdout.readline())
            with Client(broker.control, "ann") as ann:
                eventually("it is here", lambda: "webhook" in {m.nick for m in ann.who()})
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
