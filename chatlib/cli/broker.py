"""`hubbub broker`: starts a broker, says where it is, tells who comes and goes."""

from __future__ import annotations

import argparse
import gc
import json
import os
import shlex
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatlib.cli.limits import limit
from chatlib.cli.log import Log
from chatlib.errors import BadConfiguration, BadName, CannotCreate, Misuse
from chatlib.protocol.links import DEFAULT_ADDRESS, DEFAULT_PORT, Endpoint

if TYPE_CHECKING:
    from chatlib.core.buckets import Limits
    from chatlib.history.retention import Retention
    from chatlib.history.store import Store
    from chatlib.net.broker import Broker
    from chatlib.net.doors import Security

GUESTS, GUEST_HOURS = 5, 24  # of the link that --lan prints
MOST_KEPT = 1e9  # days or events: more is a typing error


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser of `hubbub`."""
    parser = subparsers.add_parser(
        "broker",
        help="start a broker",
        description="Start a broker. It runs until Ctrl-C or SIGTERM; a second one ends it now.",
    )
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
    parser.add_argument(
        "--heartbeat",
        metavar="SECONDS",
        type=_heartbeat,
        default=10.0,
        help="seconds between beacons; a client silent for three of them is gone (default: 10)",
    )
    parser.add_argument(
        "--quiet", action="store_true", help="after the start, print no line for who comes and goes"
    )
    parser.add_argument(
        "--log-format", choices=["text", "json"], default="text", help="(default: text)"
    )
    parser.set_defaults(run=run)


def _heartbeat(text: str) -> float:
    seconds = float(text)
    if not 0.1 <= seconds <= 3600:
        raise argparse.ArgumentTypeError("a heartbeat lasts 0.1 to 3600 seconds")
    return seconds


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


def run(args: argparse.Namespace) -> int:
    """Run a broker until it is told to stop. Raises CannotCreate, BadAddress."""
    from chatlib.net.broker import Broker, raise_descriptor_limit
    from chatlib.net.operator import write_place

    log = Log(args.log_format, args.quiet)
    _settle_lan(args)
    security = _security(args)
    if args.passwords and security is None:
        raise BadConfiguration(
            "--passwords is for a broker with keys, which people register: add --access invite"
        )
    operators, operator_keys = _operators(args, security)
    broker = Broker(
        args.listen,
        store=_open_store(args),
        security=security,
        operators=operators,
        operator_keys=operator_keys,
        intake=args.intake,
        feed=args.feed,
        advertise=args.advertise,
        heartbeat=args.heartbeat,
        observer=log.note,
        limits=_limits(args, security),
        passwords=args.passwords,
    )
    descriptors = raise_descriptor_limit()
    bound = broker.bind()
    _obey_signals(broker)
    if operators is not None:
        write_place(_directory(args), operators, security is not None, pid=os.getpid())
    log.started(broker, bound, descriptors)
    if args.lan:
        _invite(args, broker, log)
    if args.ready_file is not None:
        _write_ready(args.ready_file, broker, bound)
    # Messages come and go by the hundred thousand and hold no cycles: collected seldom, they cost
    # a thirtieth less.
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    broker.run()
    log.stopped()
    return 0


def _settle_lan(args: argparse.Namespace) -> None:
    """Put where `--lan` listens into `args.listen`. Raises BadConfiguration, Misuse."""
    from chatlib.net.lan import lan_address

    if args.qr and (not args.lan or args.log_format == "json"):
        raise Misuse(
            "--qr draws the link of --lan, and not into a log of JSON: see `hubbub invite`"
        )
    if args.lan and args.insecure:
        raise BadConfiguration(
            "--lan is encrypted: leave out --insecure, or name an address with --listen"
        )
    if args.lan:
        args.listen = f"tcp://{lan_address()}:{DEFAULT_PORT}"


def _invite(args: argparse.Namespace, broker: Broker, log: Log) -> None:
    """Print the link of `--lan`, whole, as a guest types it."""
    from chatlib.cli.qr import show

    link = broker.link("lobby", GUESTS, GUEST_HOURS * 3600)
    more = None
    if not args.memory:
        more = "hubbub invite" + (f" --data {shlex.quote(str(args.data))}" if args.data else "")
    log.link(link, f"{GUESTS} people within {GUEST_HOURS} h" if "&t=" in link else "", more)
    if args.qr:
        show(link)


def _directory(args: argparse.Namespace) -> Path:
    directory: Path = args.data or data_directory()
    return directory


def _security(args: argparse.Namespace) -> Security | None:
    """Return the keys to be used, None for none: plain is for this machine alone."""
    from chatlib.core.identities import Rule
    from chatlib.net.curve import make_pair
    from chatlib.net.doors import Security
    from chatlib.net.operator import SERVER_KEY
    from chatlib.protocol.links import parse_endpoint
    from chatlib.security.keys import load_or_make_key

    places = filter(None, (args.listen, args.intake, args.feed))
    loopback = all(parse_endpoint(place).loopback for place in places)
    if args.insecure and args.access:
        raise BadConfiguration(
            "--insecure has no keys, so --access can't be kept: take one of them"
        )
    if args.insecure or (loopback and not args.access):
        return None
    if args.memory:
        pair = make_pair()
    else:
        pair = load_or_make_key(_directory(args) / SERVER_KEY, make_pair)
    return Security(pair, Rule(args.access or "invite"))


def _operators(args: argparse.Namespace, security: Security | None) -> tuple[str | None, list[str]]:
    """Return the ipc endpoint for operators, and the keys that are one's from the start."""
    from chatlib.net.curve import make_pair
    from chatlib.net.operator import OPERATOR_KEY, SOCKET
    from chatlib.protocol.links import IPC_BYTES
    from chatlib.security.keys import load_or_make_key

    if args.memory:
        return None, []
    keys = []
    if security is not None:
        pair = load_or_make_key(_directory(args) / OPERATOR_KEY, make_pair)
        keys.append(pair.public.decode())
    path = (_directory(args) / SOCKET).absolute()
    short = len(f"{path}.intake".encode()) <= IPC_BYTES
    return (f"ipc://{path}" if short else None), keys


