"""`hubbub log` beside a real broker: what it puts out, and in which form."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from chatlib import Client
from tests.cli.follow_play import (
    Logging,
    ann_in_rooms,
    events,
    log,
    said,
    say,
)
from tests.support import PATIENCE, RunningBroker, eventually


@pytest.fixture
def ann(broker: RunningBroker) -> Iterator[Client]:
    with ann_in_rooms(broker) as client:
        yield client


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


def test_a_room_in_which_nothing_is(broker: RunningBroker, ann: Client, tmp_path: Path) -> None:
    say(ann, "lobby", "one")
    for room in ("nowhere", "no-*"):
        done = log(broker, "-r", room, "--no-follow")
        assert (done.returncode, done.stdout) == (0, "")
        assert f"nothing of that is in {room}: is the name right?" in done.stderr
    cursor = ("--cursor", tmp_path / "cursor", "--no-follow", "-r", "lobby")
    found = [log(broker, *cursor) for _ in range(2)]
    found.append(log(broker, "-n0", "--no-follow", "-r", "lobby"))
    assert [done.stdout for done in found[1:]] == ["", ""]
    assert not any(done.stderr for done in found)


def test_a_room_that_is_opened_later(broker: RunningBroker, ann: Client) -> None:
    with Logging(broker, "-r", "new-*", "-n0", "-o", "json") as running:
        ann.join("old")
        rooms = (f"new-{number}" for number in count())

        def another() -> list[str]:
            room = next(rooms)
            ann.join(room)
            ann.leave(room)
            return running.lines

        eventually("a new room is followed", another)  # it may not be live yet
        assert all(e["room"].startswith("new-") for e in events("".join(running.lines)))


def test_a_kind_that_is_not_known(broker: RunningBroker, ann: Client) -> None:
    """It was silent, and looked like a room where nothing is said."""
    say(ann, "lobby", "build ok")
    done = log(broker, "-r", "lobby", "--kind", "sya", "-n", "0", "--no-follow")
    assert done.returncode == 0 and done.stderr.count("\n") == 1
    assert "no kind 'sya' is known here" in done.stderr and "(known: say, act, " in done.stderr
    done = log(broker, "-r", "lobby", "--kind", "say,join", "-n", "1", "--no-follow")
    assert done.stderr == ""


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
