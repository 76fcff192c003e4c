"""How the examples are started: with --help, with a link, and with what can't work."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.net.encrypted import Encrypted
from tests.support import PATIENCE, ROOT, eventually

PROGRAMS = ("announce", "reminder", "webhook")
TO = {"announce": ["--broker"], "reminder": [], "webhook": ["--broker"]}
MORE = {
    "announce": ["--project", "x", "--status", "success"],
    "reminder": [],
    "webhook": ["--port", "0"],
}


@pytest.fixture
def house() -> Iterator[Encrypted]:
    with Encrypted() as made:
        yield made


def start(directory: Path, program: str, *arguments: str) -> subprocess.Popen[str]:
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    environ["HUBBUB_WEBHOOK_SECRET"] = "the secret of these tests"
    return subprocess.Popen(
        [sys.executable, str(ROOT / "examples" / f"{program}.py"), *arguments],
        cwd=directory, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def ended(directory: Path, program: str, *arguments: str) -> tuple[int, str, str]:
    with start(directory, program, *arguments) as process:
        out, told = process.communicate(timeout=PATIENCE)
        return process.returncode, out, told


@pytest.mark.parametrize("program", PROGRAMS)
def test_help(tmp_path: Path, program: str) -> None:
    code, out, _ = ended(tmp_path, program, "--help")
    assert code == 0 and "--key FILE" in out and "hubbub:// link" in " ".join(out.split())


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize(
    ("address", "code", "part"),
    [
        ("tcp://127.0.0.1:99999", 78, "is no address"),
        ("hubbub://127.0.0.1/?k=damaged", 78, "its key (k=) is damaged"),
        ("127.0.0.1:1 --key own.key", None, "for an encrypted broker"),
    ],
)
def test_where_no_broker_can_be(
    tmp_path: Path, program: str, address: str, code: int | None, part: str
) -> None:
    place, *key = address.split()
    found, _, told = ended(tmp_path, program, *TO[program], place, *key, *MORE[program])
    assert found in ((2, 78) if code is None else (code,))
    assert part in told and told.startswith(f"{program}: ") and told.count("\n") == 1


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_link(tmp_path: Path, program: str, house: Encrypted) -> None:
    arguments = [*TO[program], house.link("ops", token="welcome"), *MORE[program]]
    if program == "announce":
        code, _, told = ended(tmp_path, program, "--key", "own.key", *arguments)
        assert code == 0 and "from now on its key is" in told
        assert (tmp_path / "own.key").exists()
        return
    with start(tmp_path, program, *arguments) as process:
        try:
            with house.client("ann") as ann:
                ann.join("ops")
                eventually("it is here", lambda: program in {m.nick for m in ann.who("ops")})
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
    assert (tmp_path / f"{program}.key").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        (["--port", "65536"], 2, "'65536' is no port"),
        (["--port", "http"], 2, "'http' is no port"),
        (["--to", "example.org"], 2, "is no URL such as"),
    ],
)
def test_what_the_webhook_can_not_take(
    tmp_path: Path, arguments: list[str], code: int, part: str
) -> None:
    found, _, told = ended(tmp_path, "webhook", *arguments)
    assert found == code and part in told.splitlines()[-1]


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, _, told = ended(tmp_path, "webhook", "--port", str(port))
    assert code == 73 and told.count("\n") == 1
    assert f"cannot listen on 127.0.0.1:{port}" in told and "choose another --port" in told


def test_reminders_that_can_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "reminders.json").write_text("{")
    code, _, told = ended(tmp_path, "reminder")
    assert code == 2 and told.startswith("reminder: reminders.json can't be read")
    assert told.count("\n") == 1
