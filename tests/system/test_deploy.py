"""What deploy/ says is what the commands take, and what systemd understands."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from chatlib.cli.configuration import Configuration
from chatlib.cli.main import command_parsers, make_parser
from tests.support import PATIENCE, ROOT

UNIT = (ROOT / "deploy" / "hubbub.service").read_text()
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("there is no systemd-analyze on this machine")
    unit = tmp_path / "hubbub.service"
    unit.write_text(UNIT.replace("/usr/local/bin/hubbub", "/bin/true"))
    done = subprocess.run(
        [analyze, "verify", "--man=no", unit],
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    about_us = [line for line in done.stderr.splitlines() if "hubbub" in line]
    assert (done.returncode, about_us) == (0, [])


def test_the_commands_of_the_unit_are_commands() -> None:
    found = re.findall(r"^Exec\w+=/usr/local/bin/hubbub (.*)$", UNIT, re.M)
    assert len(found) == 2
    for line in found:
        args = make_parser().parse_args(shlex.split(line))
        assert args.data == Path("/var/lib/hubbub")


def test_the_container_sets_options_that_there_are() -> None:
    environ = dict(re.findall(r"(HUBBUB_\w+)=(\S+)", re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.M)))
    assert len(environ) == 4
    found = Configuration(None, environ, command_parsers())
    assert not found.faults and not found.doubts
    known = {name: s.value for name, s in found.settings("broker").items()}
    assert known == {
        "data": Path("/data"), "listen": "tcp://0.0.0.0:5555", "metrics": ("127.0.0.1", 9464),
        "log_format": "json",
    }  # fmt: skip


def test_the_container_copies_what_there_is() -> None:
    for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.M):
        *sources, _ = line.split()
        for source in sources:
            assert (ROOT / source).exists(), source
