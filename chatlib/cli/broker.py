"""`hubbub broker`: starts a broker, says where it is, tells who comes and goes."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatlib.cli.broker_options import GUEST_HOURS, GUESTS
from chatlib.cli.log import Log
from chatlib.errors import BadConfiguration, CannotCreate, Misuse
from chatlib.protocol.links import DEFAULT_PORT

if TYPE_CHECKING:
    from chatlib.cli.beside import PageProcess
    from chatlib.core.buckets import Limits
    from chatlib.history.retention import Retention
    from chatlib.history.store import Store
    from chatlib.net.broker import Broker
    from chatlib.net.doors import Security
    from chatlib.net.metrics import MetricsServer
    from chatlib.net.supervision import Supervisor
    from chatlib.protocol.links import Endpoint

PASSWORDS_NEED_KEYS = (
    "--passwords is for a broker with keys, which people register: add --access invite"
)

KEPT_IN_MEMORY = (
    "--keep-days and --keep-events do nothing with --memory, where the newest 256 MiB are kept"
)


def run(args: argparse.Namespace) -> int:
    """Run a broker until it is told to stop. Raises CannotCreate, BadAddress."""
    from chatlib.cli.runtime import directory

    kept = contextlib.nullcontext(None if args.memory else args.data or data_directory())
    with directory() if args.memory else kept as args.place:
        return _run(args)


def _run(args: argparse.Namespace) -> int:
    from chatlib.cli.beside import check_extra
    from chatlib.cli.reload import Reloader
    from chatlib.net import heap
    from chatlib.net.broker import raise_descriptor_limit
    from chatlib.net.operator import write_place
    from chatlib.net.supervision import supervisor_of

    log = Log(args.log_format, args.quiet)
    for doubt in args.configuration.doubts:
        print(f"hubbub: {doubt}", file=sys.stderr)
    if args.memory and (args.keep_days or args.keep_events):
        print(f"hubbub: {KEPT_IN_MEMORY}", file=sys.stderr)
    supervisor = supervisor_of(os.environ, os.getpid())
    broker = _make_broker(args, log, supervisor)
    metrics = _metrics(args, broker)
    if args.web is not None:
        check_extra()
    descriptors = raise_descriptor_limit()
    bound = broker.bind()
    reloader = Reloader(args, broker, log, supervisor)
    _obey_signals(broker, lambda: broker.soon(reloader.reload))
    if (operators := _operators(args)) is not None:
        write_place(args.place, operators, broker.encrypted, pid=os.getpid())
    asked = args.place if args.memory and operators else None
    log.started(broker, bound, descriptors, _named(args), asked)
    if args.lan:
        _invite(args, broker, log)
    if metrics is not None:
        metrics.start()
        log.metrics(metrics.address)
    if args.ready_file is not None:
        places = dict(zip(("control", "intake", "feed"), map(str, bound), strict=True))
        more = {"metrics": metrics.address} if metrics is not None else {}
        _write_ready(args.ready_file, broker, places | more)
    page = _page(args, broker, bound[0])
    supervisor.ready()
    heap.settle()  # a thirtieth less work
    try:
        broker.run()
    finally:
        if page is not None:
            page.close()
        if metrics is not None:
            metrics.close()
    return _ended(broker, log)


def _page(args: argparse.Namespace, broker: Broker, control: Endpoint) -> PageProcess | None:
    """Start the page server, where one is wanted."""
    from chatlib.cli.beside import PageProcess, page_arguments

    if args.web is None:
        return None
    data = None if args.memory else args.place.absolute()
    arguments = page_arguments(
        control, args.web, data, encrypted=broker.encrypted, config=args.config or ""
    )
    page = PageProcess(
        arguments,
        quiet=args.log_format == "json",
        note=lambda text: print(f"hubbub: {text}", file=sys.stderr),
    )
    page.start()
    return page


def _ended(broker: Broker, log: Log) -> int:
    from chatlib.history.store import StoreFailed

    log.stopped()
    if broker.pipeline.failing:
        raise StoreFailed(
            f"the history could not be stored at the end ({broker.pipeline.failing}): senders keep "
            "what was not acknowledged, and send it again when a broker is back"
        )
    return 0


def _make_broker(args: argparse.Namespace, log: Log, supervisor: Supervisor) -> Broker:
    from chatlib.net.broker import Broker

    _settle_lan(args)
    security = _security(args)
    if args.passwords and security is None:
        raise BadConfiguration(PASSWORDS_NEED_KEYS)
    return Broker(
        args.listen,
        store=_open_store(args),
        security=security,
        operators=_operators(args),
        operator_keys=_operator_keys(args, security),
        intake=args.intake,
        feed=args.feed,
        advertise=args.advertise,
        heartbeat=args.heartbeat,
        observer=log.note,
        limits=limits_of(args, encrypted=security is not None),
        supervisor=supervisor,
        passwords=args.passwords,
    )


def verify(args: argparse.Namespace) -> None:
    """Raise what would keep a broker from starting, as far as the options alone tell it."""
    from chatlib.protocol.links import parse_endpoint

    _check_lan(args)
    for place in filter(None, (args.listen, args.intake, args.feed)):
        parse_endpoint(place)
    if args.passwords and not _encrypts(args):
        raise BadConfiguration(PASSWORDS_NEED_KEYS)
    limits_of(args, encrypted=_encrypts(args))


def _metrics(args: argparse.Namespace, broker: Broker) -> MetricsServer | None:
    if args.metrics is None:
        return None
    try:
        from chatlib.net.metrics import MetricsServer
    except ImportError as e:
        raise BadConfiguration(
            "--metrics needs prometheus-client: install it with: pip install 'hubbub[metrics]'"
        ) from e
    return MetricsServer(broker, *args.metrics)


def _settle_lan(args: argparse.Namespace) -> None:
    """Put where `--lan` listens into `args.listen`. Raises BadConfiguration, Misuse."""
    from chatlib.net.lan import lan_address

    _check_lan(args)
    if args.lan:
        args.listen = f"tcp://{lan_address()}:{DEFAULT_PORT}"


def _check_lan(args: argparse.Namespace) -> None:
    if args.qr and (not args.lan or args.log_format == "json"):
        raise Misuse(
            "--qr draws the link of --lan, and not into a log of JSON: see `hubbub invite`"
        )
    if args.lan and args.insecure:
        raise BadConfiguration(
            "--lan is encrypted: leave out --insecure, or name an address with --listen"
        )
    if args.insecure and args.access:
        raise BadConfiguration(
            "--insecure has no keys, so --access can't be kept: take one of them"
        )


def _invite(args: argparse.Namespace, broker: Broker, log: Log) -> None:
    """Print the link of `--lan`, whole, as a guest types it."""
    from chatlib.cli.qr import show

    link = broker.link("lobby", GUESTS, GUEST_HOURS * 3600)
    more = f"hubbub invite{_named(args)}"
    log.link(link, f"{GUESTS} people within {GUEST_HOURS} h" if "&t=" in link else "", more)
    if args.qr:
        show(link)


def _named(args: argparse.Namespace) -> str:
    """Return the option by which commands for operators find this broker."""
    unusual = args.place is not None and (args.data or args.memory)
    return f" --data {shlex.quote(str(args.place))}" if unusual else ""


def _encrypts(args: argparse.Namespace) -> bool:
    """Tell whether keys are used: plain is for this machine alone."""
    from chatlib.protocol.links import parse_endpoint

    places = filter(None, (args.listen, args.intake, args.feed))
    loopback = all(parse_endpoint(place).loopback for place in places) and not args.lan
    return not args.insecure and bool(args.access or not loopback)


def _security(args: argparse.Namespace) -> Security | None:
    """Return the keys to be used, None for none."""
    from chatlib.core.identities import Rule
    from chatlib.net.curve import make_pair
    from chatlib.net.doors import Security
    from chatlib.net.operator import SERVER_KEY
    from chatlib.security.keys import load_or_make_key

    if not _encrypts(args):
        return None
    if args.place is None:
        pair = make_pair()
    else:
        pair = load_or_make_key(args.place / SERVER_KEY, make_pair)
    return Security(pair, Rule(args.access or "invite"))


def _operators(args: argparse.Namespace) -> str | None:
    """Return the ipc endpoint for operators, where the directory's name leaves room for one."""
    from chatlib.net.operator import SOCKET
    from chatlib.protocol.links import IPC_BYTES

    if args.place is None:
        return None
    path = (args.place / SOCKET).absolute()
    return f"ipc://{path}" if len(f"{path}.intake".encode()) <= IPC_BYTES else None


