"""What is told of the commands, here, there and in three shells, is what their parsers say."""

from __future__ import annotations

import argparse
import importlib.util
import re
import shutil
import subprocess
import sys
from typing import Any

import pytest

from chatlib.cli.completion import SCRIPTS, SHELLS
from chatlib.cli.main import command_parsers, main
from tests.support import PATIENCE, ROOT

PARSERS = command_parsers()


def load() -> Any:
    spec = importlib.util.spec_from_file_location("reference", ROOT / "docs" / "reference.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


reference = load()
CLI = (ROOT / "docs" / "cli.md").read_text()
AGAIN = "run: make reference"


def test_the_page_of_commands() -> None:
    assert reference.cli(CLI) == CLI, AGAIN
    assert re.findall(r"^### hubbub (\S+)$", CLI, re.M) == re.findall(r"<!-- hubbub (\S+) -->", CLI)
    assert set(re.findall(r"^### hubbub (\S+)$", CLI, re.M)) == set(PARSERS)


def test_values_are_called_in_capitals() -> None:
    called = {
        (name, action.metavar)
        for name, parser in PARSERS.items()
        for action in parser._actions
        if action.nargs != 0 and action.choices is None
    }
    assert not {(name, word) for name, word in called if not word or word != word.upper()}


def test_the_page_names_every_exit_code() -> None:
    told = {int(code): means for code, means in re.findall(r"^\| (\d+) \| (.*) \|$", CLI, re.M)}
    assert told == reference.EXIT_CODES
    from chatlib import errors
    from chatlib.history.store import StoreFailed

    known = {e.exit_code for e in vars(errors).values() if isinstance(e, type)}
    assert known | {StoreFailed.exit_code} <= set(told)


def test_what_is_for_our_own_use_is_told_nowhere() -> None:
    hidden = [
        name
        for parser in PARSERS.values()
        for action in parser._actions
        if action.help == argparse.SUPPRESS
        for name in action.option_strings
    ]
    assert hidden
    for text in (CLI, reference.MAN.read_text().replace("\\-", "-")):
        assert not [name for name in (*hidden, argparse.SUPPRESS) if name in text]


def test_the_man_page() -> None:
    assert reference.MAN.read_text() == reference.man(), AGAIN


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_the_completions(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    script = (SCRIPTS / SHELLS[shell]).read_text()
    assert script == reference.completion(shell), AGAIN
    assert main(["completion", shell]) == 0
    assert capsys.readouterr().out == script


@pytest.mark.parametrize("name", sorted(PARSERS))
def test_every_command_and_option_has_help(name: str) -> None:
    assert len(PARSERS[name].description or "") > 10
    for action in PARSERS[name]._actions:
        assert action.help, (name, action.option_strings or action.dest)


def test_help_names_every_command() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "chatlib.cli", "--help"],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=PATIENCE,
    ).stdout  # fmt: skip
    assert re.findall(r"^    (\w+) ", told, re.M) == list(PARSERS)


# -- the shells themselves ------------------------------------------------------------------------


def completed(shell: str, script: str) -> list[str]:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"there is no {shell} on this machine")
    return subprocess.run(
        [program, "-c", script], capture_output=True, text=True, check=True, timeout=PATIENCE,
        cwd=SCRIPTS,
    ).stdout.split("\n")  # fmt: skip


@pytest.mark.parametrize(
    ("words", "last", "found"),
    [
        ("hubbub", "br", "broker"),
        ("hubbub broker", "--dur", "--durability"),
        ("hubbub broker --durability", "", "disk"),
        ("hubbub completion", "", "zsh"),
    ],
)
def test_bash(words: str, last: str, found: str) -> None:
    count = len(words.split())
    told = completed(
        "bash",
        f'source hubbub.bash; COMP_WORDS=({words} "{last}"); COMP_CWORD={count}; '
        '_shtab_hubbub; printf "%s\\n" "${COMPREPLY[@]}"',
    )
    assert found in told


@pytest.mark.parametrize(("line", "found"), [("hubbub br", "broker"), ("hubbub ban --", "--key")])
def test_fish(line: str, found: str) -> None:
    told = completed("fish", f"source hubbub.fish; complete -C '{line}'")
    assert found in [word.split("\t")[0] for word in told]


def test_zsh() -> None:
    completed("zsh", "zsh -n _hubbub")


def test_man_takes_it() -> None:
    if shutil.which("groff") is None:
        pytest.skip("there is no groff on this machine")
    done = subprocess.run(
        ["groff", "-man", "-ww", "-Tascii", reference.MAN],
        capture_output=True, text=True, check=True, timeout=PATIENCE,
    )  # fmt: skip
    assert done.stderr == ""
    assert "hubbub broker" in re.sub(".\x08", "", done.stdout)  # it strikes letters twice, for bold
