"""`hubbub send` beside a real broker: what it says, and what its exit code tells."""

from __future__ import annotations

import getpass
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from chatlib import Client, Event
from tests.cli.follow_play import hubbub
from tests.support import PATIENCE, ROOT, RunningBroker
from tests.system.people import until_said


@pytest.fixture
def ann(broker: RunningBroker) -> Iterator[Client]:
    with Client(broker.control, "ann") as client:
        client.join("ci")
        yield client


def texts(client: Client, room: str = "ci") -> list[tuple[str, str | None]]:
    events = client.history(room, after=0, limit=1000)
    return [(e.kind, e.text) for e in events if e.kind not in ("join", "leave")]


def test_it_returns_when_the_broker_has_it(broker: RunningBroker, ann: Client) -> None:
    done = hubbub("send", "#ci", broker.control, "--nick", "robot", text="build ok\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (event,) = [e for e in ann.history("ci", after=0) if e.kind == "say"]
    assert (event.nick, event.text, event.bot) == ("robot", "build ok", True)


def test_what_is_piped_in_is_one_message(broker: RunningBroker, ann: Client) -> None:
    assert hubbub("send", "ci", broker.control, text="two\nlines\n").returncode == 0
    assert hubbub("send", "ci", broker.control, "-m", "given", text="not read").returncode == 0
    assert texts(ann) == [("say", "two\nlines"), ("say", "given")]


def test_a_room_that_was_not_there(broker: RunningBroker, ann: Client) -> None:
    assert hubbub("send", "new", broker.control, "-m", "first").returncode == 0
    assert texts(ann, "new") == [("say", "first")]


def test_many(broker: RunningBroker, ann: Client) -> None:
    seq = ann.history("ci", after=0)[0].seq
    lines: list[object] = [{"text": f"line {i}"} for i in range(1_000)]
    lines += [{"text": "waves", "kind": "act"}, {"text": "there", "room": "#Elsewhere"}]
    lines += [{"text": "psst", "to": "ANN"}]
    text = "\n\n".join(map(json.dumps, lines))
    assert hubbub("send", "ci", broker.control, "--json", text=text).returncode == 0
    page = ann.history("ci", after=seq, limit=1000)
    page += ann.history("ci", after=page[-1].seq)
    assert [e.text for e in page if e.kind == "say"] == [f"line {i}" for i in range(1_000)]
    assert [e.text for e in page if e.kind == "act"] == ["waves"]
    assert texts(ann, "elsewhere") == [("say", "there")]
    private = until_said(ann, "psst")[-1]
    assert isinstance(private, Event) and private.to is not None


def test_about_what_was_said(broker: RunningBroker, ann: Client) -> None:
    ann.say("ci", "the build?")
    ann.flush(PATIENCE)
    seq = ann.history("ci")[-1].seq
    text = "\n".join(
        [
            json.dumps({"kind": "react", "re": seq, "text": "ok"}),
            json.dumps({"text": "it is green", "re": seq}),
        ]
    )
    assert hubbub("send", "ci", broker.control, "--json", text=text).returncode == 0
    told = [(e.kind, e.re, e.text) for e in ann.history("ci") if e.re is not None]
    assert told == [("react", seq, "ok"), ("say", seq, "it is green")]


def test_a_nickname_of_its_own_and_one_that_is_taken(broker: RunningBroker, ann: Client) -> None:
    with Client(broker.control, getpass.getuser()):
        assert hubbub("send", "ci", broker.control, "-m", "hi").returncode == 0
        done = hubbub("send", "ci", broker.control, "-m", "hi", "--nick", "ANN")
        assert done.returncode == 77 and "is in use" in done.stderr
    (event,) = [e for e in ann.history("ci", after=0) if e.kind == "say"]
    assert event.nick != getpass.getuser() and event.nick.startswith(getpass.getuser())


def test_what_is_refused_and_what_is_not_there(broker: RunningBroker, ann: Client) -> None:
    done = hubbub("send", "ci", broker.control, "--json", text='{"text":"x","to":"nobody"}')
    assert (done.returncode, done.stderr) == (
        77, "hubbub: not sent: line 1: nobody here is called nobody\n",
    )  # fmt: skip
    line = '{"kind":"delete","re":1}'
    assert hubbub("send", "ci", broker.control, "--json", text=line).returncode == 77
    done = hubbub("send", "ci", "tcp://127.0.0.1:1", "-m", "hi")
    assert done.returncode == 69 and "cannot reach" in done.stderr


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("nonsense", "it is no JSON"),
        ("[]", "a message is a JSON object"),
        ('{"text":1}', "'text' is a string"),
        ('{"text":"x","re":"1"}', "'re' is a whole number"),
        (r'{"text":"\ud800"}', "what stands at 0 is no UTF-8"),
        ('{"txt":"x"}', "'txt' is no field"),
        ('{"text":"x","room":"a","to":"b"}', "leave out"),
        ('{"text":"x","kind":"join"}', "'join' is no kind"),
        ('{"text":"x","kind":"edit"}', "needs the seq"),
        ('{"text":""}', "there is no text"),
        ('{"text":"x","room":"a b"}', "a room name has no space"),
    ],
)
def test_a_bad_line_is_named_and_the_others_are_sent(
    broker: RunningBroker, ann: Client, line: str, fault: str
) -> None:
    text = f'{{"text":"before"}}\n{line}\n{{"text":"after"}}\n'
    done = hubbub("send", "ci", broker.control, "--json", text=text)
    assert done.returncode == 2
    assert done.stderr.startswith("hubbub: not sent: line 2: ") and fault in done.stderr
    assert texts(ann) == [("say", "before"), ("say", "after")]