def _limits(args: argparse.Namespace, security: Security | None) -> Limits | None:
    from chatlib.net.broker import usual_limits
    from chatlib.protocol.links import parse_endpoint

    if not args.limit:
        return None
    endpoints = [parse_endpoint(one) for one in (args.listen, args.intake, args.feed) if one]
    limits = usual_limits(*endpoints)
    for change in args.limit:
        limits = change(limits)
    if limits.given and security is None:
        raise BadConfiguration(
            "--limit for a single key is for an encrypted broker (--access): this one knows no keys"
        )
    return limits


def _open_store(args: argparse.Namespace) -> Store:
    from chatlib.history.memory import MemoryStore
    from chatlib.history.sqlite import SqliteStore
    from chatlib.net.broker import new_epoch

    if args.memory:
        return MemoryStore(new_epoch())
    retention = _retention(dict(args.keep_days), dict(args.keep_events))
    return SqliteStore(_directory(args), new_epoch(), args.durability, retention)


def _retention(days: dict[str, float | None], events: dict[str, int | None]) -> Retention:
    from chatlib.history.retention import DAY, Keep, Retention

    def keep(room: str) -> Keep:
        """Take each of the two from the room where it has one of its own, else from the others."""
        age = days.get(room, days.get(""))
        return Keep(events.get(room, events.get("")), None if age is None else int(age * DAY))

    return Retention(keep(""), {room: keep(room) for room in (days | events).keys() - {""}})


def data_directory() -> Path:
    """Return where histories are kept on this platform."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "hubbub"
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "hubbub"


def _obey_signals(broker: Broker) -> None:
    def stop(number: int, frame: Any) -> None:
        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, lambda *_: os._exit(128 + number))
        broker.stop()

    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, stop)


def _write_ready(path: Path, broker: Broker, bound: tuple[Endpoint, Endpoint, Endpoint]) -> None:
    ready = dict(zip(("control", "intake", "feed"), map(str, bound), strict=True))
    text = json.dumps(ready | {"pid": os.getpid(), "epoch": broker.store.epoch})
    try:
        new = path.with_name(path.name + ".new")  # so that whoever waits never reads half of it
        new.write_text(text + "\n")
        new.replace(path)
    except OSError as e:
        raise CannotCreate(f"cannot write the ready file {path}: {e.strerror}") from e
