"""A pass of the broker without its sockets: admit, order, apply, commit, emit.

What has arrived comes in as frames, what is to be sent goes out as frames. So the same pass runs
under the sockets of `broker` and under the tests' simulated network. Commit comes before emit,
always: nobody sees what could still be lost.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Container, Iterable, Sequence
from typing import NamedTuple

from chatlib.core import commands
from chatlib.core.admission import Admission
from chatlib.core.apply import apply
from chatlib.core.batch import INBOX, Batch, Count, JoinReply, Note, Opened
from chatlib.core.buckets import Limits
from chatlib.core.commands import Command, JoinRoom, MarkRead, Origin, Peer, Question, Say, Unhashed
from chatlib.core.identities import Rule
from chatlib.core.meter import Meter
from chatlib.core.state import State
from chatlib.core.streams import timestamp
from chatlib.history.store import Store, StoreFailed
from chatlib.net import lookups, status, unread
from chatlib.net.answers import BUSY, Answers
from chatlib.net.copying import COPYING, Copying
from chatlib.net.draining import DRAINED, Drain
from chatlib.net.markers import asked_for, markers
from chatlib.net.packing import feed_bodies
from chatlib.net.passwords import Passwords
from chatlib.net.replays import Replays
from chatlib.net.statistics import Statistics
from chatlib.order.local import LocalOrder
from chatlib.protocol import answers, limits
from chatlib.protocol.answers import Answer, Failure
from chatlib.protocol.codec import encode
from chatlib.protocol.events import Event, Notice
from chatlib.protocol.fields import Error
from chatlib.protocol.limits import MISSED_HEARTBEATS
from chatlib.protocol.topics import BEACON, ROOMS

PUBLIC = ROOMS.decode()  # where streams begin that are published: no other one ever is
TRIM_S = 0.02  # between two steps of trimming when nothing else happens
RETRY_MS = 1_000  # after a commit that failed

Arrival = tuple[Sequence[bytes], Peer]  # the frames of a message, and who sent it


class Place(NamedTuple):
    """What `hello` answers of where the broker is and what it is."""

    intake: str
    feed: str
    server: str
    address: str = ""  # that links name
    key: str = ""  # the broker's, as links have it


class Pipeline:
    """The five steps. `now` is seconds of a clock that only goes on, `at` Unix time in ms.

    Without `limits` nobody is slowed, without `passwords` none are taken; `fingerprint` returns
    what people call a key.
    After `run`, `feed` holds what is to be published and `control` what goes to the ROUTER,
    both in order, and `notes` what whoever runs the broker may want to read. `congested` are the
    control connections that don't take what they were sent; whoever has the sockets sets it.
    """

    def __init__(
        self,
        store: Store,
        place: Place,
        *,
        fresh: Callable[[int], str],
        heartbeat: float = limits.HEARTBEAT,
        limits: Limits | None = None,
        rule: Rule | None = None,
        operators: Container[int] = (),
        fingerprint: Callable[[str], str] = str,
        statistics: Statistics | None = None,
        passwords: Passwords | None = None,
    ) -> None:
        self.store = store
        self.statistics = statistics or Statistics()
        self.state = State(store.epoch)
        if (saved := store.load()) is not None:
            self.state.restore(saved)
        self._fingerprint = fingerprint
        self.copying = Copying(store.condition().directory)
        self.admission = Admission(
            self.state,
            fresh,
            heartbeat * MISSED_HEARTBEATS,
            self._meter(limits),
            rule=rule,
            operators=operators,
            passwords=passwords is not None,
            copies=self.copying.directory is not None,
        )
        self._passwords = passwords
        self.order = LocalOrder()
        self.heartbeat = heartbeat
        self.feed: list[tuple[bytes, bytes]] = []
        self.control: list[list[bytes]] = []
        self.notes: list[Note] = []
        self.expelled: list[str] = []  # keys and addresses thrown out in this pass
        self.removed: list[str] = []  # keys removed by their owners in this pass
        self._place = place
        self.congested: Collection[bytes] = ()
        self._answers = Answers(self.state, store, self._reply)
        self._replays = Replays(self.state, store, self._publish_lines)
        self._beaten = float("-inf")
        self._began = self._ran = float("inf")
        self._chored = float("-inf")
        self._trimming = False  # the store has more to drop
        self.failing = ""  # why the last commit did not happen
        self._drain = Drain()
        self._busy: dict[str, float] = {}  # topics with events since their last head marker

    @property
    def waiting(self) -> bool:
        """Tell whether there is work left that needs no new arrival."""
        return self._answers.ready(self.congested) or self._replays.ready

    def _meter(self, limits: Limits | None) -> Meter | None:
        if limits is None or not limits.any:
            return None
        return Meter(self.state, limits, self._fingerprint)

    def limit(self, limits: Limits) -> None:
        """Charge everybody by other limits from now on. Raises Misuse; then nothing is changed."""
        self.admission.measure(self._meter(limits))

    def vanished(self, routing: bytes) -> None:
        """Forget a control connection that is no more."""
        self.admission.vanished(routing)
        self._answers.vanished(routing)
        if self._passwords is not None:
            self._passwords.vanished(routing)

    def cut_off(self) -> None:
        """Forget every control connection: all were ended at once."""
        self.admission.unbind_all()
        self._answers.cut_off()
        if self._passwords is not None:
            self._passwords.vanished(None)

    def submit(self, command: Command) -> None:
        """Let a command take its place in the order that nobody asked for."""
        self.order.submit(command)

    def run(
        self,
        intake: Iterable[Arrival],
        control: Iterable[Arrival],
        subscriptions: Iterable[bytes],
        now: float,
        at: int,
    ) -> None:
        """Take one pass over what has arrived, each message with the peer that sent it."""
        self.feed, self.control, self.notes = [], [], []
        if self._ran == float("inf"):
            self._began = now
            self.admission.expect(now)
        elif now - self._ran > self.heartbeat:
            self.admission.slept(now - self._ran)
        self._ran = now
        chores = now - self._chored >= self.heartbeat / 8
        door, batch = Batch(), Batch()  # the door's answers stand whether a commit fails or not
        drained = self.draining
        questions = self._admit(intake, control, now, at, door)
        if chores:
            self._chored = now
            for command in self.admission.overdue(now, at):
                self.order.submit(command)
        commands = self.order.decided()
        for command in commands:
            apply(self.state, command, batch)
        batch = self._commit(commands, batch)
        self.admission.settle(batch, now)
        self._emit(door, now)
        self._emit(batch, now)
        self.copying.begin(batch.copies)
        if self.draining and not drained:
            self._close(DRAINED)
            batch.notes.append(Note("draining", "", "", count=len(self.state.sessions)))
        self._answers.take(questions)
        self._answers.serve(self.congested, now)
        if chores or self._trimming:
            self._trimming = False
            with contextlib.suppress(StoreFailed):  # it is tried again; commits tell the operator
                self._trimming = self.store.trim(at)
        topics = dict.fromkeys(subscriptions)
        self._mark(topics, now, chores)
        self._replays.take(topics)
        self._replays.serve(now)
        self._beat(now, at)
        self.statistics.noted(batch.notes)
        self.notes, self.expelled, self.removed = batch.notes, batch.expelled, batch.removed

    # -- admit, commit ------------------------------------------------------------------------

    def _admit(
        self,
        intake: Iterable[Arrival],
        control: Iterable[Arrival],
        now: float,
        at: int,
        batch: Batch,
    ) -> list[Question]:
        questions = []
        left = lookups.MOST  # of what lines of this pass are about
        for frames, peer in intake:
            self._drain.heard(now)
            if (said := self.admission.intake(frames, peer, now, at, batch)) is not None:
                if said.regards:
                    left -= lookups.look_up(self.store, self.state, said, left)
                self.statistics.said[said.sid] += len(said.lines)
                self.order.submit(said)
        for command in self._passwords.done() if self._passwords else ():
            self.order.submit(command)
        for frames, peer in self.statistics.refusals.hearing(control):
            asked = self.admission.control(frames, peer, now, at, batch)
            if isinstance(asked, Question):
                questions.append(asked)
                self.statistics.asked(self.state, asked)
                if (begun := self._drain.asked(asked, peer, now, at)) is not None:
                    self.admission.draining = True
                    self.order.submit(begun)
            elif asked is not None:
                self._take(asked, frames[0], now, batch)
        return questions

    def _take(self, asked: Command | Unhashed, routing: bytes, now: float, batch: Batch) -> None:
        if isinstance(asked, Unhashed):
            if self._passwords and (error := self._passwords.ask(asked, now)):
                batch.fail(asked.command.origin, error)
        elif isinstance(asked, JoinRoom | MarkRead) and self._answers.full(routing):
            batch.fail(asked.origin, BUSY)
        elif isinstance(asked, commands.BackUp) and self.copying.busy:
            batch.fail(asked.origin, COPYING)
        else:
            self.order.submit(asked)

    def _commit(self, commands: Sequence[Command], batch: Batch) -> Batch:
        """Store the batch; when that fails, return what its senders are told instead."""
        changes = self.state.changes()
        stores = bool(batch.entries) or changes.any
        count = self.statistics
        try:
            if stores:
                began = count.clock()
                self.store.commit(batch.entries, changes)
                count.commits.observe(count.clock() - began)
                count.batches.observe(len(batch.entries))
        except StoreFailed as e:
            self.state.take_back()
            return self._failed(commands, str(e))
        self.state.keep()
        count.committed(batch)
        if stores and self.failing:
            self.failing = ""
            batch.notes.append(Note("storing", "", ""))
        return batch

    def _failed(self, commands: Sequence[Command], cause: str) -> Batch:
        batch = Batch()
        if cause != self.failing:
            self.failing = cause
            batch.notes.append(Note("failing", "", "", reason=cause))
        text = f"the broker can't store anything now ({cause}); nothing was changed: try again"
        for command in commands:
            if isinstance(command, Say):
                session = self.state.sessions[command.sid]  # a Say's session was there before
                batch.slow(command.sid, session.accepted + 1, RETRY_MS, cause)
            batch.fail(command.origin, Error("unavailable", text))
        return batch

    # -- emit ---------------------------------------------------------------------------------

    def _emit(self, batch: Batch, now: float) -> None:
        # Welcomes first: what a session is told before it knows itself would be told again.
        for reply in batch.replies:
            if isinstance(reply, Opened):
                self._reply(reply.origin, self._placed(reply.answer))
        self._emit_entries(batch, now)
        for sid, notice in batch.notices:
            self.statistics.noticed(self.state, self.admission.peers, sid, notice)
            self._deliver(sid, encode(notice))
        for reply in batch.replies:
            if isinstance(reply, JoinReply | Count):
                self._answers.add(reply)
            elif not isinstance(reply, Opened):
                if isinstance(reply.answer, answers.Invited):
                    reply.answer.address, reply.answer.key = self._place.address, self._place.key
                self._reply(reply.origin, reply.answer)

    def _emit_entries(self, batch: Batch, now: float) -> None:
        topics: dict[str, list[bytes]] = {}
        for entry in batch.entries:
            stream, line = entry.stream, entry.line
            if (lines := topics.get(stream)) is not None:
                lines.append(line)
            elif stream.startswith(PUBLIC):
                topics[stream] = [line]
            elif stream.startswith(INBOX):
                self._deliver_to_all(stream[len(INBOX) :], line)
            else:  # what is not for everyone goes to whom it was for when it happened
                self.statistics.rooms[stream] += 1
                for id in entry.readers:
                    self._deliver_to_all(id, line)
        for stream, lines in topics.items():
            before = len(self.feed)
            self._publish_lines(stream.encode(), lines)
            self.statistics.emitted(stream, len(lines), len(self.feed) - before)
            self._busy[stream] = now

    def _placed(self, welcome: answers.Welcome) -> answers.Welcome:
        welcome.intake, welcome.feed, welcome.server = self._place[:3]
        welcome.heartbeat = self.heartbeat
        session = self.state.sessions.get(welcome.sid)  # it may have said goodbye already
        if session is not None:
            welcome.waiting = unread.waiting(self.store, session.user)
        return welcome

    def _deliver_to_all(self, id: str, line: bytes) -> None:
        """Send a private event to each session of a user; he may be away, or gone by now."""
        user = self.state.users.get(id)
        for sid in user.sessions if user else ():
            self._deliver(sid, line)

    def _deliver(self, sid: str, line: bytes) -> None:
        if (routing := self.admission.route(sid)) is not None:
            self.control.append([routing, line])
            self.statistics.delivered += 1

    def _reply(self, origin: Origin, answer: Answer | Failure) -> int:
        self.statistics.answered += 1
        if isinstance(answer, Failure):
            self.statistics.failed(answer.error.code, origin.routing)
        elif isinstance(answer, answers.BrokerStatus):
            answer.server = self._place.server
            status.complete(answer, self, self._ran, self._began)
        body = encode(answer)
        self.control.append(
            [origin.routing, b"", body] if origin.delimiter else [origin.routing, body]
        )
        return len(body)

    # -- markers ------------------------------------------------------------------------------

    def _mark(self, subscriptions: Iterable[bytes], now: float, chores: bool) -> None:
        """Send head markers: on topics newly subscribed to, and on those that fell quiet."""
        topics = asked_for(subscriptions)
        if chores:
            quiet = now - self.heartbeat / 2
            for stream in [stream for stream, since in self._busy.items() if since <= quiet]:
                del self._busy[stream]
                topics.add(stream.encode())
        for topic, marker in markers(self.state, topics):
            self._publish(topic, marker)

    def _beat(self, now: float, at: int) -> None:
        if now - self._beaten >= self.heartbeat:
            self._beaten = now
            seen = timestamp(max(at, self.state.at))
            beacon = Event(kind="beacon", epoch=self.state.epoch, seq=self.state.seq, at=seen)
            self._publish(BEACON, beacon)

    def next_beat(self, now: float) -> float:
        """Return the seconds until the pass that time alone makes necessary."""
        soon = TRIM_S if self._trimming else self.heartbeat / 8
        return max(0.0, min(self._beaten + self.heartbeat - now, soon, self._replays.patience()))

    def _publish_lines(self, topic: bytes, lines: Sequence[bytes]) -> None:
        self.feed.extend((topic, body) for body in feed_bodies(lines))

    def _publish(self, topic: bytes, event: Event) -> None:
        self.feed.append((topic, encode(event)))

    def farewell(self, reason: str) -> None:
        """Tell everyone, by control and by the beacon's topic, that the broker is stopping."""
        self.feed, self.control = [], []
        self._close(DRAINED if self.draining else reason)

    def _close(self, reason: str) -> None:
        told = encode(Notice(kind="closing", reason=reason))
        self.feed.append((BEACON, told))
        for sid in self.state.sessions:
            self._deliver(sid, told)

    @property
    def draining(self) -> bool:
        """Whether nobody new is let in, and the broker stops when senders are through."""
        return self._drain.begun

    def drained(self, now: float) -> bool:
        """Tell whether to stop now: nothing is on its way any more, or it took too long."""
        return self._drain.over(now, busy=self.waiting or bool(self.failing))
