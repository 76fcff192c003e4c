"""The options of `hubbub broker`: what they are called, what they take, what their help says."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from chatlib.cli import quantities
from chatlib.cli.limits import limit
from chatlib.errors import BadName
from chatlib.protocol.links import DEFAULT_ADDRESS

GUESTS, GUEST_HOURS = 5, 24  # of the link that --lan prints
MOST_KEPT = 1e9  # days or events: more is a typing error


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser of `hubbub`."""
    parser = subparsers.add_parser(
        "broker",
        help="start a broker",
        description="Start a broker. It runs until Ctrl-C or SIGTERM; a second one ends it now. "
        "SIGHUP makes it read its configuration again.",
    )
    _add_places(parser)
    _add_access(parser)
    _add_history(parser)
    _add_log(parser)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    from chatlib.cli.broker import run

    return run(args)


def _add_places(parser: argparse.ArgumentParser) -> None:
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--listen",
        metavar="ENDPOINT",
        default=DEFAULT_ADDRESS,
        help="control endpoint, tcp://HOST:PORT or ipc://PATH; intake and feed take the next two "
        "ports; port 0 takes three free ones (default: %(default)s)",
    )
    where.add_argument(
        "--lan",
        action="store_true",
        help="listen on this machine's address in the local network, encrypted, and print a link "
        f"for {GUESTS} guests, good for {GUEST_HOURS} hours",
    )
    parser.add_argument(
        "--qr", action="store_true", help="with --lan: draw the link as a QR code, too"
    )
    parser.add_argument("--intake", metavar="ENDPOINT", help="intake elsewhere than the next port")
    parser.add_argument("--feed", metavar="ENDPOINT", help="feed elsewhere than the port after it")
    parser.add_argument(
        "--advertise",
        metavar="HOST",
        help="host that clients are told for intake and feed (default: the one that they dialled)",
    )
    parser.add_argument(
        "--ready-file",
        metavar="FILE",
        type=Path,
        help="write the endpoints here as JSON once all are bound",
    )
    parser.add_argument(
        "--heartbeat",
        metavar="SECONDS",
        type=quantities.seconds(0.1, 3600, "a heartbeat"),
        default=10.0,
        help="seconds between beacons; a client silent for three of them is gone (default: 10)",
    )


def _add_access(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--access",
        choices=["open", "invite", "members"],
        help="encrypt, and let in: anyone who has the broker's key, who has a link of `hubbub "
        "invite` (the default beyond this machine), or only who was let in before",
    )
    parser.add_argument(
        "--passwords",
        action="store_true",
        help="let people add a device to their registered nickname by a password, too",
    )
    parser.add_argument(
        "--insecure",
        action="store_true",
        help="listen beyond this machine WITHOUT encryption: everyone on the way can read and "
        "write everything",
    )
    parser.add_argument(
        "--limit",
        metavar="[WHO:]WHAT=RATE",
        type=limit,
        action="append",
        default=[],
        help="slow down who sends more, such as messages=20/s,burst=200 or "
        "bots:sessions=6/min,most=3; WHO is people (default), bots, addresses or a single key (or "
        "fingerprint, see `hubbub key`), WHAT messages, bytes, changes, requests, sessions or, of "
        "addresses, handshakes; 'on' and 'off' for all (default: on where other machines can "
        "reach the broker)",
    )


def _add_history(parser: argparse.ArgumentParser) -> None:
    kept = parser.add_mutually_exclusive_group()
    kept.add_argument(
        "--data",
        metavar="DIR",
        type=Path,
        help="directory of the history (default: this platform's place for data, hubbub in it)",
    )
    kept.add_argument(
        "--memory", action="store_true", help="keep the history in memory: it ends with the broker"
    )
    parser.add_argument(
        "--durability",
        choices=["disk", "os"],
        default="disk",
        help="what acknowledged means: disk survives a power cut, os the end of the process "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--keep-days",
        metavar="[ROOM=]DAYS",
        type=_kept(float),
        action="append",
        default=[],
        help="drop events that are older, to the hour (default: all); again for each room that "
        "differs",
    )
    parser.add_argument(
        "--keep-events",
        metavar="[ROOM=]COUNT",
        type=_kept(int),
        action="append",
        default=[],
        help="keep only the newest of each room and inbox; ROOM=all for a room that keeps all",
    )


def _add_log(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--metrics",
        metavar="HOST:PORT",
        type=_place,
        help="answer /metrics (for Prometheus), /healthz and /readyz there over HTTP, such as "
        "127.0.0.1:9464; port 0 takes a free one",
    )
    parser.add_argument(
        "--web",
        metavar="HOST:PORT",
        type=_place,
        help="serve the page for browsers there, such as 127.0.0.1:8080, in a process beside this "
        "one; see `hubbub web`, whose options are read from the file and the environment",
    )
    parser.add_argument(
        "--quiet", action="store_true", help="after the start, print no line for who comes and goes"
    )
    parser.add_argument(
        "--log-format", choices=["text", "json"], default="text", help="(default: text)"
    )


def _place(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not (host and colon and port.isdecimal() and int(port) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT, such as 127.0.0.1:9464")
    return host, int(port)


def _kept(number: type[float] | type[int]) -> Callable[[str], tuple[str, float | None]]:
    """Read `[ROOM=]NUMBER` or `ROOM=all`: a room (empty: the others), and how much is kept."""

    def parse(text: str) -> tuple[str, float | None]:
        from chatlib.names import room_name

        room, equals, amount = text.rpartition("=")
        try:
            value = None if amount == "all" else number(amount)
            if value is None or 0 < value < MOST_KEPT:
                return room_name(room) if equals else "", value
        except BadName as e:
            raise argparse.ArgumentTypeError(str(e)) from None
        except ValueError:
            pass
        raise argparse.ArgumentTypeError(f"{amount!r} is no number above 0, and not 'all'")

    return parse
