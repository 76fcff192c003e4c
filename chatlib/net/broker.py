"""The broker's loop: three sockets, one thread.

    PUSH   ──► intake PULL ─┐                  ┌─► feed XPUB ──► SUB
                            ├─ Pipeline.run() ─┤
    DEALER ◄─► control ROUTER ─┘               └─► control ROUTER

Each turn drains what has arrived (bounded, intake before control), lets the pipeline take its
pass, and sends what came of it.
"""

from __future__ import annotations

import contextlib
import os
import resource
import secrets
import socket as posix
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

import zmq

from chatlib import skeleton
from chatlib.core.batch import Note
from chatlib.core.buckets import NO_LIMITS, Limits
from chatlib.core.commands import Admit, Invite
from chatlib.core.state import digest
from chatlib.errors import HubbubError
from chatlib.history.memory import MemoryStore
from chatlib.history.store import Store
from chatlib.net import heap
from chatlib.net.backlog import Backlog
from chatlib.net.calls import call
from chatlib.net.doors import Doors, Endpoints, Security, peer_of
from chatlib.net.draining import IDLE_S
from chatlib.net.lan import own_address
from chatlib.net.passwords import Passwords
from chatlib.net.pipeline import Pipeline, Place
from chatlib.net.statistics import Statistics
from chatlib.net.supervision import Supervisor
from chatlib.protocol import limits
from chatlib.protocol.links import DEFAULT_ADDRESS, Endpoint, Link, beside, parse_endpoint
from chatlib.security.door import Knock, Verdict, as_its_key
from chatlib.security.keys import fingerprint, to_link
from chatlib.version import __version__

DESCRIPTORS_PER_MEMBER = 3
CUT_OFF_S = 60.0  # between two times that members may have all connections ended
NOTED_S = 60.0  # between two notes of the same trouble

Observer = Callable[[Note, str], None]
T = TypeVar("T")


def new_epoch() -> str:
    """Return the name of a new life of the history."""
    return secrets.token_hex(8)


def usual_limits(*endpoints: Endpoint) -> Limits:
    """Return no limits where only this machine, its owner's, reaches the broker; else the table."""
    return NO_LIMITS if all(endpoint.loopback for endpoint in endpoints) else Limits()


