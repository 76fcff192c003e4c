"""Who was refused what lately, for the operator.

However many knock, and however often, a bounded number is kept: those of whom it is longest ago go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from chatlib.core.commands import Peer
from chatlib.protocol.answers import RefusedPeer
from chatlib.security.door import Decide, Knock, Verdict

MOST_KEPT = 200
MOST_ASKING = 1_000  # connections; passwords and searches are answered in a later pass


class Refusals:
    """The refusals since the start, of those who can be told apart. `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._known: dict[tuple[str, str, str], tuple[str, int, float]] = {}  # the newest last
        self._asking: dict[bytes, Peer] = {}  # who asked lately, by connection

    def hearing(
        self, control: Iterable[tuple[Sequence[bytes], Peer]]
    ) -> Iterator[tuple[Sequence[bytes], Peer]]:
        """Pass on what came on control, and remember of whom."""
        for frames, peer in control:
            self._asking.pop(frames[0], None)
            if len(self._asking) >= MOST_ASKING:
                del self._asking[next(iter(self._asking))]
            self._asking[frames[0]] = peer
            yield frames, peer

    def judging(self, decide: Decide) -> Decide:
        """Return what decides the same of knocks, and note who is not let in."""

        def judged(knock: Knock) -> Verdict:
            verdict = decide(knock)
            if verdict.user_id is None:
                peer = Peer(knock.key.decode(), knock.address)
                self.note(verdict.reason.replace(" ", "_"), peer)
            return verdict

        return judged

    def answered(self, code: str, routing: bytes) -> None:
        """Note that what somebody asked lately was refused."""
        if (peer := self._asking.get(routing)) is not None:
            self.note(code, peer)

    def note(self, code: str, peer: Peer, nick: str = "") -> None:
        """Note a refusal; operators on this machine know of theirs."""
        if peer.uid is not None or not (nick or peer.address):
            return
        who = (nick, peer.address, code)
        _, count, _ = self._known.pop(who, ("", 0, 0.0))
        if len(self._known) >= MOST_KEPT:
            del self._known[next(iter(self._known))]
        self._known[who] = (peer.key, count + 1, self._clock())

    def newest(self, most: int) -> list[RefusedPeer]:
        """Return the newest, these first, with the key that each had then.

        Who makes a new key for each try is one peer, by the address.
        """
        now = self._clock()
        return [
            RefusedPeer(code, count, round(now - when, 1), nick, address, key)
            for (nick, address, code), (key, count, when) in islice(
                reversed(self._known.items()), most
            )
        ]
