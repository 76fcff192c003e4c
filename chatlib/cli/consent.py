"""Links for devices: who opens a stranger's gives him his own key, so he is asked before."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from chatlib.errors import Misuse
from chatlib.protocol.links import DEVICE_TOKEN

if TYPE_CHECKING:
    from chatlib.cli.destination import Destination

WARNING = (
    "This link makes your key one more device of whoever made the link. From then on you have one\n"
    "nickname, and he has the roles that you have in rooms. Open it only if you made it yourself\n"
    "(/device), or your operator made it for you (hubbub reset)."
)


def add_option(parser: argparse.ArgumentParser) -> None:
    """Add the option for scripts."""
    parser.add_argument(
        "--yes",
        action="store_true",
        help="open a link for a device without being asked: it is your own",
    )


def agree(to: Destination, *, yes: bool) -> None:
    """Ask whether a link for a device is one's own. Raises Misuse where it is not."""
    if yes or to.token is None or not to.token.startswith(DEVICE_TOKEN):
        return
    if not sys.stdin.isatty():
        raise Misuse(
            "this link makes your key one more device of whoever made the link: if that is you, "
            "say so with --yes"
        )
    print(WARNING, file=sys.stderr)
    try:
        answer = input("Is it your own? [y/N] ")
    except EOFError:  # Ctrl-D, which does not end the line
        print(file=sys.stderr)
        answer = ""
    if answer.strip().lower() not in ("y", "yes"):
        raise Misuse("the link was not opened: ask for an invitation instead (hubbub invite)")
