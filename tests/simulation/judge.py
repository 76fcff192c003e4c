"""Who watches a simulation: what the store was given, what each member was told.

The judge knows the promises of docs/protocol.md and nothing of how they are kept. Every rule that
is broken is an AssertionError at the instant when it breaks.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from chatlib.core.batch import INBOX, Entry, Note
from chatlib.core.signals import Refusal
from chatlib.core.state import State
from chatlib.history.store import Store
from chatlib.protocol.codec import decode_event, decode_events
from chatlib.protocol.events import Event

RULINGS = ("role", "mute", "unmute", "ban", "unban")


class Chain:
    """All events of one stream ever committed, in their order."""

    def __init__(self) -> None:
        self.seqs: list[int] = []
        self.events: list[Event] = []

    def append(self, event: Event) -> None:
        assert event.prev == self.head, f"a broken chain: {event}"
        self.seqs.append(event.seq)
        self.events.append(event)

    @property
    def head(self) -> int:
        """The newest seq, 0 for none."""
        return self.seqs[-1] if self.seqs else 0

    def between(self, after: int, before: int) -> list[int]:
        """Return the seqs that lie between two others."""
        return [seq for seq in self.seqs[bisect_right(self.seqs, after) :] if seq < before]


def said_by(text: str) -> tuple[int, int] | None:
    """Return who said a text and how many he had said before: each text is `NUMBER:COUNT`.

    None for what strangers say, of whom nothing is known.
    """
    number, _, count = text.partition(":")
    return (int(number), int(count)) if number.isdecimal() and count.isdecimal() else None


class Said(NamedTuple):
    """What a member said, to whom where it is private, when, and what it is about.

    `text` of a deletion is `delete SEQ`.
    """

    text: str
    to: str | None
    at: float
    kind: str = "say"
    room: str | None = None
    re: int | None = None


def known_by(event: Event) -> str:
    """Return the text by which what was said is known."""
    return f"delete {event.re}" if event.kind == "delete" else event.text or ""


class Judge:
    """The promises, checked as things happen."""

    def __init__(self) -> None:
        self.chains: dict[str, Chain] = defaultdict(Chain)
        self.members: dict[str, dict[str, int]] = defaultdict(
            dict
        )  # room -> sid -> seq of its join
        self.owners: dict[str, str] = {}  # folded nick -> sid
        self.nicks: dict[str, str] = {}  # sid -> folded nick
        self._taken_at: dict[str, float] = {}  # folded nick -> when its owner took it
        self.stored: dict[str, int] = {}  # text -> its seq
        self.erased: set[int] = set()  # seqs of messages deleted, and of their edits
        self.told: list[tuple[int, int]] = []  # (member, seq), all that was told to anybody
        self.gaps = 0
        self.private: set[str] = set()  # names of private rooms
        self.spans: dict[str, dict[str, list[list[float]]]] = defaultdict(
            lambda: defaultdict(list)
        )  # private room -> sid -> from which seq to which it was in there
        self.ranked: set[tuple[str, str]] = set()  # (room, sid) that ever was more than a member
        self.ruled: set[str] = set()  # rooms in which somebody was muted or put out
        self.denied = 0  # requests about private rooms that were refused
        self.state: State | None = None
        self._spoken: dict[int, int] = defaultdict(lambda: -1)  # member -> his newest in history
        self._seq = 0
        self._began = self._ended = 0  # the seqs before and behind the last pass
        self._at = ""
        self._private: list[tuple[str, Event]] = []  # of this pass, with the inbox's owner

    # -- what the broker does -----------------------------------------------------------------

    def committed(self, entries: Sequence[Entry]) -> None:
        """Look at what one pass stores."""
        for entry in entries:
            event = decode_event(entry.line)
            assert event.seq == entry.seq
            assert event.at >= self._at, f"time went back: {event} after {self._at}"
            self._at = event.at
            place, _, name = entry.stream.partition("/")
            if place == "inbox":
                self._to_inbox(name, event)
            elif place == "audit":
                assert event.seq > self._seq
                if event.what == "create":
                    if event.text == "private":
                        self.private.add(event.room or "")
                    self._ranks(event.room or "", event.nick)
            else:
                assert (place == "private") == (event.room in self.private), f"where? {entry}"
                assert f"{event.room}/" == name
                assert event.to is None or event.kind in RULINGS
                assert event.seq > self._seq, f"a seq that was there before: {event}"
                self._to_room(name[:-1], event)
            self._seq = event.seq
            self.chains[entry.stream].append(event)
            if event.re is not None and place != "audit":
                self._about(self.chains[entry.stream], event)

    def _about(self, chain: Chain, event: Event) -> None:
        """Look at what is about an earlier message: it was there, and one's own if it changes."""
        behind = bisect_right(chain.seqs, event.re or 0)
        original = chain.events[behind - 1]
        assert original.seq == event.re, f"about nothing: {event}"
        assert original.kind in ("say", "act"), f"about no message: {event}"
        changes = event.kind in ("edit", "delete")
        may = event.kind == "delete" and (event.room or "", event.sid) in self._more_than_members()
        assert not changes or may or event.sid == original.sid, f"somebody else's: {event}"
        if event.kind == "delete":
            edits = [e.seq for e in chain.events[behind:] if e.kind == "edit" and e.re == event.re]
            self.erased.update((original.seq, *edits))
        elif event.kind == "edit" and event.re in self.erased:
            self.erased.add(event.seq)

    def _more_than_members(self) -> set[tuple[str, str]]:
        """Return who has ever been a moderator or an owner, as far as it was ever stored."""
        for room, rights in self.state.rights.items() if self.state else ():
            self.ranked |= {(room, me) for me, r in rights.roles.items() if r.role != "member"}
        return self.ranked

    def _ranks(self, room: str, nick: str) -> None:
        """Note who is more than a member, though it may end in the same pass."""
        if (sid := self.owners.get(nick.casefold())) is not None:
            self.ranked.add((room, sid))

    # -- private rooms ------------------------------------------------------------------------

    def published(self, topic: bytes, body: bytes) -> None:
        """Look at a feed message: nothing is in it that is not for everyone."""
        for event in decode_events(body):
            assert event.kind in ("head", "beacon", "closing") or event.room, f"private: {event}"
            silent = event.kind == "head" and event.seq == 0
            secret = event.room in self.private and not silent
            assert not secret, f"private, and on the feed: {event}"

    def sent(self, sids: Collection[str], frame: bytes) -> None:
        """Look at what goes to a connection that was bound to these sessions, and to no other."""
        if not self.private:
            return
        told = json.loads(frame)
        if "prev" in told:
            self._delivered(sids, told)
        else:
            self._answered(sids, told)

    def _delivered(self, sids: Collection[str], event: Any) -> None:
        room = event.get("room", "")
        if room in self.private and not event.get("inbox"):
            spans = [span for sid in sids for span in self.spans[room][sid]]
            inside = any(first <= event["seq"] <= last for first, last in spans)
            assert inside, f"told to {sids}, who may not read it: {event}"

    def _answered(self, sids: Collection[str], told: Any) -> None:
        self.denied += (told.get("error") or {}).get("code") == "no_such_room"
        for event in told.get("events", ()):
            self._may_read(sids, event.get("room", ""), event)
        for key in ("heads", "rooms"):
            if isinstance(told.get(key), dict):
                for room in told[key]:
                    self._may_read(sids, room, told)
        for line in told["rooms"] if isinstance(told.get("rooms"), list) else ():
            if line["room"] in self.private:
                assert self.state is not None
                roles = self.state.rights[line["room"]].roles
                assert not roles.keys().isdisjoint(sids), f"listed for {sids}: {line}"
        if told.get("ok") and ("topic" in told or "members" in told):
            self._may_read(sids, told.get("room", ""), told)

    def _may_read(self, sids: Collection[str], room: str, told: Any) -> None:
        if room in self.private and told.get("inbox") is not True:  # of `hello` it is a seq
            inside = not self.members[room].keys().isdisjoint(sids)
            inside = inside or self._told_before_the_end(sids, room, told)
            assert inside, f"answered to {sids}, who may not read it: {told}"

    def _told_before_the_end(self, sids: Collection[str], room: str, told: Any) -> bool:
        """Tell whether it is of the moment before they were put out, in the pass just committed.

        What is asked takes effect in order, so a `topic` or a `hello` may be answered and a kick
        behind it in one pass: then the answer holds what was there ahead of the kick, no more.
        """
        spans = [span for sid in sids for span in self.spans[room][sid]]
        end = max((last for _, last in spans if self._began < last <= self._ended), default=0)
        if not end or told.keys() & {"seq", "events", "members", "heads"}:
            return False  # what is looked up is looked up behind the commit
        if "topic" not in told:
            return bool(told["rooms"][room] < end)
        events = self.chains[f"private/{room}/"].events
        changes = [e for e in events if e.kind == "topic" and e.seq < end]
        before = [e.text for e in changes if e.seq <= self._began] or [""]
        return told["topic"] in (before[-1], *(e.text for e in changes if e.seq > self._began))

    # -- answers, and a broker that starts ----------------------------------------------------

    def answered(self, sids: Collection[str], frame: bytes) -> None:
        """Look at what somebody is answered: moderators alone read what was deleted."""
        if b'"events":[' not in frame:
            return
        for event in json.loads(frame)["events"]:
            gone = event["seq"] in self.erased
            assert gone == event.get("deleted", False), f"deleted, or not: {event}"
            if gone and event["text"]:
                may = any((event.get("room"), sid) in self._more_than_members() for sid in sids)
                assert may, f"read after it was deleted: {event}"

    def started(self, state: State) -> None:
        """Look at what a broker that starts knows: all that was committed, and no more."""
        self.state = state
        self._began = self._ended = self._seq
        assert state.seq == self._seq, f"the head of all: {state.seq} instead of {self._seq}"
        sessions = {s.nick.casefold(): s.sid for s in state.sessions.values()}
        assert sessions == self.owners, f"who is here: {sessions} instead of {self.owners}"
        for name, room in state.rooms.items():
            assert room.members == self.members[name], f"who is in {name}: {room.members}"
            assert room.head == self._head(room.stream), f"the head of {name}: {room.head}"
        for s in state.sessions.values():
            assert s.user.inbox == self._head(INBOX + s.user.id), f"the head of an inbox: {s}"

    def _head(self, stream: str) -> int:
        return self.chains[stream].head if stream in self.chains else 0

    def _to_room(self, room: str, event: Event) -> None:
        members = self.members[room]
        if event.kind == "join":
            assert event.sid not in members, f"joined twice: {event}"
            members[event.sid] = event.seq
            self.spans[room][event.sid].append([event.seq, float("inf")])
            if event.prev == 0 and room != "lobby" and room not in self.private:
                self.ranked.add((room, event.sid))  # who opens a room owns it
            return
        if event.kind in RULINGS:
            gives_up = event.role == "none" and event.to == event.nick
            who = gives_up or (room, event.sid) in self._more_than_members()
            assert who, f"no moderator: {event}"
            if event.role in ("owner", "moderator"):
                self._ranks(room, event.to or "")
            if event.kind in ("mute", "ban"):
                self.ruled.add(room)
            return
        assert event.sid in members, f"not a member: {event}"
        if event.kind == "leave":
            if event.reason == "kicked":
                self.ruled.add(room)
            del members[event.sid]
            self.spans[room][event.sid][-1][1] = event.seq
        elif event.kind in ("say", "act", "edit", "delete", "react"):
            self._once(event)

    def _to_inbox(self, owner: str, event: Event) -> None:
        assert event.place is None
        self._private.append((owner, event))
        if event.inbox:
            assert event.seq > self._seq
            return
        if event.seq == self._seq:  # the sender's copy of what the recipient just got
            known = self.stored[known_by(event)] == event.seq
            assert known and owner == event.sid, f"in the inbox of {owner}: {event}"
        else:
            assert event.seq > self._seq
            self._once(event)

    def _once(self, event: Event) -> None:
        if (said := said_by(event.text or "")) is not None:
            number, count = said
            assert count > self._spoken[number], f"twice, or out of the sender's order: {event}"
            self._spoken[number] = count
        self.stored[known_by(event)] = event.seq

    def passed(self, notes: Sequence[Note], now: float) -> None:
        """Look at which nicknames changed hands in a pass: they are unique at each instant."""
        self._began, self._ended = self._ended, self._seq
        held = {nick: {sid} for nick, sid in self.owners.items()}
        for note in notes:
            if note.what in ("ended", "renamed"):
                del self.owners[self.nicks.pop(note.sid)]
            if note.what in ("opened", "renamed"):
                nick = note.nick.casefold()
                assert nick not in self.owners, f"two are called {note.nick}"
                self.owners[nick], self.nicks[note.sid] = note.sid, nick
                self._taken_at[nick] = now
                held.setdefault(nick, set()).add(note.sid)
        for owner, event in self._private:
            allowed = held.get((event.to or "").casefold(), set()) | {event.sid}
            assert owner in allowed, f"in the inbox of {owner}: {event}"
        self._private.clear()

    # -- what a member is told ----------------------------------------------------------------

    def acknowledged(self, message: Said, store: Store, sids: Sequence[str]) -> None:
        """Look at a message that its sender takes for stored.

        One to a nickname that was nobody's is refused instead, and the refusal may be lost.
        """
        if message.text in self.stored or self._stranger(message, sids):
            return
        if message.room not in self.ruled:
            if message.re is not None:
                self._about_nothing(message, store, sids)
                return
            assert message.to is not None, f"acknowledged and not in the history: {message}"
            self._nobody(message)

    def _stranger(self, message: Said, sids: Sequence[str]) -> bool:
        """Tell whether it was said in a private room by a session that has ended since.

        Without encryption its role ended with it (docs/protocol.md, section 9a): the room does not
        exist for the sender's new one, unless that was let in again.
        """
        new = sids[0] != sids[-1] and not self.spans[message.room or ""][sids[-1]]
        return message.room in self.private and new

    def _nobody(self, message: Said) -> None:
        nick = (message.to or "").casefold()
        held = nick in self.owners and self._taken_at[nick] < message.at
        assert not held, f"not stored, though there was somebody to tell: {message}"

    def _about_nothing(self, message: Said, store: Store, sids: Sequence[str]) -> None:
        """Look at what was not allowed: its message is gone, or not the sender's.

        Who has a nickname, and so whose conversation it is, is not looked at; nor is which of his
        sessions the sender spoke in.
        """
        if message.to is None and len(sids) == 1:
            there = store.event(f"room/{message.room}/", message.re or 0)
            changes = message.kind in ("edit", "delete")
            allowed = there is not None and message.re not in self.erased
            if allowed and there is not None and changes:
                allowed = decode_event(there).sid == sids[0]
            assert not allowed, f"refused, though it is there: {message}"

    def refused(self, message: Said, refusal: Refusal, store: Store, sids: Sequence[str]) -> None:
        """Look at a refusal: who tells somebody who has gone, or is about what has gone."""
        if message.room in self.ruled and refusal.code in ("no_such_event", "not_yours"):
            return
        if refusal.code in ("no_such_event", "not_yours"):
            assert message.re is not None, refusal
            self._about_nothing(message, store, sids)
            return
        if refusal.code in ("muted", "not_joined", "no_such_room", "banned_here"):
            gone = refusal.code == "no_such_room" and self._stranger(message, sids)
            assert gone or message.room in self.ruled, refusal
            return
        assert refusal.code == "no_such_nick", refusal
        if not message.text.startswith("delete "):  # which may be said twice of one message
            assert refusal.text == message.text
            assert message.text not in self.stored, f"refused and stored: {refusal}"
        self._nobody(message)
