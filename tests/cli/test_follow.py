"""`hubbub log` beside a real broker: each option, and how it ends."""

from __future__ import annotations

import gzip
import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chatlib import Client
from chatlib.security.keys import from_link
from tests.cli.follow_play import ENVIRONMENT, HUBBUB, Logging, events, hubbub, log, said
from tests.net.encrypted import Encrypted
from tests.support import PATIENCE, ROOT, RunningBroker, eventually


@pytest.fixture
def ann(broker: RunningBroker) -> Iterator[Client]:
    with Client(broker.control, "ann") as client:
        for room in ("ops-web", "ops-db", "lobby"):
            client.join(room)
        yield client


def say(client: Client, room: str, *texts: str) -> None:
    for text in texts:
        client.say(room, text)
        client.flush(PATIENCE)


# -- what -----------------------------------------------------------------------------------------


def test_rooms(broker: RunningBroker, ann: Client) -> None:
    for room in ("ops-web", "lobby", "ops-db"):
        say(ann, room, f"in {room}")
    ended = ("--from-seq", "1", "--no-follow", "-o", "json")
    found = {
        rooms: said(log(broker, *(f"-r{room}" for room in rooms.split()), *ended).stdout)
        for rooms in ("ops-*", "#LOBBY", "lobby ops-d?", "*", "#Ops-[dw]*", "nowhere", "no-*")
    }
    assert found == {
        "ops-*": ["in ops-web", "in ops-db"],
        "#LOBBY": ["in lobby"],
        "lobby ops-d?": ["in lobby", "in ops-db"],
        "*": ["in ops-web", "in lobby", "in ops-db"],
        "#Ops-[dw]*": ["in ops-web", "in ops-db"],
        "nowhere": [],
        "no-*": [],
    }
    assert said(log(broker, *ended).stdout) == found["*"]


def test_a_room_that_is_opened_later(broker: RunningBroker, ann: Client) -> None:
    with Logging(broker, "-r", "new-*", "-n0", "-o", "json") as running:
        ann.join("old")
        deadline = time.monotonic() + PATIENCE
        number = 0
        while not running.lines and time.monotonic() < deadline:  # it may not be live yet
            number += 1
            ann.join(f"new-{number}")
            time.sleep(0.2)
        assert all(e["room"].startswith("new-") for e in events("".join(running.lines)))


def test_nicks_kinds_and_words(broker: RunningBroker, ann: Client) -> None:
    with Client(broker.control, "Bob") as bob:
        bob.join("lobby")
        say(ann, "lobby", "build ok", "build failed", "lunch?")
        bob.say("lobby", "build started", kind="act")
        bob.say("lobby", "failed again")
        bob.flush(PATIENCE)
    ended = ("--from-seq", "1", "--no-follow", "-r", "lobby", "-f", "{kind} {nick} {text}")
    for arguments, expected in {
        ("-u", "bob"): "join Bob |act Bob build started|say Bob failed again|leave Bob ",
        ("-u", "ANN", "--kind", "say"): "say ann build ok|say ann build failed|say ann lunch?",
        ("--kind", "act,leave"): "act Bob build started|leave Bob ",
        ("--kind", "act", "--kind", "leave"): "act Bob build started|leave Bob ",
        ("-i", "^build (ok|st)"): "say ann build ok|act Bob build started",
        ("-i", "build", "-e", "failed", "-e", "ok"): "act Bob build started",
        ("-i", "(?i)LUNCH", "-i", "again"): "say ann lunch?|say Bob failed again",
    }.items():
        done = log(broker, *ended, *arguments)
        assert (done.returncode, done.stdout.splitlines()) == (0, expected.split("|")), arguments


# -- from where, up to where ----------------------------------------------------------------------


def test_the_last_lines(broker: RunningBroker, ann: Client) -> None:
    say(ann, "lobby", *map(str, range(30)))
    plain = log(broker, "--no-follow", "-o", "json").stdout
    assert said(plain) == [str(i) for i in range(20, 30)]  # ten, like tail
    assert said(log(broker, "--no-follow", "-n", "50", "-o", "json").stdout) == [
        str(i) for i in range(30)
    ]
    assert said(log(broker, "--no-follow", "-n", "3", "-i", "1", "-o", "json").stdout) == [
        "18", "19", "21",
    ]  # fmt: skip
    assert log(broker, "--no-follow", "-n", "0").stdout == ""


