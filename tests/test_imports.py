"""What is imported when: faces and extras only when they are used, so that `--help` is instant.

Counted, not timed: how fast a machine is that runs the tests says nothing.
"""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from tests.support import PATIENCE, ROOT

HEAVY = {
    "zmq", "msgspec", "prompt_toolkit", "precis_i18n", "segno", "sqlite3", "prometheus_client",
    "ifaddr", "asyncio", "http", "tomllib", "json", "datetime", "subprocess", "logging", "shtab",
}  # fmt: skip
MOST = 110  # modules, those of the interpreter's start included: 94 with Python 3.11
SCRIPT = """
import sys
from chatlib.cli.main import main
try:
    main({arguments!r})
except SystemExit:
    pass
told = sorted(sys.modules)
import os
os.write(2, repr(told).encode())
"""


def imported(*arguments: str) -> set[str]:
    script = SCRIPT.format(arguments=list(arguments))
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{script}"],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=PATIENCE,
    )  # fmt: skip
    return set(ast.literal_eval(done.stderr))


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["chat", "--help"], ["broker", "--help"]]
)
def test_help_imports_next_to_nothing(arguments: list[str]) -> None:
    found = imported(*arguments)
    assert not HEAVY & found
    assert len(found) <= MOST, sorted(found)
    assert {m.split(".")[1] for m in found if m.startswith("chatlib.")} == {
        "cli", "errors", "protocol", "version",
    }  # fmt: skip


def test_the_package_imports_nothing() -> None:
    script = "import sys, chatlib; print([m for m in sys.modules if m.startswith('chatlib.')])"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['chatlib.version']"


def test_a_command_that_runs_imports_more() -> None:
    """So the counting above can fail."""
    found = imported("config", "check")
    assert {"chatlib.cli.configuration", "zmq", "json"} <= found and "prompt_toolkit" not in found
