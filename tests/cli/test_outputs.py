"""The files of a log: more of them than are open at a time, moved aside, mended."""

from __future__ import annotations

import subprocess
from datetime import datetime
from pathlib import Path

import pytest

from chatlib.cli import outputs
from chatlib.cli.outputs import Files
from chatlib.errors import CannotCreate, Misuse
from tests.cli.follow_play import ENVIRONMENT, HUBBUB
from tests.support import ROOT

AT = datetime(2026, 11, 21, 9, 30)


def test_more_files_than_are_open_at_a_time(tmp_path: Path) -> None:
    files = Files(str(tmp_path / "{room}.log"), durable=True)
    for turn in range(3):
        for room in range(2 * outputs.MOST_OPEN):
            files.write(b"%d\n" % turn, f"r{room}", AT)
    assert len(files._open) == outputs.MOST_OPEN
    files.flush()
    assert {path.read_text() for path in tmp_path.iterdir()} == {"0\n1\n2\n"}
    files.close()


def test_what_was_written_is_out_after_a_flush(tmp_path: Path) -> None:
    files = Files(str(tmp_path / "%Y/%m.log"), durable=False)
    files.write(b"one\n", "lobby", AT)
    files.flush()
    assert (tmp_path / "2026" / "11.log").read_text() == "one\n"
    files.close()


def test_a_row_larger_than_a_file_may_be_has_one_of_its_own(tmp_path: Path) -> None:
    files = Files(str(tmp_path / "x[1].log"), most=10, durable=False)
    for row in (b"a\n", b"b" * 50 + b"\n", b"c\n", b"d\n"):
        files.write(row, "lobby", AT)
    files.close()
    found = {path.name: path.read_bytes()[:1] for path in tmp_path.iterdir()}
    assert found == {"x[1].log.1": b"a", "x[1].log.2": b"b", "x[1].log": b"c"}


def test_numbers_go_on_where_others_ended(tmp_path: Path) -> None:
    (tmp_path / "x.7.gz").write_bytes(b"")
    (tmp_path / "x.old").write_bytes(b"")
    files = Files(str(tmp_path / "x"), most=1, durable=False, compress=True)
    files.write(b"a\n", "lobby", AT)
    files.write(b"b\n", "lobby", AT)
    files.close()
    assert {path.name for path in tmp_path.iterdir()} == {"x", "x.7.gz", "x.8.gz", "x.old"}


@pytest.mark.parametrize(
    ("left", "mended"),
    [(b"", b""), (b"a\n", b"a\n"), (b"a\nb", b"a\n"), (b"b", b""), (b"a\n" + b"b" * 9_000, b"a\n")],
)
def test_half_a_line(tmp_path: Path, left: bytes, mended: bytes) -> None:
    for durable, before in ((True, mended), (False, left + b"\n" * (left != mended))):
        path = tmp_path / f"{durable}"
        path.write_bytes(left)
        files = Files(str(path), durable=durable)
        files.write(b"new\n", "lobby", AT)
        files.close()
        assert path.read_bytes() == before + b"new\n"


@pytest.mark.parametrize("template", ["{nix}", "{", "{0}"])
def test_no_path(template: str) -> None:
    with pytest.raises(Misuse, match="is no path"):
        Files(template, durable=False)


def test_a_full_disk_is_told() -> None:
    files = Files("/dev/full", durable=False)
    with pytest.raises(CannotCreate, match="cannot write /dev/full"):
        files.write(b"x\n", "lobby", AT)
        files.flush()
    with pytest.raises(CannotCreate, match="cannot write /dev/full"):
        files.close()


def test_no_standard_output() -> None:
    command = " ".join([*HUBBUB, "log", ">&-"])
    done = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, env=ENVIRONMENT, capture_output=True, check=False
    )
    assert done.returncode == 73 and done.stderr.count(b"\n") == 1