def test_between_two_times(broker: RunningBroker, ann: Client) -> None:
    times = []
    for text in ("one", "two", "three"):
        say(ann, "lobby", text)
        time.sleep(0.05)
        times.append(datetime.now(UTC).isoformat())
        time.sleep(0.05)
    since, until = times[0], times[1]
    json_lines = ("-o", "json", "--kind", "say")
    assert said(log(broker, "--since", since, "--no-follow", *json_lines).stdout) == [
        "two", "three",
    ]  # fmt: skip
    done = log(broker, "--since", "1h", "--until", until, *json_lines)
    assert (done.returncode, said(done.stdout)) == (0, ["one", "two"])
    done = log(broker, "--since", since, "--until", until, *json_lines)
    assert said(done.stdout) == ["two"]
    assert said(log(broker, "-n1", "--until", until, *json_lines).stdout) == ["two"]
    assert said(log(broker, "-n1", "--since", "1h", "--no-follow", *json_lines).stdout) == ["three"]


def test_until_a_time_to_come(broker: RunningBroker, ann: Client) -> None:
    until = datetime.fromtimestamp(time.time() + 2.5, UTC).isoformat()
    with Logging(broker, "--until", until, "-o", "json", "-n1") as running:
        running.until("join")
        say(ann, "lobby", "in time")
        assert running.end() == 0
        say(ann, "lobby", "too late")
    assert said("".join(running.lines)) == ["in time"]


def test_from_a_seq(broker: RunningBroker, ann: Client) -> None:
    say(ann, "lobby", "one", "two", "three")
    first = events(log(broker, "-n3", "--no-follow", "-o", "json").stdout)[0]["seq"]
    done = log(broker, "--from-seq", str(first + 1), "--no-follow", "-o", "json")
    assert said(done.stdout) == ["two", "three"]


def test_counting(broker: RunningBroker, ann: Client) -> None:
    say(ann, "lobby", *map(str, range(20)))
    done = log(broker, "--from-seq", "1", "--kind", "say", "--count", "7", "-o", "json")
    assert (done.returncode, said(done.stdout)) == (0, [str(i) for i in range(7)])
    done = log(broker, "--from-seq", "1", "--count", "0")
    assert (done.returncode, done.stdout) == (0, "")


def test_giving_up(broker: RunningBroker) -> None:
    done = log(broker, "--timeout", "0.5")
    assert (done.returncode, done.stdout) == (75, "")
    assert done.stderr == "hubbub: the time is up (--timeout 0.5)\n"


def test_ending_when_nothing_comes(broker: RunningBroker, ann: Client) -> None:
    say(ann, "lobby", "last words")
    done = log(broker, "--idle", "5m", "--timeout", "0.1s", "-n1", "-o", "json")
    assert done.returncode == 75
    done = log(broker, "--idle", "0.5", "-n1", "-o", "json")
    assert (done.returncode, said(done.stdout)) == (0, ["last words"])


# -- gaps -----------------------------------------------------------------------------------------


def test_what_is_gone_is_told_in_band(tmp_path: Path) -> None:
    with (
        RunningBroker(tmp_path, "--keep-events", "5", data=tmp_path / "data") as broker,
        Client(broker.control, "ann") as ann,
    ):
        ann.join("lobby")
        say(ann, "lobby", *map(str, range(20)))
        eventually(
            "the oldest are gone", lambda: len(ann.history("lobby", after=0, limit=100)) == 5
        )
        arguments = ("--from-seq", "3", "-r", "lobby", "--no-follow", "-o")
        done = log(broker, *arguments, "json")
        first, *others = events(done.stdout)
        assert done.returncode == 0
        assert first == {"kind": "gap", "room": "lobby", "from": 3, "to": others[0]["prev"]}
        assert [e["text"] for e in others] == ["15", "16", "17", "18", "19"]
        done = log(broker, *arguments, "text", "--strict")
        assert done.returncode == 75
        assert done.stdout == "-- what was said in lobby can no longer be had: 3 to 16 --\n"
        assert done.stderr == "hubbub: a gap behind seq 2 (--strict)\n"
        done = log(broker, "--cursor", tmp_path / "cursor", "--no-follow", "--strict", "-o", "json")
        assert (done.returncode, len(said(done.stdout))) == (0, 5)  # the oldest there is


