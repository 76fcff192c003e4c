"""What the README shows is what happens."""

from __future__ import annotations

import re
import shlex
import threading
from pathlib import Path

from chatlib import Client
from chatlib.cli.main import make_parser
from chatlib.tui.commands import COMMANDS
from tests.support import ROOT, RunningBroker, eventually

README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.M | re.S)


def test_its_program_runs(broker: RunningBroker) -> None:
    (program,) = blocks("python")
    program = program.replace("tcp://127.0.0.1:5555", broker.control).replace("60", "0.3")
    with Client(broker.control, nick="ann") as ann:
        ann.join("lobby")
        running = threading.Thread(target=exec, args=(program, {"print": lambda *_: None}))
        running.start()
        eventually(
            "the robot speaks",
            lambda: any(getattr(e, "text", "") == "the build is green" for e in ann.events(0.1)),
        )
        running.join()


def test_its_broker_starts_with_the_lines_it_shows(tmp_path: Path) -> None:
    shown = next(b for b in blocks("console") if b.startswith("$ hubbub broker"))
    with RunningBroker(tmp_path, data=tmp_path / "hubbub") as broker:
        printed = broker.output().replace(str(tmp_path), "/home/ann/.local/share")
    for name, address, port in (
        ("control", broker.control, 5555),
        ("intake", broker.intake, 5556),
        ("feed", broker.feed, 5557),
    ):
        printed = re.sub(rf"{name}(\s+){address}", rf"{name}\1tcp://127.0.0.1:{port}", printed)
    printed = printed.replace(f"hubbub chat {broker.control}", "hubbub chat")
    assert printed.splitlines()[:6] == shown.splitlines()[1:]


def test_its_commands_can_be_typed() -> None:
    typed = [line for block in blocks("console") for line in block.splitlines() if line[:2] == "$ "]
    parsed = []
    for line in typed:
        words = shlex.split(line[2:])
        at = words.index("hubbub") + 1
        end = words.index("|", at) if "|" in words[at:] else None
        parsed.append(make_parser().parse_args(words[at:end]).run.__module__.rpartition(".")[2])
    assert {"broker_options", "chat", "follow", "send"} <= set(parsed)


def test_it_names_every_command_of_the_client() -> None:
    named = set(re.findall(r"`/(\w+)", README))
    assert named == set(COMMANDS)


def test_its_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", README):
        assert (ROOT / target).exists(), target
