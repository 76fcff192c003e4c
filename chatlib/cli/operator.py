"""`hubbub invite`, `ban`, `promote`, `reset`, `audit` and so on: for who runs the broker."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from chatlib.cli import quantities

if TYPE_CHECKING:
    from msgspec import Raw

    from chatlib.net.operator import Operator
    from chatlib.protocol.events import Event

MOST_USES = 10_000  # docs/protocol.md, `invite`
FOLLOW_S = 1.0  # between two looks at what is new
A_KEY = "a key or its fingerprint, as `bans`, `audit` and the broker's log show it"


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands to the parser of `hubbub`."""
    parser = _command(subparsers, "invite", "make a link that lets people in", _invite)
    parser.add_argument(
        "--room", default="lobby", metavar="ROOM", help="where it leads (default: %(default)s)"
    )
    parser.add_argument(
        "--uses",
        type=quantities.within(1, MOST_USES),
        default=1,
        metavar="N",
        help="people it lets in (default: 1)",
    )
    parser.add_argument(
        "--expires",
        type=quantities.lifetime,
        default="24h",
        metavar="TIME",
        help="30m, 24h, 7d (default: 24h)",
    )
    parser.add_argument("--qr", action="store_true", help="draw the link as a QR code, too")
    _command(subparsers, "invitations", "list the invitations that are good now", _invitations)
    parser = _command(subparsers, "uninvite", "take an invitation back", _uninvite)
    parser.add_argument(
        "invitation", metavar="INVITATION", help="its id, as `invitations` lists it"
    )
    parser = _command(subparsers, "ban", "keep somebody out of the broker, at once", _ban)
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("nick", nargs="?", metavar="NICK", help="who is here under this nickname")
    who.add_argument("--key", metavar="KEY", help=A_KEY)
    who.add_argument("--address", metavar="IP", help="an IP address")
    parser.add_argument("--reason", default="", metavar="TEXT", help="for the list of bans")
    parser = _command(subparsers, "unban", "let somebody in again", _unban)
    parser.add_argument(
        "who", metavar="WHO", help="the fingerprint, key or address, as `bans` lists it"
    )
    _command(subparsers, "bans", "list who is kept out", _bans)
    parser = _command(
        subparsers, "reset", "let somebody who lost his key have his nickname again", _reset
    )
    parser.add_argument(
        "nick", metavar="NICK", help="a registered nickname: all of its keys are removed"
    )
    parser.add_argument(
        "--expires", type=quantities.lifetime, default="24h", metavar="TIME",
        help="how long the new link is good (default: 24h)",
    )  # fmt: skip
    parser = _command(subparsers, "unregister", "take a registered nickname away", _unregister)
    parser.add_argument("nick", metavar="NICK", help="the nickname, which is free then")
    parser = _command(subparsers, "promote", "give somebody a role in the broker", _promote)
    parser.add_argument("role", choices=("operator", "gateway", "none"), help="which one")
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("nick", nargs="?", metavar="NICK", help="who is here under this nickname")
    who.add_argument("--key", metavar="KEY", help=A_KEY)
    parser = _command(subparsers, "audit", "show who used which right", _audit)
    parser.add_argument("--follow", action="store_true", help="go on with what happens")
    parser.add_argument("--json", action="store_true", help="each entry as its JSON line")
    parser.add_argument("--limit", type=int, default=50, metavar="N", help="(default: 50)")


def _command(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    help: str,
    run: object,
) -> argparse.ArgumentParser:
    parser = subparsers.add_parser(
        name,
        help=help,
        description=f"{help.capitalize()}. Asks the broker that runs on this machine, as its "
        "operator.",
    )
    parser.add_argument("--data", metavar="DIR", type=Path, help="the broker's directory")
    parser.set_defaults(run=run)
    return parser


def _operator(args: argparse.Namespace) -> Operator:
    from chatlib.cli.broker import data_directory
    from chatlib.net.operator import Operator

    return Operator(args.data or data_directory())


