"""`hubbub join`, `key`, and `chat` with keys: what is remembered, and what each error says."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatlib.cli import identity
from chatlib.errors import BadConfiguration
from chatlib.net.curve import make_pair
from chatlib.protocol.links import parse_endpoint
from chatlib.security.keys import fingerprint, load_key, to_link
from chatlib.security.pins import Pins
from tests.net.encrypted import Encrypted
from tests.support import ROOT, RunningBroker


@pytest.fixture
def house() -> Iterator[Encrypted]:
    with Encrypted() as made:
        yield made


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(sys, "platform", "linux")
    return tmp_path / "config" / "hubbub"


def hubbub(*arguments: str | Path, text: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "chatlib.cli", *map(str, arguments)]
    return subprocess.run(
        command, input=text, capture_output=True, text=True, timeout=60, cwd=ROOT, check=False
    )


def error(done: subprocess.CompletedProcess[str], code: int) -> str:
    """Return the one line of an error."""
    assert done.returncode == code, done
    assert done.stderr.startswith("hubbub: ") and done.stderr.count("\n") == 1
    assert not done.stdout
    return done.stderr


# -- joining -----------------------------------------------------------------------------------


def test_a_link_lets_in_and_from_then_on_the_address_does(house: Encrypted, config: Path) -> None:
    link = house.link("ops", token="welcome")
    done = hubbub("join", link, "--nick", "ann", "--json", text="hi\nthere\n")
    assert done.returncode == 0, done
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [t["text"] for t in told if t["kind"] == "say"] == ["hi", "there"]
    assert {t["room"] for t in told} == {"ops"}
    expected = f"first time at {house.address}: from now on its key is "
    assert done.stderr == f"{expected}{fingerprint(house.pair.public)}\n"
    assert Pins(config / "known_brokers").key_of(house.address) == house.pair.public
    assert (config / "key").stat().st_mode & 0o777 == 0o600
    assert house.admitted == {load_key(config / "key").public}

    again = hubbub("chat", house.address, "--nick", "ann", text="me again\n")
    assert (again.returncode, again.stderr) == (0, "")
    assert "me again" in again.stdout
    assert hubbub("join", link, "--nick", "ann", text="and again").returncode == 0
    assert house.requests.count("redeem") == 1
    assert len(house.admitted) == 1


@pytest.mark.parametrize("form", ["<{}>", "  {}\n", " < {} > "])
@pytest.mark.parametrize("command", ["join", "chat"])
def test_a_link_as_it_was_pasted(house: Encrypted, config: Path, form: str, command: str) -> None:
    pasted = form.format(house.link(token="welcome"))
    done = hubbub(command, pasted, "--nick", "ann", text="hi\n")
    assert done.returncode == 0 and "hi" in done.stdout


def test_a_room_that_is_asked_for_counts(house: Encrypted, config: Path) -> None:
    done = hubbub(
        "join", house.link("ops", "t"), "--nick", "a", "--room", "den", "--json", text="x"
    )
    assert {json.loads(line)["room"] for line in done.stdout.splitlines()} == {"den"}


def test_a_key_file_of_a_bot(house: Encrypted, config: Path, tmp_path: Path) -> None:
    file = tmp_path / "bot" / "key"
    shown = hubbub("key", "--key", file)
    house.admitted.add(load_key(file).public)
    assert fingerprint(load_key(file).public) in shown.stdout
    done = hubbub("join", house.link(), "--key", file, "--nick", "bot", text="x")
    assert done.returncode == 0, done
    assert not (config / "key").exists()


@pytest.mark.parametrize("command", ["join", "chat", "send"])
def test_a_link_for_a_device_is_redeemed_by_who_says_that_it_is_his(
    house: Encrypted, config: Path, command: str
) -> None:
    """A stranger's would make the key one of the stranger's."""
    link = house.link("ops", "device-x")
    place = ("ops", link) if command == "send" else (link,)
    told = error(hubbub(command, *place, "--nick", "ann", text="hi"), 2)
    assert "one more device of whoever made the link" in told and "--yes" in told
    assert not house.requests and not config.exists()
    done = hubbub(command, *place, "--nick", "ann", "--yes", text="hi")
    assert done.returncode == 0, done
    assert house.requests.count("redeem") == 1


def test_a_link_without_a_key_leads_to_a_plain_broker(broker: RunningBroker, config: Path) -> None:
    link = broker.control.replace("tcp://", "hubbub://") + "/ops"
    assert hubbub("join", link, "--nick", "ann", text="hi\n").returncode == 0
    assert not config.exists()


def test_where_nothing_can_be_remembered_one_comes_in_all_the_same(
    house: Encrypted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/proc/nowhere")
    link = house.link(token="welcome")
    done = hubbub("join", link, "--key", tmp_path / "key", "--nick", "bot", text="hi\n")
    assert done.returncode == 0 and "hi" in done.stdout
    assert "is not remembered: cannot write /proc/nowhere/hubbub/known_brokers" in done.stderr


def test_what_is_known_can_not_be_read(house: Encrypted, config: Path) -> None:
    """Then it can't be told whether the key is another one."""
    config.parent.mkdir()
    config.write_text("a file where a directory belongs")
    done = hubbub("join", house.link(token="welcome"), "--nick", "ann", text="hi")
    assert "known_brokers" in error(done, 78)
    assert not house.knocks


