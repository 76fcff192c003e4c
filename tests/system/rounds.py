"""Ten who say and ten who read, round after round, and a broker that is killed between."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from chatlib import Client, Connection, Event
from tests.support import RunningBroker, eventually

PEOPLE = 10
PATIENCE = 60.0


class Lives:
    """One history, and the broker that keeps it: killed, and started again at the same ports."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        self.broker = RunningBroker(directory, *arguments, data=directory / "data")

    def __enter__(self) -> Self:
        self.broker.__enter__()
        return self

    def crash(self) -> None:
        """End as a crash would, and begin again."""
        self.broker.kill()
        self.broker = self.broker.again()
        self.broker.__enter__()

    def __exit__(self, *_: object) -> None:
        self.broker.__exit__()


class Reader(threading.Thread):
    """Keeps what one member is told."""

    def __init__(self, client: Client) -> None:
        super().__init__(daemon=True)
        self.client = client
        self.said: list[tuple[str, str]] = []  # of this round
        self.other: list[object] = []  # nobody comes, goes or misses anything
        self.doubled: list[Event] = []
        self._seq = 0

    def run(self) -> None:
        for told in self.client.events():
            if not isinstance(told, Event):
                if not isinstance(told, Connection):
                    self.other.append(told)
                continue
            if told.seq <= self._seq:
                self.doubled.append(told)
            self._seq = told.seq
            if told.kind == "say":
                self.said.append((told.nick, told.text or ""))
            else:
                self.other.append(told)


class Crowd:
    """PEOPLE senders, and as many readers: every other sender dials `near`, all others `far`."""

    def __init__(self, near: str, far: str | None = None) -> None:
        far = far or near
        self.senders = [Client((near, far)[i % 2], f"s{i}") for i in range(PEOPLE)]
        self.readers = [Reader(Client(far, f"r{i}")) for i in range(PEOPLE)]
        self.texts: list[str] = []  # what each sender says in this round
        self._spoken: Counter[str | None] = Counter()  # how many of them, by nick
        self._said = 0

    def __enter__(self) -> Self:
        for client in (*self.senders, *(reader.client for reader in self.readers)):
            client.start()
            client.join("lobby", history=0)
        for reader in self.readers:
            for told in reader.client.events():  # up to the last join
                if isinstance(told, Event) and told.nick == self.readers[-1].client.nick:
                    break
            reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        for client in (*self.senders, *(reader.client for reader in self.readers)):
            client.close()

    @contextlib.contextmanager
    def talking(self, each: int, size: int = 1, pause: float = 0.0) -> Iterator[None]:
        """Let each sender say so many texts meanwhile, with a pause between each two."""
        numbers = range(self._said, self._said + each)
        self._said += each
        self.texts = [f"{number} {'x' * size}" for number in numbers]
        self._spoken.clear()
        threads = [threading.Thread(target=self._say, args=(s, pause)) for s in self.senders]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            for thread in threads:
                thread.join()

    def _say(self, sender: Client, pause: float) -> None:
        for text in self.texts:
            sender.say("lobby", text)
            self._spoken[sender.nick] += 1
            time.sleep(pause)

    def acknowledged(self, sender: Client) -> list[str]:
        """Return what a sender knows to be stored of this round."""
        spoken = self.texts[: self._spoken[sender.nick]]  # looked at first: it may go on
        pending = {message.text for message in sender.pending()}
        return [text for text in spoken if text not in pending]

    def settle(self, name: str) -> None:
        """Wait until all is said and told; check that each has all of it once, in one order."""
        for sender in self.senders:
            sender.flush(PATIENCE)
        total = PEOPLE * len(self.texts)
        eventually(
            f"{name}: everyone has {total} messages",
            lambda: all(len(r.said) >= total for r in self.readers),
            PATIENCE,
        )
        order = self.readers[0].said.copy()
        for reader in self.readers:
            assert reader.said == order, f"{name}: not one order for all"
            assert not reader.doubled, f"{name}: twice, or out of order"
            assert not reader.other, f"{name}: a resumed session made noise"
            reader.said.clear()
        for sender in self.senders:
            said = [text for nick, text in order if nick == sender.nick]
            assert said == self.texts, f"{name}: not what {sender.nick} said, in his order"
