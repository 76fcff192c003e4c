"""What the user of a simulated client does with it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from chatlib.core.follower import Follower
from chatlib.errors import Refused
from chatlib.protocol import answers, requests
from chatlib.protocol.events import Event, Line
from tests.simulation.judge import Judge, Said
from tests.simulation.network import Network
from tests.simulation.place import Place


class User:
    """Says and asks things; `Member` has the client, and these."""

    number: int
    follower: Follower
    unsettled: deque[tuple[int, Said]]
    leaving: str
    _network: Network
    _judge: Judge
    _said: int
    _asleep: bool
    _asked: dict[int, Callable[[Any], None]]
    _tickets: dict[int, Said]
    _places: dict[str, Place]
    _heard: deque[Event]
    _after: Callable[[], None]
    _stream: Callable[[str | None], str]

    @property
    def online(self) -> bool:
        """Tell whether the user can do anything."""
        return self.follower.state == "online" and not self._asleep

    @property
    def speaks_in(self) -> list[str]:
        """The rooms that one may speak in."""
        return [room for room in self.follower.rooms if room != self.leaving]

    def say(
        self, kind: Any, room: str | None = None, to: str | None = None, re: int | None = None
    ) -> None:
        """Say something that nobody has said before."""
        now = self._network.clock.now
        text = f"{self.number}:{self._said}" if kind != "delete" else ""
        said = Said(text or f"delete {re}", to, now, kind, room, re)
        self._said += 1
        line = Line(n=1, text=text, room=room, to=to, kind=kind, re=re)
        ticket = self.follower.say(line, now)
        self.unsettled.append((ticket, said))
        self._tickets[ticket] = said
        self._after()

    def change(self, kind: str) -> None:
        """Reply to something that was heard of late, react to it, edit or delete one's own.

        Now and then somebody tries what he may not.
        """
        anybodys = kind in ("say", "react") or self._network.happens(0.1)
        heard = [
            event
            for event in self._heard
            if (anybodys or event.sid == self.follower.sid)
            and (event.room is None or event.room in self.speaks_in)
        ]
        if heard:
            event = self._network.chance.choice(heard)
            mine = event.sid == self.follower.sid
            peer = None if event.room else event.to if mine else event.nick
            self.say(kind, event.room, peer, event.seq)

    def join(self, room: str) -> None:
        """Join a room."""
        history = self._network.chance.choice((0, 10, 50))
        self.follower.join(room, history, self._network.clock.now)
        self._after()

    def leave(self, room: str) -> None:
        """Leave a room, when all that was said is acknowledged."""
        self.leaving = room
        self._leave_when_settled(room, self.follower)

    def _leave_when_settled(self, room: str, follower: Follower) -> None:
        if follower is not self.follower:
            return
        if self.unsettled or not self.online:
            self._network.clock.after(0.5, self._leave_when_settled, room, follower)
            return

        def left(answer: Any) -> None:
            self.leaving = ""
            if not isinstance(answer, Refused) or answer.code in ("not_joined", "no_such_room"):
                self._places.pop(self._stream(room), None)
            else:
                assert answer.code == "unavailable", answer

        self._asked[follower.leave(room, self._network.clock.now)] = left
        self._after()

    def rename(self, nick: str) -> None:
        """Take another nickname."""

        def renamed(answer: Any) -> None:
            if isinstance(answer, Refused):
                assert answer.code in ("nick_taken", "unavailable"), answer

        self._asked[self.follower.rename(nick, self._network.clock.now)] = renamed
        self._after()

    def change_topic(self, room: str, text: str) -> None:
        """Give a room another topic."""
        request = requests.Topic(room=room, text=text)
        self.follower.ask(request, answers.TopicIs, self._network.clock.now)
        self._after()

    def rule(self, kind: Any, room: str, nick: str, **more: Any) -> None:
        """Use a right that one has or has not."""
        asked = kind(room=room, nick=nick, **more)
        self.follower.ask(asked, answers.Answer, self._network.clock.now)
        self._after()

    def ask(self, request: Any) -> None:
        """Ask whatever it is; what is answered, the judge sees."""
        self.follower.ask(request, answers.Answer, self._network.clock.now)
        self._after()
