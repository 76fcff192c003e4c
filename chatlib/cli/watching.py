"""`hubbub top`, `doctor` and `drain`; what two of them do is in `cli.top` and `cli.doctor`."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from chatlib.cli import key, quantities

ENDING_S = 10.0  # that a broker may take to end when it is drained


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
        type=quantities.seconds(0.1, 3600, "an interval"),
        default=1.0,
        help="between two looks; rates are of that time (default: 1)",
    )
    parser.add_argument("--once", action="store_true", help="look twice, print once, and end")
    parser.add_argument("--json", action="store_true", help="print each look as a line of JSON")
    parser.set_defaults(run=_top)
    _add_drain(subparsers)
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


def _add_drain(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "drain",
        help="stop the broker when all is stored",
        description="Stop the broker when all is stored. Nobody new comes in, clients are told, "
        "what they still send is stored, and the broker ends; clients come back by themselves when "
        "it is there again. Exits 0 when it has ended. Asks the broker that runs on this machine, "
        "as its operator.",
    )
    parser.add_argument("--data", metavar="DIR", type=Path, help="the broker's directory")
    parser.add_argument(
        "--seconds",
        type=quantities.within(0, 3600),
        default=10,
        metavar="SECONDS",
        help="that senders may take at the most (default: 10)",
    )
    parser.set_defaults(run=_drain)


def _top(args: argparse.Namespace) -> int:
    from chatlib.cli.top import run

    return run(args)


def _doctor(args: argparse.Namespace) -> int:
    from chatlib.cli.doctor import run

    return run(args)


def _drain(args: argparse.Namespace) -> int:
    from chatlib.cli.broker import data_directory
    from chatlib.errors import TimedOut
    from chatlib.history.care import in_use
    from chatlib.net.operator import Operator
    from chatlib.protocol import answers, requests

    directory = args.data or data_directory()
    with Operator(directory) as broker:
        drained = broker.ask(requests.Drain(seconds=args.seconds), answers.Draining)
    told = "1 session is" if drained.told == 1 else f"{drained.told} sessions are"
    print(f"{told} told; waiting for the broker to end", flush=True)
    deadline = time.monotonic() + args.seconds + ENDING_S
    while in_use(directory):
        if time.monotonic() > deadline:
            raise TimedOut("the broker was told and is still there: see its log")
        time.sleep(0.05)
    return 0
