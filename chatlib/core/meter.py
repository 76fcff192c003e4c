"""What each peer has used, and whether it may go on: the one place where rates are charged.

A peer is charged twice: as the identity that it is (its key; without keys, each session by itself)
and for the address that it comes from. Both must have enough, else nothing is taken of either.
docs/protocol.md, "Rates", has the rules that this obeys.
"""

from __future__ import annotations

import ipaddress
import math
from collections import Counter
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from msgspec import Struct

from chatlib.core.batch import Batch, Note
from chatlib.core.buckets import KINDS, UNLIMITED, Buckets, Limits, Rate, Rates
from chatlib.core.commands import Peer
from chatlib.core.rights import role_of_key
from chatlib.core.state import State
from chatlib.protocol import requests
from chatlib.protocol.fields import Error

AT_ONCE_S = 1.0  # who is slowed comes back for what a second is worth, not for each message
NOTED_S = 60.0  # between two notes about one identity
LOOK_S = 1.0
MOST_WATCHED = 1_000
YOURS, ITS = " from your address", " from its address"  # as the peer and the operator are told
CHANGES = (
    requests.Join, requests.Leave, requests.Nick, requests.Create, requests.Role, requests.Kick,
    requests.Ban, requests.Unban, requests.Mute, requests.Unmute,
)  # fmt: skip


class NotNow(Exception):
    """Why a request is not even looked at; nothing was changed."""

    def __init__(self, error: Error) -> None:
        super().__init__(error.message)
        self.error = error


class Held(NamedTuple):
    """How many seconds a peer has to wait, and why."""

    wait: float
    reason: str


class Charge(NamedTuple):
    """A bucket that pays: the key in it, and how a refusal calls it."""

    buckets: Buckets
    key: str
    reason: str

    def wait(self, cost: float, now: float) -> Held:
        """Return how long to wait for `cost`."""
        return Held(self.buckets.wait(self.key, cost, now), self.reason)

    def wait_for_some(self, least: float, most: float, now: float) -> Held:
        """Return how long to wait for a second's worth of it, where so much is wanted."""
        rate = self.buckets.rate
        return self.wait(min(rate.burst, max(least, min(most, rate.per_s * AT_ONCE_S))), now)


Account = dict[str, list[Charge]]  # by kind: all that must have enough


class Watched(Struct):
    """An identity that is being slowed; `count` since it was `noted`."""

    sid: str
    nick: str
    peer: Peer
    reason: str
    noted: float = -math.inf
    count: int = 0


