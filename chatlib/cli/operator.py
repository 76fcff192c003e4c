"""`hubbub invite`, `uninvite`, `ban`, `drain` and their like: for who runs the broker."""

from __future__ import annotations

import argparse
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatlib.net.operator import Operator

ENDING_S = 10.0  # that a broker may take to end when it is drained
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 24 * 3600, "w": 7 * 24 * 3600}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands to the parser of `hubbub`."""
    parser = _command(subparsers, "invite", "make a link that lets people in", _invite)
    parser.add_argument("--room", default="lobby", help="where it leads (default: %(default)s)")
    parser.add_argument(
        "--uses", type=int, default=1, metavar="N", help="people it lets in (default: 1)"
    )
    parser.add_argument(
        "--expires",
        type=_duration,
        default="24h",
        metavar="TIME",
        help="30m, 24h, 7d (default: 24h)",
    )
    parser.add_argument("--qr", action="store_true", help="draw the link as a QR code, too")
    _command(subparsers, "invitations", "list the invitations that are good now", _invitations)
    parser = _command(subparsers, "uninvite", "take an invitation back", _uninvite)
    parser.add_argument("invitation", help="its id, as `invitations` lists it")
    parser = _command(subparsers, "ban", "keep somebody out of the broker, at once", _ban)
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("nick", nargs="?", help="who is here under this nickname")
    who.add_argument("--key", help="a key, as `bans` and the broker's log show it")
    who.add_argument("--address", help="an IP address")
    parser.add_argument("--reason", default="", help="for the list of bans")
    parser = _command(subparsers, "unban", "let somebody in again", _unban)
    parser.add_argument("who", help="the key or address, as `bans` lists it")
    _command(subparsers, "bans", "list who is kept out", _bans)
    parser = _command(
        subparsers,
        "drain",
        "stop the broker when all is stored",
        _drain,
        "Nobody new comes in, clients are told, what they still send is stored, and the broker "
        "ends; clients come back by themselves when it is there again. Exits 0 when it has ended. ",
    )
    parser.add_argument(
        "--seconds",
        type=int,
        default=10,
        metavar="N",
        help="that senders may take at the most (default: 10)",
    )


def _command(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    help: str,
    run: object,
    more: str = "",
) -> argparse.ArgumentParser:
    parser = subparsers.add_parser(
        name,
        help=help,
        description=f"{help.capitalize()}. {more}Asks the broker that runs on this machine, as "
        "its operator.",
    )
    parser.add_argument("--data", metavar="DIR", type=Path, help="the broker's directory")
    parser.set_defaults(run=run)
    return parser


def _duration(text: str) -> int:
    found = re.fullmatch(r"([0-9]{1,6})([smhdw])", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: write 30m, 24h or 7d")
    return int(found[1]) * UNITS[found[2]]


def _operator(args: argparse.Namespace) -> Operator:
    from chatlib.cli.broker import data_directory
    from chatlib.net.operator import Operator

    return Operator(args.data or data_directory())


def _invite(args: argparse.Namespace) -> int:
    from chatlib.protocol import answers, requests

    with _operator(args) as broker:
        made = broker.ask(
            requests.Invite(room=args.room, uses=args.uses, seconds=args.expires), answers.Invited
        )
    print(link_of(made))
    if args.qr:
        from chatlib.cli.qr import show

        show(link_of(made))
    times = "once" if made.uses == 1 else f"{made.uses} times"
    print(
        f"It lets in {times}, until {made.expires}. Take it back with: "
        f"hubbub uninvite {made.invitation}",
        file=sys.stderr,
    )
    return 0


def link_of(made: object) -> str:
    """Return the link that an invitation is told as."""
    from chatlib.protocol.answers import Invited
    from chatlib.protocol.links import Link, parse_endpoint

    assert isinstance(made, Invited)
    return str(Link(parse_endpoint(made.address), made.room, made.key, made.token))


def _invitations(args: argparse.Namespace) -> int:
    from chatlib.protocol import answers, requests

    with _operator(args) as broker:
        found = broker.ask(requests.Invitations(), answers.InvitationList)
    for line in found.invitations:
        print(f"{line.invitation}  {line.room}  {line.uses} left  until {line.expires}")
    return 0


def _uninvite(args: argparse.Namespace) -> int:
    from chatlib.protocol import answers, requests

    with _operator(args) as broker:
        broker.ask(requests.Uninvite(invitation=args.invitation), answers.Answer)
    return 0


def _ban(args: argparse.Namespace) -> int:
    from chatlib.protocol import answers, requests

    asked = requests.Ban(key=args.key, address=args.address, nick=args.nick, reason=args.reason)
    with _operator(args) as broker:
        broker.ask(asked, answers.Answer)
    return 0


def _unban(args: argparse.Namespace) -> int:
    from chatlib.protocol import answers, requests

    with _operator(args) as broker:
        broker.ask(requests.Unban(who=args.who), answers.Answer)
    return 0


def _bans(args: argparse.Namespace) -> int:
    from chatlib.protocol import answers, requests

    with _operator(args) as broker:
        found = broker.ask(requests.Bans(), answers.BanList)
    for line in found.bans:
        print(f"{line.who}  since {line.at}" + (f"  {line.reason}" if line.reason else ""))
    return 0


def _drain(args: argparse.Namespace) -> int:
    from chatlib.cli.broker import data_directory
    from chatlib.errors import TimedOut
    from chatlib.history.care import in_use
    from chatlib.protocol import answers, requests

    with _operator(args) as broker:
        drained = broker.ask(requests.Drain(seconds=args.seconds), answers.Draining)
    print(f"{drained.told} sessions are told; waiting for the broker to end", flush=True)
    deadline = time.monotonic() + args.seconds + ENDING_S
    while in_use(args.data or data_directory()):
        if time.monotonic() > deadline:
            raise TimedOut("the broker was told and is still there: see its log")
        time.sleep(0.05)
    return 0
