"""Getting in: a client's `hello`, and before it the invitation, or the link for a device."""

from __future__ import annotations

from collections.abc import Callable

from chatlib.core.requests import Requests
from chatlib.core.verdicts import verdict
from chatlib.errors import Refused
from chatlib.protocol import answers, limits, requests
from chatlib.protocol.answers import Welcome
from chatlib.protocol.links import DEVICE_TOKEN


class Arrival:
    """Says hello until it is answered: by `welcomed`, `refused` (for good), or `failed` (for now).

    An `invitation` is redeemed when the broker does not admit our key; that of a device before,
    for it is to add a key that may be let in already.
    """

    def __init__(
        self,
        asked: Requests,
        nick: str | None,
        *,
        bot: bool,
        program: str,
        invitation: str | None,
        welcomed: Callable[[Welcome, float], None],
        refused: Callable[[Refused], None],
        failed: Callable[[str], None],
    ) -> None:
        self.nick = nick
        self.token: str | None = None  # of the session
        self.guest = False  # we speak for somebody else, who is no operator here
        self.since = 0.0  # when we last asked for something
        self._requests = asked
        self._bot = bot
        self._program = program
        self._invitation = invitation
        self._before = invitation is not None and invitation.startswith(DEVICE_TOKEN)
        self._not_taken: Refused | None = None  # why the link for a device was not
        self._welcomed = welcomed
        self._refused = refused
        self._failed = failed

    def greet(self, now: float) -> None:
        """Say hello, and before it what must be said before it."""
        self._requests.drop(requests.Hello, requests.Redeem, requests.Ping)
        if self._before:
            self._redeem(now)
        else:
            self._hello(self.nick, now)

    def _hello(self, nick: str | None, now: float) -> None:
        self.since = now
        hello = requests.Hello(
            v=limits.WIRE_VERSION,
            nick=nick,
            session=self.token,
            client=self._program,
            bot=self._bot,
            guest=self.guest,
        )
        self._requests.add(hello, Welcome, now, self._greeted, quiet=True, send=True)

    def _greeted(self, answer: Welcome | Refused, now: float) -> None:
        if not isinstance(answer, Refused):
            if self._not_taken is not None and not answer.registered:
                self._turned_away(self._not_taken)  # not as a guest whom nobody asked for
                return
            self._not_taken = None
            self.nick, self.token = answer.nick, answer.session
            self._welcomed(answer, now)
        elif answer.code == "nick_taken" and answer.suggestion and self.token is not None:
            self._hello(answer.suggestion, now)  # it was ours, and somebody took it meanwhile
        elif answer.code == "not_admitted" and self._not_taken is not None:
            self._turned_away(self._not_taken)
        elif answer.code == "not_admitted" and self._invitation is not None:
            self._redeem(now)
        else:
            self._turned_away(answer)

    def _redeem(self, now: float) -> None:
        self.since = now
        asked = requests.Redeem(token=self._invitation or "")
        self._requests.add(asked, answers.Redeemed, now, self._redeemed, quiet=True, send=True)

    def _redeemed(self, answer: answers.Redeemed | Refused, now: float) -> None:
        if not isinstance(answer, Refused):
            self._invitation, self._before = None, False  # asked once more, it would be used up
        elif self._before and answer.code == "bad_token":
            self._not_taken, self._before = answer, False  # it may have been ours, long ago
        else:
            self._turned_away(answer)
            return
        self._hello(self.nick, now)

    def _turned_away(self, answer: Refused) -> None:
        if (final := verdict(answer)) is not None:
            self._refused(final)
        else:
            self._failed(str(answer))
