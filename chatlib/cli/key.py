"""`hubbub key`: who one is to encrypted brokers."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser of `hubbub`."""
    parser = subparsers.add_parser(
        "key",
        help="print your own key",
        description="Print your own key, by which encrypted brokers know you. The fingerprint is "
        "what two people compare; the key is what an operator lets in; the file is the secret. "
        "It is made when it is not there.",
    )
    add_option(parser)
    parser.set_defaults(run=run)


def add_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that says which key one's own is."""
    parser.add_argument(
        "--key",
        metavar="FILE",
        type=Path,
        help="your own key, for bots; made when it is not there (default: the one of this user)",
    )


def run(args: argparse.Namespace) -> int:
    """Print the key. Raises BadConfiguration, CannotCreate."""
    from chatlib.cli.identity import key_path, own_key
    from chatlib.security.keys import fingerprint, to_link

    path = key_path(args.key)
    own = own_key(path)
    print(f"fingerprint  {fingerprint(own.public)}")
    print(f"key          {to_link(own.public)}")
    print(f"file         {path}")
    return 0
