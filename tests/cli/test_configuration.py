"""Flags over environment over file, in the words of the options."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from chatlib.cli.configuration import Configuration, locate
from chatlib.cli.main import command_parsers, main, parse
from chatlib.errors import BadConfiguration

PARSERS = command_parsers()


def configured(tmp_path: Path, toml: str, **environ: str) -> Configuration:
    path = tmp_path / "hubbub.toml"
    path.write_text(toml)
    return Configuration(path, environ, PARSERS)


def faults(found: Configuration) -> list[str]:
    return [fault.text for fault in found.faults]


def values(found: Configuration, command: str, *given: str) -> dict[str, object]:
    return {name: s.value for name, s in found.settings(command, given).items()}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "some.toml"
    monkeypatch.setenv("HUBBUB_CONFIG", str(path))
    return path


# -- who wins ------------------------------------------------------------------------------------


def test_flags_over_environment_over_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text('[broker]\nheartbeat = 1\nfeed = "ipc://file"\nintake = "ipc://file"\n')
    monkeypatch.setenv("HUBBUB_BROKER_HEARTBEAT", "2")
    monkeypatch.setenv("HUBBUB_BROKER_FEED", "ipc://environment")
    args = parse(["broker", "--heartbeat", "3"])
    assert (args.heartbeat, args.feed, args.intake) == (3.0, "ipc://environment", "ipc://file")
    assert args.durability == "disk"


def test_a_flag_replaces_a_list(file: Path) -> None:
    file.write_text('[broker]\nkeep-events = [10, "ops=all"]\n')
    assert parse(["broker"]).keep_events == [("", 10), ("ops", None)]
    assert parse(["broker", "--keep-events", "5"]).keep_events == [("", 5)]


def test_of_options_that_exclude_each_other_the_higher_counts(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text("[broker]\nlan = true\nmemory = true\n")
    assert parse(["broker"]).lan
    args = parse(["broker", "--listen", "ipc://x"])
    assert not args.lan and args.memory
    monkeypatch.setenv("HUBBUB_DATA", "/somewhere")
    args = parse(["broker"])
    assert args.lan and not args.memory and args.data == Path("/somewhere")


def test_what_is_said_for_every_command(file: Path) -> None:
    file.write_text('data = "/all"\n[invite]\ndata = "/own"\nexpires = "7d"\n')
    assert parse(["broker"]).data == parse(["check"]).data == Path("/all")
    args = parse(["invite"])
    assert (args.data, args.expires) == (Path("/own"), 7 * 24 * 3600)


def test_an_argument_that_may_be_left_out(file: Path) -> None:
    file.write_text('[chat]\naddress = "tcp://127.0.0.1:7000"\n')
    assert parse(["chat"]).address == "tcp://127.0.0.1:7000"
    assert parse(["chat", "ipc://x"]).address == "ipc://x"


def test_the_flag_for_the_file(file: Path, tmp_path: Path) -> None:
    file.write_text("[broker]\nheartbeat = 1\n")
    other = tmp_path / "other.toml"
    other.write_text("[broker]\nheartbeat = 2\n")
    assert parse(["broker", "--config", str(other)]).heartbeat == 2.0
    assert parse([f"--config={other}", "broker"]).heartbeat == 2.0


# -- where it lies -------------------------------------------------------------------------------


def test_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of the directory one stands in decides nothing."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hubbub.toml").write_text("nonsense = 1\n")
    assert locate(None, {}) is None
    usual = tmp_path / "home" / "hubbub" / "hubbub.toml"
    usual.parent.mkdir(parents=True)
    usual.write_text("")
    assert locate(None, {}) == usual
    assert locate(None, {"HUBBUB_CONFIG": "/b"}) == Path("/b")
    assert locate("/a", {"HUBBUB_CONFIG": "/b"}) == Path("/a")


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match=r"cannot read .*missing.toml: No such file"):
        parse(["broker", "--config", str(tmp_path / "missing.toml")])


# -- what is wrong -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("toml", "text"),
    [
        ("[broker]\nlisten = 1 2", "is not TOML"),
        ('[broker]\nlisen = "x"', "[broker]: there is no option 'lisen': did you mean 'listen'?"),
        ("[brokr]\n", "there is no command 'brokr': did you mean 'broker'?"),
        ("dat = 1", "there is no option 'dat': did you mean 'data'?"),
        ("[broker]\nzzz = 1", "there is no option 'zzz'"),
        ("wibble = 1", "there is no option 'wibble'"),
        ("[broker]\nheartbeat = 0", "[broker] heartbeat: a heartbeat lasts 0.1 to 3600 seconds"),
        ('[broker]\nheartbeat = "often"', "'often' is no time"),
        ('[broker]\ndurability = "ram"', "'ram' is none of disk, os"),
        ('[broker]\nmemory = "perhaps"', "'perhaps' is neither true nor false"),
        ('[broker]\nquiet = "true"', "'true' is neither true nor false: write it without"),
        ("[broker]\nquiet = 1", "1 is neither true nor false"),
        ("[broker]\nlisten = true", "True is not what the option takes"),
        ('[broker]\nlimit = ["chatter=1/s"]', "'chatter' is none of messages"),
        ('[broker]\nlan = true\nlisten = "ipc://x"', "not together with"),
        ('[broker]\nmemory = true\ndata = "x"', "not together with"),
    ],
)
def test_faults(tmp_path: Path, toml: str, text: str) -> None:
    found = configured(tmp_path, toml)
    (fault,) = faults(found)
    assert text in fault and str(tmp_path) in fault
    assert ("did you mean" in text) == ("did you mean" in fault)
    with pytest.raises(BadConfiguration):
        found.check("broker")


def test_a_fault_keeps_its_own_command_from_running(tmp_path: Path) -> None:
    found = configured(tmp_path, "[broker]\nlisen = 1\nfed = 2\n[chat]\nnick = 'ann'\n")
    found.check("chat")
    with pytest.raises(BadConfiguration, match=r"1 more: hubbub config check"):
        found.check("broker")


def test_the_hint_names_the_file_that_was_named(tmp_path: Path) -> None:
    path = tmp_path / "my own.toml"
    path.write_text("[broker]\nlisen = 1\nfed = 2\n")
    with pytest.raises(BadConfiguration) as told:
        parse(["broker", "--config", str(path)])
    assert str(told.value).endswith(f"(1 more: hubbub config check --config '{path}')")


def test_what_means_something_else_for_a_command_is_not_for_it(tmp_path: Path) -> None:
    """`nick = "ann"` had made `log` show what a, n and n did, and `ban` throw out one's own key."""
    toml = 'nick = "ann"\nroom = "ops"\nkey = "own.key"\naddress = "tcp://h:1"\nlimit = "off"\n'
    found = configured(tmp_path, toml)
    assert not found.faults
    assert values(found, "chat") == {
        "nick": "ann", "room": "ops", "key": Path("own.key"), "address": "tcp://h:1",
    }  # fmt: skip
    assert values(found, "log") == {"key": Path("own.key"), "address": "tcp://h:1"}
    assert values(found, "ban") == values(found, "audit") == {}
    assert "key" not in values(found, "web")
    of_broker = 'data = "/srv"\naccess = "open"\ninsecure = true\nready-file = "ready"'
    assert values(configured(tmp_path, of_broker), "web") == {}
    assert values(configured(tmp_path, of_broker), "broker") == {
        "data": Path("/srv"), "access": "open", "insecure": True, "ready_file": Path("ready"),
    }  # fmt: skip
    of_page = 'insecure = true\n[web]\ninsecure = false\naccess = "open"'
    assert values(configured(tmp_path, of_page), "web") == {"insecure": False, "access": "open"}
    assert len(values(found, "broker")["limit"]) == 1  # type: ignore[arg-type]
    found = configured(tmp_path, "", HUBBUB_NICK="ann")
    assert values(found, "chat") == {"nick": "ann"} and values(found, "log") == {}
    assert values(configured(tmp_path, '[log]\nnick = "ann"'), "log") == {"nick": ["ann"]}


