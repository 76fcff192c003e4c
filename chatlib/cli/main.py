"""The command `hubbub`: finds the subcommand, turns errors into one line and an exit code."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from chatlib.errors import HubbubError, Misuse
from chatlib.version import __version__

if TYPE_CHECKING:
    from chatlib.cli.configuration import Configuration


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    return _make_parsers()[0]


def command_parsers() -> dict[str, argparse.ArgumentParser]:
    """Return the parser of each command, by its name."""
    return _make_parsers()[1]


def _make_parsers() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    # What these import is imported for `--help`, too: each command imports its own when it runs.
    from chatlib.cli import (
        broker_options,
        care,
        chat,
        completion,
        config,
        follow,
        key,
        login,
        operator,
        send,
        watching,
        web,
    )  # fmt: skip

    parser = argparse.ArgumentParser(
        prog="hubbub", description="Group chat on ZeroMQ: a broker, a terminal client."
    )
    parser.add_argument("--version", action="version", version=f"hubbub {__version__}")
    _add_config(parser)
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in (
        broker_options,
        chat,
        login,
        follow,
        send,
        key,
        operator,
        watching,
        web,
        care,
        config,
        completion,
    ):
        module.add_parser(subparsers)
    for command in subparsers.choices.values():
        _add_config(command)
    return parser, dict(subparsers.choices)


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config",
        metavar="FILE",
        default=argparse.SUPPRESS,
        help="where options are read that are not given (default: $HUBBUB_CONFIG, else "
        "hubbub.toml in this user's place for configurations)",
    )


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options: as flags, else of the environment, else of the file, else the defaults.

    Beside them `command` is the command's name, `configuration` what the file and the environment
    say, `arguments` are these, and `given` the options that they name. Raises
    BadConfiguration; where the arguments are wrong argparse ends the process.
    """
    parser, parsers = _make_parsers()
    early = argparse.ArgumentParser(prog="hubbub", add_help=False, allow_abbrev=False)
    early.add_argument("--config", metavar="FILE")
    file, rest = early.parse_known_args(arguments)
    command = rest[0] if rest else ""
    if not rest or (command not in parsers and not command.startswith("-")):
        raise _unknown(command, parsers)
    if command not in parsers or {"-h", "--help"} & set(rest):
        return parser.parse_args(arguments)
    configuration = _configured(file.config, parsers, command)
    given = _given(arguments, command)
    found = configuration.settings(command, given)
    parsers[command].set_defaults(**{dest: setting.value for dest, setting in found.items()})
    args = parser.parse_args(arguments)
    args.command, args.configuration, args.config = command, configuration, file.config
    args.arguments, args.given = list(arguments), given
    return args


def _unknown(command: str, known: Iterable[str]) -> Misuse:
    from difflib import get_close_matches

    near = get_close_matches(command, known, 1)
    said = f"there is no command {command}" if command else "which command?"
    meant = f": did you mean {near[0]}?" if near else ";" if command else ""
    return Misuse(f"{said}{meant} `hubbub --help` lists them")


def _configured(
    file: str | None, parsers: dict[str, argparse.ArgumentParser], command: str
) -> Configuration:
    from chatlib.cli.configuration import configured

    configuration = configured(file, parsers)
    if command not in ("config", "doctor"):  # these tell what is wrong with it
        configuration.check(command)
    return configuration


def _given(arguments: Sequence[str], command: str) -> set[str]:
    """Return the names of what was given as flags or arguments."""
    parser, parsers = _make_parsers()
    for action in parsers[command]._actions:
        action.default = argparse.SUPPRESS
    return set(vars(parser.parse_args(arguments)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `hubbub` and return its exit code; errors.py says which error is which."""
    try:
        args = parse(sys.argv[1:] if arguments is None else arguments)
        code: int = args.run(args)
        return code
    except HubbubError as e:
        print(f"hubbub: {e}", file=sys.stderr)
        return e.exit_code
    except ModuleNotFoundError as e:
        if (e.name or "chatlib").partition(".")[0] == "chatlib":  # a fault of ours
            raise
        print(
            f"hubbub: this Python ({sys.executable}) has no {e.name}: install Hubbub into it (pip "
            "install .), or take the one of `make chat`: . .venv/bin/activate",
            file=sys.stderr,
        )
        return 78
    except KeyboardInterrupt:
        if sys.stderr.isatty():  # the terminal's ^C has no end of its line
            print(file=sys.stderr)
        return 130
    except EOFError:  # Ctrl-D where something was asked: its line is not ended yet
        print(file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read us is gone. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