def _operator_keys(args: argparse.Namespace, security: Security | None) -> list[str]:
    """Return the keys that are an operator's from the start."""
    from chatlib.net.curve import make_pair
    from chatlib.net.operator import OPERATOR_KEY
    from chatlib.security.keys import load_or_make_key

    if args.place is None or security is None:
        return []
    return [load_or_make_key(args.place / OPERATOR_KEY, make_pair).public.decode()]


def limits_of(args: argparse.Namespace, *, encrypted: bool) -> Limits:
    """Return who is slowed. Raises BadConfiguration."""
    from chatlib.net.broker import usual_limits
    from chatlib.protocol.links import parse_endpoint

    endpoints = [parse_endpoint(one) for one in (args.listen, args.intake, args.feed) if one]
    limits = usual_limits(*endpoints)
    for change in args.limit:
        limits = change(limits)
    if limits.given and not encrypted:
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
    return SqliteStore(args.place, new_epoch(), args.durability, retention_of(args))


def retention_of(args: argparse.Namespace) -> Retention:
    """Return how much of the history is kept."""
    from chatlib.history.retention import DAY, Keep, Retention

    days: dict[str, float | None] = dict(args.keep_days)
    events: dict[str, int | None] = dict(args.keep_events)

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


def _obey_signals(broker: Broker, reload: Callable[[], None]) -> None:
    def stop(number: int, frame: Any) -> None:
        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, lambda *_: os._exit(128 + number))
        broker.stop()

    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, stop)
    # A terminal that was closed sends SIGHUP, too: then whoever started us there is gone, unless
    # it was with nohup.
    stays = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN or not _has_terminal()
    signal.signal(signal.SIGHUP, lambda *_: reload() if stays or _has_terminal() else broker.stop())


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _write_ready(path: Path, broker: Broker, places: dict[str, str]) -> None:
    text = json.dumps(places | {"pid": os.getpid(), "epoch": broker.store.epoch})
    try:
        new = path.with_name(path.name + ".new")  # so that whoever waits never reads half of it
        new.write_text(text + "\n")
        new.replace(path)
    except OSError as e:
        raise CannotCreate(f"cannot write the ready file {path}: {e.strerror}") from e