def test_variables(tmp_path: Path) -> None:
    found = configured(
        tmp_path, "", HUBBUB_BROKER_QUIET="yes", HUBBUB_BROKER_INSECURE="0",
        HUBBUB_BROKER_LIMIT="messages=1/s,burst=2 bots:messages=off", HUBBUB_CONFIG="x",
        HUBBUB_ELSE="x", PATH="/bin", HUBBUB_BROKER_LISTEN="",
    )  # fmt: skip
    assert not found.faults and not found.doubts
    known = values(found, "broker")
    assert (known["quiet"], known["insecure"]) == (True, False)
    assert len(known["limit"]) == 2  # type: ignore[arg-type]
    assert "listen" not in known
    assert values(found, "chat") == {}


def test_a_variable_that_is_no_option_is_a_doubt(tmp_path: Path) -> None:
    """Kubernetes sets such ones for a service called hubbub-broker."""
    found = configured(tmp_path, "", HUBBUB_BROKER_LISEN="x", HUBBUB_BROKER_SERVICE_HOST="x")
    assert not found.faults
    assert found.doubts == [
        "HUBBUB_BROKER_LISEN is no option: did you mean 'HUBBUB_BROKER_LISTEN'?",
        "HUBBUB_BROKER_SERVICE_HOST is no option",
    ]


