"""What a handler is given: what was said, by whom, where, and how to answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatlib.protocol.events import Event

if TYPE_CHECKING:
    from chatlib.bot.bot import Bot


class Context:
    """One message that a bot was told; each way to speak returns at once, and raises Misuse.

    `event` is all of it. `room` is None in a private conversation.
    """

    def __init__(self, bot: Bot, event: Event) -> None:
        self.bot = bot
        self.event = event

    @property
    def room(self) -> str | None:
        """The room that it was said in; None when it was said to the bot alone."""
        return self.event.room

    @property
    def nick(self) -> str:
        """Who said it, under the nickname of that moment."""
        return self.event.nick

    @property
    def text(self) -> str:
        """What was said, as it was said first."""
        return self.event.text or ""

    def reply(self, text: str) -> None:
        """Answer where it was said, as a reply to it."""
        if self.event.room is None:
            self.bot.tell(self.nick, text, reply_to=self.event.seq)
        else:
            self.bot.say(self.event.room, text, reply_to=self.event.seq)

    def say(self, text: str) -> None:
        """Say something where it was said."""
        if self.event.room is None:
            self.bot.tell(self.nick, text)
        else:
            self.bot.say(self.event.room, text)

    def whisper(self, text: str) -> None:
        """Say something to who said it alone."""
        self.bot.tell(self.nick, text)
