"""Real clients in real terminals, on a real broker: what people see, and how they get out."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.net.encrypted import Encrypted
from tests.support import ROOT, Peer, RunningBroker, eventually
from tests.system.terminal import Terminal


def chat(broker: RunningBroker, nick: str, *more: str, **environment: str) -> Terminal:
    return Terminal("chat", broker.control, "--nick", nick, *more, **environment)


def client_pid(terminal: Terminal) -> int:
    """Return the pid of the client, which is the shell's child."""

    def find() -> int:
        found = Path(f"/proc/{terminal.child.pid}/task/{terminal.child.pid}/children").read_text()
        return int(found.split()[0]) if found.split() else 0

    return eventually("the client runs", find)


def test_two_people_talk_as_in_the_readme(broker: RunningBroker) -> None:
    with chat(broker, "ann") as ann, chat(broker, "bob") as bob:
        ann.sees("lobby>").enter("/topic launch day")
        bob.sees("ann set the topic of lobby: launch day").type("half a li")
        ann.enter("is everybody here?").sees("<ann> is everybody here?")
        bob.sees("<ann> is everybody here?").sees("lobby> half a li")
        bob.enter("ne").sees("<bob> half a line")
        ann.sees("<bob> half a line")
        ann.enter("/me points").enter("/msg bob psst").sees("to bob alone: psst")
        bob.sees("* ann points").sees("ann to you alone: psst")
        bob.type("/to\t").sees("lobby> /topic ").type("\x15an\t").sees("lobby> ann:")
        bob.type("\x15").enter("/join ops").sees("ops>").enter("over here").sees("<bob> over here")
        bob.enter("/wo").sees("there is no command /wo: did you mean /who?")
        bob.enter("/nick bobby").sees("you are bobby now").sees("bobby · also in lobby")
        ann.sees("bob is now bobby")
        bob.enter("exit")
        assert bob.left_clean() == 0
        ann.sees("← bobby left lobby")
        ann.type("\x04")
        assert ann.left_clean() == 0


def test_a_person_joins_with_a_link_and_is_banned() -> None:
    with Encrypted() as house:
        link = house.link("ops", token="welcome")
        with Terminal("join", f"'{link}'", "--nick", "ann", columns=120) as ann:
            ann.sees("from now on its key is").sees("ops>").enter("hi").sees("<ann> hi")
            house.banned |= house.admitted
            house.stop()
            ann.sees("offline")
            with house.again():
                ann.sees("refuses your key").sees("turned away; /quit leaves")
                ann.enter("/quit")
                assert ann.left_clean() == 0


def test_a_person_is_asked_before_his_key_becomes_a_device() -> None:
    with Encrypted() as house:
        link = house.link("ops", token="device-x")
        with Terminal("join", f"'{link}'", "--nick", "ann", columns=120) as ann:
            ann.sees("one more device of whoever made the link").sees("Is it your own?").enter("")
            ann.sees("the link was not opened")
            assert ann.left_clean() == 2
        assert not house.requests
        with Terminal("join", f"'{link}'", "--nick", "ann", columns=120) as ann:
            ann.sees("Is it your own?").enter("y").sees("ops>").enter("/quit")
            assert ann.left_clean() == 0
        assert house.requests.count("redeem") == 1


def test_escape_sequences_and_bidi_overrides_stay_text(broker: RunningBroker) -> None:
    with chat(broker, "ann") as ann:
        ann.sees("lobby>")
        mallory = Peer(broker)
        refused = mallory.hello("mal\x1b[31mlory")
        assert refused["error"]["code"] == "bad_nick"
        mallory.hello("mallory")
        mallory.ask(op="join", id=2, room="lobby")
        mallory.send(
            {"n": 1, "room": "lobby", "text": "\x1b]0;owned\x07"},
            {"n": 2, "room": "lobby", "text": "evil \u202etxt.exe \u2066x"},
            {"n": 3, "to": "ann", "text": "\x9b31m"},
            {"n": 4, "room": "lobby", "text": "still here"},
        )
        ann.sees("<mallory> evil txt.exe x").sees("<mallory> still here")
        mallory.ask(op="topic", id=3, room="lobby", text="to\u202epic")
        ann.sees("mallory set the topic of lobby: topic")
        mallory.close()
        raw = ann.raw.decode()
        assert "\u202e" not in raw and "\u2066" not in raw and "\x1b]0;" not in raw
        assert "\x9b" not in raw


