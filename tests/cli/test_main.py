"""What a newcomer types first, and gets wrong."""

from __future__ import annotations

import subprocess
import sys

import pexpect
import pytest

from chatlib.cli.main import main
from tests.support import PATIENCE, ROOT


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ([], "which command?"),
        (["brokr"], "did you mean broker?"),
        (["--config", "some.toml", "brokr"], "did you mean broker?"),
        (["serve"], "there is no command serve;"),
    ],
)
def test_no_such_command(typed: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(typed) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line and line.endswith("`hubbub --help` lists them")


@pytest.mark.parametrize("script", ["broker.py", "client.py"])
def test_a_python_without_the_dependencies(script: str) -> None:
    """As where the scripts are started with no virtual environment active."""
    done = subprocess.run(
        [sys.executable, "-S", script],  # -S: none of what is installed
        cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 78
    (line,) = done.stderr.splitlines()
    assert "pip install ." in line and ".venv/bin/activate" in line


def test_ctrl_c_ends_its_line() -> None:
    """What the shell prints next begins a line."""
    command = ["-m", "chatlib.cli", "chat", "ipc:///nowhere/hubbub"]
    terminal = pexpect.spawn(sys.executable, command, cwd=str(ROOT), timeout=PATIENCE)
    try:
        terminal.expect("next try in ")
        terminal.sendintr()
        terminal.expect(pexpect.EOF)
        assert terminal.before.endswith(b"^C\r\n"), terminal.before
        terminal.close()
        assert terminal.exitstatus == 130
    finally:
        terminal.close(force=True)
