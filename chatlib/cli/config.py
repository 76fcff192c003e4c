"""`hubbub config check`: what the file and the environment say, and what is wrong with it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chatlib.cli.configuration import Configuration

CONFIG = 78  # sysexits: EX_CONFIG


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser of `hubbub`."""
    parser = subparsers.add_parser(
        "config",
        help="check the configuration",
        description="Check the configuration: tells which file and which variables of the "
        "environment are read, what they set, and everything that is wrong with them (exit 78).",
    )
    parser.add_argument("action", choices=["check"], help="what to do")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print what is set, and by whom; then what is wrong."""
    from chatlib.cli.configuration import FILE
    from chatlib.cli.identity import config_directory
    from chatlib.cli.main import command_parsers

    configuration: Configuration = args.configuration
    if configuration.path is None:
        print(f"file    none; it would be {config_directory() / FILE}")
    else:
        print(f"file    {configuration.path}")
    commands: dict[tuple[str, str, str], list[str]] = {}
    for command in command_parsers():
        for setting in configuration.settings(command).values():
            told = (setting.key, setting.told, setting.source)
            commands.setdefault(told, []).append(command)
    for (key, value, source), names in commands.items():
        print(f"{names[0] if len(names) == 1 else 'all'}  {key} = {value}  ({source})")
    faults = [fault.text for fault in configuration.faults]
    faults += value_faults(configuration)
    if not faults:
        faults = broker_faults(args.config)
    for doubt in configuration.doubts:
        print(f"NOTE    {doubt}")
    for fault in faults:
        print(f"FAULT   {fault}")
    print(
        "the configuration is good"
        if not faults
        else f"{len(faults)} fault{'s' * (len(faults) > 1)}"
    )
    return CONFIG if faults else 0


def value_faults(configuration: Configuration) -> list[str]:
    """Return what is wrong with values that commands look into no sooner than they run."""
    from datetime import datetime

    from chatlib.cli.choosing import pattern, rooms_of
    from chatlib.cli.destination import find
    from chatlib.cli.forms import as_template
    from chatlib.cli.main import command_parsers
    from chatlib.errors import HubbubError
    from chatlib.names import nick_key, room_name
    from chatlib.tui.when import parse_when

    def moment(text: str) -> object:
        return parse_when(text, datetime.now().astimezone())

    usual: dict[str, Any] = {"nick": nick_key, "room": room_name}
    of_people = usual | {"address": find}
    of_log = of_people | {"room": lambda glob: rooms_of([glob]), "include": pattern}
    of_log |= {"exclude": pattern, "since": moment, "until": moment, "form": as_template}
    looks = {"chat": of_people, "send": of_people, "doctor": of_people, "log": of_log}
    faults = []
    for command in command_parsers():
        for setting in configuration.settings(command).values():
            look = looks.get(command, usual).get(setting.key, str)
            try:
                for value in setting.value if isinstance(setting.value, list) else [setting.value]:
                    look(value)
            except HubbubError as e:
                faults.append(f"{setting.source}: {e}")
    return list(dict.fromkeys(faults))  # one that holds for every command is one


def broker_faults(file: str | None) -> list[str]:
    """Return what would keep a broker from starting so, as far as can be told before."""
    from chatlib.cli.broker import verify
    from chatlib.cli.main import parse
    from chatlib.errors import HubbubError

    try:
        verify(parse(["broker", *(["--config", file] if file else [])]))
    except HubbubError as e:
        return [str(e)]
    return []
