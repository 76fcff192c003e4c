"""`hubbub top` and `hubbub doctor`, their options: what they do is in `cli.top`, `cli.doctor`."""

from __future__ import annotations

import argparse
from pathlib import Path

from chatlib.cli import key


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands to the parser of `hubbub`."""
    parser = subparsers.add_parser(
        "top",
        help="watch the broker at work",
        description="Watch the broker at work: rooms, rates, members, how far sessions are "
        "behind, and who is slow. Asks the broker that runs on this machine, as its operator. "
        "Ctrl-C ends it.",
    )
    parser.add_argument("--data", metavar="DIR", type=Path, help="the broker's directory")
    parser.add_argument(
        "--interval",
        metavar="SECONDS",
        type=_interval,
        default=1.0,
        help="between two looks; rates are of that time (default: 1)",
    )
    parser.add_argument("--once", action="store_true", help="look twice, print once, and end")
    parser.add_argument("--json", action="store_true", help="print each look as a line of JSON")
    parser.set_defaults(run=_top)
    parser = subparsers.add_parser(
        "doctor",
        help="find out what is wrong",
        description="Check configuration, versions, disk, key, address, clock and feed, and name "
        "the fix for each fault. Without ADDRESS it is the broker that `hubbub chat` would join. "
        "Exits 78 when there is a fault, 69 when no broker answers.",
    )
    parser.add_argument(
        "address", nargs="?", metavar="ADDRESS", help="a broker's address, or a link in quotes"
    )
    parser.add_argument("--data", metavar="DIR", type=Path, help="the broker's directory")
    key.add_option(parser)
    parser.set_defaults(run=_doctor)


def _interval(text: str) -> float:
    seconds = float(text)
    if not 0.1 <= seconds <= 3600:
        raise argparse.ArgumentTypeError("an interval lasts 0.1 to 3600 seconds")
    return seconds


def _top(args: argparse.Namespace) -> int:
    from chatlib.cli.top import run

    return run(args)


def _doctor(args: argparse.Namespace) -> int:
    from chatlib.cli.doctor import run

    return run(args)
