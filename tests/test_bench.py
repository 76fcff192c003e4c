"""The benchmark works, end to end; nothing here asserts how fast anything is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench import load, report, servers, wires, zmtp
from bench.measures import Bench, attack
from bench.peers import nats
from tests.support import ROOT


def bench(directory: Path, *arguments: str) -> Any:
    """Run the benchmark and return the JSON that it wrote."""
    found = directory / "found.json"
    subprocess.run(
        [
            sys.executable, "-m", "bench", *arguments, "--turns", "1", "--seconds", "0.3",
            "--directory", str(directory), "--json", str(found),
        ],
        cwd=ROOT, check=True, timeout=100, capture_output=True,
    )  # fmt: skip
    assert [path.name for path in directory.iterdir()] == [found.name]  # nothing is left behind
    return json.loads(found.read_text())


def test_one_sender_and_one_receiver_by_every_server(tmp_path: Path):
    found = bench(tmp_path, "fanout", "--case", "1:1")
    assert found["machine"]["libzmq"]
    rows = found["measured"][0]["rows"]
    assert [row["case"] for row in rows] == ["1 → 1"] * 3
    for row in rows:
        (turn,) = row["turns"]
        assert turn["lost"] == 0
        assert turn["accepted"] == turn["received"] >= turn["deliveries"] > 0


def test_pages_read_what_programs_and_pages_say(tmp_path: Path):
    found = bench(tmp_path, "web", "--quick")
    rows = found["measured"][0]["rows"]
    assert len(rows) == 3
    for row in rows:
        (turn,) = row["turns"]
        assert turn["lost"] == turn["gone"] == 0 and turn["p99_ms"] > 0


def test_everything_acknowledged_is_stored(tmp_path: Path):
    disk = bench(tmp_path, "acks")["measured"][0]["rows"][0]
    (turn,) = disk["turns"]
    assert turn["sent"] == turn["acknowledged"] == turn["stored"] > 0


def test_encrypted_peers_lose_nothing(tmp_path: Path):
    with servers.hubbub(tmp_path, "--access", "open") as server:
        assert server.key
        turn = load.Running(load.saturate, "encrypted", server, (2, 3), 0.3, True).result(60)
    assert turn["lost"] == 0
    assert turn["accepted"] * 3 == turn["received"] >= turn["deliveries"] > 0


def test_two_talk_under_an_attack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    cases = {"quiet": ("", 0), "a flood": ("lines", 0)}
    monkeypatch.setattr(attack, "CASES", cases)
    table = attack.measure(Bench(tmp_path, turns=1, seconds=0.3))
    assert [row.server for row in table.rows] == list(cases)
    for row in table.rows:
        (turn,) = row.turns
        assert turn["sent"] > 0 == turn["lost"]
        assert 0 < turn["p50_ms"] <= turn["p99_ms"] <= turn["max_ms"]
        assert (turn["done"] > 0) == (row.server != "quiet")
    assert report.cells(table)[1][5] == "1.00", "quiet is what the others are measured by"
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_installed_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(nats, "find", lambda: None)

    def subject(directory: Path) -> report.Turn:
        with servers.nats_server(directory):
            raise AssertionError("it is not there")

    row = Bench(tmp_path, turns=2).in_turns("a case", {"nats": subject})["nats"]
    assert row.turns == []
    assert row.note.startswith("skipped: nats-server is not installed: ")
    assert list(tmp_path.iterdir()) == []


def test_a_byte_in_a_length_is_not_taken_for_a_message():
    mark = ord(wires.MARK)
    frames = [b"", b"x" * mark, b"x" * 0x7E7E, b"a ~ b", b"x" * 0x17E]
    data = b"".join(zmtp.frame(body) for body in frames)
    for size in (1, 2, 5, 9, 1000, len(data)):  # however the bytes come in
        headers = zmtp.Headers(mark)
        pieces = [bytearray(data[i : i + size]) for i in range(0, len(data), size)]
        counted = sum(piece.count(mark) - headers.count(piece, len(piece)) for piece in pieces)
        assert counted == 1


def test_frames_come_back_however_they_are_cut():
    frames = [b"one", b"x" * 300, b"", b"two"]
    data = b"".join(zmtp.frame(body) for body in frames)
    for size in (1, 3, len(data)):
        splitter = zmtp.Splitter()
        got = [
            body for i in range(0, len(data), size) for body in splitter.feed(data[i : i + size])
        ]
        assert got == frames


def test_the_document_keeps_what_was_written_by_hand(tmp_path: Path):
    document = tmp_path / "performance.md"
    document.write_text(f"By hand.\n\n{report.MARKER}\nold")
    column = report.Column("msg/s", lambda turn: turn["rate"])
    turns = [{"rate": 1000.0}, {"rate": 3000.0}, {"rate": 2000.0}]
    rows = [
        report.Row("1 → 1", "Hubbub", turns),
        report.Row("1 → 1", "other", [], note="skipped: it is not installed"),
    ]
    report.write_docs(document, {"cpu": "fast"}, {}, [report.Table("t", "A title", [column], rows)])
    text = document.read_text()
    assert text.startswith(f"By hand.\n\n{report.MARKER}\n\nMeasured on: cpu fast.")
    assert "| 1 → 1 | Hubbub | 2,000 (1,000–3,000) |" in text
    assert "skipped: it is not installed" in text
    assert "old" not in text


def test_the_real_document_has_the_marker():
    assert report.MARKER in (ROOT / "docs" / "performance.md").read_text()
