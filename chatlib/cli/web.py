"""`hubbub web`: serves the page, on which people chat in a browser."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from chatlib.protocol.links import DEFAULT_ADDRESS

if TYPE_CHECKING:
    from chatlib.net.handshake import Keys
    from chatlib.net.oneshot import OneShot
    from chatlib.protocol.links import Endpoint

DEFAULT_PAGE = "127.0.0.1:8080"
KEY = "web.key"
MISSING = "the page needs Starlette and uvicorn: install them with: pip install 'hubbub[web]'"


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser of `hubbub`."""
    parser = subparsers.add_parser(
        "web",
        help="serve the page for browsers",
        description="Serve a page on which people chat in a browser. It is a client of the broker "
        "and can run on another machine. It runs until Ctrl-C or SIGTERM.",
    )
    parser.add_argument(
        "address",
        nargs="?",
        metavar="ADDRESS",
        default=DEFAULT_ADDRESS,
        help="the broker's address, or a link in quotes (default: %(default)s)",
    )
    parser.add_argument(
        "--listen",
        metavar="HOST:PORT",
        type=place,
        default=place(DEFAULT_PAGE),
        help=f"where the page is; port 0 takes a free one (default: {DEFAULT_PAGE})",
    )
    parser.add_argument(
        "--data",
        metavar="DIR",
        type=Path,
        help="directory of the page server's key and of web.db (default: this platform's place "
        "for data, hubbub/web in it)",
    )
    _add_security(parser)
    parser.add_argument(
        "--ready-file",
        metavar="FILE",
        type=Path,
        help="write the page's address here as JSON once it is served",
    )
    parser.add_argument("--with-parent", action="store_true", help=argparse.SUPPRESS)
    parser.set_defaults(run=run)
    add_link_parser(subparsers)


