"""`hubbub chat`: a terminal client; in a pipe, lines in and events out."""

from __future__ import annotations

import argparse
import os
import sys

from chatlib.protocol.links import DEFAULT_ADDRESS


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser of `hubbub`."""
    parser = subparsers.add_parser(
        "chat",
        help="join the chat in this terminal",
        description="Join the chat. In a pipe, each line of standard input is sent, each event "
        "printed on a line, and the end of the input waits for the acknowledgements.",
    )
    parser.add_argument(
        "address",
        nargs="?",
        default=DEFAULT_ADDRESS,
        metavar="ADDRESS",
        help="the broker's control endpoint (default: %(default)s)",
    )
    parser.add_argument("--nick", metavar="NAME", help="nickname (default: asked for)")
    parser.add_argument("--room", metavar="ROOM", default="lobby", help="(default: %(default)s)")
    parser.add_argument(
        "--no-wait", action="store_true", help="no broker there: exit 69 instead of waiting for it"
    )
    parser.add_argument("--linear", action="store_true", help="append-only lines, no line editor")
    parser.add_argument("--json", action="store_true", help="print events as JSON lines")
    parser.add_argument(
        "--start", action="store_true", help="start a broker in the background when none answers"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Chat until its user, or the input, is at the end. Raises the errors of chatlib.errors."""
    from chatlib.names import room_name
    from chatlib.protocol.links import parse_endpoint
    from chatlib.tui.arrive import arrive_as, ask_nick

    room = room_name(args.room)
    endpoint = parse_endpoint(args.address)
    if args.start:
        from chatlib.cli.background import ensure_broker

        ensure_broker(endpoint)
    person = sys.stdin.isatty() and not args.json
    ask = ask_nick if person else None
    wait = person and not args.no_wait
    if not person or args.linear or os.environ.get("TERM", "dumb") == "dumb" or not _is_screen():
        return _run_plain(
            args, room, person, arrive_as(str(endpoint), args.nick, wait=wait, ask=ask)
        )
    client = arrive_as(str(endpoint), args.nick, wait=wait, ask=ask)
    from chatlib.tui.screen import Screen

    with client:
        return Screen(client, _colour()).run(room)


def _run_plain(args: argparse.Namespace, room: str, person: bool, client: object) -> int:
    from chatlib.net.client import Client
    from chatlib.tui.plain import Plain

    assert isinstance(client, Client)
    with client:
        plain = Plain(client, colour=False, as_json=args.json)
        if person:
            return plain.talk(room, sys.stdin)
        return plain.pipe(room, sys.stdin)


def _is_screen() -> bool:
    return sys.stdout.isatty()


def _colour() -> bool:
    return not os.environ.get("NO_COLOR")
