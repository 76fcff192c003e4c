"""Two hundred members: everyone has every message once, all in one order."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from typing import Any

from chatlib import Client, Event
from tests.support import PATIENCE, ROOT, RunningBroker
from tests.system.crowd import SAID_BY_EACH

PROCESSES, EACH = 4, 50
TOTAL = PROCESSES * EACH * SAID_BY_EACH


class Crowd:
    """Members in a process of their own; tests/system/crowd.py is what it runs."""

    def __init__(self, address: str, name: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.system.crowd", address, name, str(EACH), str(TOTAL)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def __enter__(self) -> Crowd:
        return self

    def order(self, word: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def answer(self) -> Any:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, f"the crowd ended with {self.process.wait(PATIENCE)}"
        return json.loads(line)

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()


def test_two_hundred(broker: RunningBroker) -> None:
    with contextlib.ExitStack() as stack:
        watcher = stack.enter_context(Client(broker.control, "watcher"))
        watcher.join("lobby")
        crowds = [stack.enter_context(Crowd(broker.control, f"c{i}")) for i in range(PROCESSES)]
        answers: dict[str, list[Any]] = {}
        for word in ("join", "talk", "leave"):
            for crowd in crowds:
                crowd.order(word)
            answers[word] = [crowd.answer() for crowd in crowds]

        told = []
        for event in watcher.events(timeout=PATIENCE):
            told.append(event)
            if isinstance(event, Event) and event.kind == "leave" and sum(
                isinstance(e, Event) and e.kind == "leave" for e in told
            ) == PROCESSES * EACH:  # fmt: skip
                break

    events = [e for e in told if isinstance(e, Event)]
    said = [[e.seq, e.text] for e in events if e.kind == "say"]
    assert [answer["heard"] for answer in answers["talk"]] == [said] * PROCESSES
    assert len({text for _, text in said}) == len(said) == TOTAL
    everyone = {f"c{c}-{i}" for c in range(PROCESSES) for i in range(EACH)}
    assert {e.nick for e in events if e.kind == "join"} == everyone | {"watcher"}
    assert {(e.nick, e.reason) for e in events if e.kind == "leave"} == {
        (nick, "left") for nick in everyone
    }
    for nick in everyone:  # each one's own order was kept
        assert [t for _, t in said if t.startswith(f"{nick} ")] == [
            f"{nick} {i}" for i in range(SAID_BY_EACH)
        ]
