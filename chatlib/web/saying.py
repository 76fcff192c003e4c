"""What a person says, once: the page's key for a message, its number in the session, its outcome.

    say ──► outbox gives a number ──► journal has it ──► intake ──► ok, or refused ──► journal
                      ▲                                     │
                      └──── a new session: new numbers ◄────┘

Whoever asks twice is answered by what became of the first time.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

import msgspec
from msgspec import Struct

from chatlib.core.outbox import Outbox
from chatlib.core.signals import Refusal
from chatlib.protocol.codec import encode
from chatlib.protocol.events import Line
from chatlib.web.journal import Journal, Statement

MOST_KNOWN = 2_000  # outcomes of one person that are known; a key from before them is a new one
OK = "ok"

_INSERT = "INSERT OR REPLACE INTO said (person, key, n, line, at) VALUES (?, ?, ?, ?, ?)"
_NUMBER = "UPDATE said SET n = ? WHERE person = ? AND key = ?"
_OUTCOME = "UPDATE said SET outcome = ?, message = ?, seq = ? WHERE person = ? AND key = ?"
_FORGET = "DELETE FROM said WHERE person = ? AND key = ?"
_ACCEPTED = "UPDATE persons SET accepted = ? WHERE id = ?"


class Outcome(Struct):
    """What became of a message: `code` is empty while nothing did, `ok`, or why it was refused."""

    key: str
    n: int
    code: str = ""
    message: str = ""
    seq: int = 0


class Saying:
    """The messages of one person; `tell` is called with each outcome, and when one is asked for."""

    def __init__(self, person: int, journal: Journal, tell: Callable[[Outcome], None]) -> None:
        self._person = person
        self._journal = journal
        self._tell = tell
        self._known: OrderedDict[str, Outcome] = OrderedDict()
        self._waiting: OrderedDict[int, Outcome] = OrderedDict()  # by ticket, oldest first
        self._seqs: dict[int, int] = {}
        self._outbox = Outbox()
        self._generation = 0
        self._begun = 0
        self._read = False  # whether `_known` has what the journal has

    def __len__(self) -> int:
        return len(self._waiting)

    def begin(self, outbox: Outbox, accepted: int) -> None:
        """Take up a follower's empty outbox, with what was said before and has no outcome yet.

        A number that was taken before it was known what was accepted was never on the wire: another
        one is given. Those that are missing are of lines that were refused.
        """
        self._outbox, self._generation = outbox, outbox.generation
        self._begun += 1
        self._waiting.clear()
        self._seqs.clear()
        kept = [] if self._read else self._journal.lines(self._person, time.time())
        self._read = True
        lines: list[Line] = []
        last = accepted
        for row in kept:
            if row.outcome:
                self._note(Outcome(row.key, row.n, row.outcome, row.message, row.seq))
            else:
                line = msgspec.json.decode(row.line, type=Line)
                line.n = last = max(row.n, last + 1)
                lines.append(line)
        if lines:
            rows = [row for row in kept if not row.outcome]
            for ticket, row, line in zip(outbox.restore(lines), rows, lines, strict=True):
                self._waiting[ticket] = self._note(Outcome(row.key, line.n))
        outbox.holding = True
        self._number_anew([(_ACCEPTED, (accepted, self._person))], lambda: None)

    def rest(self) -> None:
        """Let go of what became of messages, once it is written; `begin` reads it again."""
        begun = self._begun

        def written() -> None:
            if self._begun == begun:
                self._known.clear()
                self._read = False

        self._journal.write(then=written)

    def _note(self, outcome: Outcome) -> Outcome:
        self._known[outcome.key] = outcome
        while len(self._known) > MOST_KNOWN:
            oldest = next(iter(self._known))
            if not self._known[oldest].code:
                break
            del self._known[oldest]
            self._journal.write((_FORGET, (self._person, oldest)))
        return outcome

    def known(self, key: str) -> bool:
        """Tell again what became of a message; return whether it was said before."""
        outcome = self._known.get(key)
        if outcome is None:
            return False
        if outcome.code:
            self._tell(outcome)
        return True

    def add(self, key: str, line: Line, ticket: int, then: Callable[[], None]) -> None:
        """Note a line that the follower has just taken in; `then` is called when it may go out."""
        self._waiting[ticket] = self._note(Outcome(key, line.n))
        outbox = self._outbox
        generation = outbox.generation

        def written() -> None:
            if self._outbox is outbox and outbox.generation == generation:
                outbox.release(ticket)
                then()

        row = (self._person, key, line.n, encode(line), time.time())
        self._journal.write((_INSERT, row), then=written)

    def seen(self, n: int, seq: int) -> None:
        """Note the event that one's message `n` has become."""
        self._seqs[n] = seq

    def refused(self, refusal: Refusal) -> None:
        """Note that a message was understood and not accepted, or that its fate is not known."""
        outcome = self._waiting.get(refusal.ticket)
        if outcome is not None and not outcome.code:
            outcome.code, outcome.message = refusal.code, refusal.message
            self._journal.write(self._outcome(outcome))
            self._tell(outcome)

    def _outcome(self, of: Outcome) -> Statement:
        return _OUTCOME, (of.code, of.message, of.seq, self._person, of.key)

    def settle(self, then: Callable[[], None], *also: Statement) -> None:
        """Tell what was acknowledged; `then` is called when what has new numbers may go out.

        `also` is committed with it: a new session's token and what was said in the old one belong
        together, or what the old one brought would be said again in the new one.
        """
        done: list[Outcome] = []
        while self._waiting and self._outbox.settled(next(iter(self._waiting))):
            _, outcome = self._waiting.popitem(last=False)
            outcome.seq = self._seqs.pop(outcome.n, 0)
            done.append(outcome)
        fresh = [outcome for outcome in done if not outcome.code]
        for outcome in fresh:
            outcome.code = OK
        statements = [*also, *map(self._outcome, fresh)]
        renumbered = self._outbox.generation != self._generation
        if done or renumbered:
            statements.append((_ACCEPTED, (self._outbox.accepted, self._person)))
        if renumbered:
            self._number_anew(statements, then)
        elif statements:
            self._journal.write(*statements)
        for outcome in fresh:
            self._tell(outcome)

    def _number_anew(self, statements: list[Statement], then: Callable[[], None]) -> None:
        """Write the numbers of all that waits; only then does it go out."""
        outbox, self._generation = self._outbox, self._outbox.generation
        generation = self._generation
        self._seqs.clear()
        last = 0
        for ticket, n in outbox.numbered():
            if (outcome := self._waiting.get(ticket)) is not None:
                outcome.n, last = n, ticket
                statements.append((_NUMBER, (n, self._person, outcome.key)))

        def written() -> None:
            if self._outbox is outbox and outbox.generation == generation:
                outbox.release(last)
                then()

        self._journal.write(*statements, then=written)
