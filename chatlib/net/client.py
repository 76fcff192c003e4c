"""The client library: `with Client(...) as chat`, safe to call from several threads."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Self

import zmq

from chatlib.core.follower import Follower
from chatlib.core.signals import Connection, Gap, Pending, Refusal, SavedSession
from chatlib.errors import HubbubError, Misuse, OutboxFull, Refused, TimedOut, Unreachable
from chatlib.names import nick_key, room_name
from chatlib.net.asking import Asking
from chatlib.net.belonging import Belonging
from chatlib.net.handshake import Keys, keys_for
from chatlib.net.line import Line
from chatlib.net.oneshot import log_in
from chatlib.net.ruling import Ruling
from chatlib.net.sockets import make_context
from chatlib.net.talking import Talking
from chatlib.protocol import answers, events, limits, requests
from chatlib.protocol.answers import Member
from chatlib.protocol.events import Event
from chatlib.protocol.links import DEFAULT_ADDRESS, parse_endpoint
from chatlib.security.keys import KeyPair
from chatlib.version import __version__

MOST_UNREAD = 20_000  # events that wait for the caller before the feed is left to overflow
MOST_REFUSALS = 1_000  # kept for a flush that may never come
FAREWELL_S = 0.4

Delivery = Event | Connection | Gap | Refusal


class JoinedRoom(NamedTuple):
    """A room as it was when it was joined."""

    room: str
    topic: str
    members: list[Member]
    private: bool = False


class Client(Talking, Asking, Ruling, Belonging):
    """A member of the chat.

    `address` is the broker's control endpoint; without a `nick` the broker gives one. No thread
    starts before `start()` or `with`. Every method may be called from any thread. All raise
    errors of chatlib.errors: Refused (the broker said no), Unreachable, TimedOut, Misuse.

    With `server_key` (Z85, as of `security.keys.from_link`) all is encrypted, and only the broker
    that owns this key is talked to. It knows this client by `key`, or by a key for this once.
    `token`, of a link, is redeemed where that key is not admitted yet; one for a device, always.

    With `session`, of `saved()`, it goes on in a session of a process before this one, where it
    still lives; where that had messages on their way, the first of ours wait for some seconds.
    """

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        nick: str | None = None,
        *,
        server_key: bytes | None = None,
        key: KeyPair | None = None,
        token: str | None = None,
        bot: bool = False,
        session: SavedSession | None = None,
        program: str = f"chatlib {__version__}",
        context: zmq.Context[zmq.Socket[bytes]] | None = None,
    ) -> None:
        self._endpoint = parse_endpoint(address)
        if nick is not None:
            nick_key(nick)
        self._keys: Keys | None = keys_for(server_key, key, token)
        self._follower = Follower(nick, bot=bot, program=program, invitation=token, past=session)
        self._lock = threading.RLock()
        self._news = threading.Condition(self._lock)
        self._context = context
        self._own_context = context is None
        self._line: Line | None = None
        self._closed = False
        self._unread: deque[Delivery] = deque()
        self._answers: dict[int, Any] = {}
        self._asked: set[int] = set()
        self._refusals: deque[Refusal] = deque(maxlen=MOST_REFUSALS)  # since the last flush
        self._fault = "it was not tried yet"
        self._verdict: Refused | None = None

    # -- life ---------------------------------------------------------------------------------

    def start(self, wait: float | None = 5.0) -> Self:
        """Connect, and return when the broker has welcomed us.

        Raises Unreachable after `wait` seconds, or at once when nothing listens there; Refused
        when the nickname is taken, or when keys keep both apart. With `wait=None` it returns at
        once and keeps trying; what happens comes as Connection events.
        """
        with self._lock:
            if self._line is not None or self._closed:
                raise Misuse("a client is started once")
            self._context = self._context or make_context()
            self._line = Line(
                self._endpoint, self._follower, self._lock, self, self._context, keys=self._keys
            )
            self._line.thread.start()
        if wait is not None:
            try:
                self._await_welcome(time.monotonic() + wait)
            except HubbubError:
                self.close()
                raise
        return self

    def _await_welcome(self, deadline: float) -> None:
        with self._lock:
            while self._follower.state != "online":
                if self._verdict is not None:
                    raise self._verdict
                for told in self._unread:
                    if isinstance(told, Connection) and told.state == "offline":
                        raise Unreachable(told.detail)
                    if isinstance(told, Connection) and told.state == "closed":
                        raise HubbubError(told.detail)
                if not self._news.wait(deadline - time.monotonic()):
                    raise Unreachable(f"{self._endpoint} does not answer: is a broker there?")

    def close(self, *, bye: bool = True) -> None:
        """Say goodbye and end, within a second. What is not acknowledged by then may be lost.

        Call `flush()` before it to be sure. Without `bye` the session lives on for 3 heartbeats,
        for who takes it up again with what `saved()` told.
        """
        with self._lock:
            line, self._line = self._line, None
            self._closed = True
            online = self._follower.state == "online"
        if line is not None:
            if online and bye:
                self._say_goodbye(line)
            line.close()
            if threading.current_thread() is not line.thread:
                line.thread.join(FAREWELL_S)
        with self._lock:
            self._news.notify_all()
        # Another thread that closes it, too, must not end the context under our sockets.
        if line is not None and self._own_context and self._context is not None:
            if not line.thread.is_alive():
                self._context.term()
            self._context = None

    def _say_goodbye(self, line: Line) -> None:
        with self._lock:
            bye = self._follower.ask(requests.Bye(), answers.Answer, time.monotonic())
            self._asked.add(bye)
            line.perform()
            self._news.wait_for(lambda: bye in self._answers, FAREWELL_S)

    def login(self, nick: str, password: str, *, timeout: float = 10) -> str:
        """Add this client's key to a registered nickname, by its password; return the nickname.

        Before `start`, or at any time: sessions of the key under another nickname end, and the
        client comes back under this one. Raises Refused: wrong_password, no_passwords, ...
        """
        if self._keys is None:
            raise Misuse("login is for an encrypted broker: give its server_key, and a key")
        found = log_in(self._endpoint, self._keys, nick, password, timeout)
        if self._line is not None:
            self.ping(timeout=timeout)  # the session is not there any more: this opens another
        return found

    def __enter__(self) -> Self:
        return self if self._line is not None else self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- what one is --------------------------------------------------------------------------

    @property
    def nick(self) -> str:
        """The nickname now; the broker's choice where none was given."""
        return self._follower.nick or ""

    @property
    def sid(self) -> str:
        """The public id of the session: events of one's own carry it."""
        return self._follower.sid

    def saved(self) -> SavedSession | None:
        """Return what another process needs to go on in this session; None before the first.

        Take it when all is said. Where it is kept while one still speaks, keep it with `said` None.
        """
        with self._lock:
            return self._follower.saved

    @property
    def user(self) -> str:
        """Who one is: the `author` of all that one's devices do."""
        return self._follower.user

    @property
    def registered(self) -> bool:
        """Whether the nickname is one's own for good."""
        return self._follower.registered

    def _note_registered(self, registered: bool) -> None:
        with self._lock:
            self._follower.registered = registered

    @property
    def state(self) -> str:
        """One of `offline`, `greeting`, `online`, `refused`, `closed`."""
        return "closed" if self._closed else self._follower.state

    @property
    def joined(self) -> list[str]:
        """The rooms that one is in."""
        with self._lock:
            return self._follower.rooms

    # -- messages -----------------------------------------------------------------------------

    def _send(self, line: events.Line, timeout: float | None) -> int:
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._lock:
            serving = self._serving()
            while self._follower.outbox.full:
                self._wait(deadline, OutboxFull(self._why_waiting()))
            ticket = self._follower.say(line, time.monotonic())
            serving.perform()
            return ticket

    def mark_read(self, seq: int, room: str | None = None, *, peer: str | None = None) -> None:
        """Note that a room, or what was exchanged with `peer`, was read up to `seq`.

        It returns at once; the broker is told within seconds, and keeps it with the session.
        """
        if (room is None) == (peer is None):
            raise Misuse("mark_read takes a room or a peer")
        name = None if room is None else room_name(room)
        with self._lock:
            self._follower.mark_read(name, None if peer is None else nick_key(peer), seq)

    def pending(self) -> list[Pending]:
        """Return one's own messages that are not acknowledged, oldest first."""
        with self._lock:
            return self._follower.outbox.pending()

    def flush(self, timeout: float | None = None) -> None:
        """Wait until everything said is acknowledged.

        Raises TimedOut after `timeout` seconds; Refused when something said since the last flush
        was not accepted.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._lock:
            last = self._follower.outbox.last_ticket
            while not self._follower.outbox.settled(last):
                self._wait(deadline, TimedOut(self._why_waiting()))
            refusals, self._refusals = self._refusals, deque(maxlen=MOST_REFUSALS)
        if refusals:
            more = f" (and {len(refusals) - 1} more)" if len(refusals) > 1 else ""
            raise Refused(refusals[0].code, f"{refusals[0].message}{more}")

    def _why_waiting(self) -> str:
        cause = "the broker is slow" if self._follower.state == "online" else self._fault
        count = len(self._follower.outbox)
        waiting = "1 message is" if count == 1 else f"{count} messages are"
        return f"{waiting} not acknowledged yet: {cause}"

    def _wait(self, deadline: float | None, error: HubbubError) -> None:
        self._serving()
        if self._verdict is not None:
            raise self._verdict
        left = None if deadline is None else deadline - time.monotonic()
        if (left is not None and left <= 0) or not self._news.wait(left):
            raise error

    # -- events -------------------------------------------------------------------------------

    def events(self, timeout: float | None = None) -> Iterator[Delivery]:
        """Yield what happens, in order, until the client is closed.

        Event (of rooms joined, and private ones), Connection, Gap, Refusal. With `timeout`, ends
        when nothing came for so many seconds.
        """
        while True:
            deadline = None if timeout is None else time.monotonic() + timeout
            with self._lock:
                while not self._unread:
                    left = None if deadline is None else deadline - time.monotonic()
                    if self._closed or not self._news.wait(left):
                        return
                told = self._unread.popleft()
                if self._follower.paused and len(self._unread) < MOST_UNREAD // 2:
                    self._follower.paused = False
                    if self._line is not None:
                        self._line.wake()
            yield told

    def ended(self, fault: BaseException | None) -> None:
        """Note that the subscriber thread has ended. Called by it, with the lock held."""
        self._closed = True
        detail = f"the client failed: {fault!r}" if fault else ""
        self._unread.append(Connection("closed", detail))
        self._news.notify_all()

    def changed(self) -> None:
        """Take over what the follower left. The lock is held."""
        follower = self._follower
        if follower.delivered:
            for told in follower.delivered:
                if isinstance(told, Refusal) and told.ticket:  # else of no message, but a room
                    self._refusals.append(told)
                elif isinstance(told, Connection) and told.detail:
                    self._fault = told.detail
                    if told.state == "refused":
                        self._verdict = Refused(told.code, told.detail, told.suggestion)
            self._unread.extend(follower.delivered)
            follower.delivered.clear()
            follower.paused = len(self._unread) >= MOST_UNREAD
        for id, answer in follower.answers:
            if id in self._asked:
                self._answers[id] = answer
        follower.answers.clear()
        if self._line is not None:
            self._line.perform()
        self._news.notify_all()

    # -- requests -----------------------------------------------------------------------------

    def join(
        self, room: str, *, history: int = limits.JOIN_EVENTS, timeout: float = 10
    ) -> JoinedRoom:
        """Become a member of a room, opening it where it is not there.

        Its last `history` events (50 at most) come first in `events()`, then what happens.
        """
        name = room_name(room)
        found = self._do(lambda now: self._follower.join(name, history, now), timeout)
        return JoinedRoom(found.room, found.topic, found.members, found.private)

    def leave(self, room: str, *, timeout: float = 10) -> None:
        """Leave a room, when all that was said is acknowledged."""
        name = room_name(room)
        self._settle(timeout)
        self._do(lambda now: self._follower.leave(name, now), timeout)

    def rename(self, nick: str, *, timeout: float = 10) -> str:
        """Take another nickname, when all that was said is acknowledged; return it."""
        nick_key(nick)
        self._settle(timeout)
        renamed: answers.Renamed = self._do(lambda now: self._follower.rename(nick, now), timeout)
        return renamed.nick

    def _settle(self, timeout: float) -> None:
        """Wait for the outbox: nothing orders control and intake but waiting."""
        deadline = time.monotonic() + timeout
        with self._lock:
            last = self._follower.outbox.last_ticket
            while not self._follower.outbox.settled(last):
                self._wait(deadline, TimedOut(self._why_waiting()))

    def _ask(self, request: requests.Request, kind: type[Any], timeout: float) -> Any:
        return self._do(lambda now: self._follower.ask(request, kind, now), timeout)

    def _do(self, ask: Callable[[float], int], timeout: float) -> Any:
        deadline = time.monotonic() + timeout
        with self._lock:
            line = self._serving()
            id = ask(time.monotonic())
            self._asked.add(id)
            line.perform()
            try:
                while id not in self._answers:
                    self._wait(deadline, self._unanswered())
            finally:
                self._asked.discard(id)
                self._follower.forget(id)
            answer = self._answers.pop(id)
        if isinstance(answer, HubbubError):
            raise answer
        return answer

    def _unanswered(self) -> HubbubError:
        if self._follower.state == "online":
            return TimedOut("the broker did not answer in time")
        return Unreachable(self._fault)

    def _serving(self) -> Line:
        if self._line is None or self._closed:
            raise Misuse("the client is closed" if self._closed else "the client was not started")
        return self._line
