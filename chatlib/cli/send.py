"""`hubbub send`: says what is piped in, and returns when the broker has it."""

from __future__ import annotations

import argparse
import contextlib
import sys
from typing import TYPE_CHECKING, Any

from chatlib.cli import consent, key, quantities
from chatlib.errors import HubbubError, Misuse, Refused
from chatlib.protocol.links import DEFAULT_ADDRESS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chatlib.cli.destination import Door
    from chatlib.net.client import Client

PATIENCE_S = 30.0
MOST_WAITING = 20_000  # messages on their way; chatlib.Client waits at 10,000
FIELDS = {"text": str, "kind": str, "room": str, "to": str, "re": int}
KINDS_OF_VALUES = {str: "a string", int: "a whole number"}


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
        metavar="TIME",
        type=quantities.span,
        default=PATIENCE_S,
        help="to wait for the broker (default: 30s)",
    )
    consent.add_option(parser)
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
    to = find(args.address)
    consent.agree(to, yes=args.yes)
    door = Door(to, args.key, PROGRAM)
    try:
        client = _arrive(door, args.nick, args.timeout)
    except Refused as e:
        raise door.advised(e) from None
    with client:
        door.opened()
        messages: Iterable[Any] = _messages() if args.json else [(0, {"text": text})]
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
            given = sys.stdin.read() if sys.stdin is not None else ""
        except UnicodeDecodeError as e:
            raise Misuse(f"what is piped in is not UTF-8: {e.reason}") from None
        given = given.removesuffix("\n")
    if not given:
        raise Misuse("there is nothing to say: pipe it in, or give it with -m")
    return given


def _messages() -> Iterable[tuple[int, Any]]:
    """Yield of each line piped in its number and what it says; Misuse for one that says nothing.

    Read as bytes: JSON is UTF-8 whatever the locale is, and one bad line spoils no other.
    """
    import json

    for number, line in enumerate(sys.stdin.buffer if sys.stdin is not None else (), 1):
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
        self._lines: dict[int, int] = {}  # by the ticket of a message: the newest, the line it is

    def send(self, messages: Iterable[tuple[int, Any]]) -> int:
        """Send all, each with its line (0 for none); tell what was not taken; return the exit code.

        What is wrong with one does not keep back the others. Raises TimedOut, Unreachable.
        """
        for number, message in messages:
            try:
                self._lines[self._say(message)] = number
            except (Misuse, Refused) as e:
                self._tell(number, e)
            if len(self._lines) > MOST_WAITING:
                del self._lines[next(iter(self._lines))]
            self._hear()
        with contextlib.suppress(Refused):  # heard of in a moment, each with its line
            self._client.flush(self._timeout)
        self._hear()
        return 0 if self._fault is None else self._fault.exit_code

    def _hear(self) -> None:
        """Tell what was refused up to now."""
        from chatlib.core.signals import Refusal

        for told in self._client.events(timeout=0):
            if isinstance(told, Refusal):
                fault = Refused(told.code, told.message)
                self._tell(self._lines.get(told.ticket, 0), fault)

    def _tell(self, number: int, fault: HubbubError) -> None:
        self._fault = fault
        place = f"line {number}: " if number else ""
        print(f"hubbub: not sent: {place}{fault}", file=sys.stderr)

    def _say(self, message: Any) -> int:
        """Say it, and return its ticket."""
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
            return self._client.say(room, text, kind=kind, reply_to=about, **say)
        if kind in ("say", "act"):
            return self._client.tell(to, text, kind=kind, reply_to=about, **say)
        if about is None:
            raise Misuse(f"{kind!r} needs the seq of a message, 're'")
        if kind == "edit":
            return self._client.edit(room, about, text, peer=to, **say)
        if kind == "react":
            return self._client.react(room, about, text, peer=to, **say)
        return self._client.delete(room, about, peer=to, **say)


def _check(message: Any) -> None:
    if not isinstance(message, dict):
        raise Misuse('a message is a JSON object such as {"text": "hi"}')
    for name, value in message.items():
        wanted = FIELDS.get(name)
        if wanted is None:
            raise Misuse(f"{name!r} is no field of a message: {', '.join(FIELDS)} are")
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise Misuse(f"{name!r} is {KINDS_OF_VALUES[wanted]}")
    if "room" in message and "to" in message:
        raise Misuse("a message is for a room or for one person: leave out 'room' or 'to'")
    if message.get("kind", "say") not in ("say", "act", "edit", "delete", "react"):
        raise Misuse(f"{message['kind']!r} is no kind: say, act, edit, delete and react are")