class Meter:
    """Charges rates. It is asked before anything is done, and what it holds back costs nothing.

    `fingerprint` returns what people call a key. Raises Misuse for rates that would let something
    never pass.
    """

    def __init__(
        self, state: State, limits: Limits, fingerprint: Callable[[str], str] = str
    ) -> None:
        limits.check()
        self._state = state
        self._limits = limits
        self._person, self._bot = _Pool(limits.person), _Pool(limits.bot)
        self._own = {name: self._given(changes) for name, changes in limits.given.items()}
        self._addresses = _Pool(limits.address, YOURS)
        self._fingerprint = lru_cache(maxsize=1_000)(fingerprint)
        self._accounts: dict[str, tuple[Peer, Account]] = {}  # by sid: made once, for speed
        self._paused: dict[str, float] = {}  # sid -> until when none of its lines is taken
        self._slowed: dict[str, Held] = {}  # sids that are to be told in this pass
        self._here: dict[str, tuple[str, str]] = {}  # sid -> key and address that it counts for
        self._counts: Counter[tuple[str, str]] = Counter()  # by _places
        self._watched: dict[str, Watched] = {}  # by identity
        self._look_at = 0.0

    def _given(self, changes: Mapping[str, Any]) -> tuple[_Pool, _Pool]:
        own = _Pool(UNLIMITED._replace(**changes))
        return self._person.with_own(own, changes), self._bot.with_own(own, changes)

    # -- intake -------------------------------------------------------------------------------

    def lines(self, sid: str, peer: Peer, body: bytes, now: float) -> bytes | None:
        """Return as many of the lines as may come now, None for none; the rest is told `slow`."""
        left = self._paused.get(sid, now) - now
        if left > 0:
            self._slowed.setdefault(sid, Held(left, self._reason(sid, peer)))
            return None
        account = self._account(sid, peer)
        count = body.count(b"\n") + (not body.endswith(b"\n"))
        if _take(account, now, messages=count, bytes=len(body)) is None:
            return body
        return self._first_lines(sid, peer, account, body, now)

    def _first_lines(
        self, sid: str, peer: Peer, account: Account, body: bytes, now: float
    ) -> bytes | None:
        lines = body.removesuffix(b"\n").split(b"\n")
        count = 0
        while count < len(lines):
            if _take(account, now, messages=1, bytes=len(lines[count])) is not None:
                self._pause(sid, peer, account, lines[count:], now)
                break
            count += 1
        return b"\n".join(lines[:count]) if count else None

    def _pause(self, sid: str, peer: Peer, account: Account, rest: list[bytes], now: float) -> None:
        """Let a session wait until a second's worth of the rest, one line at least, may come."""
        sizes = {"messages": (1, len(rest)), "bytes": (len(rest[0]), sum(map(len, rest)))}
        held = max(
            charge.wait_for_some(least, most, now)
            for kind, (least, most) in sizes.items()
            for charge in account[kind]
        )
        self._paused[sid] = now + held.wait
        self._slowed[sid] = held
        self._watch(sid, peer, held.reason)

    # -- control ------------------------------------------------------------------------------

    def request(self, sid: str, peer: Peer, request: Any, now: float) -> None:
        """Charge a request. Raises NotNow; whoever wants to go is never held.

        Without a session `sid` is empty. `request` is None for one that can't be read or answered.
        """
        if type(request) is requests.Bye:
            return
        changes = type(request) in CHANGES or (
            type(request) is requests.Topic and request.text is not None
        )
        costs = {"requests": 1, "changes": 1} if changes else {"requests": 1}
        held = _take(self._account(sid, peer), now, **costs)
        if held is not None:
            raise self._slow_down(sid, peer, held)

    def hello(self, sid: str | None, peer: Peer, *, bot: bool, now: float) -> None:
        """Charge a hello; `sid` is of the session that it takes up again. Raises NotNow."""
        if sid is None:
            self._check_most(peer, bot)
        opened = {"sessions": 1} if sid is None else {}
        held = _take(self._account(sid or "", peer, bot=bot), now, requests=1, **opened)
        if held is not None:
            raise self._slow_down(sid or "", peer, held)

    def handshake(self, domain: str, peer: Peer, now: float) -> bool:
        """Charge one that would be let in, and tell whether it may be now.

        Each socket has buckets of its own. Those of intake and feed go down half as fast: libzmq
        dials there again by itself, and a client whom nobody tells of it is to be held on control.
        """
        place = network(peer.address)
        costs = {"handshakes": 1.0 if domain == "control" else 0.5}
        account = self._addresses.charged(f"{place} {domain}")
        held = _take(account, now, **costs) if place else None
        if held is not None:
            self._watch("", Peer(address=place), held.reason)
        return held is None

    def _check_most(self, peer: Peer, bot: bool) -> None:
        if self._gateway(peer):
            return  # its sessions are other people's
        for place, key, most, whose in (
            ("key", peer.key, self._pool(peer.key, bot).rates.most_sessions, "of one key"),
            ("address", network(peer.address), self._limits.address.most_sessions,
             "from one address"),
        ):  # fmt: skip
            if key and most is not None and self._counts[place, key] >= most:
                text = f"at most {most} sessions {whose} at a time: end one first"
                raise NotNow(Error("too_many_sessions", text))

    def _slow_down(self, sid: str, peer: Peer, held: Held) -> NotNow:
        self._watch(sid, peer, held.reason)
        after = f"{math.ceil(held.wait * 10) / 10:g}"
        text = f"{held.reason}: try again in {after} s"
        return NotNow(Error("slow_down", text, after_ms=_in_ms(held.wait)))

    # -- who is here --------------------------------------------------------------------------

    def arrived(self, sid: str, peer: Peer) -> None:
        """Count a session for the peer that speaks for it now."""
        self.ended(sid)
        if self._gateway(peer):
            return
        self._here[sid] = peer.key, network(peer.address)
        self._counts.update(self._places(sid))

    def ended(self, sid: str) -> None:
        """Count a session no more."""
        if sid in self._here:
            for place in self._places(sid):
                self._counts[place] -= 1
                if not self._counts[place]:
                    del self._counts[place]
            del self._here[sid]
        self._paused.pop(sid, None)
        self._accounts.pop(sid, None)

    def _places(self, sid: str) -> list[tuple[str, str]]:
        named = zip(("key", "address"), self._here[sid], strict=True)
        return [(place, key) for place, key in named if key]

    # -- what is told -------------------------------------------------------------------------

    def settle(self, batch: Batch, now: float) -> None:
        """Tell those that were slowed from where to go on, now that apply has spoken."""
        if any(note.what == "promoted" for note in batch.notes):
            self._accounts.clear()  # who pays for whom may be another now
        for sid, held in self._slowed.items():
            session = self._state.sessions.get(sid)
            if session is not None:
                batch.slow(sid, session.accepted + 1, _in_ms(held.wait), held.reason)
        self._slowed.clear()
        if self._watched and now >= self._look_at:
            self._look_at = now + LOOK_S
            self._note(batch, now)

    def _watch(self, sid: str, peer: Peer, reason: str) -> None:
        identity = peer.key or sid or peer.address
        session = self._state.sessions.get(sid)
        nick = session.nick if session else ""
        watched = self._watched.get(identity)
        if watched is None:
            if len(self._watched) >= MOST_WATCHED:
                del self._watched[next(iter(self._watched))]
            watched = self._watched[identity] = Watched(sid, nick, peer, reason)
        watched.sid, watched.nick, watched.peer, watched.reason = sid, nick, peer, reason
        watched.count += 1

    def _reason(self, sid: str, peer: Peer) -> str:
        watched = self._watched.get(peer.key or sid)
        return watched.reason if watched else ""

    def _note(self, batch: Batch, now: float) -> None:
        due = [one for one in self._watched.items() if now - one[1].noted >= NOTED_S]
        for identity, one in due:
            if one.count:
                batch.notes.append(self._told(one))
                one.noted, one.count = now, 0
            else:
                del self._watched[identity]

    def _told(self, one: Watched) -> Note:
        return Note(
            "slowed",
            one.sid,
            one.nick,
            reason=one.reason.replace(YOURS, ITS),
            count=one.count,
            key=self._fingerprint(one.peer.key) if one.peer.key else "",
            address=one.peer.address,
        )

    # -- charging -----------------------------------------------------------------------------

    def _account(self, sid: str, peer: Peer, *, bot: bool = False) -> Account:
        known = self._accounts.get(sid)
        if known is not None and known[0] == peer:
            return known[1]
        session = self._state.sessions.get(sid)
        gateway = self._gateway(peer)
        pool = self._pool(peer.key, session.bot if session else bot)
        account = pool.charged(sid if gateway else peer.key or sid)
        addresses = self._addresses.charged("" if gateway else network(peer.address))
        for kind, charges in addresses.items():
            if kind not in pool.own:
                account[kind] += charges
        if session is not None:
            self._accounts[sid] = peer, account
        return account

    def _gateway(self, peer: Peer) -> bool:
        """Tell whether a peer opens sessions for others, who each pay for themselves."""
        return role_of_key(self._state, peer.key) == "gateway"

    def _pool(self, key: str, bot: bool) -> _Pool:
        if key and self._own and (own := self._own.get(self._fingerprint(key))):
            return own[bot]
        return self._bot if bot else self._person


