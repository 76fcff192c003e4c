"""`hubbub send`: says what is piped in, and returns when the broker has it."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from chatlib.cli import key
from chatlib.errors import HubbubError, Misuse, Refused
from chatlib.protocol.links import DEFAULT_ADDRESS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chatlib.cli.destination import Door
    from chatlib.net.client import Client

PATIENCE_S = 30.0
FIELDS = {"text": str, "kind": str, "room": str, "to": str, "re": int}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser of `hubbub`."""
    parser = subparsers.add_parser(
        "send",
        help="say something from a script",
        description="Say what is piped in, as one message, and return when the broker has stored "
        "it. Exit codes: 0 acknowledged, 2 no message, 69 no broker there, 75 not acknowledged in "
        "time, 77 refused.",
    )
    parser.add_argument("room", metavar="ROOM", help="such as '#ci', in quotes, or ci")
    parser.add_argument(
        "address",
        nargs="?",
        default=DEFAULT_ADDRESS,
        metavar="ADDRESS",
        help="the broker's control endpoint, or a link in quotes (default: %(default)s)",
    )
    parser.add_argument("-m", "--message", metavar="TEXT", help="say this instead")
    parser.add_argument("--nick", metavar="NICK", help="nickname (default: the login name)")
    parser.add_argument(
        "--json",
        action="store_true",
        help='say many: each line is an object with "text", and perhaps "kind" (say, act, edit, '
        'delete, react), "re", and "room" or "to" for other places than ROOM',
    )
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=float,
        default=PATIENCE_S,
        help="to wait for the broker (default: %(default)g)",
    )
    key.add_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Say it. Raises the errors of chatlib.errors."""
    from chatlib.cli.destination import Door, find
    from chatlib.names import room_name
    from chatlib.tui.arrive import PROGRAM

    room = room_name(args.room)
    if args.json and args.message is not None:
        raise Misuse("--json reads messages from standard input: leave out -m")
    text = "" if args.json else _text(args.message)
    door = Door(find(args.address), args.key, PROGRAM)
    try:
        client = _arrive(door, args.nick, args.timeout)
    except Refused as e:
        raise door.advised(e) from None
    with client:
        door.opened()
        messages: Iterable[Any] = _messages(sys.stdin) if args.json else [(0, {"text": text})]
        return Sender(client, room, args.timeout).send(messages)


def _arrive(door: Door, nick: str | None, timeout: float) -> Client:
    """Return a client that is online; without a `nick`, under one that is free."""
    from chatlib.names import suggest_nick
    from chatlib.tui.arrive import default_nick

    wanted = nick or default_nick()
    while True:
        try:
            return door.bot(wanted).start(timeout)
        except Refused as e:
            if e.code != "nick_taken" or nick is not None:
                raise
            wanted = e.suggestion or suggest_nick(wanted, ())


def _text(given: str | None) -> str:
    if given is None:
        try:
            given = sys.stdin.read()
        except UnicodeDecodeError as e:
            raise Misuse(f"what is piped in is not UTF-8: {e.reason}") from None
        given = given.removesuffix("\n")
    if not given:
        raise Misuse("there is nothing to say: pipe it in, or give it with -m")
    return given


def _messages(lines: Iterable[str]) -> Iterable[tuple[int, Any]]:
    """Yield each line's number and what it says; Misuse for one that says nothing."""
    import json

    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError) as e:
            yield number, Misuse(f"it is no JSON: {e}")


class Sender:
    """Says messages to `room`, or to where they say themselves."""

    def __init__(self, client: Client, room: str, timeout: float) -> None:
        self._client = client
        self._room = room
        self._timeout = timeout
        self._fault: HubbubError | None = None

    def send(self, messages: Iterable[tuple[int, Any]]) -> int:
        """Send all, each with its line (0 for none); tell what was not taken; return the exit code.

        What is wrong with one does not keep back the others. Raises TimedOut, Unreachable.
        """
        for number, message in messages:
            try:
                self._say(message)
            except (Misuse, Refused) as e:
                self._tell(f"line {number}: {e}" if number else str(e), e)
        try:
            self._client.flush(self._timeout)
        except Refused as e:
            self._tell(str(e), e)
        return 0 if self._fault is None else self._fault.exit_code

    def _tell(self, text: str, fault: HubbubError) -> None:
        self._fault = fault
        print(f"hubbub: not sent: {text}", file=sys.stderr)

    def _say(self, message: Any) -> None:
        from chatlib.names import room_name

        if isinstance(message, Misuse):
            raise message
        _check(message)
        to, about, kind = message.get("to"), message.get("re"), message.get("kind", "say")
        room = None if to is not None else room_name(message.get("room", self._room))
        text = message.get("text", "")
        if room is not None and room not in self._client.joined:
            self._client.join(room, history=0, timeout=self._timeout)
        say: dict[str, Any] = {"timeout": self._timeout}
        if kind in ("say", "act") and room is not None:
            self._client.say(room, text, kind=kind, reply_to=about, **say)
        elif kind in ("say", "act"):
            self._client.tell(to, text, kind=kind, reply_to=about, **say)
        elif about is None:
            raise Misuse(f"{kind!r} needs the seq of a message, 're'")
        elif kind == "edit":
            self._client.edit(room, about, text, peer=to, **say)
        elif kind == "react":
            self._client.react(room, about, text, peer=to, **say)
        else:
            self._client.delete(room, about, peer=to, **say)


def _check(message: Any) -> None:
    if not isinstance(message, dict):
        raise Misuse('a message is a JSON object such as {"text": "hi"}')
    for name, value in message.items():
        wanted = FIELDS.get(name)
        if wanted is None:
            raise Misuse(f"{name!r} is no field of a message: {', '.join(FIELDS)} are")
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise Misuse(f"{name!r} is a {wanted.__name__}")
    if "room" in message and "to" in message:
        raise Misuse("a message is for a room or for one person: leave out 'room' or 'to'")
    if message.get("kind", "say") not in ("say", "act", "edit", "delete", "react"):
        raise Misuse(f"{message['kind']!r} is no kind: say, act, edit, delete and react are")
