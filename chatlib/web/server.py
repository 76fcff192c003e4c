"""Runs the page server: its address, TLS, and the process around it."""

from __future__ import annotations

import os
import socket
import ssl
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import uvicorn

from chatlib.errors import BadConfiguration, CannotCreate, HubbubError
from chatlib.net import heap
from chatlib.net.broker import raise_descriptor_limit
from chatlib.net.handshake import Keys
from chatlib.net.oneshot import OneShot
from chatlib.protocol.limits import CONTROL_FRAME_BYTES
from chatlib.protocol.links import Endpoint
from chatlib.web.app import STATIC, Pages
from chatlib.web.entrance import Entrance
from chatlib.web.files import Files
from chatlib.web.guard import LOOPBACK_NAMES, Guard
from chatlib.web.http import PatientProtocol
from chatlib.web.hub import Hub
from chatlib.web.operator import OperatorPages
from chatlib.web.operator_line import OperatorLine
from chatlib.web.operator_links import Visitors, note_address
from chatlib.web.wire import PushingProtocol

BACKLOG = 2048
GRACE_S = 2
FILES = "files"  # the directory of what people share


class Settings(NamedTuple):
    """Where the broker is, where the page is, and how it is reached.

    `keys` are None for a broker without. `invited`: who comes in needs an invitation. `names` are
    the hosts under which the page is known, beside those of this machine. `ends_with_stdin` ends it
    when whoever started it is gone. `operator` connects to the broker as its operator; without it
    there is no page for one.
    """

    endpoint: Endpoint
    keys: Keys | None
    directory: Path
    host: str
    port: int
    certificate: Path | None = None
    key: Path | None = None
    behind_proxy: bool = False
    invited: bool = True
    names: tuple[str, ...] = ()
    ends_with_stdin: bool = False
    operator: Callable[[], OneShot] | None = None

    @property
    def loopback(self) -> bool:
        """Whether only this machine reaches it, or what stands in front of it here."""
        return self.host in ("127.0.0.1", "::1", "localhost")


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket. Raises CannotCreate."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(BACKLOG)
    except (OSError, UnicodeError) as e:
        made.close()
        why = getattr(e, "strerror", None) or str(e)
        raise CannotCreate(
            f"cannot serve the page on {host}:{port} ({why}): give another --listen"
        ) from e
    return made


def serve(settings: Settings, ready: Callable[[str], None]) -> None:
    """Serve the page until SIGINT or SIGTERM; `ready` is told the page's address.

    Raises CannotCreate, BadConfiguration.
    """
    secure = settings.certificate is not None
    guard = Guard(_hosts(settings), secure=secure or settings.behind_proxy)
    faults: list[HubbubError] = []
    pages = Pages(guard, lambda: _start(settings, faults), _operator(settings, guard))
    config = _config(settings, pages)
    listening = bind(settings.host, settings.port)
    server = uvicorn.Server(config)
    if settings.ends_with_stdin:
        threading.Thread(target=_end_with_stdin, args=(server,), daemon=True).start()
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    port = listening.getsockname()[1]
    address = f"{'https' if secure else 'http'}://{host}:{port}/"
    if settings.operator is not None:
        note_address(settings.directory, _known_as(settings, address))
    ready(address)
    raise_descriptor_limit()
    heap.settle()
    with listening:
        server.run(sockets=[listening])
    if faults:
        raise faults[0]


def _known_as(settings: Settings, address: str) -> str:
    """Return how the page is reached from outside: by its name, where it has one."""
    if not settings.names:
        return address
    if settings.behind_proxy:
        return f"https://{settings.names[0]}/"
    return address.replace(f"//{settings.host}:", f"//{settings.names[0]}:", 1)


def _operator(settings: Settings, guard: Guard) -> OperatorPages | None:
    if settings.operator is None:
        return None
    line = OperatorLine(settings.operator)
    return OperatorPages(
        guard, line, Visitors(settings.directory), STATIC / "operator" / "index.html"
    )


def _config(settings: Settings, pages: Pages) -> uvicorn.Config:
    config = uvicorn.Config(
        pages.app(),
        http=PatientProtocol,
        ws=PushingProtocol,
        ws_max_size=CONTROL_FRAME_BYTES,
        ws_per_message_deflate=False,
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=settings.behind_proxy,
        forwarded_allow_ips="127.0.0.1,::1",
        timeout_graceful_shutdown=GRACE_S,
        ssl_certfile=settings.certificate,
        ssl_keyfile=settings.key,
    )
    try:
        config.load()
    except (OSError, ssl.SSLError) as e:
        raise BadConfiguration(f"the certificate or its key can't be used: {e}") from e
    return config


def _hosts(settings: Settings) -> frozenset[str]:
    """Return the names that are ours: any, where others can reach us and none was given."""
    names = frozenset(name.lower() for name in settings.names)
    if not names and (settings.behind_proxy or not settings.loopback):
        return frozenset()
    return names | LOOPBACK_NAMES


def _start(settings: Settings, faults: list[HubbubError]) -> tuple[Hub, Entrance, Files]:
    try:
        files = Files(settings.directory / FILES)
        hub = Hub(settings.endpoint, settings.keys, settings.directory)
    except HubbubError as e:
        faults.append(e)  # uvicorn would tell it as a stack trace, and exit as it likes
        raise SystemExit(e.exit_code) from e
    return hub, Entrance(settings.endpoint, settings.keys, invited=settings.invited), files


def _end_with_stdin(server: uvicorn.Server) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    server.should_exit = True
