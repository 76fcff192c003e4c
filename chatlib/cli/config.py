"""`hubbub config check`: what the file and the environment say, and what is wrong with it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

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
    for command in command_parsers():
        for setting in configuration.settings(command).values():
            print(f"{command}  {setting.key} = {setting.told}  ({setting.source})")
    faults = [fault.text for fault in configuration.faults]
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
