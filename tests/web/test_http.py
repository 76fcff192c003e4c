"""Who holds connections open and gives nothing for it."""

from __future__ import annotations

import contextlib
import itertools
import re
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import PATIENCE, RunningBroker, eventually
from tests.web.support import Browser, RunningPage


def connected(page: RunningPage, buffer: int = 0) -> socket.socket:
    host, _, port = page.listen.rpartition(":")
    made = socket.socket()
    if buffer:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    made.settimeout(PATIENCE)
    made.connect((host, int(port)))
    return made


def hung_up(there: socket.socket) -> bool:
    """Tell whether the other side is gone, reading nothing that it has sent."""
    try:
        there.send(b" ")
    except OSError:
        return True
    return False


@contextlib.contextmanager
def tuned(broker: RunningBroker, directory: Path, *settings: str) -> Iterator[RunningPage]:
    with RunningPage(directory, broker.control, tuned=settings) as page:
        yield page


HALF = (b"", b"G", b"GET /healthz HTTP/1.1\r\nHost: 127")


def is_ended(there: socket.socket, told: bytes) -> bool:
    """Say that, and tell whether the page server hangs up."""
    try:
        there.sendall(told)
        return there.recv(100) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def answered(page: RunningPage) -> socket.socket | None:
    """Return a connection on which a request was answered; None where we were too slow."""
    there = connected(page)
    answer = b""
    with contextlib.suppress(OSError):
        there.sendall(f"GET /healthz HTTP/1.1\r\nHost: {page.listen}\r\n\r\n".encode())
        while more := there.recv(4096):
            answer += more
            if answer.endswith(b"ok\n"):
                return there
    there.close()
    return None


def test_half_a_request(broker: RunningBroker, tmp_path: Path) -> None:
    with (
        tuned(broker, tmp_path, "chatlib.web.http.HEAD_S=1.0") as page,
        contextlib.ExitStack() as stack,
    ):
        for told in HALF:
            there = stack.enter_context(connected(page))
            assert is_ended(there, told)
        for told in HALF[1:]:  # and after a whole one
            there = stack.enter_context(eventually("an answer comes", lambda: answered(page)))
            assert is_ended(there, told)


def test_a_body_that_does_not_come(broker: RunningBroker, tmp_path: Path) -> None:
    with (
        tuned(broker, tmp_path, "chatlib.web.guard.BODY_S=2.0") as page,
        connected(page) as one,
        connected(page) as other,
    ):
        cookie = page.enter("ann")
        for there, path in ((one, "/files"), (other, "/api/enter")):
            there.sendall(
                f"POST {path} HTTP/1.1\r\nHost: {page.listen}\r\nOrigin: {page.url}\r\n"
                f"Content-Type: application/json\r\nCookie: {cookie}\r\n"
                "Content-Length: 1000\r\n\r\nx".encode()
            )
        for there in (one, other):
            answer = b""
            while not answer.endswith(b"}") and (more := there.recv(4096)):
                answer += more
            assert answer.startswith(b"HTTP/1.1 408") and b"too_slow" in answer
        assert not list((tmp_path / "web" / "files").iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="TCP_USER_TIMEOUT is Linux's")
def test_an_answer_that_nobody_reads(broker: RunningBroker, tmp_path: Path) -> None:
    with tuned(broker, tmp_path, "chatlib.web.http.STALLED_S=0.5") as page:
        file = tmp_path / "web" / "files" / ("0" * 64)
        file.write_bytes(bytes(20_000_000))
        with connected(page, 4096) as there:
            there.sendall(
                f"GET /files/{file.name}/x HTTP/1.1\r\nHost: {page.listen}\r\n\r\n".encode()
            )
            eventually("it is hung up on", lambda: hung_up(there))


@pytest.mark.skipif(not Path("/proc/self/limits").exists(), reason="there is no /proc")
def test_as_many_files_as_may_be(broker: RunningBroker, tmp_path: Path) -> None:
    with tuned(broker, tmp_path, "files=100") as page:
        limits = Path(f"/proc/{page.process.pid}/limits").read_text()
        found = re.search(r"Max open files +(\d+) +(\d+)", limits)
        assert found is not None and found[1] == found[2] != "100"


def test_connections_leave_files_for_sessions(tmp_path: Path) -> None:
    """Strangers hold all that they get; who was there comes back when the broker does."""
    with (
        RunningBroker(tmp_path, data=tmp_path / "data") as broker,
        tuned(broker, tmp_path, "most_files=120", "chatlib.web.http.HEAD_S=600") as page,
        contextlib.ExitStack() as stack,
    ):
        ann = stack.enter_context(Browser(page, page.enter("ann")))
        held = [stack.enter_context(connected(page)) for _ in range(150)]
        assert held[-1].recv(1) == b""
        broker.kill()
        ann.until("welcome", lambda told: told["state"] == "offline")
        with broker.again():
            ann.await_online()
            ann.ask("open", room="lobby")
            assert ann.acknowledged(ann.say("still here", room="lobby"))["kind"] == "ack"
            for one in held:
                one.close()

            def comes_in() -> bool:
                with contextlib.suppress(OSError):
                    return page.post("/api/enter", {"nick": "bob"})[0] == 200
                return False

            eventually("others come in", comes_in)


def test_sessions_leave_files_for_the_rest(broker: RunningBroker, tmp_path: Path) -> None:
    """People come until no more can; who is there goes on talking."""
    with (
        tuned(broker, tmp_path, "most_files=90", "chatlib.web.hub.ENTER_S=2.0") as page,
        Browser(page, page.enter("ann")) as ann,
    ):
        ann.ask("open", room="lobby")
        names = itertools.count()
        while (found := page.post("/api/enter", {"nick": f"p{next(names)}"}))[0] == 200:
            pass
        assert found[1]["error"]["code"] == "unavailable"
        assert ann.acknowledged(ann.say("still here", room="lobby"))["kind"] == "ack"