def test_another_history(tmp_path: Path) -> None:
    cursor = tmp_path / "cursor"
    with RunningBroker(tmp_path) as broker:
        with Client(broker.control, "ann") as ann:
            ann.join("lobby")
        arguments = ("--cursor", cursor, "--no-follow", "-o", "json")
        assert len(events(log(broker, *arguments).stdout)) == 2
        broker.kill()
    with broker.again() as broker:
        with Client(broker.control, "ann") as ann:
            ann.join("lobby")
            gap, join = events(log(broker, *arguments).stdout)
        assert gap == {"kind": "gap", "from": 3, "to": None, "epoch": broker.epoch}
        assert join["kind"] == "join"


# -- cursors --------------------------------------------------------------------------------------


def test_a_cursor_goes_on_where_the_output_ended(
    broker: RunningBroker, ann: Client, tmp_path: Path
) -> None:
    say(ann, "lobby", *map(str, range(10)))
    arguments = ("--cursor", tmp_path / "cursor", "--kind", "say", "-o", "json")
    found = said(log(broker, *arguments, "--count", "4").stdout)
    assert found == ["0", "1", "2", "3"]
    found += said(log(broker, *arguments, "--no-follow").stdout)
    assert found == [str(i) for i in range(10)]
    assert log(broker, *arguments, "--no-follow").stdout == ""
    say(ann, "ops-db", "elsewhere")
    assert said(log(broker, *arguments, "--no-follow").stdout) == ["elsewhere"]
    kept = json.loads((tmp_path / "cursor").read_text())
    assert set(kept) == {"epoch", "seq", "oldest", "rooms"} and kept["epoch"] == broker.epoch
    assert not list(tmp_path.glob("cursor.*"))


def test_a_cursor_begins_with_what_is_asked_for(
    broker: RunningBroker, ann: Client, tmp_path: Path
) -> None:
    say(ann, "lobby", "one", "two")
    arguments = ("--cursor", tmp_path / "cursor", "-n", "0", "--no-follow", "-o", "json")
    assert log(broker, *arguments).stdout == ""
    say(ann, "lobby", "three")
    assert said(log(broker, *arguments).stdout) == ["three"]


@pytest.mark.parametrize("text", ["nonsense", "[]", '{"epoch":"x","seq":1}', '{"rooms":[]}'])
def test_no_cursor(broker: RunningBroker, tmp_path: Path, text: str) -> None:
    (tmp_path / "cursor").write_text(text)
    done = log(broker, "--cursor", tmp_path / "cursor")
    assert done.returncode == 78
    assert "is no cursor of hubbub log: remove it" in done.stderr


# -- forms ----------------------------------------------------------------------------------------


def test_text(broker: RunningBroker, ann: Client) -> None:
    ann.topic("lobby", "launch day")
    say(ann, "lobby", "hi\nthere", "tab\there")
    ann.say("lobby", "waves", kind="act")
    ann.rename("annabel")
    ann.leave("ops-db")
    lines = log(broker, "--no-follow", "-n50", "-r", "lobby", "-r", "ops-db").stdout.splitlines()
    at = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ")
    assert all(at.match(line) for line in lines if not line.startswith(" "))
    assert [at.sub("", line) for line in lines] == [
        "#ops-db → ann joined ops-db",
        "#lobby → ann joined lobby",
        "#lobby ann set the topic of lobby: launch day",
        "#lobby <ann> hi",
        "      there",
        "#lobby <ann> tab    here",
        "#lobby * ann waves",
        "#lobby ann is now annabel",
        "#ops-db ann is now annabel",
        "#ops-db ← annabel left ops-db",
    ]


def test_json_is_what_the_broker_sent(broker: RunningBroker, ann: Client) -> None:
    say(ann, "lobby", "hi \u202e\U0001f600")
    (event,) = events(log(broker, "--no-follow", "-n1", "-o", "json").stdout)
    assert (event["text"], event["n"], event["sid"]) == ("hi \u202e\U0001f600", 1, ann.sid)


def test_a_form_of_ones_own(broker: RunningBroker, ann: Client) -> None:
    say(ann, "lobby", "hi\nthere\u202e")
    form = "{at:%H:%M} {room} <{nick}> {text}"
    (line,) = log(broker, "--no-follow", "-n1", "-f", form).stdout.splitlines()
    assert re.fullmatch(r"\d\d:\d\d lobby <ann> hi\u240athere", line)