def _add_security(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cert", metavar="FILE", type=Path, help="TLS: the certificate chain, PEM")
    parser.add_argument("--key", metavar="FILE", type=Path, help="TLS: the certificate's key, PEM")
    parser.add_argument(
        "--behind-proxy",
        action="store_true",
        help="a proxy on this machine does TLS: believe its X-Forwarded-For",
    )
    parser.add_argument(
        "--insecure",
        action="store_true",
        help="serve the page beyond this machine WITHOUT encryption: everyone on the way can read "
        "and write everything",
    )
    parser.add_argument(
        "--name",
        metavar="HOST",
        action="append",
        default=[],
        help="a name under which the page is known, such as chat.example.org; requests under "
        "others are refused; again for each",
    )
    parser.add_argument(
        "--access",
        choices=["open", "invite"],
        default="invite",
        help="of an encrypted broker: let in who has a link of `hubbub invite` (default), or "
        "anyone who reaches the page",
    )
    parser.add_argument(
        "--broker-data",
        metavar="DIR",
        type=Path,
        help="the directory of a broker on this machine: then the page server's key is made a "
        "gateway's by itself, and there is a page for its operator",
    )
    parser.add_argument(
        "--operator-key",
        metavar="FILE",
        type=Path,
        help="the key of an operator of the broker: with it there is a page for operators, to "
        "which `hubbub weblink` makes links",
    )


def place(text: str) -> tuple[str, int]:
    """Read HOST:PORT."""
    host, colon, port = text.rpartition(":")
    if not (host and colon and port.isdecimal() and int(port) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT, such as {DEFAULT_PAGE}")
    return host.removeprefix("[").removesuffix("]"), int(port)


class Broker(NamedTuple):
    """The broker of the page, and what it is talked to with."""

    endpoint: Endpoint
    keys: Keys | None


def run(args: argparse.Namespace) -> int:
    """Serve the page. Raises BadConfiguration, CannotCreate, Refused."""
    import logging

    from chatlib.cli.broker import data_directory
    from chatlib.errors import BadConfiguration, CannotCreate

    try:
        from chatlib.web.server import Settings, serve
    except ImportError as e:
        raise BadConfiguration(MISSING) from e
    verify(args)
    logging.basicConfig(format="hubbub: %(message)s", level=logging.WARNING)
    directory = args.data or data_directory() / "web"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as e:
        raise CannotCreate(f"cannot make {directory}: {e.strerror}") from e
    broker = _broker(args, directory)
    _knock(args, broker)
    settings = Settings(
        broker.endpoint,
        broker.keys,
        directory,
        host=args.listen[0],
        port=args.listen[1],
        certificate=args.cert,
        key=args.key,
        behind_proxy=args.behind_proxy,
        invited=args.access == "invite",
        names=tuple(args.name),
        ends_with_stdin=args.with_parent,
        operator=_operator(args, broker),
    )
    serve(settings, lambda address: _ready(args, address, settings.operator))
    return 0


def verify(args: argparse.Namespace) -> None:
    """Raise what would keep the page from being served safely, as far as options tell it."""
    from chatlib.errors import BadConfiguration

    host = args.listen[0]
    if (args.cert is None) != (args.key is None):
        raise BadConfiguration("--cert and --key belong together: a certificate and its key")
    if args.cert and args.behind_proxy:
        raise BadConfiguration("TLS is done here (--cert) or by the proxy (--behind-proxy): choose")
    loopback = host in ("127.0.0.1", "::1", "localhost")
    if args.behind_proxy and not loopback:
        raise BadConfiguration(
            "--behind-proxy believes who connects: serve the page on 127.0.0.1, for the proxy alone"
        )
    if not (loopback or args.cert or args.insecure):
        raise BadConfiguration(
            f"the page on {host} would not be encrypted: give --cert and --key, put a proxy in "
            "front of it (docs/web.md), or say --insecure"
        )


def _broker(args: argparse.Namespace, directory: Path) -> Broker:
    from chatlib.cli.destination import find
    from chatlib.net.curve import make_pair
    from chatlib.net.handshake import Keys
    from chatlib.net.operator import SERVER_KEY
    from chatlib.security.keys import load_key, load_or_make_key

    to = find(args.address)
    server = to.server_key
    if server is None and args.broker_data is not None and _encrypted(args.broker_data):
        server = load_key(args.broker_data / SERVER_KEY).public
    if server is None:
        return Broker(to.endpoint, None)
    return Broker(to.endpoint, Keys(server, load_or_make_key(directory / KEY, make_pair)))


def _operator(args: argparse.Namespace, broker: Broker) -> Callable[[], OneShot] | None:
    """Return what connects to the broker as its operator, where we have what that takes."""
    from chatlib.errors import BadConfiguration
    from chatlib.net.handshake import Keys
    from chatlib.net.oneshot import OneShot
    from chatlib.net.operator import Operator
    from chatlib.security.keys import load_key

    if args.operator_key is not None:
        if broker.keys is None:
            raise BadConfiguration(
                "--operator-key is for an encrypted broker: give its link, or, of one here, "
                "--broker-data"
            )
        keys = Keys(broker.keys.server, load_key(args.operator_key))
        return lambda: OneShot(broker.endpoint, keys)
    data: Path | None = args.broker_data
    return None if data is None else lambda: Operator(data)


def add_link_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command `weblink` to the parser of `hubbub`."""
    parser = subparsers.add_parser(
        "weblink",
        help="make a link to the operator's page",
        description="Make a link to the operator's page of a page server that has the operator's "
        "key. It is good once, for ten minutes; who opens it is an operator of the page for twelve "
        "hours.",
    )
    parser.add_argument(
        "--data",
        metavar="DIR",
        type=Path,
        help="the page server's directory; DIR/web of a broker's --data DIR for the one beside it "
        "(default: this platform's place for data, hubbub/web in it)",
    )
    parser.set_defaults(run=make_link)


def make_link(args: argparse.Namespace) -> int:
    """Print a link. Raises Misuse, CannotCreate."""
    from chatlib.cli.broker import data_directory
    from chatlib.web import operator_links

    print(operator_links.make_link(args.data or data_directory() / "web"))
    return 0


def _encrypted(broker_data: Path) -> bool:
    import json

    from chatlib.net.operator import PLACE

    try:
        return bool(json.loads((broker_data / PLACE).read_text()).get("encrypted"))
    except (OSError, ValueError, AttributeError):
        return False


def _knock(args: argparse.Namespace, broker: Broker) -> None:
    """Have our key made a gateway's where that can be done, and see whether the broker takes it."""
    import shlex

    from chatlib.errors import Refused, TimedOut, Unreachable
    from chatlib.net.handshake import look
    from chatlib.net.oneshot import OneShot
    from chatlib.net.operator import Operator
    from chatlib.protocol import answers, requests
    from chatlib.protocol.limits import WIRE_VERSION

    try:
        if broker.keys is not None and args.broker_data is not None:
            key = broker.keys.own.public.decode()
            with Operator(args.broker_data) as operator:
                operator.ask(requests.Promote(role="gateway", key=key), answers.Answer)
        look(broker.endpoint, broker.keys)
        with OneShot(broker.endpoint, broker.keys) as asked:
            asked.ask(requests.Hello(v=WIRE_VERSION, client="hubbub web"), answers.Welcome)
            asked.ask(requests.Bye(), answers.Answer)
    except (Unreachable, TimedOut) as e:  # it may start later than we do
        print(f"hubbub: {e} (trying on)", file=sys.stderr)
    except Refused as e:
        if e.code == "encrypted":
            raise Refused(
                e.code,
                f"the broker at {broker.endpoint} is encrypted: give its link in quotes (hubbub "
                f"invite prints one), or, of a broker on this machine, its directory: "
                f"--broker-data DIR",
            ) from e
        if e.code != "not_admitted" or broker.keys is None:
            raise
        key = shlex.quote(broker.keys.own.public.decode())
        raise Refused(
            e.code,
            f"the broker does not know this page server's key: where the broker runs, say: "
            f"hubbub promote gateway --key {key}",
        ) from e


def _ready(args: argparse.Namespace, address: str, operator: object) -> None:
    import json

    from chatlib.errors import CannotCreate

    print(f"the page is at {address}", flush=True)
    if operator is not None:
        from chatlib.cli.broker import data_directory
        from chatlib.web.operator_links import make_link

        link = make_link(args.data or data_directory() / "web")
        print(f"the operator's page, once and within 10 minutes: {link}", flush=True)
    if args.ready_file is None:
        return
    new = args.ready_file.with_name(args.ready_file.name + ".new")
    try:
        new.write_text(json.dumps({"page": address, "pid": os.getpid()}) + "\n")
        new.replace(args.ready_file)
    except OSError as e:
        raise CannotCreate(f"cannot write the ready file {args.ready_file}: {e.strerror}") from e
