"""Logs that are killed, logs behind slow pipes: nothing is lost, and no broker grows."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from chatlib import Client
from tests.cli.follow_play import ENVIRONMENT, HUBBUB
from tests.support import ROOT, RunningBroker, eventually

FLOW = 50_000
BURST = 100_000
SLOW = 1_000_000  # bytes a second
PATIENCE = 300.0


def command(broker: RunningBroker, *arguments: str) -> list[str]:
    return [*HUBBUB, "log", broker.control, "--feed", broker.feed, "-o", "json", *arguments]


def seqs(output: bytes) -> list[int]:
    """Return what was written, in whole lines: half a line at the end was cut by a kill."""
    lines = output.split(b"\n")[:-1]
    return [json.loads(line)["seq"] for line in lines if not line.startswith(b'{"kind": "gap"')]


class Talker(threading.Thread):
    """Says numbers, a few at a time for as long as `pace` is set, then as fast as it can."""

    def __init__(self, address: str, count: int, pace: float = 0.0) -> None:
        super().__init__()
        self.client = Client(address, "talker").start()
        self.client.join("lobby", history=0)
        self.count = count
        self.pace = pace
        self.said = 0

    def run(self) -> None:
        for number in range(self.count):
            self.client.say("lobby", f"{number}", timeout=PATIENCE)
            self.said = number + 1
            if self.pace and number % 100 == 0:
                time.sleep(self.pace)
        self.client.flush(PATIENCE)

    def stop(self) -> int:
        """Say the rest at once; return the seq of the last event."""
        self.pace = 0.0
        self.join()
        return self.client.history("lobby", limit=1)[-1].seq

    @classmethod
    @contextmanager
    def talking(cls, address: str, count: int, pace: float = 0.0) -> Iterator[Self]:
        """Give one who talks, and stays until the end."""
        talker = cls(address, count, pace)
        talker.start()
        try:
            yield talker
        finally:
            talker.stop()
            talker.client.close()


def killed_again_and_again(
    broker: RunningBroker, talker: Talker, cursor: Path, kills: int
) -> Iterator[list[int]]:
    """Yield what each life of a log has written; the last one lives until it has all."""
    each = talker.count // kills // 2
    for _ in range(kills):
        with subprocess.Popen(
            command(broker, "--cursor", str(cursor)), stdout=subprocess.PIPE, cwd=ROOT,
            env=ENVIRONMENT,
        ) as running:  # fmt: skip
            assert running.stdout is not None
            output = bytearray()
            while output.count(b"\n") < each and talker.said < talker.count:
                output += os.read(running.stdout.fileno(), 64 * 1024)
            running.kill()
            output += running.stdout.read()
        yield seqs(bytes(output))
    last = talker.stop()
    done = subprocess.run(
        command(broker, "--cursor", str(cursor), "--no-follow"), capture_output=True, cwd=ROOT,
        env=ENVIRONMENT, check=True, timeout=PATIENCE,
    )  # fmt: skip
    found = seqs(done.stdout)
    assert found[-1] == last
    yield found


def test_a_log_that_is_killed_again_and_again(tmp_path: Path, soak: bool) -> None:
    """Every message is in the joined output, and what is there twice stands around the kills."""
    kills = 200 if soak else 10
    pace = 0.2 if soak else 0.02
    with (
        RunningBroker(tmp_path, data=tmp_path / "data") as broker,
        Talker.talking(broker.control, FLOW, pace) as talker,
    ):
        lives = list(killed_again_and_again(broker, talker, tmp_path / "cursor", kills))
    joined: list[int] = []
    for life in lives:
        assert life == sorted(set(life)), "within one life each comes once, in order"
        if life and joined:
            assert life[0] <= joined[-1] + 1, "something is missing between two lives"
            repeated = sum(seq <= joined[-1] for seq in life)
            assert repeated <= 5_000, "more is repeated than was on its way"
        joined += [seq for seq in life if not joined or seq > joined[-1]]
    assert joined == list(range(1, FLOW + 2))
    assert sum(bool(life) for life in lives) > kills // 2, "most lives wrote something"


def test_files_of_a_log_that_is_killed(tmp_path: Path) -> None:
    """With files and a cursor what was written is on disk, and no line is broken."""
    with (
        RunningBroker(tmp_path, data=tmp_path / "data") as broker,
        Talker.talking(broker.control, 5_000, 0.02) as talker,
    ):
        path, cursor = tmp_path / "{room}.jsonl", tmp_path / "cursor"
        arguments = ("--cursor", str(cursor), "--out", str(path), "--rotate", "100K")
        for _ in range(5):
            size = sum(p.stat().st_size for p in tmp_path.glob("lobby.jsonl*"))
            with subprocess.Popen(command(broker, *arguments), cwd=ROOT, env=ENVIRONMENT) as log:
                eventually(
                    "it wrote",
                    lambda size=size: (
                        sum(p.stat().st_size for p in tmp_path.glob("lobby.jsonl*")) > size
                        or talker.said == talker.count
                    ),
                )
                log.kill()
        last = talker.stop()
        subprocess.run(
            command(broker, *arguments, "--no-follow"), cwd=ROOT, env=ENVIRONMENT, check=True
        )
    found = set[int]()
    for file in tmp_path.glob("lobby.jsonl*"):
        found.update(json.loads(line)["seq"] for line in file.read_text().splitlines())
    assert found == set(range(1, last + 1))


def resident(pid: int) -> int:
    """Return the MiB that a process holds."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) // 1024


def test_a_log_behind_a_slow_pipe(tmp_path: Path) -> None:
    with (
        RunningBroker(tmp_path, data=tmp_path / "data") as broker,
        subprocess.Popen(
            command(broker, "--from-seq", "1", "--count", str(BURST + 1)),
            stdout=subprocess.PIPE, cwd=ROOT, env=ENVIRONMENT,
        ) as log,
        Talker.talking(broker.control, BURST),
    ):  # fmt: skip
        assert log.stdout is not None
        output, most, began = bytearray(), 0, time.monotonic()
        while more := os.read(log.stdout.fileno(), 16 * 1024):
            output += more
            most = max(most, resident(broker.process.pid))
            time.sleep(max(0.0, len(output) / SLOW - (time.monotonic() - began)))
        assert log.wait() == 0
    assert seqs(bytes(output)) == list(range(1, BURST + 2))
    assert most < 300, f"the broker held {most} MiB"
