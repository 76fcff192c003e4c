"""Frames to commands: decodes, authenticates, checks shape and size, keeps who is alive.

What is checked of the state here is provisional: apply decides. Clocks and tokens come in as
arguments; docs/protocol.md has the rules that this obeys.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Sequence
from typing import Any

from chatlib.core import commands, rights, words
from chatlib.core.apply import NO_SESSION
from chatlib.core.batch import Batch, Opened
from chatlib.core.commands import NOBODY, Command, Origin, Peer
from chatlib.core.identities import Rule
from chatlib.core.meter import Meter, NotNow
from chatlib.core.requested import IN_SESSION, Admitted, Context, of_a_room
from chatlib.core.sessionless import NEED_KEYS, WITH_PASSWORDS, WITHOUT_SESSION, needs_session
from chatlib.core.sessions import WRONG_KEY
from chatlib.core.state import State, digest
from chatlib.core.words import PLAIN
from chatlib.errors import BadName, ProtocolViolation
from chatlib.protocol import limits, requests
from chatlib.protocol.codec import decode_lines, decode_request, text_fault, wrong_version
from chatlib.protocol.events import BadLine, Line, Notice
from chatlib.protocol.fields import Error
from chatlib.sanitize import sanitize

COME_BACK_MS = 5_000  # a broker that is drained is started again, or another one in its place
MAX_BINDINGS = 8  # control connections that one session holds; the oldest has to say hello again
KNOWN_TOKENS = 20_000
SID_BYTES = 8  # an inbox is kept under the id of who is gone: nobody may ever be given that again


class Admission:
    """The broker's door.

    `fresh(bytes)` returns a new random token; `timeout` is in seconds of the `now` that is passed.
    `rule` says which keys may come in, None where there are none; `operators` are the users of this
    machine who are operators over ipc. Without `passwords` none are taken, without `copies` there
    is no file to copy, without a `meter` nobody is slowed.
    """

    def __init__(
        self,
        state: State,
        fresh: Callable[[int], str],
        timeout: float,
        meter: Meter | None = None,
        *,
        rule: Rule | None = None,
        operators: Container[int] = (),
        passwords: bool = False,
        copies: bool = False,
    ) -> None:
        self.state = state
        self.counts: Counter[str] = Counter()  # what was dropped or answered with an error, by code
        self.rule = rule
        self.peers: dict[str, Peer] = {}  # sid -> who said hello for it last
        self.draining = False  # nobody new comes in any more
        self._operators = operators
        self._passwords = passwords
        self._copies = copies
        self.clients: dict[str, str] = {}  # sid -> what its program called itself
        self._fresh = fresh
        self._meter = meter
        self._timeout = timeout
        self._seen: dict[str, float] = {}  # sid -> when it last gave a sign of life
        self._bound: dict[bytes, str] = {}  # control connection -> sid
        self._bindings: dict[str, list[bytes]] = {}  # sid -> its control connections, oldest first
        self._routes: dict[str, bytes] = {}  # sid -> the connection that deliveries go to
        self._known: dict[bytes, str] = {}  # token -> sid, so that the hot path need not hash
        self._provisional: list[str] = []  # sids that this pass's hellos were bound to
        self._greeting: dict[bytes, tuple[Peer, str, bool]] = {}  # who said them, by connection
        self._guests: set[str] = set()  # sids of whom the connection's user speaks for, and is not

    # -- intake -------------------------------------------------------------------------------

    def intake(
        self, parts: Sequence[bytes], peer: Peer, now: float, at: int, batch: Batch
    ) -> commands.Say | None:
        """Admit one intake message: the session's token and JSON lines."""
        if len(parts) != 2:
            self.counts["bad_frames"] += 1
            return None
        sid = self._sid_of(parts[0])
        if sid is None:
            self.counts["no_session"] += 1
            return None
        if (session := self.state.sessions.get(sid)) is None or session.owner != peer.key:
            self.counts["wrong_key"] += 1  # a token that somebody else found
            return None
        self._seen[sid] = now
        body: bytes | None = parts[1]
        if self._meter is not None:
            body = self._meter.lines(sid, peer, parts[1], now)
        if body is None:
            self.counts["slow"] += 1
            return None
        try:
            lines = decode_lines(body)
        except ProtocolViolation as e:
            self._scold(sid, Error(e.code, str(e)), batch)
            return None
        about: list[Line] = []
        checked = [_checked(line, about) for line in lines]
        return commands.Say(at=at, sid=sid, lines=checked, regards=bool(about))

    def _sid_of(self, token: bytes) -> str | None:
        sid = self._known.get(token)
        if sid is None:
            sid = self.state.digests.get(digest(token.decode("utf-8", "replace")))
            if sid is not None:
                if len(self._known) >= KNOWN_TOKENS:
                    self._known.clear()
                self._known[token] = sid
        elif sid not in self.state.sessions:
            del self._known[token]
            return None
        return sid

    def _scold(self, sid: str, error: Error, batch: Batch) -> None:
        self.counts[error.code] += 1
        if sid not in batch.scolded:
            batch.scolded.add(sid)
            batch.notices.append((sid, Notice(kind="refused", error=error)))

    # -- control ------------------------------------------------------------------------------

    def control(
        self, parts: Sequence[bytes], peer: Peer, now: float, at: int, batch: Batch
    ) -> Admitted | None:
        """Admit one control message: routing id, a REQ's empty delimiter or not, one request."""
        delimiter = len(parts) == 3 and parts[1] == b""
        # libzmq gives out 5 bytes that begin with zero. A peer that chose its own id could take
        # over the one of somebody who has just gone.
        if len(parts[0]) != 5 or parts[0][0] != 0 or len(parts) != 2 + delimiter:
            self.counts["bad_frames"] += 1
            return None
        origin = Origin(parts[0], None, delimiter)
        try:
            try:
                request = decode_request(parts[-1])
            except ProtocolViolation as e:
                origin = origin._replace(id=e.id)
                self._charge(self._sid_at(origin, peer), peer, now)
                raise
            origin = origin._replace(id=request.id)
            local = peer.uid is not None and peer.uid in self._operators
            context = Context(origin, "", at, peer, self._fresh, local)
            return self._admitted(request, context, now)
        except ProtocolViolation as e:
            self.counts[e.code] += 1
            batch.fail(origin._replace(id=e.id), Error(e.code, str(e)))
        except BadName as e:
            self.counts[e.code] += 1
            batch.fail(origin, Error(e.code, str(e)))
        except NotNow as e:
            self.counts[e.error.code] += 1
            batch.fail(origin, e.error)
        return None

    def _admitted(self, request: Any, context: Context, now: float) -> Admitted:
        origin, peer = context.origin, context.peer
        if type(request) is requests.Hello:
            return self._hello(origin, request, now, context)
        sid = self._sid_at(origin, peer)
        if sid in self._guests:
            context = context._replace(local=False)
        if not needs_session(request):
            return self._without_session(request, context, now)
        if sid is None:
            self._charge("", peer, now)
            raise ProtocolViolation(NO_SESSION.code, NO_SESSION.message, request.id)
        self._seen[sid] = now
        if self._meter is not None:
            self._meter.request(sid, peer, request, now)
        self._check_keys(request)
        admitted = IN_SESSION[type(request)](request, context._replace(sid=sid))
        if self.draining and isinstance(admitted, commands.JoinRoom):
            self._check_member(sid, admitted.room)
        return admitted

    def _check_member(self, sid: str, room: str) -> None:
        session = self.state.sessions.get(sid)
        if session is None or room not in session.user.rooms:
            raise _draining()

    def _sid_at(self, origin: Origin, peer: Peer) -> str | None:
        """Return the session for which this peer speaks on this connection."""
        sid = self._bound.get(origin.routing)
        return None if sid is None or self._owner(sid) not in (None, peer.key) else sid

    def _charge(self, sid: str | None, peer: Peer, now: float) -> None:
        """Charge what is about to be answered with an error, or comes without a session."""
        if self._meter is not None and not self._operates(peer):
            self._meter.request(sid or "", peer, None, now)

    def handshake(self, domain: str, peer: Peer, now: float) -> bool:
        """Charge a handshake that would be let in, and tell whether it may be now."""
        return (
            self._meter is None
            or self._operates(peer)
            or (self._meter.handshake(domain, peer, now))
        )

    def _owner(self, sid: str) -> str | None:
        """Return the key whose session this is; None where apply has not opened it yet."""
        session = self.state.sessions.get(sid)
        return session.owner if session else None

    def _operates(self, peer: Peer) -> bool:
        local = peer.uid is not None and peer.uid in self._operators
        return rights.operates(self.state, peer.key, local)

    def _without_session(self, request: Any, context: Context, now: float) -> Admitted:
        self._charge("", context.peer, now)
        error = rights.broker_fault(self.state, type(request), context.peer.key, context.local)
        if error is not None:
            raise ProtocolViolation(error.code, error.message, request.id)
        self._check_keys(request)
        return WITHOUT_SESSION[type(request)](request, context, self.state)

    def _check_keys(self, request: Any) -> None:
        if of_a_room(request):
            return
        if self.rule is None and type(request) in NEED_KEYS:
            text = "that needs keys, and this broker has none: start it with: hubbub broker "
            text += "--access invite"
            raise ProtocolViolation("not_encrypted", text, request.id)
        if type(request) in WITH_PASSWORDS and not self._passwords:
            text = "this broker takes no passwords: add a device with a link (/device), or its "
            text += "operator starts it with: hubbub broker --passwords"
            raise ProtocolViolation("no_passwords", text, request.id)
        if type(request) is requests.Backup and not self._copies:
            text = "this broker keeps its history in memory: there is no file to copy"
            raise ProtocolViolation("no_backup", text, request.id)

    def _hello(
        self, origin: Origin, hello: requests.Hello, now: float, context: Context
    ) -> Command:
        peer = context.peer
        if hello.v != limits.WIRE_VERSION:
            self._charge("", peer, now)
            raise wrong_version(hello.v, hello.id)
        sid = self.state.digests.get(digest(hello.session)) if hello.session else None
        if self.draining and sid is None:
            raise _draining()
        if sid is not None and self._owner(sid) != peer.key:
            # Apply would say so too, but what is pipelined behind it must not be admitted.
            self._charge("", peer, now)
            raise ProtocolViolation(WRONG_KEY.code, WRONG_KEY.message, hello.id)
        if self._meter is not None:
            self._meter.hello(sid, peer, bot=hello.bot, now=now)
        while (new := self._fresh(SID_BYTES)) in self.state.users:
            pass  # chance gave out the id of somebody who is registered
        # Bound before apply has spoken, so that what is pipelined behind a hello is admitted.
        self._bind(origin, sid or new, now)
        self._provisional.append(sid or new)
        self._greeting[origin.routing] = (peer, sanitize(hello.client or ""), hello.guest)
        self._mark_guest(sid or new, hello.guest)
        if self._meter is not None:
            self._meter.arrived(sid or new, peer)
        return commands.OpenSession(
            at=context.at,
            sid=new,
            origin=origin,
            new_token=self._fresh(24),
            token=hello.session,
            nick=hello.nick,
            bot=hello.bot,
            key=peer.key,
            members_only=self.rule is not None and self.rule.access != "open",
        )

    def _mark_guest(self, sid: str, guest: bool) -> None:
        (self._guests.add if guest else self._guests.discard)(sid)

    # -- who is where -------------------------------------------------------------------------

    def _bind(self, origin: Origin, sid: str, now: float) -> None:
        self._unbind(origin.routing)
        self._bound[origin.routing] = sid
        self._seen[sid] = now
        bindings = self._bindings.setdefault(sid, [])
        bindings.append(origin.routing)
        if len(bindings) > MAX_BINDINGS:
            self._unbind(bindings[0])
        if not origin.delimiter:  # a REQ takes nothing that it did not ask for
            self._routes[sid] = origin.routing

    def _unbind(self, routing: bytes) -> None:
        sid = self._bound.pop(routing, None)
        if sid is None:
            return
        self._bindings[sid].remove(routing)
        if self._routes.get(sid) == routing:
            del self._routes[sid]
        if not self._bindings[sid]:
            del self._bindings[sid]

    def vanished(self, routing: bytes) -> None:
        """Forget a control connection that is no more; its session lives on until it times out."""
        self._unbind(routing)

    def route(self, sid: str) -> bytes | None:
        """Return the control connection to which the session's deliveries go."""
        return self._routes.get(sid)

    def silent(self, sid: str, now: float) -> float:
        """Return the seconds since the session's last sign of life."""
        return max(0.0, now - self._seen.get(sid, now))

    def measure(self, meter: Meter | None) -> None:
        """Charge by another meter from now on, or by none; who is here is counted in it."""
        self._meter = meter
        if meter is not None:
            for sid, session in self.state.sessions.items():
                meter.arrived(sid, self.peers.get(sid, Peer(session.owner)))

    def unbind_all(self) -> None:
        """Forget every control connection: the socket was made anew, and gives ids out anew."""
        for routing in list(self._bound):
            self._unbind(routing)

    def settle(self, batch: Batch, now: float) -> None:
        """Take over what apply decided: sessions opened and ended, hellos that were refused."""
        for reply in batch.replies:
            if not isinstance(reply, Opened):
                continue
            sid, routing = reply.answer.sid, reply.origin.routing
            peer, self.clients[sid], guest = self._greeting.get(routing, (NOBODY, "", True))
            self.peers[sid] = peer
            self._mark_guest(sid, guest)
            if self._bound.get(routing) != sid:
                self._bind(reply.origin, sid, now)
                if self._meter is not None:
                    self._meter.arrived(sid, peer)
        for sid in self._provisional:
            if sid not in self.state.sessions:
                self._forget(sid)
        self._provisional.clear()
        self._greeting.clear()
        for note in batch.notes:
            if note.what == "ended":
                self._forget(note.sid)
        if self._meter is not None:
            self._meter.settle(batch, now)

    def _forget(self, sid: str) -> None:
        for routing in list(self._bindings.get(sid, ())):
            self._unbind(routing)
        self._seen.pop(sid, None)
        self.peers.pop(sid, None)
        self.clients.pop(sid, None)
        self._guests.discard(sid)
        if self._meter is not None:
            self._meter.ended(sid)

    # -- time ---------------------------------------------------------------------------------

    def expect(self, now: float) -> None:
        """Give every session that a restart brought along its whole time to come back."""
        for sid in self.state.sessions:
            self._seen.setdefault(sid, now)

    def overdue(self, now: float, at: int) -> list[Command]:
        """Return the commands that end the sessions which gave no sign of life in time."""
        last = now - self._timeout
        silent = sorted(sid for sid, seen in self._seen.items() if seen < last)
        return [commands.EndSession(at=at, sid=sid, reason="timeout") for sid in silent]

    def slept(self, seconds: float) -> None:
        """Give every session the time back in which the broker itself did not run."""
        for sid in self._seen:
            self._seen[sid] += seconds


def _draining() -> NotNow:
    text = "this broker is being drained and lets nobody new in: come back in a moment"
    return NotNow(Error("draining", text, after_ms=COME_BACK_MS))


def _checked(line: Line | BadLine, about: list[Line]) -> Line | BadLine:
    if type(line) is not Line:
        return line
    if line.re is not None or line.kind not in PLAIN:
        line = words.regarding(line)
        about.append(line)
        error = words.line_fault(line)
    else:
        error = text_fault(line.text, limits.TEXT_BYTES)
    if error:
        return BadLine(line.n, error)
    if (line.room is None) == (line.to is None):
        return BadLine(line.n, Error("bad_message", "a message has either a 'room' or a 'to'"))
    return line
