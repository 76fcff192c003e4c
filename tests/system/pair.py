"""An encrypted broker, those who are let in, and two who talk all the while and miss nothing."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import zmq

from bench.attackers import PRIVATE, Attack, Order
from chatlib import Client, Event, Gap
from chatlib.net.curve import make_pair, use_curve
from chatlib.net.operator import OPERATOR_KEY, SERVER_KEY, Operator
from chatlib.protocol.answers import Invited
from chatlib.protocol.requests import Invite
from chatlib.security.keys import KeyPair, load_key
from tests.support import PATIENCE, RunningBroker, eventually
from tests.system.people import assert_chained, went_offline

USES = 100  # of the invitation that all come in by


class Guarded(RunningBroker):
    """A broker of invited keys. `module` is run in the place of `chatlib.cli`."""

    def __init__(self, directory: Path, *arguments: str, module: str = "chatlib.cli") -> None:
        super().__init__(
            directory, "--access", "invite", *arguments, data=directory / "data", module=module
        )

    def __enter__(self) -> Self:
        super().__enter__()
        assert self.data is not None
        self.key = load_key(self.data / SERVER_KEY).public
        with Operator(self.data) as operator:
            asked = Invite(room="lobby", uses=USES, seconds=600)
            self.token = operator.ask(asked, Invited, PATIENCE).token
        return self

    def client(self, nick: str, pair: KeyPair | None = None) -> Client:
        """Return a client that is let in, not started."""
        key = pair or make_pair()
        return Client(self.control, nick, server_key=self.key, key=key, token=self.token)

    def attack(self, kind: str, count: int = 0) -> Attack:
        """Return an attack by somebody who is let in, not started."""
        pair = make_pair()
        keys = self.key.decode(), pair.public.decode(), pair.secret.decode()
        return Attack(Order(kind, count, self.control, self.intake, self.feed, *keys, self.token))

    @contextlib.contextmanager
    def operator(self) -> Iterator[zmq.Socket[bytes]]:
        """Give a control connection of an operator's, as from elsewhere."""
        assert self.data is not None
        with zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
            dealer.linger = 0
            use_curve(dealer, self.key, load_key(self.data / OPERATOR_KEY))
            dealer.connect(self.control)
            yield dealer


class Pair:
    """Ann and bob, who tell each other numbers: in the lobby, and in private.

    At the end of the block each has heard all of both, once and in order. Unless everyone was
    `cut_off` by a ban, neither has ever been offline.
    """

    def __init__(self, broker: Guarded, pause: float, *, cut_off: bool = False) -> None:
        self._broker = broker
        self._cut_off = cut_off
        self._pause = pause
        self._quiet = threading.Event()
        self._fault: BaseException | None = None

    def __enter__(self) -> Self:
        self.people = [self._broker.client(nick) for nick in ("ann", "bob")]
        self._said: dict[str, list[str]] = {client.nick: [] for client in self.people}
        self._heard: dict[str, list[object]] = {client.nick: [] for client in self.people}
        with contextlib.ExitStack() as stack:
            for client in self.people:
                stack.enter_context(client).join("lobby", history=0)
            self._stack = stack.pop_all()
        self._threads = [threading.Thread(target=self._talk)]
        self._threads += [threading.Thread(target=self._listen, args=(c,)) for c in self.people]
        for thread in self._threads:
            thread.start()
        return self

    def _listen(self, client: Client) -> None:
        for told in client.events():  # until the client is closed
            self._heard[client.nick].append(told)

    def _talk(self) -> None:
        try:
            number = 0
            while not self._quiet.wait(self._pause):
                for client, other in (self.people, self.people[::-1]):
                    self._say(client, other, f"{number}")
                number += 1
        except Exception as e:  # noqa: BLE001  the test's own thread tells it
            self._fault = e

    def _say(self, client: Client, other: Client, number: str) -> None:
        client.say("lobby", number)
        client.tell(other.nick, PRIVATE + number)
        self._said[client.nick].append(number)

    def talk_on(self) -> None:
        """Return when both have heard from both something that was said from now on."""
        marks = {nick: len(said) + 2 for nick, said in self._said.items()}
        self._until_heard(marks)

    def _until_heard(self, counts: dict[str, int]) -> None:
        """Wait until each has heard so much of each, in the lobby and in private."""

        def heard() -> bool:
            assert self._fault is None, self._fault
            return all(
                len(self._texts(client, nick, room)) >= count
                for client in self.people
                for nick, count in counts.items()
                for room in (None, "lobby")
            )

        eventually("the two hear each other", heard)

    def _texts(self, client: Client, nick: str, room: str | None) -> list[str | None]:
        """Return what a client has heard of `nick`, in a room or in private."""
        said = (t for t in self._heard[client.nick] if isinstance(t, Event) and t.kind == "say")
        return [e.text for e in said if (e.nick, e.room) == (nick, room)]

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._quiet.set()
        self._threads[0].join()
        try:
            if error is None:
                self._check()
        finally:
            self._stack.close()
            for thread in self._threads:
                thread.join()

    def _check(self) -> None:
        """Check what was heard, and that the broker is well."""
        self._until_heard({nick: len(said) for nick, said in self._said.items()})
        for client in self.people:
            told = self._heard[client.nick]
            assert not [t for t in told if isinstance(t, Gap)]
            assert went_offline(told) == self._cut_off
            assert_chained(told, "lobby")
            for nick, said in self._said.items():
                assert self._texts(client, nick, "lobby") == said
                assert self._texts(client, nick, None) == [PRIVATE + number for number in said]
        ann, bob = (
            [e for e in self._heard[c.nick] if isinstance(e, Event) and e.room and e.n]
            for c in self.people
        )
        assert ann == bob, "one order for all"
        assert self._broker.process.poll() is None, self._broker.output()
        assert "Traceback" not in self._broker.output()
        for nick in self._said:
            assert f"{nick} was slowed" not in self._broker.output()