def _invite(args: argparse.Namespace) -> int:
    from chatlib.net.belonging import link_of
    from chatlib.protocol import answers, requests
    from chatlib.tui.when import zoned

    with _operator(args) as broker:
        made = broker.ask(
            requests.Invite(room=args.room, uses=args.uses, seconds=args.expires), answers.Invited
        )
    print(link_of(made))
    if args.qr:
        from chatlib.cli.qr import show

        show(link_of(made))
    people = "one person" if made.uses == 1 else f"{made.uses} people"
    print(
        f"It lets in {people}, until {zoned(made.expires)}. Take it back with: "
        f"hubbub uninvite {made.invitation}",
        file=sys.stderr,
    )
    return 0


def _invitations(args: argparse.Namespace) -> int:
    from chatlib.protocol import answers, requests
    from chatlib.tui.when import zoned

    with _operator(args) as broker:
        found = broker.ask(requests.Invitations(), answers.InvitationList)
    if not found.invitations:
        print("no invitation is good now: hubbub invite makes one", file=sys.stderr)
    for line in found.invitations:
        print(f"{line.invitation}  {line.room}  {line.uses} left  until {zoned(line.expires)}")
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


def _promote(args: argparse.Namespace) -> int:
    from chatlib.protocol import answers, requests

    asked = requests.Promote(key=args.key, nick=args.nick, role=args.role)
    with _operator(args) as broker:
        broker.ask(asked, answers.Answer)
    return 0


def _audit(args: argparse.Namespace) -> int:
    from chatlib.protocol import answers, requests

    with _operator(args) as broker:
        page = broker.ask(requests.Audit(limit=max(1, args.limit)), answers.Page)
        seen = _print_entries(page.events, args.json)
        page.more = False  # of what is older
        while args.follow:
            if not page.more:
                time.sleep(FOLLOW_S)
            page = broker.ask(requests.Audit(after=seen), answers.Page)
            seen = max(seen, _print_entries(page.events, args.json))
    return 0


def _print_entries(lines: list[Raw], as_json: bool) -> int:
    """Print entries of the audit log; return the seq of the last one, 0 for none."""
    from chatlib.protocol.codec import decode_event

    seq = 0
    for line in lines:
        entry = decode_event(line)
        seq = entry.seq
        print(bytes(line).decode() if as_json else told(entry), flush=True)
    return seq


def told(entry: Event) -> str:
    """Return an entry of the audit log as a line for people."""
    from chatlib.sanitize import sanitize
    from chatlib.tui.when import zoned

    who = entry.nick or "somebody new"
    key = f" ({entry.key})" if entry.key else ""
    words = [zoned(entry.at), f"{who}{key}", entry.what or "?", entry.to or ""]
    words += [f"in {entry.room}" if entry.room else "", f"role {entry.role}" if entry.role else ""]
    words += [f"until {zoned(entry.until)}" if entry.until else ""]
    words += [f"message {entry.re}" if entry.re else "", entry.text or ""]
    return sanitize("  ".join(filter(None, words)))


def _bans(args: argparse.Namespace) -> int:
    from chatlib.core.whom import shown
    from chatlib.protocol import answers, requests
    from chatlib.sanitize import sanitize
    from chatlib.tui.when import zoned

    with _operator(args) as broker:
        found = broker.ask(requests.Bans(), answers.BanList)
    for line in found.bans:
        who = shown(line.who)
        words = [
            who,
            f"since {zoned(line.at)}",
            f"key {line.who}" if who != line.who else "",
            line.reason,
        ]
        print(sanitize("  ".join(filter(None, words))))
    if not found.bans:
        print("nobody is banned", file=sys.stderr)
    if found.more:
        print("these are the newest: there are more, which `unban` lifts, too", file=sys.stderr)
    return 0


def _reset(args: argparse.Namespace) -> int:
    from chatlib.net.belonging import link_of
    from chatlib.protocol import answers, requests
    from chatlib.tui.when import zoned

    with _operator(args) as broker:
        made = broker.ask(requests.Reset(nick=args.nick, seconds=args.expires), answers.Invited)
    print(link_of(made))
    print(
        f"All keys of {args.nick} are removed. Give this link to its owner alone: whoever joins "
        f"with it first has the nickname, until {zoned(made.expires)}.",
        file=sys.stderr,
    )
    return 0


def _unregister(args: argparse.Namespace) -> int:
    from chatlib.protocol import answers, requests

    with _operator(args) as broker:
        broker.ask(requests.Unregister(nick=args.nick), answers.Answer)
    return 0
