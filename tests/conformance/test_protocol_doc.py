"""docs/protocol.md and the code say the same: examples, minimal clients, the session."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chatlib.protocol import answers, codec
from tests.conformance.document import Block, blocks, document, values
from tests.conformance.ops import ANSWERS
from tests.conformance.transcript import Player, parse
from tests.support import RunningBroker, eventually

# -- examples ---------------------------------------------------------------------------------


def decode(mark: str, value: Any) -> Any:
    """Return what the code's decoder for this kind of message makes of an example."""
    kind, _, op = mark.partition(" ")
    frame = json.dumps(value).encode()
    if kind == "request":
        return codec.decode_request(frame)
    if kind == "answer":
        for event in value.get("events", ()):
            assert event == decoded("event", event)
        return codec.decode_answer(frame, ANSWERS[op])
    if kind == "error":
        return codec.decode_answer(frame, answers.Failure)
    if kind == "intake":
        (line,) = codec.decode_lines(frame)
        return line
    if kind == "notice":
        return codec.decode_notice(frame)
    assert kind in {"event", "marker"}, f"no such mark: {mark!r}"
    assert ("prev" in value) == (kind == "event"), "an event has prev, a marker has not"
    return codec.decode_event(frame)


def decoded(mark: str, value: Any) -> Any:
    """Return an example as the code would write it: a misspelt field is lost on the way."""
    return json.loads(codec.encode(decode(mark, value)))


def json_blocks() -> list[Block]:
    return [block for block in blocks() if block.info.startswith("json")]


@pytest.mark.parametrize("block", json_blocks(), ids=lambda b: f"line{b.line}-{b.info}")
def test_every_example_is_what_the_code_reads_and_writes(block: Block) -> None:
    found = values(block.text)
    assert found
    for value in found:
        assert value == decoded(block.info.removeprefix("json").strip(), value)


def test_nothing_is_left_unmarked() -> None:
    plain = {block.info for block in blocks()} - {block.info for block in json_blocks()}
    assert plain == {"python reader", "python sender", "transcript"}
    prose = re.sub(r"^```.*\n(?:.*\n)*?^```$", "", document(), flags=re.MULTILINE)
    assert "```" not in prose
    assert '{"' not in prose, "JSON outside of a marked block is not checked"


# -- a real broker ----------------------------------------------------------------------------


def test_annotated_session(broker: RunningBroker) -> None:
    (block,) = (block for block in blocks() if block.info == "transcript")
    player = Player(broker)
    try:
        for step in parse(block.text):
            came = player.play(step)
            if came is not None:
                assert player.learn(step.json, came) == step.json, step
    finally:
        player.close()


def program(name: str, directory: Path) -> Path:
    (block,) = (block for block in blocks() if block.info == f"python {name}")
    path = directory / f"{name}.py"
    path.write_text(block.text)
    return path


def test_minimal_reader_and_sender(broker: RunningBroker, tmp_path: Path) -> None:
    read = tmp_path / "read.txt"
    with read.open("w") as out:
        reader = subprocess.Popen(
            [sys.executable, program("reader", tmp_path), broker.feed, "lobby"],
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        send = [sys.executable, program("sender", tmp_path), broker.control, "lobby"]
        # The first sender may be through before the reader is subscribed; its last event is not.
        eventually(
            "the reader reads", lambda: subprocess.run(send, check=True) and read.read_text()
        )
        read_before = len(read.read_text())
        subprocess.run([*send, "one", "two"], check=True, timeout=20)
        eventually("the reader has all", lambda: read.read_text().count("leave ") >= 1)
        eventually("the last one left", lambda: "two" in read.read_text()[read_before:])
        said = [line for line in read.read_text().splitlines() if line.startswith("say")]
        assert said == ["say robot 'one'", "say robot 'two'"]
        assert "missed" not in read.read_text()
    finally:
        reader.kill()
        reader.wait()
