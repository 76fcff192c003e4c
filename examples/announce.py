#!/usr/bin/env python3
"""Announce the result of a build in a room: from a CI job, a shell, or a webhook's JSON.

    announce.py --room ops --project hubbub --status success --url https://ci/7
    announce.py --room ops --json result.json        # {"project": ..., "status": ..., "url": ...}
    make test 2>&1 | tail -5 | announce.py --room ops --project hubbub --status failure -
    announce.py --broker 'hubbub://...' --key ci.key --project hubbub --status success

It ends when the broker has stored the announcement: exit code 0. Otherwise it says why, and the
exit code is chatlib's: 69 no broker, 75 no answer in time, 77 refused, 2 wrong arguments.
"""

import argparse
import json
import sys
from pathlib import Path

from chatlib import Client, HubbubError, Misuse, Refused
from chatlib.cli.destination import Door, find
from chatlib.names import LOBBY
from chatlib.sanitize import sanitize

SIGNS = {"success": "✅", "failure": "❌", "cancelled": "🚫", "running": "⏳"}
MOST_DETAIL = 2_000  # characters of a log's tail


def announcement(result: dict) -> str:
    """Return what is said of a result. Raises Misuse."""
    status, project = str(result.get("status", "")).lower(), result.get("project")
    if status not in SIGNS or not project:
        raise Misuse(f"a result has a project, and a status that is one of: {', '.join(SIGNS)}")
    first = f"{SIGNS[status]} {project} {result.get('branch', '')}".rstrip() + f": {status}"
    detail = str(result.get("detail") or "").strip()[-MOST_DETAIL:]
    lines = [first, str(result.get("url") or ""), detail]
    return sanitize("\n".join(line for line in lines if line), lines=True)


def result_of(given: argparse.Namespace) -> dict:
    """Return the result that the command line and the JSON tell of. Raises ValueError, OSError."""
    result = {}
    if given.json:
        result = json.loads(sys.stdin.read() if given.json == "-" else Path(given.json).read_text())
        if not isinstance(result, dict):
            raise Misuse("the JSON of a result is an object")
    for field in ("project", "branch", "url", "status", "detail"):
        if getattr(given, field) is not None:
            result[field] = getattr(given, field)
    if result.get("detail") == "-":
        result["detail"] = sys.stdin.read()
    return result


def arrive(door: Door, nick: str) -> Client:
    """Return a client under `nick`, or under what is free: two jobs may end at the same time."""
    try:
        try:
            client = door.bot(nick).start()
        except Refused as e:
            if e.suggestion is None:
                raise
            client = door.bot(e.suggestion).start()
    except Refused as e:
        raise door.advised(e) from None
    door.opened()
    return client


def options(arguments: list[str]) -> argparse.Namespace:
    """Return what was typed."""
    parser = argparse.ArgumentParser(description="Announce the result of a build in a room.")
    parser.add_argument(
        "--broker", default="tcp://127.0.0.1:5555", metavar="ADDRESS",
        help="its address, or a hubbub:// link in quotes (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--key", type=Path, metavar="FILE",
        help="its own key, made where none is (default: the one of this user)",
    )  # fmt: skip
    parser.add_argument("--room", help="(default: the one that the link leads to, or lobby)")
    parser.add_argument("--nick", default="ci", help="(default: %(default)s)")
    parser.add_argument("--json", metavar="FILE", help="a result as JSON; - for standard input")
    for field, what in {"project": "what was built", "branch": "of what", "url": "more"}.items():
        parser.add_argument(f"--{field}", help=what)
    parser.add_argument("--status", choices=SIGNS, help="how it ended, or `running`")
    parser.add_argument("detail", nargs="?", help="more lines; - for standard input")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Announce, and return the exit code."""
    given = options(arguments)
    try:
        text = announcement(result_of(given))
        to = find(given.broker)
        room = given.room or to.room or LOBBY
        with arrive(Door(to, given.key, "announce.py"), given.nick) as client:
            client.join(room, history=0)
            client.say(room, text)
            client.flush(30)
    except (OSError, ValueError, HubbubError) as e:
        print(f"announce: {e}", file=sys.stderr)
        return getattr(e, "exit_code", 2)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