def test_one_s_own_message_is_pending_until_the_broker_has_it(broker: RunningBroker) -> None:
    with chat(broker, "ann") as ann:
        ann.sees("lobby>")
        os.kill(broker.process.pid, signal.SIGSTOP)
        ann.enter("are you there?").sees("… are you there?")
        assert "<ann> are you there?" not in ann.look()
        os.kill(broker.process.pid, signal.SIGCONT)
        ann.sees("<ann> are you there?")
        eventually("it is not pending", lambda: "… are you there?" not in ann.look())


def test_a_stopped_broker_is_told_once_and_waited_for(broker: RunningBroker) -> None:
    with chat(broker, "ann") as ann:
        ann.sees("lobby>").enter("before").sees("<ann> before")
        assert broker.stop() == 0
        ann.sees("-- offline: the broker was stopped --").sees("offline; next try in")
        ann.enter("while it is down").sees("… while it is down")
        with broker.again():
            ann.sees("-- online again; the broker has begun a new history --")
            ann.sees("<ann> while it is down")
            assert ann.look().count("-- offline") == 1


def test_a_taken_or_impossible_nickname_is_asked_for_again(broker: RunningBroker) -> None:
    with chat(broker, "ann") as ann, Terminal("chat", broker.control) as other:
        ann.sees("lobby>")
        other.sees("nickname [").enter("a/b").sees("Try another.").enter("ANN")
        other.sees("the nickname ANN is in use; ANN_ is free.").sees("nickname [ANN_]:").enter("")
        other.sees("here: ann, ANN_")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_terminal_clean(broker: RunningBroker, number: signal.Signals) -> None:
    with chat(broker, "ann") as ann:
        ann.sees("lobby>")
        os.kill(client_pid(ann), number)
        assert ann.left_clean() == 128 + number


def test_ctrl_c_clears_the_line_and_twice_quits(broker: RunningBroker) -> None:
    with chat(broker, "ann") as ann:
        ann.sees("lobby>").type("not this").sees("lobby> not this").type("\x03")
        eventually("the line is clear", lambda: "not this" not in ann.look())
        eventually("that is no first of two", lambda: "once more quits" not in ann.look())
        ann.type("\x03\x03")
        assert ann.left_clean() == 130


def test_no_broker_is_said_at_once_with_a_countdown(tmp_path: Path) -> None:
    with RunningBroker(tmp_path) as broker:
        broker.stop()
        with chat(broker, "ann") as ann:
            ann.sees("(connection refused): is the broker running there?")
            ann.sees("Start it with: hubbub broker").sees("next try in")
            with broker.again():
                ann.sees("the broker is there").sees("lobby>")
                ann.enter("/quit")
                assert ann.left_clean() == 0
        with chat(broker, "ann") as ann:
            ann.sees("next try in").type("\x03")
            assert ann.left_clean() == 130


def test_nobody_is_asked_for_what_is_of_no_use(broker: RunningBroker) -> None:
    """Where no broker is, or one that wants a link, or has no keys, that is told at once."""

    def told(part: str, code: int, *command: str) -> None:
        with Terminal(*command, columns=120) as ann:
            ann.sees(part)
            assert ann.left_clean() == code
        assert b"nickname [" not in ann.raw and b"password:" not in ann.raw

    with Encrypted() as house:
        link, address = f"'{house.link('ops')}'", house.address
        told("is encrypted: join with the link", 77, "chat", address)
    plain = link.replace(address[6:], broker.control[6:])
    told("is not encrypted, but it should have a key", 77, "join", plain)
    told("is not encrypted, but it should have a key", 77, "login", plain, "ann")
    told("(connection refused): is the broker running", 69, "chat", address, "--no-wait")
    told("(connection refused): is the broker running", 69, "login", link, "ann")


def test_a_nickname_is_asked_for_when_the_broker_is_there(tmp_path: Path) -> None:
    with RunningBroker(tmp_path) as broker:
        broker.stop()
        with Terminal("chat", broker.control, columns=120) as ann:
            ann.sees("(connection refused)").sees("next try in")
            with broker.again():
                ann.sees("the broker is there").sees("nickname [").enter("ann").sees("lobby>")
                ann.enter("/quit")
                assert ann.left_clean() == 0