# -- keys that keep them apart -----------------------------------------------------------------


def test_a_link_with_another_key_than_is_known(house: Encrypted, config: Path) -> None:
    other = make_pair().public
    Pins(config / "known_brokers").check(house.address, other)
    done = hubbub("join", house.link(token="welcome"), "--nick", "ann", text="hi")
    assert done.returncode == 77
    assert fingerprint(other) in done.stderr and fingerprint(house.pair.public) in done.stderr
    assert str(config / "known_brokers") in done.stderr
    assert not house.knocks
    assert Pins(config / "known_brokers").key_of(house.address) == other


def test_a_broker_with_another_key_than_is_known(house: Encrypted, config: Path) -> None:
    Pins(config / "known_brokers").check(house.address, make_pair().public)
    told = error(hubbub("chat", house.address, "--nick", "ann", text="hi"), 77)
    assert "has another key" in told
    assert f"take the line of {house.address} out of {config / 'known_brokers'}" in told


def test_a_link_with_a_wrong_key_is_not_remembered(house: Encrypted, config: Path) -> None:
    wrong = house.link().replace(to_link(house.pair.public), to_link(make_pair().public))
    told = error(hubbub("join", wrong, "--nick", "ann", text="hi"), 77)
    assert "the link is old, or somebody else answers there" in told
    assert not (config / "known_brokers").exists()


def test_a_plain_broker_where_a_key_is_known(broker: RunningBroker, config: Path) -> None:
    """Nothing is said in the clear to an address that was encrypted before."""
    Pins(config / "known_brokers").check(broker.control, make_pair().public)
    told = error(hubbub("chat", broker.control, "--nick", "ann", text="secret"), 77)
    assert "is not encrypted" in told and "out of" in told


def test_an_encrypted_broker_that_is_not_known(house: Encrypted, config: Path) -> None:
    told = error(hubbub("chat", house.address, "--nick", "ann", text="hi"), 77)
    assert "is encrypted: join with the link" in told and "hubbub join LINK" in told
    assert not config.exists()


def test_who_is_not_let_in(house: Encrypted, config: Path) -> None:
    told = error(hubbub("join", house.link(), "--nick", "ann", text="hi"), 77)
    own = load_key(config / "key").public
    assert f"its fingerprint is {fingerprint(own)}" in told and "quotes" in told
    spent = f"{house.link()}&t=spent"
    told = error(hubbub("join", spent, "--nick", "ann", text="hi"), 77)
    assert "ask its operator for a new link" in told and "quotes" not in told
    house.banned.add(own)
    told = error(hubbub("join", house.link(token="x"), "--nick", "ann", text="hi"), 77)
    assert "refuses your key" in told


# -- what can't work ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        (["join", "tcp://127.0.0.1:1"], 78, "hubbub chat ADDRESS"),
        (["join", "hubbub://127.0.0.1:1/?t=abc"], 78, "ask for the whole link"),
        (["join", "hubbub://127.0.0.1:1/?k=abc"], 78, "its key (k=) is damaged"),
        (["join", "hubbub://127.0.0.1:1/a%20b"], 2, "no space"),
        (["chat", "tcp://127.0.0.1:1", "--key", "k"], 78, "hubbub join LINK"),
    ],
)
def test_what_can_not_work(config: Path, arguments: list[str], code: int, part: str) -> None:
    assert part in error(hubbub(*arguments, "--nick", "ann", text="hi"), code)


def test_nobody_there(config: Path) -> None:
    link = f"hubbub://127.0.0.1:1/lobby?k={to_link(make_pair().public)}"
    assert "connection refused" in error(hubbub("join", link, "--nick", "ann", text="hi"), 69)


def test_help_says_that_a_link_is_quoted() -> None:
    assert "in quotes" in hubbub("join", "--help").stdout
    assert "in quotes" in hubbub("chat", "--help").stdout


# -- one's own key -----------------------------------------------------------------------------


def test_key(config: Path) -> None:
    first = hubbub("key").stdout
    own = load_key(config / "key")
    assert first.splitlines() == [
        f"fingerprint  {fingerprint(own.public)}",
        f"key          {to_link(own.public)}",
        f"file         {config / 'key'}",
    ]
    assert hubbub("key").stdout == first
    assert own.secret.decode() not in first


def test_a_key_that_others_can_read(config: Path) -> None:
    hubbub("key")
    (config / "key").chmod(0o644)
    assert "chmod 600" in error(hubbub("key"), 78)


def test_where_the_key_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    assert identity.key_path(None) == tmp_path / ".config" / "hubbub" / "key"
    monkeypatch.setenv("XDG_CONFIG_HOME", "/elsewhere")
    assert identity.pins_path() == Path("/elsewhere/hubbub/known_brokers")
    assert identity.key_path(Path("mine")) == Path("mine")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert identity.key_path(None) == tmp_path / "Library/Application Support/hubbub/key"


def test_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    from chatlib.cli.destination import find

    def nobody() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nobody)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    with pytest.raises(BadConfiguration, match="XDG_CONFIG_HOME"):
        identity.key_path(None)
    assert find("tcp://127.0.0.1:1").endpoint == parse_endpoint("tcp://127.0.0.1:1")
