"""What `import chatlib` offers, and what it costs."""

from __future__ import annotations

import subprocess
import sys

import chatlib
from tests.support import ROOT


def test_every_name_is_there() -> None:
    for name in chatlib.__all__:
        assert getattr(chatlib, name) is not None
    assert sorted(chatlib.__all__) == chatlib.__all__


def loaded_by(statement: str) -> set[str]:
    code = f"{statement}; import sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert not loaded_by("import chatlib") & {"zmq", "msgspec", "asyncio", "chatlib.net"}


def test_help_loads_neither_sockets_nor_the_line_editor() -> None:
    loaded = loaded_by("from chatlib.cli.main import make_parser; make_parser()")
    assert not loaded & {"zmq", "msgspec", "prompt_toolkit", "precis_i18n", "asyncio", "segno"}