class _Pool:
    """The buckets of one row of the table, by kind.

    What is in `own` was given to one key alone: there its address has no say.
    """

    def __init__(self, rates: Rates, whose: str = "") -> None:
        self.rates = rates
        self.own: frozenset[str] = frozenset()
        self._buckets: dict[str, tuple[Buckets, str]] = {}
        for kind in KINDS:
            rate: Rate | None = getattr(rates, kind)
            if rate is not None:
                reason = f"more than {rate.per_s:g} {kind} a second{whose}"
                self._buckets[kind] = Buckets(rate), reason

    def with_own(self, own: _Pool, changes: Mapping[str, Any]) -> _Pool:
        """Return this row for a key that was given `own` buckets; all the others are shared."""
        made = _Pool(UNLIMITED)
        made.rates = self.rates._replace(**changes)
        made.own = frozenset(changes)
        shared = {kind: it for kind, it in self._buckets.items() if kind not in changes}
        made._buckets = shared | own._buckets
        return made

    def charged(self, key: str) -> Account:
        """Return an account that is charged here; an empty key is nobody's."""
        account: Account = {kind: [] for kind in KINDS}
        if key:
            for kind, (buckets, reason) in self._buckets.items():
                account[kind].append(Charge(buckets, key, reason))
        return account


def _take(account: Account, now: float, **costs: float) -> Held | None:
    """Charge all, or nothing and return what has to be waited for the longest."""
    due = [(charge, cost) for kind, cost in costs.items() for charge in account[kind]]
    for charge, cost in due:
        if charge.buckets.wait(charge.key, cost, now):
            return max(charge.wait(cost, now) for charge, cost in due)
    for charge, cost in due:
        charge.buckets.spend(charge.key, cost, now)
    return None


def _in_ms(seconds: float) -> int:
    return math.ceil(seconds * 1000)


@lru_cache(maxsize=1_000)
def network(address: str) -> str:
    """Return what counts as one address: of IPv6 the /64, for whoever has one has all of them."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv4Address):
        return str(known)
    if known.ipv4_mapped:
        return str(known.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(known) >> 64 << 64, 64)))