@pytest.mark.parametrize("form", ["{nix}", "{", "{text.nix}", "{0}"])
def test_no_form(broker: RunningBroker, form: str) -> None:
    done = log(broker, "-f", form)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "is no form" in done.stderr


# -- files ----------------------------------------------------------------------------------------


def test_files_by_room_and_day(broker: RunningBroker, ann: Client, tmp_path: Path) -> None:
    ann.join("..")
    for room in ("lobby", "ops-db", ".."):
        say(ann, room, f"in {room}")
    out = "logs/{room}/%Y-%m-%d.jsonl"
    assert log(broker, "--from-seq", "1", "--no-follow", "--out", tmp_path / out).stdout == ""
    day = datetime.now().strftime("%Y-%m-%d.jsonl")
    written = {
        str(path.parent.relative_to(tmp_path)): said(path.read_text())
        for path in tmp_path.rglob(day)
    }
    assert written == {
        "logs/lobby": ["in lobby"],
        "logs/ops-db": ["in ops-db"],
        "logs/ops-web": [],
        "logs/%2E.": ["in .."],
    }


@pytest.mark.parametrize("compress", [False, True])
def test_rotation(broker: RunningBroker, ann: Client, tmp_path: Path, compress: bool) -> None:
    say(ann, "lobby", *(f"{i:100}" for i in range(50)))
    arguments = ("-r", "lobby", "--no-follow", "--cursor", tmp_path / "cursor")
    arguments += ("--out", tmp_path / "x.jsonl", "--rotate", "4K", *["--compress"] * compress)
    assert log(broker, *arguments, "--count", "20").returncode == 0
    assert log(broker, *arguments).returncode == 0
    ending = ".gz" if compress else ""
    count = len(list(tmp_path.glob("x.jsonl.*")))
    names = [f"x.jsonl.{i}{ending}" for i in range(1, count + 1)] + ["x.jsonl"]
    texts = []
    for name in names:
        data = (tmp_path / name).read_bytes()
        text = (gzip.decompress(data) if name.endswith(".gz") else data).decode()
        assert len(text) <= 4096
        texts += said(text)
    assert texts == [f"{i:100}" for i in range(50)] and count >= 2


def test_files_are_opened_anew(broker: RunningBroker, ann: Client, tmp_path: Path) -> None:
    path, moved = tmp_path / "x.log", tmp_path / "moved.log"
    with Logging(broker, "-n0", "--out", path, "-o", "json") as running:

        def written(text: str, path: Path) -> bool:
            say(ann, "lobby", text)
            return path.exists() and text in path.read_text()

        eventually("it is live", lambda: written("before", path))
        path.rename(moved)
        eventually("the old file goes on", lambda: written("between", moved))
        running.process.send_signal(signal.SIGHUP)
        eventually("a new one was begun", lambda: written("after", path))
        running.process.send_signal(signal.SIGTERM)
        assert running.end() == 0


def test_half_a_line_is_mended(broker: RunningBroker, ann: Client, tmp_path: Path) -> None:
    """Cut off where it comes again, ended where it does not."""
    say(ann, "lobby", "hi")
    for cursor, kept in (((), ["whole", '{"half', "hi"]), (("--cursor", "c"), ["whole", "hi"])):
        path = tmp_path / f"x{len(kept)}.jsonl"
        path.write_text('{"kind":"say","text":"whole"}\n{"half')
        log(broker, "-n1", "--no-follow", "--out", path, *cursor, cwd=tmp_path)
        lines = path.read_text().splitlines()
        assert [json.loads(x)["text"] if x.endswith("}") else x for x in lines] == kept


