"""The command `hubbub`: finds the subcommand, turns errors into one line and an exit code."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from chatlib.errors import HubbubError
from chatlib.version import __version__


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    from chatlib.cli import broker, care, chat, follow, key, login, operator, send

    parser = argparse.ArgumentParser(
        prog="hubbub", description="Group chat on ZeroMQ: a broker, a terminal client."
    )
    parser.add_argument("--version", action="version", version=f"hubbub {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    broker.add_parser(subparsers)
    chat.add_parser(subparsers)
    login.add_parser(subparsers)
    follow.add_parser(subparsers)
    send.add_parser(subparsers)
    key.add_parser(subparsers)
    operator.add_parser(subparsers)
    care.add_parser(subparsers)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `hubbub` and return its exit code; errors.py says which error is which."""
    args = make_parser().parse_args(arguments)
    try:
        code: int = args.run(args)
        return code
    except HubbubError as e:
        print(f"hubbub: {e}", file=sys.stderr)
        return e.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read us is gone. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
