"""`hubbub broker`: starts a broker, says where it is, tells who comes and goes."""

from __future__ import annotations

import argparse
import gc
import json
import os
import select
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatlib.errors import BadConfiguration, BadName, CannotCreate
from chatlib.protocol.links import DEFAULT_ADDRESS, Endpoint

if TYPE_CHECKING:
    from chatlib.core.batch import Note
    from chatlib.history.retention import Retention
    from chatlib.history.store import Store
    from chatlib.net.broker import Broker
    from chatlib.net.doors import Security

FEW_DESCRIPTORS = 1024
MOST_KEPT = 1e9  # days or events: more is a typing error


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser of `hubbub`."""
    parser = subparsers.add_parser(
        "broker",
        help="start a broker",
        description="Start a broker. It runs until Ctrl-C or SIGTERM; a second one ends it now.",
    )
    parser.add_argument(
        "--listen",
        metavar="ENDPOINT",
        default=DEFAULT_ADDRESS,
        help="control endpoint, tcp://HOST:PORT or ipc://PATH; intake and feed take the next two "
        "ports; port 0 takes three free ones (default: %(default)s)",
    )
    parser.add_argument(
        "--access",
        choices=["open", "invite", "members"],
        help="encrypt, and let in: anyone who has the broker's key, who has a link of `hubbub "
        "invite` (the default beyond this machine), or only who was let in before",
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
    security = _security(args)
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
    )
    descriptors = raise_descriptor_limit()
    bound = broker.bind()
    _obey_signals(broker)
    if operators is not None:
        write_place(_directory(args), operators, security is not None, pid=os.getpid())
    log.started(broker, bound, descriptors)
    if args.ready_file is not None:
        _write_ready(args.ready_file, broker, bound)
    # Messages come and go by the hundred thousand and hold no cycles: collected seldom, they cost
    # a thirtieth less.
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    broker.run()
    log.stopped()
    return 0


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


class Log:
    """What the broker prints: one line a happening, for people or as JSON."""

    def __init__(self, form: str, quiet: bool) -> None:
        self._json = form == "json"
        self._quiet = quiet

    def started(
        self, broker: Broker, bound: tuple[Endpoint, Endpoint, Endpoint], descriptors: int
    ) -> None:
        """Say who can reach the broker, where it is, what it keeps and how to join."""
        from chatlib.version import __version__

        control, intake, feed = bound
        history = broker.store.describe()
        if self._json:
            places = {"control": str(control), "intake": str(intake), "feed": str(feed)}
            self._line("started", version=__version__, history=history, pid=os.getpid(), **places)
            return
        address = str(control)
        command = "hubbub chat" + ("" if address == DEFAULT_ADDRESS else f" {address}")
        who = broker.reach()
        print(f"hubbub {__version__} is up. Who can reach it: {who}.")
        print(f"  control  {control}")
        print(f"  intake   {intake}")
        print(f"  feed     {feed}")
        print(f"  history  {history}")
        if descriptors <= FEW_DESCRIPTORS:
            members = descriptors // 3
            print(
                f"  NOTE     {descriptors} open files allowed: about {members} members (ulimit -n)"
            )
        print(f"Join with: {command}      Stop with: Ctrl-C", flush=True)

    def note(self, note: Note, address: str) -> None:
        """Print one line for somebody who came, went, joined, left or was renamed."""
        from chatlib.sanitize import sanitize

        if self._quiet:
            return
        if self._json:
            known = {f: getattr(note, f) for f in note.__struct_fields__ if f != "what"}
            known["address"] = address
            self._line(note.what, **{k: v for k, v in known.items() if v})
            return
        where = f" from {address}" if address else ""
        words = {
            "opened": f"connected{where}",
            "resumed": f"came back{where}",
            "ended": f"is gone ({note.reason})",
            "renamed": f"is the new name of {note.old}",
            "joined": f"joined {note.room}",
            "left": f"left {note.room}",
            "failing": f"NOTHING IS STORED, so nothing is acknowledged: {note.reason}",
            "storing": "the history is being stored again",
            "invited": f"is an invitation to {note.room}",
            "redeemed": f"(an invitation to {note.room}) let somebody in",
            "banned": "is banned, and was thrown out" + (f": {note.reason}" if note.reason else ""),
            "unbanned": "may come in again",
        }
        told = sanitize(f"{note.nick} {words[note.what]}")
        self._put(f"{datetime.now().strftime('%H:%M:%S')} {told}")

    def stopped(self) -> None:
        """Say that the end was an orderly one."""
        if self._json:
            self._line("stopped")
        else:
            self._put("stopped: everyone was told")

    def _line(self, event: str, **fields: Any) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._put(json.dumps({"at": at, "event": event} | fields))

    def _put(self, line: str) -> None:
        """Print a line, or leave it out: who stops reading must not stop the broker."""
        try:
            if select.select([], [sys.stdout], [], 0)[1]:
                print(line, flush=True)
        except BrokenPipeError:
            self._quiet = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except OSError:  # the log's disk is full, perhaps the history's, too
            return
