"""Which handlers a message is for: commands by name, patterns, and the help about them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from chatlib.amounts import quoted
from chatlib.bot.arguments import BadArguments, Parameter, parameters, parse
from chatlib.bot.context import Context
from chatlib.errors import Misuse
from chatlib.protocol.codec import text_fault
from chatlib.protocol.limits import TEXT_BYTES

_typed = re.compile(r"(\S+)\s*(.*)", re.DOTALL)

Handler = Callable[..., Any]


class Command(NamedTuple):
    """A command: its name without the prefix, what it calls, and what it takes."""

    name: str
    handler: Handler
    parameters: list[Parameter]

    def usage(self, prefix: str) -> str:
        """Return how it is typed: `!deploy STAGE [COUNT]`."""
        return " ".join([prefix + self.name, *(p.shown for p in self.parameters)])

    @property
    def doc(self) -> str:
        """The docstring of its handler."""
        return inspect.getdoc(self.handler) or ""


class Commands:
    """The commands and patterns of one bot; `prefix` begins a command."""

    def __init__(self, prefix: str) -> None:
        if not prefix or any(c.isspace() for c in prefix):
            raise Misuse(f"{prefix!r} begins no command: take a sign without spaces, such as '!'")
        self.prefix = prefix
        self._commands: dict[str, Command] = {}
        self._patterns: list[tuple[re.Pattern[str], Handler]] = []
        self.add("help", self._help)

    def add(self, name: str, handler: Handler) -> None:
        """Add a command. Raises Misuse when there is one, but for `help`."""
        if not re.fullmatch(r"\S+", name):
            raise Misuse(f"{name!r} is no name of a command: it is one word")
        known = self._commands.get(name.casefold())
        if known is not None and known.handler != self._help:
            raise Misuse(f"there is a command {name} already")
        self._commands[name.casefold()] = Command(name, handler, parameters(handler))

    def add_pattern(self, pattern: str, handler: Handler) -> None:
        """Call `handler` with each message in which the regular expression is found."""
        self._patterns.append((re.compile(pattern), handler))

    def handle(self, context: Context) -> None:
        """Call what the message is for; what they raise comes through.

        A command is none of the patterns' business. Of an unknown one we speak to who wrote to
        us alone: in a room it may be another bot's.
        """
        text = context.text
        typed = _typed.match(text, len(self.prefix)) if text.startswith(self.prefix) else None
        if typed is not None and context.event.kind == "say":
            command = self._commands.get(typed[1].casefold())
            if command is not None:
                self._call(command, context, typed[2])
                return
            if context.room is None:
                context.reply(f"I know no {quoted(self.prefix + typed[1])}: say {self.prefix}help")
                return
        for pattern, handler in self._patterns:
            if match := pattern.search(text):
                handler(context, match)

    def _call(self, command: Command, context: Context, rest: str) -> None:
        try:
            values = parse(command.parameters, rest)
        except BadArguments as e:
            context.reply(f"{e}. Usage: {command.usage(self.prefix)}")
            return
        command.handler(context, *values)

    def _help(self, context: Context, command: str = "") -> None:
        """Tell what this bot can do, or how one command is used."""
        if not command:
            context.reply(_fitting([self._line(c) for _, c in sorted(self._commands.items())]))
            return
        found = self._commands.get(command.removeprefix(self.prefix).casefold())
        if found is None:
            context.reply(f"I know no {quoted(command)}: say {self.prefix}help")
        else:
            context.reply(_fitting([found.usage(self.prefix), *found.doc.splitlines()]))

    def _line(self, command: Command) -> str:
        about = command.doc.partition("\n")[0]
        return command.usage(self.prefix) + (f": {about}" if about else "")


def _fitting(lines: list[str]) -> str:
    """Return as many of the lines as a message may hold."""
    while len(lines) > 1 and text_fault("\n".join(lines), TEXT_BYTES):
        lines = lines[:-1]
    return "\n".join(lines)
