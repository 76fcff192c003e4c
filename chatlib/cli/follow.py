"""`hubbub log`: follows rooms like `tail -f`, with what came before."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from chatlib.cli import key, quantities
from chatlib.errors import Refused, Unreachable
from chatlib.protocol.links import DEFAULT_ADDRESS, Endpoint

if TYPE_CHECKING:
    from chatlib.cli.choosing import Choice
    from chatlib.cli.destination import Destination
    from chatlib.cli.forms import Form
    from chatlib.cli.outputs import Output
    from chatlib.cli.tail import Signals
    from chatlib.core.seeking import Plan
    from chatlib.core.subscriber import Position
    from chatlib.net.handshake import Keys

LAST = 10  # events that a log begins with, like tail


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser of `hubbub`."""
    parser = subparsers.add_parser(
        "log",
        help="follow rooms, like tail -f",
        description="Print what is said in public rooms, the last 10 events first, and go on with "
        "what comes. It joins no room and nobody sees it. Exit codes: 0 at the end asked for, "
        "69 no broker there, 75 --timeout or, with --strict, a gap, 77 not let in.",
    )
    parser.add_argument(
        "address",
        nargs="?",
        default=DEFAULT_ADDRESS,
        metavar="ADDRESS",
        help="the broker's control endpoint, or a link in quotes (default: %(default)s)",
    )
    parser.add_argument(
        "--feed",
        metavar="ENDPOINT",
        help="where the feed is (default: two ports behind ADDRESS)",
    )
    _add_choice(parser.add_argument_group("what"))
    _add_place(parser.add_argument_group("from where, up to where"))
    _add_form(parser.add_argument_group("how and where to"))
    key.add_option(parser)
    parser.set_defaults(run=run)


def _add_choice(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "-r",
        "--room",
        metavar="ROOM",
        action="append",
        default=[],
        help="a room, or such as 'ops-*' in quotes; again for more (default: all public rooms)",
    )
    group.add_argument(
        "-u", "--nick", metavar="NICK", action="append", default=[], help="only what they did"
    )
    group.add_argument(
        "--kind",
        metavar="KIND,...",
        action="append",
        default=[],
        help="only events of these kinds, such as say,act",
    )
    group.add_argument(
        "-i",
        "--include",
        metavar="REGEX",
        action="append",
        default=[],
        help="only texts in which this regular expression is found; case counts, unless it begins "
        "with (?i)",
    )
    group.add_argument(
        "-e",
        "--exclude",
        metavar="REGEX",
        action="append",
        default=[],
        help="no texts in which this regular expression is found",
    )


def _add_place(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "-n",
        "--lines",
        metavar="N",
        type=quantities.number,
        help="begin with the newest N of what is chosen (default: 10)",
    )
    group.add_argument(
        "--since", metavar="TIME", help="begin so long ago (30m, 2h, 7d) or at an ISO time"
    )
    group.add_argument("--until", metavar="TIME", help="end at that time; also a time to come")
    group.add_argument(
        "--from-seq", metavar="SEQ", type=quantities.number, help="begin with this seq"
    )
    group.add_argument(
        "--cursor",
        metavar="FILE",
        type=Path,
        help="go on where the output ended that was written with the same FILE; the first time, "
        "with the oldest event, unless told otherwise",
    )
    group.add_argument("--no-follow", action="store_true", help="end with what is there now")
    group.add_argument("--count", metavar="N", type=quantities.number, help="end after N events")
    group.add_argument(
        "--timeout", metavar="TIME", type=quantities.span, help="give up after so long: exit 75"
    )
    group.add_argument(
        "--idle", metavar="TIME", type=quantities.span, help="end when nothing came for so long"
    )
    group.add_argument(
        "--strict", action="store_true", help="exit 75 where events can no longer be had"
    )


def _add_form(group: argparse._ArgumentGroup) -> None:
    forms = group.add_mutually_exclusive_group()
    forms.add_argument(
        "-o",
        "--output",
        choices=["text", "json"],
        help="text, or JSON lines as the broker sent them (default: text; json into .json files)",
    )
    forms.add_argument(
        "-f", "--form", metavar="FORM", help="such as '{at:%%H:%%M} {room} <{nick}> {text}'"
    )
    group.add_argument(
        "--out",
        metavar="PATH",
        help="write files, such as 'logs/{room}/%%Y-%%m-%%d.jsonl'; SIGHUP opens them anew",
    )
    group.add_argument(
        "--rotate",
        metavar="SIZE",
        type=quantities.size,
        help="move files aside that get larger (10M), to PATH.1, PATH.2, ...",
    )
    group.add_argument(
        "--compress", action="store_true", help="with --rotate: compress those (gzip)"
    )


