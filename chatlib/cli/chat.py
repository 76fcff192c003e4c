"""`hubbub chat` and `hubbub join`: a terminal client; in a pipe, lines in and events out."""

from __future__ import annotations

import argparse
import os
import sys

from chatlib.cli import consent, key
from chatlib.errors import BadAddress, Refused
from chatlib.protocol.links import DEFAULT_ADDRESS

PIPE = (
    "In a pipe, each line of standard input is sent, each event printed on a line, and the end of "
    "the input waits for the acknowledgements."
)


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands to the parser of `hubbub`."""
    parser = subparsers.add_parser(
        "chat", help="join the chat in this terminal", description=f"Join the chat. {PIPE}"
    )
    parser.add_argument(
        "address",
        nargs="?",
        default=DEFAULT_ADDRESS,
        metavar="ADDRESS",
        help="the broker's control endpoint, or a link in quotes (default: %(default)s)",
    )
    _add_options(parser)
    parser.add_argument(
        "--start", action="store_true", help="start a broker in the background when none answers"
    )
    parser.set_defaults(run=run)
    parser = subparsers.add_parser(
        "join",
        help="join the chat that a link leads to",
        description="Join the chat with a link that somebody gave you, and remember the broker's "
        f"key: from then on `hubbub chat ADDRESS` does. {PIPE}",
    )
    parser.add_argument(
        "link",
        metavar="LINK",
        help="'hubbub://HOST:PORT/ROOM?k=KEY&t=TOKEN', in quotes: '?' and '&' mean something to "
        "the shell",
    )
    _add_options(parser)
    parser.set_defaults(run=run_join, start=False)


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--nick", metavar="NICK", help="nickname (default: asked for)")
    parser.add_argument("--room", metavar="ROOM", help="(default: the link's, else lobby)")
    parser.add_argument(
        "--no-wait", action="store_true", help="no broker there: exit 69 instead of waiting for it"
    )
    parser.add_argument("--linear", action="store_true", help="append-only lines, no line editor")
    parser.add_argument("--json", action="store_true", help="print events as JSON lines")
    consent.add_option(parser)
    key.add_option(parser)


def run_join(args: argparse.Namespace) -> int:
    """Chat where a link leads. Raises the errors of chatlib.errors."""
    from chatlib.cli.destination import is_link

    if not is_link(args.link):
        raise BadAddress(
            f"{args.link!r} is no link: it does not start with hubbub://; with an address say: "
            f"hubbub chat ADDRESS"
        )
    args.address = args.link
    return run(args)


def run(args: argparse.Namespace) -> int:
    """Chat until its user, or the input, is at the end. Raises the errors of chatlib.errors."""
    from chatlib.cli.destination import Door, find
    from chatlib.names import LOBBY, room_name
    from chatlib.tui.arrive import PROGRAM, arrive_as, ask_nick, find_broker

    to = find(args.address)
    consent.agree(to, yes=args.yes)
    room = room_name(args.room or to.room or LOBBY)
    if args.start and to.server_key is None:
        from chatlib.cli.background import ensure_broker

        ensure_broker(to.endpoint)
    door = Door(to, args.key, PROGRAM)
    person = sys.stdin.isatty() and not args.json
    ask, wait = ask_nick if person else None, person and not args.no_wait
    if person and args.nick is None:  # who is asked for a nickname is not asked in vain
        find_broker(door.look, wait=wait)
    try:
        client = arrive_as(door.client, args.nick, wait=wait, ask=ask)
    except Refused as e:
        raise door.advised(e) from None
    with client:
        door.opened()
        if not person or args.linear or not _is_screen():
            return _run_plain(args, room, person, client)
        from chatlib.tui.screen import Screen

        return Screen(client, _colour()).run(room)


def _run_plain(args: argparse.Namespace, room: str, person: bool, client: object) -> int:
    from chatlib.net.client import Client
    from chatlib.tui.plain import Plain

    assert isinstance(client, Client)
    plain = Plain(client, colour=False, as_json=args.json)
    if person:
        return plain.talk(room, sys.stdin)
    return plain.pipe(room, sys.stdin)


def _is_screen() -> bool:
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def _colour() -> bool:
    return not os.environ.get("NO_COLOR")