def test_a_variable_that_is_wrong(tmp_path: Path) -> None:
    found = configured(tmp_path, "", HUBBUB_BROKER_HEARTBEAT="0")
    assert faults(found) == ["HUBBUB_BROKER_HEARTBEAT: a heartbeat lasts 0.1 to 3600 seconds"]


def test_help_needs_no_configuration(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("[broker]\nlisen = 1\n")
    with pytest.raises(SystemExit) as ended:
        main(["broker", "--help"])
    assert ended.value.code == 0 and "--listen ENDPOINT" in capsys.readouterr().out


def test_every_option_can_be_set(tmp_path: Path) -> None:
    """No option is of a sort that file and environment do not know."""
    for name, parser in PARSERS.items():
        for action in parser._actions:
            plain = (
                argparse._StoreAction, argparse._StoreTrueAction, argparse._AppendAction,
                argparse._HelpAction,
            )  # fmt: skip
            assert isinstance(action, plain), (name, action)
            assert not isinstance(action, argparse._AppendAction) or action.default == [], name


# -- config check --------------------------------------------------------------------------------


def test_check_tells_once_what_holds_for_all(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text('data = "/srv"\n[top]\ndata = "/elsewhere"\n')
    assert main(["config", "check"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        f"all  data = /srv  ({file} data)", f"top  data = /elsewhere  ({file} [top] data)",
        "the configuration is good",
    ]  # fmt: skip


def test_check(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("[broker]\nheartbeat = 1\n")
    assert main(["config", "check"]) == 0
    told = capsys.readouterr().out
    assert told == (
        f"file    {file}\nbroker  heartbeat = 1  ({file} [broker] heartbeat)\n"
        "the configuration is good\n"
    )


def test_check_tells_all_faults(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("[broker]\nlisen = 1\n[chat]\nnik = 2\n")
    assert main(["config", "check"]) == 78
    told = capsys.readouterr().out
    assert told.splitlines()[-1] == "2 faults"
    assert told.count("FAULT") == 2 and "'listen'" in told and "'nick'" in told
    file.write_text("[broker]\nlisen = 1\n")
    assert main(["config", "check"]) == 78
    assert capsys.readouterr().out.splitlines()[-1] == "1 fault"


@pytest.mark.parametrize(
    ("toml", "text"),
    [
        ('listen = "http://x"', "is no address"),
        ("insecure = true\nlan = true", "--lan is encrypted"),
        ('insecure = true\naccess = "open"', "--insecure has no keys"),
        ("qr = true", "--qr draws the link of --lan"),
        ('limit = ["' + "ab" * 16 + ':messages=1/s"]', ""),
    ],
)
def test_check_tries_the_broker(
    file: Path, toml: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(f"[broker]\n{toml}\n")
    assert main(["config", "check"]) == 78
    told = capsys.readouterr().out
    assert "FAULT   " in told and text in told


@pytest.mark.parametrize(
    ("toml", "text"),
    [
        ('[chat]\nnick = "a b"', "[chat] nick: a nickname has no space"),
        ('nick = "a/b"', " nick: a nickname has no space and no '/'"),
        ('[send]\naddress = "http://x"', "[send] address: 'http://x' is no address"),
        ('[invite]\nroom = "a b"', "[invite] room: a room name has no space"),
        ('[log]\nroom = ["ops-*", "a b"]', "[log] room: a room name has no space"),
        ('[log]\nnick = "a b"', "[log] nick: a nickname has no space"),
        ('[log]\nexclude = "("', "[log] exclude: '(' is no regular expression"),
        ('[log]\nsince = "soon"', "[log] since: 'soon' is no time"),
        ('[log]\nform = "{nix}"', "[log] form: '{nix}' is no form"),
    ],
)
def test_check_looks_into_values(
    file: Path, toml: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(toml)
    assert main(["config", "check"]) == 78
    (fault,) = [line for line in capsys.readouterr().out.splitlines() if "FAULT" in line]
    assert text in fault and str(file) in fault