def test_ctrl_d_at_a_prompt_leaves(broker: RunningBroker) -> None:
    with Terminal("chat", broker.control) as ann:
        ann.sees("nickname [").type("\x04")
        assert ann.left_clean() == 130
        assert "Traceback" not in ann.look()
    with Encrypted() as house:
        with Terminal("login", f"'{house.link('ops')}'", "ann", columns=120) as ann:
            ann.sees("password: ").type("\x04")
            assert ann.left_clean() == 130
            assert "Traceback" not in ann.look()
        with Terminal("join", f"'{house.link('ops', token='device-x')}'", columns=120) as ann:
            ann.sees("Is it your own?").type("\x04").sees("\nhubbub: the link was not opened")
            assert ann.left_clean() == 2


def test_a_dumb_terminal_gets_lines(broker: RunningBroker) -> None:
    with chat(broker, "ann", TERM="dumb") as ann, chat(broker, "bob", "--linear") as bob:
        ann.sees("lobby: no topic; here:")
        bob.sees("lobby: no topic; here:")
        ann.enter("hello").sees("<ann> hello")
        bob.sees("<ann> hello").enter("/who").sees("2 in lobby:")
        bob.enter("exit")
        assert bob.left_clean() == 0
        ann.sees("bob left lobby").type("\x04")
        assert ann.left_clean() == 0
        assert b"\x1b[" not in ann.raw


def test_no_color_is_honoured(broker: RunningBroker) -> None:
    with chat(broker, "ann", NO_COLOR="1") as ann:
        ann.sees("lobby>").enter("grey").sees("<ann> grey")
        assert not re.search(rb"\x1b\[[0-9;]*3[0-7]m", ann.raw)


# -- in a pipe --------------------------------------------------------------------------------


def run(*command: str, text: str = "", timeout: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "chatlib.cli", *command],
        input=text, capture_output=True, text=True, timeout=timeout, cwd=ROOT, check=False,
    )  # fmt: skip


def test_a_pipe_sends_lines_and_waits_for_the_acknowledgements(broker: RunningBroker) -> None:
    lines = [f"line {i}" for i in range(3000)]
    done = run("chat", broker.control, "--nick", "ann", "--json", text="\n".join(lines))
    assert (done.returncode, done.stderr) == (0, "")
    assert [line for line in done.stdout.splitlines() if '"say"' in line][-1].endswith(
        '"n":3000,"text":"line 2999"}'
    )
    ann = Peer(broker)
    ann.hello("reader")
    page = ann.ask(op="history", id=2, room="lobby", after=0, limit=1000)
    said = [e["text"] for e in page["events"] if e["kind"] == "say"]
    assert said == lines[: len(said)] and page["more"]
    ann.close()


def test_a_pipe_sends_a_slash_as_it_is(broker: RunningBroker) -> None:
    done = run("chat", broker.control, "--nick", "ann", text="/etc/passwd\n")
    assert "<ann> /etc/passwd" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        (["tcp://127.0.0.1:9"], 69, "is the broker running there? Start it with: hubbub broker"),
        (["nonsense://x"], 78, "is no address"),
        (["--room", "a b"], 2, "a room name has no space"),
        (["--nick", "a b"], 2, "a nickname has no space"),
    ],
)
def test_errors_are_one_line_and_a_code(arguments: list[str], code: int, part: str) -> None:
    done = run("chat", *arguments)
    assert done.returncode == code
    assert part in done.stderr and done.stderr.count("\n") == 1


def test_a_taken_nickname_without_a_terminal_exits_77(broker: RunningBroker) -> None:
    with chat(broker, "ann") as ann:
        ann.sees("lobby>")
        done = run("chat", broker.control, "--nick", "Ann", text="hi\n")
        assert done.returncode == 77
        assert done.stderr == "hubbub: the nickname Ann is in use; Ann_ is free\n"


def test_whoever_reads_the_pipe_may_stop(broker: RunningBroker) -> None:
    command = (
        f"seq 5000 | {sys.executable} -m chatlib.cli chat {broker.control} --nick ann | head -1"
    )
    done = subprocess.run(
        ["/bin/sh", "-c", command], capture_output=True, text=True, timeout=60, cwd=ROOT, check=True
    )
    assert done.stderr == "" and done.stdout.count("\n") == 1


def test_a_password_is_typed_unseen(broker: RunningBroker) -> None:
    with chat(broker, "ann") as ann:
        ann.sees("lobby>").enter("/password").sees("type the new password").sees("password>")
        ann.type("correct horse").sees("*" * len("correct horse")).enter("")
        ann.sees("hubbub broker --access invite").sees("lobby>")
        ann.type("\x1b[A").sees("lobby> /password").type("\x15")  # the line before is not it
        ann.enter("exit")
        assert ann.left_clean() == 0
        assert b"correct" not in ann.raw