def test_a_file_that_can_not_be_written(broker: RunningBroker, ann: Client, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = log(broker, "-n1", "--out", tmp_path / "file" / "x.log")
    assert done.returncode == 73 and done.stderr.startswith("hubbub: cannot write ")
    done = log(broker, "-n1", "--out", "/dev/full")
    assert done.returncode == 73
    assert done.stderr == "hubbub: cannot write /dev/full: No space left on device\n"
    done = log(broker, "-n1", "--no-follow", "--cursor", tmp_path / "file" / "cursor")
    assert done.returncode in (73, 78) and "cursor" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--rotate", "1M"), ("--compress",), ("--out", "{nix}"), ("--from-seq", "1", "-n", "1"),
        ("-i", "("), ("--since", "soon"), ("-n", "-1"), ("--rotate", "1X"), ("--idle", "x"),
        ("-r", "a b"), ("-u", ""), ("-o", "json", "-f", "{text}"),
    ],
)  # fmt: skip
def test_misuse(broker: RunningBroker, arguments: tuple[str, ...]) -> None:
    done = log(broker, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.strip() and "Traceback" not in done.stderr


# -- pipes and ends -------------------------------------------------------------------------------


def test_it_ends_in_a_quiet_room_when_nobody_reads(broker: RunningBroker, ann: Client) -> None:
    say(ann, "lobby", "one", "two")
    command = [*HUBBUB, "log", broker.control, "--feed", broker.feed, "-n1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=ENVIRONMENT) as running:
        assert running.stdout is not None
        assert b"two" in running.stdout.readline()
        running.stdout.close()
        assert running.wait(PATIENCE) == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_signals(broker: RunningBroker, ann: Client, number: int, code: int) -> None:
    say(ann, "lobby", "one")
    with Logging(broker, "-n1") as running:
        running.until("one")
        running.process.send_signal(number)
        assert running.end() == code and not running.errors


def test_it_can_be_ended_while_nobody_reads(broker: RunningBroker, ann: Client) -> None:
    for n in range(300):
        ann.say("lobby", f"{n:1000}")
    ann.flush(PATIENCE)
    command = [*HUBBUB, "log", broker.control, "--feed", broker.feed, "--from-seq", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=ENVIRONMENT) as running:
        assert running.stdout is not None
        running.stdout.read(1)
        running.terminate()
        assert running.wait(PATIENCE) == 0


def test_live_lines_come_at_once(broker: RunningBroker, ann: Client) -> None:
    with Logging(broker, "-n1", "-o", "json") as running:
        say(ann, "lobby", "first")
        running.until("first")
        for i in range(20):
            say(ann, "lobby", f"live {i}")
            running.until(f"live {i}")


def test_a_broker_that_comes_back(tmp_path: Path) -> None:
    with RunningBroker(tmp_path, data=tmp_path / "data") as broker:
        with Client(broker.control, "ann") as ann:
            ann.join("lobby")
            say(ann, "lobby", "before")
        with Logging(broker, "-o", "json") as running:
            running.until("before")
            broker.kill()
            eventually("it was noticed", lambda: "the broker is gone" in running.errors)
            with broker.again() as again, Client(again.control, "bob") as bob:
                bob.join("lobby")
                say(bob, "lobby", "after")
                running.until("after")
    found = [e["seq"] for e in events("".join(running.lines))]
    assert found == list(range(found[0], found[0] + len(found)))
    assert "the broker is there again" in running.errors


def test_a_broker_that_goes_before_all_is_read(tmp_path: Path) -> None:
    with RunningBroker(tmp_path) as broker:
        broker.process.send_signal(signal.SIGSTOP)
        with Logging(broker, "--no-follow") as running:
            time.sleep(1)  # it has dialled
            broker.kill()
            assert running.end() == 69
            assert running.errors.count("\n") == 1


def test_no_broker() -> None:
    done = hubbub("log", "tcp://127.0.0.1:1")
    assert (done.returncode, done.stderr.count("\n")) == (69, 1)
    assert "cannot reach tcp://127.0.0.1:3" in done.stderr and "--feed" in done.stderr


# -- encrypted ------------------------------------------------------------------------------------


def test_an_admitted_key_reads_and_another_does_not(tmp_path: Path) -> None:
    with Encrypted() as house:
        with house.client("ann") as ann:
            ann.join("lobby")
            say(ann, "lobby", "for members")
        feed = house._places[2]
        arguments = (house.link(), "--feed", feed, "--no-follow", "-n2", "-o", "json")
        refused = hubbub("log", *arguments)
        assert refused.returncode == 77 and "refuses your key" in refused.stderr
        shown = hubbub("key").stdout
        key = re.search(r"^key +(\S+)$", shown, re.MULTILINE)
        assert key
        house.admitted.add(from_link(key[1]))
        done = hubbub("log", *arguments)
        assert (done.returncode, said(done.stdout)) == (0, ["for members"])
        plain = hubbub("log", house.address, "--feed", feed)
        assert plain.returncode == 77 and "encrypted" in plain.stderr


def test_what_is_not_a_feed(broker: RunningBroker) -> None:
    done = hubbub("log", broker.control, "--feed", broker.intake, "--timeout", "3")
    assert done.returncode in (69, 75) and done.stderr.count("\n") == 1
