"""`hubbub login`: to add this machine to one's registered nickname by its password."""

from __future__ import annotations

import argparse
import getpass
import sys

from chatlib.cli import key
from chatlib.errors import Misuse


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser of `hubbub`."""
    parser = subparsers.add_parser(
        "login",
        help="add this machine to your registered nickname, by its password",
        description="Add this machine's key to your registered nickname, by the password that "
        "/password set. Then join with: hubbub chat ADDRESS. Without a password, a link of "
        "/device does the same.",
    )
    parser.add_argument(
        "address",
        metavar="ADDRESS",
        help="the broker's control endpoint, or a link to it in quotes",
    )
    parser.add_argument("nick", metavar="NICK", help="your registered nickname")
    key.add_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Ask for the password and log in. Raises the errors of chatlib.errors."""
    from chatlib.cli.destination import Door, find
    from chatlib.tui.arrive import PROGRAM

    to = find(args.address)
    if to.server_key is None:
        raise Misuse(
            f"no key is known for {to.endpoint}: give a link with one (k=), as its operator and "
            f"`/device` print them"
        )
    door = Door(to, args.key, PROGRAM)
    door.look()
    nick = door.client(args.nick).login(args.nick, _password())
    door.opened()
    print(
        f"this machine is {nick} now: join with: hubbub chat {to.endpoint} --nick {nick}",
        file=sys.stderr,
    )
    return 0


def _password() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("password: ")
    return sys.stdin.readline().rstrip("\n")  # of a program