def run(args: argparse.Namespace) -> int:
    """Follow until the end that was asked for. Raises the errors of chatlib.errors."""
    import secrets

    from chatlib.cli.choosing import doubt, rooms_of
    from chatlib.cli.cursor import Cursor
    from chatlib.cli.destination import find
    from chatlib.cli.tail import Limits, Signals, Tail
    from chatlib.core.subscriber import Position, Subscriber
    from chatlib.net.dial import dial
    from chatlib.net.subscription import DIAL_S, Subscription

    to = find(args.address)
    rooms = rooms_of(args.room or ([to.room] if to.room else []))
    choice = _choice(args)
    if text := doubt(choice.kinds):
        print(f"hubbub: {text}", file=sys.stderr)
    form = _form(args)
    cursor = Cursor(args.cursor, durable=args.out is not None)
    resumed = cursor.load()
    start = resumed or _start(args, choice)
    cursor.begin(isinstance(start, Position) and start.oldest)
    signals = Signals()
    output = _output(args, signals)
    limits = Limits(args.count, not args.no_follow, args.timeout, args.idle, args.strict)
    subscriber = Subscriber(rooms, start, secrets.token_hex(6))
    tail = Tail(choice, form, output, cursor, limits)
    keys = _keys(args, to)
    subscription = Subscription(_feed(args, to), subscriber, keys)
    try:
        with signals.obeyed(reopen=args.out is not None), subscription as feed:
            code = tail.run(subscriber, feed, signals)
    except Unreachable as e:
        if not args.feed:
            dial(to.endpoint, DIAL_S)  # where no broker is, what was typed is named
            raise Unreachable(f"{e} (or is its feed elsewhere? Say --feed)") from e
        raise
    except Refused as e:
        raise Refused(e.code, f"{e}{_advice(e)}") from e
    finally:
        output.close()
    named = args.room or ([to.room] if to.room else [])
    asked = named and args.lines != 0 and resumed is None
    if code == 0 and args.no_follow and asked and not tail.count:
        print(
            f"hubbub: nothing of that is in {', '.join(named)}: is the name right? "
            "(What is private is not on the feed: read it with hubbub chat)",
            file=sys.stderr,
        )
    return code


def _advice(refused: Refused) -> str:
    if refused.code != "key_refused":
        return ""
    return "; if you have a link with a token, redeem it first: hubbub join LINK"


def _choice(args: argparse.Namespace) -> Choice:
    from datetime import datetime

    from chatlib.cli.choosing import Choice, pattern
    from chatlib.names import nick_key
    from chatlib.tui.when import parse_when

    def moment(text: str | None) -> int | None:
        now = datetime.now().astimezone()
        return None if text is None else round(parse_when(text, now).timestamp() * 1000)

    return Choice(
        frozenset(kind for given in args.kind for kind in given.split(",") if kind),
        frozenset(map(nick_key, args.nick)),
        tuple(map(pattern, args.include)),
        tuple(map(pattern, args.exclude)),
        moment(args.since),
        moment(args.until),
    )


def _start(args: argparse.Namespace, choice: Choice) -> Position | Plan:
    from chatlib.core.seeking import Plan
    from chatlib.core.subscriber import Position
    from chatlib.errors import Misuse

    if args.from_seq is not None:
        if args.lines is not None or args.since is not None:
            raise Misuse("--from-seq says where to begin: leave out -n and --since")
        return Position(seq=max(0, args.from_seq - 1))
    newest = args.lines
    if newest is None and args.since is None:
        if args.cursor is not None:
            return Position(oldest=True)
        newest = LAST
    return Plan(newest, choice.since, choice.until, choice.likes)


def _form(args: argparse.Namespace) -> Form:
    from chatlib.cli.forms import as_json, as_template, as_text

    if args.form is not None:
        return as_template(args.form)
    if args.output == "json" or (args.output is None and ".json" in (args.out or "")):
        return as_json
    shown = args.out is None and sys.stdout is not None and sys.stdout.isatty()
    return as_text(colour=shown and not os.environ.get("NO_COLOR"))


def _output(args: argparse.Namespace, signals: Signals) -> Output:
    from chatlib.cli.outputs import Files, Standard
    from chatlib.errors import Misuse

    if args.compress and args.rotate is None:
        raise Misuse("--compress is for the files that --rotate moves aside: add --rotate 10M")
    if args.out is not None:
        durable = args.cursor is not None
        return Files(args.out, most=args.rotate, compress=args.compress, durable=durable)
    if args.rotate is not None:
        raise Misuse("--rotate is for files: name them with --out")
    return Standard(signals.fd, lambda: bool(signals.stop))


def _keys(args: argparse.Namespace, to: Destination) -> Keys | None:
    from chatlib.cli.identity import key_path, own_key
    from chatlib.net.handshake import keys_for

    if to.server_key is None:
        return None
    return keys_for(to.server_key, own_key(key_path(args.key)), None)


def _feed(args: argparse.Namespace, to: Destination) -> Endpoint:
    from chatlib.protocol.links import beside, parse_endpoint

    return parse_endpoint(args.feed) if args.feed else beside(to.endpoint)[1]
