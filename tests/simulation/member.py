"""One member of a simulated chat: a follower, its connections, and what befalls them.

The follower's actions are carried out as net/line.py does it with real sockets.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from chatlib.core import actions
from chatlib.core.follower import Follower
from chatlib.core.signals import Connection, Gap, Refusal, SavedSession
from chatlib.errors import Refused
from chatlib.protocol.events import Event
from tests.simulation.judge import Judge, Said
from tests.simulation.network import Control, Feed, Intake, Network
from tests.simulation.place import Place
from tests.simulation.station import Station
from tests.simulation.user import User

LIFE = 1_000  # what is added to a member's number when he begins anew
SAVES_S = 3.0  # mean of seconds between two times that a client writes its file


class Member(User):
    """A user with a client. `number` begins each of his texts, another one in each life."""

    def __init__(self, network: Network, station: Station, judge: Judge, number: int) -> None:
        self.number = number
        self.unsettled: deque[tuple[int, Said]] = deque()  # said and not acknowledged, by ticket
        self.leaving = ""
        self.gone = False  # for good
        self._network = network
        self._station = station
        self._judge = judge
        self._said = 0
        self._control: Control | None = None
        self._feed: Feed | None = None
        self._intake: Intake | None = None
        self._asleep = False
        self._missed: list[Callable[[], None]] = []  # what came while asleep
        self._unread: list[tuple[bytes, bytes]] = []  # what came on the feed while paused
        self._away = 0  # how many causes keep the client from connecting
        self._saved: SavedSession | None = None  # what the client's file holds
        self._keeps = ""
        self.lives: Counter[str] = Counter()  # that went on in their session, by what was kept
        self._begin(f"m{number}")

    def _begin(self, nick: str | None, past: SavedSession | None = None) -> None:
        self.follower = Follower(nick, past=past)
        self._saved = past and replace(past, said=None)
        self._past = past
        self._taken_up = ""  # the sid of the session that an earlier life began
        self._asked: dict[int, Callable[[Any], None]] = {}
        self._tickets: dict[int, Said] = {}
        self._places: dict[str, Place] = {}
        self._sids: list[str] = []
        self._heard: deque[Event] = deque(maxlen=20)  # what can be edited, deleted, reacted to
        self._network.clock.after(self._network.chance.random(), self.connect)
        self._network.clock.after(0, self._tick, self.follower)
        self._save_later(self.follower)

    def _save_later(self, follower: Follower) -> None:
        pause = self._network.chance.expovariate(1 / SAVES_S)
        self._network.clock.after(pause, self._save, follower)

    def _save(self, follower: Follower) -> None:
        """Write the file, as bots do: `said` stands in it only when a client ends in peace."""
        if follower is self.follower and not self.gone:
            if not self._asleep and (saved := follower.saved) is not None:
                self._saved = replace(saved, said=None)
            self._save_later(follower)

    # -- connections --------------------------------------------------------------------------

    def connect(self) -> None:
        """Connect, where nothing keeps the client from it."""
        if self._control is not None or self._away or self.gone:
            return
        if self._station.down:
            self.hang_up("connection refused", 0.5)
        else:
            self._control = Control(self._network, self._station, self._take_control, self._lost)
            self._station.connect(self._control)
            self.follower.connected(self._network.clock.now)
        self._after()

    def _lost(self) -> None:
        self.hang_up("the broker is gone", self._network.chance.random())
        self._after()

    def hang_up(self, reason: str, wait: float) -> None:
        """Close all connections, and connect again after a while."""
        self._close()
        self.follower.disconnected(reason, self._network.clock.now, wait)
        self._network.clock.after(wait, self.connect)

    def _close(self, spill: float = 1.0) -> None:
        if self._control is not None:
            self._control.close(spill)
            self._control = None
        self._close_data()

    def _close_data(self) -> None:
        if self._feed is not None and self._intake is not None:
            self._feed.close()
            self._intake.close()
        self._feed = self._intake = None

    def flicker(self) -> None:
        """Lose the feed's or the intake's connection alone, for a moment."""
        if one := self._network.chance.choice((self._feed, self._intake)):
            one.flicker()

    # -- absence ------------------------------------------------------------------------------

    def go_away(self, seconds: float) -> None:
        """Lose the network for so long."""
        self._away += 1
        self.hang_up("no network", seconds + 0.1)
        self._after()
        self._network.clock.after(seconds, self._come_back)

    def _come_back(self) -> None:
        self._away -= 1

    def sleep(self, seconds: float) -> None:
        """Do nothing for so long, as a closed laptop; the connections seem to live on."""
        self._asleep = True
        self._network.clock.after(seconds, self._wake)

    def _wake(self) -> None:
        self._asleep = False
        missed, self._missed = self._missed, []
        for take in missed:
            take()
        self._tick_now()

    def pause(self, seconds: float) -> None:
        """Read nothing for so long."""
        self.follower.paused = True
        self._network.clock.after(seconds, self._read_on)

    def _read_on(self) -> None:
        self.follower.paused = False
        unread, self._unread = self._unread, []
        for topic, body in unread:
            self._take_feed(topic, body)

    def die(self) -> None:
        """End without a word."""
        self.gone = True
        self._asleep = True
        self._close()

    def crash(self, seconds: float, *, keeps: str = "") -> None:
        """End without a word and come back after so long, with no memory but of the name.

        Who keeps something takes up the session again, else the ghost of it has the name for a
        while: "all" is what the follower tells in the end, "session" the same but for what was
        said, "file" what was written some time ago. What was not acknowledged has an unknown fate:
        whoever comes back says other things.
        """
        past = self._saved if keeps == "file" else self.follower.saved if keeps else None
        if keeps == "session" and past is not None:
            past = replace(past, said=None)
        # A join that takes effect behind the next life's hello is what only `heads` tell, and none
        # but the user knows whether he wants to be there (docs/protocol.md, section 5). Ours would.
        self._close(spill=0.0)
        self.unsettled.clear()
        self.leaving = ""
        self._unread.clear()
        self.number += LIFE
        self._away += 1
        self._keeps = keeps
        self._begin(self.follower.nick, past)
        self._network.clock.after(seconds, self._come_back)
        self._network.clock.after(seconds + 0.1, self.connect)

    def _take_up(self, frame: bytes, past: SavedSession) -> None:
        """Go on in the session, and read its rooms anew."""
        told = json.loads(frame)
        if "resumed" in told:
            self._past = None
            if told["resumed"]:
                self._taken_up = told["sid"]
                self.lives[self._keeps if past.said is None else "said"] += 1
                self._place(self._stream(None)).begin(past.inbox)
            for room in told["rooms"]:
                self._network.clock.after(0, self._join_again, self.follower, room)

    def _join_again(self, follower: Follower, room: str) -> None:
        def joined(answer: Any) -> None:
            if isinstance(answer, Refused) and answer.code in ("unavailable", "busy"):
                self._network.clock.after(1, self._join_again, follower, room)

        if follower is self.follower:
            self._asked[follower.join(room, 50, self._network.clock.now)] = joined
            self._after()

    # -- what comes in ------------------------------------------------------------------------

    def _take_control(self, frame: bytes) -> None:
        if self._asleep:
            self._missed.append(lambda: self._take_control(frame))
            return
        self.follower.control(frame, self._network.clock.now)
        if self._past is not None:
            self._take_up(frame, self._past)
        self._tick_now()

    def _take_feed(self, topic: bytes, body: bytes) -> None:
        if self._asleep:
            self._missed.append(lambda: self._take_feed(topic, body))
        elif self.follower.paused:
            if len(self._unread) < 20:  # and then it overflows
                self._unread.append((topic, body))
        else:
            self.follower.feed(topic, body, self._network.clock.now)
            self._tick_now()

    def _tick(self, follower: Follower) -> None:
        if follower is self.follower and not self.gone:
            self._tick_now()
            pause = follower.next_tick(self._network.clock.now)
            self._network.clock.after(max(0.05, pause), self._tick, follower)

    def _tick_now(self) -> None:
        if not self._asleep:
            self.follower.tick(self._network.clock.now)
            self._after()

    # -- what the follower leaves -------------------------------------------------------------

    def _after(self) -> None:
        follower = self.follower
        while follower.actions or follower.delivered or follower.answers:
            for action in follower.actions.copy():
                follower.actions.remove(action)
                self._perform(action)
            for told in follower.delivered.copy():
                follower.delivered.remove(told)
                self._told(told)
            for id, answer in follower.answers.copy():
                follower.answers.remove((id, answer))
                self._asked.pop(id, lambda answer: None)(answer)
        while self.unsettled and follower.outbox.settled(self.unsettled[0][0]):
            said = self.unsettled.popleft()[1]
            self._judge.acknowledged(said, self._station.store, self._sids)

    def _perform(self, action: actions.Action) -> None:
        match action:
            case actions.SendControl(frame):
                if self._control is not None:
                    self._control.send(frame)
            case actions.Attach():
                self._attach(action)
            case actions.HangUp(reason):
                self.hang_up(reason, self._network.chance.random())
            case _:
                if self._feed is not None and self._intake is not None:
                    self._perform_data(action, self._feed, self._intake)

    def _perform_data(self, action: actions.Action, feed: Feed, intake: Intake) -> None:
        match action:
            case actions.SendIntake(token, body):
                intake.send(token, body)
            case actions.Subscribe(topic):
                feed.subscribe(topic)
            case actions.Unsubscribe(topic):
                feed.unsubscribe(topic)

    def _attach(self, where: actions.Attach) -> None:
        assert (where.intake, where.feed) == ("tcp://*:2", "tcp://*:3")
        self._close_data()
        self._feed = Feed(self._network, self._station, self._take_feed)
        self._intake = Intake(self._network, self._station)
        for topic in where.topics:
            self._feed.subscribe(topic)

    def _told(self, told: actions.Delivered) -> None:
        match told:
            case Event():
                self._event(told)
            case Refusal(ticket=0):
                put_out = told.code in ("not_joined", "no_such_room", "banned_here")
                assert put_out and told.room in self._judge.ruled | self._judge.private, (
                    f"could not come back to a room: {told}"
                )
                self._places.pop(self._stream(told.room), None)
            case Refusal():
                said = self._tickets[told.ticket]  # it may be told after it was acknowledged
                self._judge.refused(said, told, self._station.store, self._sids)
                if (told.ticket, said) in self.unsettled:
                    self.unsettled.remove((told.ticket, said))
            case Gap():
                self._place(self._stream(told.room)).gap(told, self._station.store)
            case Connection(state="online"):
                assert not told.new_history
                self._sids.append(self.follower.sid)
            case Connection(state="refused"):
                self._start_over()

    def _start_over(self) -> None:
        """Begin as somebody new: a ghost of one's own first try holds the nickname."""
        assert not self._sids, "refused after a welcome"
        assert not self.unsettled
        self.number += LIFE
        self._close()
        self._begin(f"m{self.number}")

    def _stream(self, room: str | None) -> str:
        if room is None:
            return f"inbox/{self.follower.sid}"
        return f"{'private' if room in self._judge.private else 'room'}/{room}/"

    def _event(self, event: Event) -> None:
        stream = self._stream(event.place)
        if event.kind in ("say", "act"):
            self._heard.append(event)
        joins = self._judge.members[event.room or ""]
        # Who goes on in a session reads the newest of a room, however long ago he joined it.
        joined = None if self.follower.sid == self._taken_up else joins.get(self.follower.sid)
        self._place(stream).told(event, joined)
        mine = event.sid == self.follower.sid and event.reason == "kicked"
        if mine and event.place not in self.follower.rooms:
            self._places.pop(stream, None)

    def _place(self, stream: str) -> Place:
        if stream not in self._places:
            self._places[stream] = Place(self._judge, stream, self.number)
        return self._places[stream]

    # -- the end ------------------------------------------------------------------------------

    def faults(self) -> list[str]:
        """Return what is still not as it must be in the end."""
        follower, sid = self.follower, self.follower.sid
        found = []
        if not self.online:
            found.append(f"is {follower.state}")
        if self.unsettled:
            found.append(f"waits for {len(self.unsettled)} acknowledgements")
        theirs = sorted(room for room, members in self._judge.members.items() if sid in members)
        if theirs != sorted(follower.rooms):
            found.append(f"is in {theirs} and takes itself to be in {sorted(follower.rooms)}")
        streams = [self._stream(room) for room in follower.rooms]
        if f"inbox/{sid}" in self._judge.chains:
            streams.append(f"inbox/{sid}")
        for stream in streams:
            if stream not in self._places or not self._places[stream].whole:
                found.append(f"misses the end of {stream}")
        return [f"member {self.number} {fault}" for fault in found]