def raise_descriptor_limit() -> int:
    """Raise this process's limit of open files as far as it may go, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return soft


class Broker:
    """A broker on `listen`; `observer` is told of connections, nicknames, joins and leaves.

    `intake` and `feed` are beside `listen` unless given; `advertise` is the host that clients are
    told instead of the one that they dialled. Without a `store` the history is in memory. With
    `security` all is encrypted, and only keys that its rule admits come in; `operator_keys` are
    operators, and so is this user over the ipc endpoint `operators`. With `passwords`, one adds a
    key to a registered nickname. `limits` say who is slowed; unless given, nobody where only this
    machine can reach the broker, else the table of docs/protocol.md. `supervisor` is told that the
    loop goes on. Nothing is bound before `bind()`; `run()` returns after `stop()`, which may be
    called from a signal handler or another thread.
    """

    def __init__(
        self,
        listen: str = DEFAULT_ADDRESS,
        *,
        intake: str | None = None,
        feed: str | None = None,
        advertise: str | None = None,
        heartbeat: float = limits.HEARTBEAT,
        store: Store | None = None,
        observer: Observer | None = None,
        security: Security | None = None,
        operators: str | None = None,
        operator_keys: Sequence[str] = (),
        limits: Limits | None = None,
        supervisor: Supervisor | None = None,
        passwords: bool = False,
    ) -> None:
        control = parse_endpoint(listen)
        next_intake, next_feed = beside(control)
        self._wanted: Endpoints = (
            control,
            parse_endpoint(intake) if intake else next_intake,
            parse_endpoint(feed) if feed else next_feed,
        )
        self._security = security
        self._operator_keys = operator_keys
        self._passwords = Passwords() if passwords else None
        self.counts: Counter[str] = Counter()
        self._advertise = parse_endpoint(advertise).host if advertise else ""
        self._heartbeat = heartbeat
        self._limits = usual_limits(*self._wanted) if limits is None else limits
        by_ipc = parse_endpoint(operators) if operators else None
        self._doors = Doors(self._wanted, security, by_ipc, self.counts, metered=self._limits.any)
        self._observer = observer or (lambda note, address: None)
        self._supervisor = supervisor or Supervisor()
        self._tasks: deque[Callable[[], None]] = deque()
        self._stopping = False
        self._removed = False  # keys were, and may be connected still
        self._expel_at = 0.0
        self._tidied = time.monotonic()
        self._noted: dict[str, float] = {}  # when which trouble was last told
        self._wake_in, self._wake_out = posix.socketpair()
        self._wake_in.setblocking(False)
        self.store: Store = store or MemoryStore(new_epoch())

    # -- life ---------------------------------------------------------------------------------

    def bind(self) -> tuple[Endpoint, Endpoint, Endpoint]:
        """Bind control, intake and feed and return where. Raises CannotCreate, BadAddress."""
        skeleton.load()
        try:
            bound = self._doors.bind()
        except HubbubError:
            self._close_wake()
            self.store.close()
            raise
        self._at = self._place(bound)
        self.pipeline = Pipeline(
            self.store,
            self._at,
            fresh=secrets.token_urlsafe,
            heartbeat=self._heartbeat,
            limits=self._limits,
            rule=self._security.rule if self._security else None,
            operators=(0, os.geteuid()),
            fingerprint=lambda key: fingerprint(key.encode()),
            statistics=Statistics(time.perf_counter),
            passwords=self._passwords,
        )
        if self._security is not None:
            self._doors.subscribers.look_up(self._security.rule, self.pipeline.state)
        for key in self._operator_keys:
            self.pipeline.submit(Admit(at=0, key=key, role="operator"))
        self._open_backlog()
        return bound

    def _open_backlog(self) -> None:
        self._backlog = Backlog(self._doors.control, self.pipeline.vanished, self.counts)
        self.pipeline.congested = self._backlog.congested

    def _place(self, bound: Endpoints) -> Place:
        control, intake, feed = bound
        host = self._advertise or control.host
        if host in ("*", "0.0.0.0", "[::]"):
            host = own_address()
        return Place(
            self._told(intake),
            self._told(feed),
            f"hubbub {__version__}",
            str(control._replace(host=host)),
            to_link(self._security.pair.public) if self._security else "",
        )

    def _told(self, endpoint: Endpoint) -> str:
        """Return what `hello` answers: `*` for a host that is the one of control, or every one."""
        if endpoint.path:
            return str(endpoint)
        dialled = endpoint.host in (self._wanted[0].host, "*", "0.0.0.0", "[::]")
        return str(endpoint._replace(host=self._advertise or ("*" if dialled else endpoint.host)))

    def link(self, room: str, uses: int = 0, seconds: int = 0) -> str:
        """Return a link that leads here, an invitation for so many and so long; after `bind`.

        Only a broker that lets the invited in makes invitations: of others a link needs no token.
        """
        token = None
        if self._security is not None and self._security.rule.access == "invite" and uses:
            token = secrets.token_urlsafe(16)
            made = Invite(
                at=time.time_ns() // 1_000_000,
                id=secrets.token_urlsafe(4),
                token=token,
                digest=digest(token),
                room=room,
                uses=uses,
                seconds=seconds,
                local=True,
            )
            self.pipeline.submit(made)
        return str(Link(parse_endpoint(self._at.address), room, self._at.key or None, token))

    @property
    def encrypted(self) -> bool:
        """Whether it has keys."""
        return self._security is not None

    def reach(self) -> str:
        """Say to people who can come in."""
        if self._security is not None:
            return {
                "open": "everyone who has its key, encrypted",
                "invite": "everyone who is invited, encrypted (hubbub invite)",
                "members": "only who was let in before, encrypted",
            }[self._security.rule.access]
        if all(endpoint.loopback for endpoint in self._wanted):
            return "programs on this machine"
        return "EVERYONE ON THE NETWORK, in the clear"

    def stop(self) -> None:
        """Ask the loop to end. Safe in signal handlers and from other threads."""
        self._stopping = True
        self._wake()

    def soon(self, task: Callable[[], None]) -> None:
        """Let the loop do something between two turns. Safe where `stop` is."""
        self._tasks.append(task)
        self._wake()

    def call(self, function: Callable[[], T], timeout: float) -> T:
        """Return what `function` does in the loop. Raises TimeoutError when the loop is stuck."""
        return call(self.soon, function, timeout)

    def limit(self, limits: Limits) -> None:
        """Charge by other limits from now on. Raises Misuse; then nothing is changed."""
        self.pipeline.limit(limits)
        self._doors.metered = limits.any

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # full: it is awake anyway
            self._wake_in.send(b"x")

    def run(self) -> None:
        """Serve until `stop()`; then finish the batch, tell everyone and close."""
        poller = self._poller()
        if self.store.search is not None:
            self.store.search.start(self._wake)
        if self._passwords is not None:
            self._passwords.start(self._wake)
        try:
            while not (self._stopping or self.pipeline.drained(time.monotonic())):
                self._supervisor.alive(time.monotonic())
                patience = self._patience(time.monotonic())
                ready = dict(poller.poll(int(patience * 1000) + (patience > 0)))
                if self._wake_out.fileno() in ready:
                    self._wake_out.recv(4096)
                while self._tasks:
                    self._tasks.popleft()()
                self._turn()
                if self._must_expel(time.monotonic()):
                    self._expel()
                    poller = self._poller()
            self._supervisor.stopping()
            self._turn()
            self.pipeline.farewell("the broker was stopped")
            self._send()
        finally:
            self._close()

    def _poller(self) -> zmq.Poller:
        poller = zmq.Poller()
        for socket in self._doors.polled:
            poller.register(socket, zmq.POLLIN)
        poller.register(self._wake_out.fileno(), zmq.POLLIN)
        return poller

    def _decide(self, knock: Knock) -> Verdict:
        assert self._security is not None
        key, address = knock.key.decode(), knock.address
        try:
            fault = self._security.rule.fault(self.pipeline.state, knock.domain, key, address)
        except Exception as e:
            self._note_trouble("undecided", f"{type(e).__name__}: {e}")
            raise  # the doorman keeps them out
        if fault:
            return Verdict(None, fault)
        peer = peer_of(key, address)
        if not self.pipeline.admission.handshake(knock.domain, peer, time.monotonic()):
            return Verdict(None, "too many handshakes", later=True)
        if knock.domain == "feed" and self._doors.subscribers.barred(key, time.monotonic()):
            return Verdict(None, "too many subscriptions", later=True)
        return as_its_key(knock)

    def _must_expel(self, now: float) -> bool:
        """Tell whether somebody is to be cut off now.

        That ends everybody's connections for a moment: operators may do so at any time, all others
        together once in CUT_OFF_S; and who fills the memory with subscriptions, each key once in
        the time that it is barred, those without a voucher all together once in a minute.
        """
        for peer in self._doors.subscribers.greedy:
            key = fingerprint(peer.key.encode())
            self._observer(Note("greedy", "", "", key=key, address=peer.address), "")
        if self._doors.subscribers.closing:
            whom = "all" if self._doors.subscribers.closed_to_all else "new"
            self._observer(Note("feed closed", "", "", reason=whom), "")
        if self._doors.subscribers.closing or self._doors.subscribers.greedy:
            return True
        self._removed = self._removed or bool(self.pipeline.removed)
        if not self.pipeline.expelled and not (self._removed and now >= self._expel_at):
            return False
        self._removed, self._expel_at = False, now + CUT_OFF_S
        return True

    def _note_trouble(self, what: Literal["undecided", "crowded"], cause: str) -> None:
        now = time.monotonic()
        if now - self._noted.get(what, float("-inf")) >= NOTED_S:
            self._noted[what] = now
            self._observer(Note(what, "", "", reason=cause), "")

    def _expel(self) -> None:
        """Throw out who was banned or removed: every connection ends, and the doorman is there."""
        if self._security is not None:
            self._doors.cut_off()
            self.pipeline.cut_off()
            self._open_backlog()

    def _patience(self, now: float) -> float:
        if self.pipeline.waiting:
            return 0.0
        return min(
            self.pipeline.next_beat(now),
            self._backlog.patience(now),
            self._doors.patience(now),
            self._supervisor.patience(now),
            IDLE_S / 4 if self.pipeline.draining else IDLE_S * 1_000,
        )

    def _close(self) -> None:
        if self._passwords is not None:
            self._passwords.close()
        self._doors.close()
        self.store.close()
        self._close_wake()

    def _close_wake(self) -> None:
        self._wake_in.close()
        self._wake_out.close()

    # -- a turn -------------------------------------------------------------------------------

    def _turn(self) -> None:
        began = time.perf_counter()
        doors = self._doors
        if doors.short_of_descriptors(time.monotonic()):
            self._note_trouble("crowded", "connections take nearly all open files that are allowed")
        judge = self.pipeline.statistics.refusals.judging(self._decide)
        doors.answer_knocks(judge, time.monotonic())
        intake, control, subscriptions = (
            doors.drain_intake(),
            doors.drain_control(),
            doors.drain_feed(time.monotonic()),
        )
        now, at = time.monotonic(), time.time_ns() // 1_000_000
        self.pipeline.run(intake, control, subscriptions, now, at)
        self._send()
        self.pipeline.statistics.sent(time.perf_counter() - began)
        self._tidy(time.monotonic())
        self.pipeline.statistics.turns.observe(time.perf_counter() - began)
        vain = self.pipeline.admission.counts.total()
        if breath := doors.throttle.breath(len(intake) + len(control), vain):
            time.sleep(breath)
        if self.pipeline.notes:
            addresses = {parts[0]: peer.address for parts, peer in control}
            for note in self.pipeline.notes:
                self._observer(
                    note, addresses.get(self.pipeline.admission.route(note.sid) or b"", "")
                )

    def _tidy(self, now: float) -> None:
        if now - self._tidied >= heap.EVERY_S:
            self._tidied = now
            heap.give_back()

    def _send(self) -> None:
        for topic, body in self.pipeline.feed:
            self._doors.feed.send(topic, zmq.SNDMORE)
            self._doors.feed.send(body)
        now = time.monotonic()
        self._backlog.retry(now)
        for frames in self.pipeline.control:
            self._backlog.send(frames, now)
