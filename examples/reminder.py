#!/usr/bin/env python3
"""A bot that reminds: say `!remind 10m tea` in a room, or to it alone.

    reminder.py                                      # the broker of this machine, its lobby
    reminder.py tcp://127.0.0.1:5555 ops ci          # in these rooms
    reminder.py 'hubbub://...'                       # an encrypted broker, by a link

What it was asked for is in the file reminders.json, so it reminds of it after a restart, too; late,
if it was away. It waits for a broker that is not there.
"""

import argparse
import contextlib
import json
import logging
import sys
import threading
from datetime import timedelta
from pathlib import Path

from chatlib import Bot, HubbubError, Misuse, Refused
from chatlib.bot import Context

MOST = 100  # reminders of one person
KEY = "reminder.key"  # here: what an encrypted broker knows it by, unless another one is named


class Reminders:
    """What is to come, in a file. Rooms and the clock come in threads of their own."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        try:
            self._all: list[dict] = json.loads(file.read_text()) if file.exists() else []
        except (OSError, ValueError) as e:
            raise Misuse(f"{file} can't be read: {e}") from None

    def add(self, reminder: dict) -> bool:
        """Keep one; False when somebody has too many."""
        with self._lock:
            if any(r["seq"] == reminder["seq"] for r in self._all):
                return True  # a bot that was killed is asked once more
            if sum(r["nick"] == reminder["nick"] for r in self._all) >= MOST:
                return False
            self._keep([*self._all, reminder])
            return True

    def of(self, nick: str) -> list[dict]:
        """Return what one person waits for."""
        with self._lock:
            return [r for r in self._all if r["nick"] == nick]

    def due(self, now: float) -> list[dict]:
        """Return those whose time has come."""
        with self._lock:
            return [r for r in self._all if r["due"] <= now]

    def drop(self, gone: list[dict]) -> None:
        """Forget some."""
        with self._lock:
            self._keep([r for r in self._all if r not in gone])

    def _keep(self, reminders: list[dict]) -> None:
        new = self._file.with_name(self._file.name + ".new")
        new.write_text(json.dumps(reminders, indent=1))
        new.replace(self._file)
        self._all = reminders


def make_bot(address: str, rooms: list[str] | None, file: Path, key: Path | None = None) -> Bot:
    """Return the bot; it keeps its reminders in `file`. Raises Misuse."""
    bot = Bot(address, "reminder", rooms=rooms, key=key)
    if bot.server_key is not None and key is None:
        bot.key = KEY
    reminders = Reminders(file)

    @bot.command("remind")
    def remind(ctx: Context, when: timedelta, what: str, *more: str) -> None:
        """Remind you, in 90s, 10m, 1h30m or 2d, of what you say."""
        due = bot.clock.time() + when.total_seconds()
        asked = {"seq": ctx.event.seq, "due": due, "nick": ctx.nick, "room": ctx.room}
        if reminders.add(asked | {"what": " ".join([what, *more])}):
            ctx.reply(f"I'll remind you in {when}")
        else:
            ctx.reply(f"you have {MOST} reminders already")

    @bot.command("reminders")
    def mine(ctx: Context) -> None:
        """List what I shall remind you of."""
        now = bot.clock.time()
        lines = [
            f"in {timedelta(seconds=round(r['due'] - now))}: {r['what']}"
            for r in reminders.of(ctx.nick)[:20]
        ]
        ctx.whisper("\n".join(lines) or "nothing")

    @bot.every("1s")
    def look() -> None:
        due = reminders.due(bot.clock.time())
        for reminder in due:
            text = f"{reminder['nick']}: {reminder['what']}"
            if reminder["room"] in bot.rooms:
                bot.say(reminder["room"], text)
            else:
                bot.tell(reminder["nick"], text)
        if due:
            with contextlib.suppress(Refused):  # who is gone is not reminded; the log says so
                bot.client.flush()  # the broker has it: now it may be forgotten here
            reminders.drop(due)

    return bot


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM or Ctrl-C; return the exit code."""
    parser = argparse.ArgumentParser(description="A bot that reminds: say `!remind 10m tea`.")
    parser.add_argument(
        "address", nargs="?", default="tcp://127.0.0.1:5555", metavar="ADDRESS",
        help="the broker's, or a hubbub:// link in quotes (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("rooms", nargs="*", metavar="ROOM", help="(default: the link's, or lobby)")
    parser.add_argument("--key", type=Path, metavar="FILE", help=f"its own key (default: {KEY})")
    parser.add_argument(
        "--file", type=Path, default=Path("reminders.json"), metavar="FILE",
        help="what it was asked for (default: %(default)s)",
    )  # fmt: skip
    given = parser.parse_args(arguments)
    try:
        make_bot(given.address, given.rooms or None, given.file, given.key).run()
    except HubbubError as e:
        print(f"reminder: {e}", file=sys.stderr)
        return e.exit_code
    return 0


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    sys.exit(main(sys.argv[1:]))