def test_refused_lines_are_named(broker: RunningBroker, ann: Client) -> None:
    lines = [
        '{"text":"one"}',
        "",
        '{"text":"x","to":"nobody"}',
        '{"kind":"edit","re":1,"text":"x"}',
    ]
    done = hubbub("send", "ci", broker.control, "--json", text="\n".join([*lines, lines[0]]))
    assert done.returncode == 77
    assert [line.partition(": ")[2][:16] for line in done.stderr.splitlines()] == [
        "not sent: line 3", "not sent: line 4",
    ]  # fmt: skip
    assert texts(ann) == [("say", "one")] * 2


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
@pytest.mark.parametrize(("options", "fault"), [([], "no UTF-8"), (["--json"], "line 2: ")])
def test_what_is_piped_in_is_no_utf_8(
    broker: RunningBroker, ann: Client, locale: str, options: list[str], fault: str
) -> None:
    """Under the locale C, Python makes half characters of it, which nothing can encode."""
    piped = b'{"text":"before"}\n{"text":"\xff"}\n{"text":"after"}\n'
    done = subprocess.run(
        [sys.executable, "-m", "chatlib.cli", "send", "ci", broker.control, *options],
        input=piped, capture_output=True, timeout=PATIENCE, check=False, cwd=ROOT,
        env=os.environ | {"LC_ALL": locale},
    )  # fmt: skip
    told = done.stderr.decode()
    assert (done.returncode, told.count("\n")) == (2, 1) and fault in told.replace(
        "not UTF", "no UTF"
    )
    assert texts(ann) == ([("say", "before"), ("say", "after")] if options else [])


def test_nothing_is_piped_in(broker: RunningBroker) -> None:
    command = f"{sys.executable} -m chatlib.cli send ci {broker.control} <&-"
    done = subprocess.run(
        command, shell=True, capture_output=True, text=True, timeout=PATIENCE, check=False, cwd=ROOT
    )
    assert done.returncode == 2 and "there is nothing to say" in done.stderr


@pytest.mark.parametrize("text", ["", "\n", "\x1b[31mred", "x" * 8_193])
def test_what_is_no_message(broker: RunningBroker, ann: Client, text: str) -> None:
    done = hubbub("send", "ci", broker.control, text=text)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert texts(ann) == []


def test_a_broker_that_does_not_answer(broker: RunningBroker, ann: Client) -> None:
    broker.process.send_signal(signal.SIGSTOP)
    done = hubbub("send", "ci", broker.control, "-m", "hi", "--timeout", "1")
    assert done.returncode in (69, 75)
