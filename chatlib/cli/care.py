"""`hubbub backup`, `export`, `import` and `check`: looking after the history on disk."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

DATA_ERROR = 65  # sysexits: EX_DATAERR


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands to the parser of `hubbub`."""
    parser = _command(
        subparsers, "backup", "copy the history to a file", "The broker may be running.", _backup
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="the copy; must not be there yet")
    parser = _command(
        subparsers,
        "export",
        "print the events of rooms as JSON lines",
        "The broker may be running. What was said privately is left out.",
        _export,
    )
    parser.add_argument("--room", metavar="ROOM", help="only this room")
    _command(
        subparsers,
        "import",
        "make a history of JSON lines",
        "Reads what export printed from standard input, into a directory without a history.",
        _import,
    )
    _command(
        subparsers,
        "check",
        "verify the history",
        "Verifies file, chains and counters; exits 65 when something is wrong.",
        _check,
    )


def _command(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    help: str,
    description: str,
    run: object,
) -> argparse.ArgumentParser:
    parser = subparsers.add_parser(
        name, help=help, description=f"{help[0].upper()}{help[1:]}. {description}"
    )
    parser.add_argument(
        "--data", metavar="DIR", type=Path, help="directory of the history (default: the broker's)"
    )
    parser.set_defaults(run=run)
    return parser


def _directory(args: argparse.Namespace) -> Path:
    from chatlib.cli.broker import data_directory

    directory: Path = args.data or data_directory()
    return directory


def _backup(args: argparse.Namespace) -> int:
    from chatlib.history.care import backup

    size = backup(_directory(args), args.file)
    print(f"{args.file}: {size} bytes")
    return 0


def _export(args: argparse.Namespace) -> int:
    from chatlib.history.care import export

    for line in export(_directory(args), args.room):
        sys.stdout.buffer.write(line + b"\n")
    sys.stdout.flush()
    return 0


def _import(args: argparse.Namespace) -> int:
    from chatlib.history.care import load
    from chatlib.net.broker import new_epoch

    lines = (line.rstrip(b"\n") for line in sys.stdin.buffer)
    count = load(_directory(args), new_epoch(), (line for line in lines if line))
    print(f"{count} events imported")
    return 0


def _check(args: argparse.Namespace) -> int:
    from chatlib.history.care import check

    faults = check(_directory(args))
    for fault in faults:
        print(fault)
    print("the history is whole" if not faults else f"{len(faults)} fault{'s' * (len(faults) > 1)}")
    return DATA_ERROR if faults else 0
