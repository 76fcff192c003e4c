"""The bot that its author writes: what it answers to, and what it does by the clock."""

from __future__ import annotations

import contextlib
import logging
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Self, TypeVar

from chatlib.bot.arguments import duration
from chatlib.bot.clock import Clock, SystemClock
from chatlib.bot.commands import Commands
from chatlib.bot.context import Context
from chatlib.bot.cursors import CursorFile, usual_path
from chatlib.bot.service import Service
from chatlib.core.signals import SavedSession
from chatlib.errors import HubbubError, Misuse, TimedOut
from chatlib.names import LOBBY, nick_key, room_name
from chatlib.net.client import Client
from chatlib.net.curve import make_pair
from chatlib.protocol.links import DEFAULT_ADDRESS, SCHEME, parse_endpoint, parse_link
from chatlib.security.keys import KeyPair, from_link, load_or_make_key
from chatlib.version import __version__

SORRY = "sorry, that went wrong: whoever runs me finds the reason in my log"
GRACE_S = 10.0
START_S = 30.0

log = logging.getLogger("chatlib.bot")
H = TypeVar("H", bound=Callable[..., Any])


class Bot:
    """A bot in `rooms`; `prefix` begins its commands. `run()` serves until SIGTERM or Ctrl-C.

    `address` is a broker's control endpoint, or a link to an encrypted one, with its key and token;
    the room that it leads to is the one unless `rooms` are given, else the lobby. `key` is the
    bot's own, or the file that it is in, made when it is not there.

    How far it has come it keeps in the file `state` (unless given, one of its own below
    $XDG_STATE_HOME/hubbub/bots), or with `keep=False` nowhere. When it is stopped it waits at most
    `grace` seconds for handlers that run. `server_key` and `token` are chatlib.Client's, and say
    what a link says; `clock` is for tests. Raises Misuse, BadAddress.
    """

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        nick: str = "bot",
        *,
        rooms: Sequence[str] | None = None,
        prefix: str = "!",
        state: str | Path | None = None,
        keep: bool = True,
        grace: float = GRACE_S,
        server_key: bytes | None = None,
        key: KeyPair | str | Path | None = None,
        token: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        if address.lower().startswith(SCHEME):
            link = parse_link(address)
            address, token = str(link.endpoint), token or link.token
            server_key = from_link(link.server_key) if link.server_key else server_key
            rooms = [link.room] if rooms is None and link.room else rooms
        parse_endpoint(address)
        nick_key(nick)
        if isinstance(rooms, str):
            raise Misuse(f"rooms is a list: [{rooms!r}]")
        self.address, self.nick = address, nick
        self.rooms = [room_name(room) for room in ((LOBBY,) if rooms is None else rooms)]
        self.state = Path(state) if state is not None else None
        self.keep = keep
        self.grace = grace
        self.clock = clock or SystemClock()
        self.server_key, self.key, self.token = server_key, key, token
        self._commands = Commands(prefix)
        self._timed: list[tuple[str, float, Callable[[], Any]]] = []
        self._service: Service | None = None
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None
        self._fault: BaseException | None = None

    # -- what it answers to -------------------------------------------------------------------

    def command(self, name: str) -> Callable[[H], H]:
        """Call the function decorated when somebody says `!name`, with what is typed behind it.

        Its first parameter is the Context; the others get words, by their type hints: str, int,
        float, bool, Path, timedelta (`5m`), Literal, Enum, a union of them; one with a default may
        be left out, and `*rest` takes all that is left. Its docstring is the help. Raises Misuse.
        """

        def decorate(handler: H) -> H:
            self._commands.add(name, handler)
            return handler

        return decorate

    def on_message(self, pattern: str) -> Callable[[H], H]:
        """Call the function decorated, as `f(context, match)`, with messages that are no commands.

        The regular expression `pattern` is searched for in the text.
        """

        def decorate(handler: H) -> H:
            self._commands.add_pattern(pattern, handler)
            return handler

        return decorate

    def every(self, interval: str | timedelta) -> Callable[[H], H]:
        """Call the function decorated again and again, `5m` or so apart, while the bot runs.

        It takes nothing; it never overlaps itself, and times that it missed are skipped.
        """
        try:
            wanted = duration(interval) if isinstance(interval, str) else interval
        except ValueError as e:
            raise Misuse(str(e)) from None
        if wanted <= timedelta(0):
            raise Misuse(f"every {interval}: the interval must be longer than nothing")

        def decorate(handler: H) -> H:
            name = getattr(handler, "__name__", "timer")
            self._timed.append((name, wanted.total_seconds(), lambda: self._on_time(handler)))
            return handler

        return decorate

    def timed(self) -> list[tuple[str, float, Callable[[], Any]]]:
        """Return what is done by the clock: a name, the seconds between, what to call."""
        return list(self._timed)

    def _on_time(self, handler: Callable[[], Any]) -> None:
        try:
            handler()
        except (Exception, SystemExit):
            log.exception("%s failed", getattr(handler, "__qualname__", handler))

    def handle(self, context: Context) -> None:
        """Answer one message. What a handler raises is logged, and politely hidden.

        sys.exit() too: argparse calls it for what somebody typed, who must not end the bot by that.
        """
        try:
            self._commands.handle(context)
        except (Exception, SystemExit):
            event = context.event
            log.exception("the answer to %s (seq %d) failed", event.nick, event.seq)
            with contextlib.suppress(HubbubError):
                context.reply(SORRY)

    # -- what it says -------------------------------------------------------------------------

    @property
    def client(self) -> Client:
        """The client while it runs, for all that a bot has no word for. Raises Misuse."""
        service = self._service
        if service is None or service.client is None:
            raise Misuse("the bot does not run: it can speak once run() or start() is in its rooms")
        return service.client

    def await_handled(self, room: str | None, seq: int, timeout: float) -> bool:
        """Wait until a room's events up to `seq` are handled; False when that takes too long."""
        service = self._service
        assert service is not None, "it runs"
        return service.progress.await_handled(room, seq, timeout)

    def say(self, room: str, text: str, *, reply_to: int | None = None) -> int:
        """Say something in a room; it returns at once. Raises Misuse."""
        return self.client.say(room, text, reply_to=reply_to)

    def tell(self, nick: str, text: str, *, reply_to: int | None = None) -> int:
        """Say something to one person alone; it returns at once. Raises Misuse."""
        return self.client.tell(nick, text, reply_to=reply_to)

    # -- life ---------------------------------------------------------------------------------

    def run(self) -> None:
        """Serve until SIGTERM, Ctrl-C or `stop()`: then handlers end, and all said is flushed.

        Raises Refused, and what else no waiting takes back. A broker that is not there is waited
        for. A second signal ends the process at once.
        """
        service = self._new_service()
        with self._signals():
            self._serve(service)

    def _new_service(self) -> Service:
        if self._service is not None:
            raise Misuse("the bot runs already")
        self._ready.clear()
        self._service = Service(self, self._dial, self._ready)
        return self._service

    def _serve(self, service: Service) -> None:
        try:
            service.run(self._file())
        finally:
            self._service = None

    def _dial(self, session: SavedSession | None) -> Client:
        if isinstance(self.key, str | Path):
            self.key = load_or_make_key(Path(self.key), make_pair)
        return Client(
            self.address,
            self.nick,
            server_key=self.server_key,
            key=self.key,
            token=self.token,
            bot=True,
            session=session,
            program=f"chatlib bot {__version__}",
        )

    def _file(self) -> CursorFile | None:
        if not self.keep:
            return None
        if self.server_key is not None and self.key is None:
            raise Misuse(
                f"a session that is kept belongs to a key: give the bot one (key='{self.nick}.key' "
                "makes that file), or keep=False"
            )
        return CursorFile(self.state or usual_path(self.address, self.nick))

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

        def stop(*_: object) -> None:
            for number in before:
                signal.signal(number, signal.SIG_DFL)
            self.stop()

        try:
            for number in before:
                signal.signal(number, stop)
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def start(self, wait: float = START_S) -> Self:
        """Serve in a thread; return when it is in its rooms.

        Raises what `run` does, and TimedOut after `wait` seconds.
        """
        service = self._new_service()
        self._fault = None
        self._thread = threading.Thread(
            target=self._serve_aside, args=(service,), name="bot", daemon=True
        )
        self._thread.start()
        arrived = self._ready.wait(wait)
        if self._fault is not None or not arrived:
            self.stop()
            raise TimedOut(f"the bot was not in its rooms within {wait} s: is a broker there?")
        return self

    def _serve_aside(self, service: Service) -> None:
        try:
            self._serve(service)
        except BaseException as e:
            self._fault = e
            log.debug("the bot ended", exc_info=True)
        self._ready.set()

    def stop(self) -> None:
        """Ask it to end; after `start()`, wait for that, and raise what it failed with.

        A handler may call it; it is what the end waits for, so it does not wait.
        """
        if (service := self._service) is not None:
            service.stop()
            if service.works_in(threading.current_thread()):
                return
        thread, fault = self._thread, self._fault
        if thread is not None and thread is not threading.current_thread():
            thread.join()
            fault, self._thread, self._fault = self._fault, None, None
            if fault is not None:
                raise fault

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
