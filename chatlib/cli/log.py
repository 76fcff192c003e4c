"""What the broker prints: where it is, and who comes and goes."""

from __future__ import annotations

import errno
import json
import os
import select
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatlib.protocol.links import DEFAULT_ADDRESS, Endpoint

if TYPE_CHECKING:
    from chatlib.core.batch import Note
    from chatlib.net.broker import Broker

FEW_DESCRIPTORS = 1024
TROUBLE = (  # told though quiet
    "failing", "storing", "undecided", "crowded", "greedy", "feed closed", "draining",
)  # fmt: skip


class Log:
    """What the broker prints: one line a happening, for people or as JSON."""

    def __init__(self, form: str, quiet: bool) -> None:
        self._json = form == "json"
        self._quiet = quiet

    def started(
        self,
        broker: Broker,
        bound: tuple[Endpoint, Endpoint, Endpoint],
        descriptors: int,
        named: str = "",
        asked: Path | None = None,
    ) -> None:
        """Say who can reach the broker, where it is, what it keeps and how to join.

        `named` is the option of operators' commands that finds it; `asked` is the directory of one
        that keeps nothing, which nobody could guess.
        """
        from chatlib.version import __version__

        control, intake, feed = bound
        history = broker.store.describe()
        if self._json:
            places = {"control": str(control), "intake": str(intake), "feed": str(feed)}
            more = places if asked is None else places | {"data": str(asked)}
            self._line("started", version=__version__, history=history, pid=os.getpid(), **more)
            return
        address = str(control)
        command = "hubbub chat" + ("" if address == DEFAULT_ADDRESS else f" {address}")
        who = broker.reach()
        print(f"hubbub {__version__} is up. Who can reach it: {who}.")
        print(f"  control  {control}")
        print(f"  intake   {intake}")
        print(f"  feed     {feed}")
        print(f"  history  {history}")
        if asked is not None:
            print(f"  operator hubbub top{named}")
        if descriptors <= FEW_DESCRIPTORS:
            members = descriptors // 3
            print(
                f"  NOTE     {descriptors} open files allowed: about {members} members (ulimit -n)"
            )
        if broker.encrypted:
            command = f"the link that `hubbub invite{named}` prints"
        print(f"Join with: {command}      Stop with: Ctrl-C", flush=True)

    def link(self, link: str, lets_in: str, more: str | None) -> None:
        """Say how guests join; `more` is the command that makes other links."""
        if self._json:
            self._line("link", link=link)
            return
        print("A guest types:\n")
        print(f"  hubbub join '{link}'\n")
        said = [f"It lets in {lets_in}."] if lets_in else []
        said += [f"More links: {more}"] if more else []
        print("  ".join(said), flush=True)

    def note(self, note: Note, address: str) -> None:
        """Print one line for somebody who came, went, joined, left or was renamed."""
        from chatlib.sanitize import sanitize
        from chatlib.tui.when import zoned

        if self._quiet and note.what not in TROUBLE:
            return
        if self._json:
            known = {f: getattr(note, f) for f in note.__struct_fields__ if f != "what"}
            known["address"] = address or note.address
            self._line(note.what, **{k: v for k, v in known.items() if v})
            return
        where = f" from {address}" if address else ""
        key = f"key {note.key}" if note.key else ""
        whose = ", ".join(part for part in (key, note.address) if part)
        times = "once" if note.count == 1 else f"{note.count} times"
        by = f" by {note.by}" if note.by else ""
        why = f": {note.reason}" if note.reason else ""
        until = zoned(note.until) if note.until else "somebody unmutes him"
        sessions = "1 session is" if note.count == 1 else f"{note.count} sessions are"
        out = f"is banned from {note.room}{by}" if note.room else "is banned, and was thrown out"
        says = f", says {note.by}" if note.by else ""
        back = f"may come into {note.room} again{says}" if note.room else "may come in again"
        words = {
            "opened": f"connected{where}",
            "resumed": f"came back{where}",
            "ended": f"is gone ({note.reason})",
            "renamed": f"is the new name of {note.old}",
            "joined": f"joined {note.room}",
            "left": f"left {note.room}",
            "failing": f"NOTHING IS STORED, so nothing is acknowledged: {note.reason}",
            "undecided": f"NOBODY NEW COMES IN, for who may can't be decided: {note.reason}",
            "crowded": f"NOBODY NEW MAY COME IN, nor operators here: {note.reason} (ulimit -n)",
            "greedy": "subscribed to more than a key may: the feed is closed to it for 10 minutes",
            "feed closed": f"THE FEED IS CLOSED for a minute to {note.reason} keys without a role",
            "storing": "the history is being stored again",
            "draining": f"DRAINING: nobody new comes in, and {sessions} told so",
            "invited": f"is an invitation to {note.room}",
            "linked": f"has a link for one more key now ({note.reason})",
            "redeemed": f"(an invitation to {note.room}) let somebody in",
            "kicked": f"was put out of {note.room}{by}{why}",
            "muted": f"was muted in {note.room}{by} until {until}",
            "unmuted": f"was unmuted in {note.room}{by}",
            "banned": f"{out}{why}",
            "unbanned": back,
            "promoted": f"has the role {note.reason} now",
            "registered": "is a registered nickname now",
            "unregistered": "is no registered nickname any more",
            "devices": "has a key more, or less",
            "reset": "was reset: all keys are gone",
            "wrong password": f"is not who tried a password{where}",
            "slowed": f"was slowed down, {times}: {note.reason}",
        }
        who = f"{note.nick} ({whose})" if note.nick and whose else note.nick or whose
        told = sanitize(" ".join(filter(None, (who, words[note.what]))))
        self._put(f"{datetime.now().strftime('%H:%M:%S')} {told}")

    def metrics(self, address: str) -> None:
        """Say where metrics are answered."""
        if self._json:
            self._line("metrics", address=address)
        else:
            print(f"Metrics: http://{address}/metrics", flush=True)

    def change(self, form: str, quiet: bool) -> None:
        """Write in another form from now on."""
        self._json, self._quiet = form == "json", quiet

    def reloaded(self, changed: Sequence[str], later: Sequence[str], fault: str) -> None:
        """Say what a reload of the configuration changed, and what it could not change."""
        if self._json:
            known = {"changed": changed, "needs_restart": later, "fault": fault}
            self._line("reloaded", **{k: v for k, v in known.items() if v})
            return
        now = datetime.now().strftime("%H:%M:%S")
        if fault:
            self._put(f"{now} the configuration was NOT read again: {fault}")
            return
        told = ", ".join(changed) or "nothing"
        self._put(f"{now} read the configuration again; changed: {told}")
        if later:
            self._put(f"{now} {', '.join(later)}: changed there, but this takes a restart")

    def stopped(self) -> None:
        """Say that the end was an orderly one."""
        if self._json:
            self._line("stopped")
        else:
            self._put("stopped: everyone was told")

    def _line(self, event: str, **fields: Any) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._put(json.dumps({"at": at, "event": event} | fields))

    def _put(self, line: str) -> None:
        """Print a line, or leave it out: who stops reading must not stop the broker."""
        try:
            if select.select([], [sys.stdout], [], 0)[1]:
                print(line, flush=True)
        except OSError as e:  # else the log's disk is full, perhaps the history's, too
            if e.errno in (
                errno.EPIPE,
                errno.EIO,
            ):  # whoever read it is gone
                self._quiet = True
                # Python would fail once more when it flushes at exit, and exit with 120.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
