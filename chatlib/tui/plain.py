"""The chat without a line editor: append-only lines for a dumb terminal, or a pipe.

In a pipe each line of standard input is sent as it is (a slash is a slash), each event is printed
on a line of its own, and the end of the input waits for the acknowledgements.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterable

from chatlib.errors import HubbubError, TimedOut
from chatlib.net.client import Client, Delivery
from chatlib.protocol.codec import encode
from chatlib.protocol.events import Event
from chatlib.tui.conversation import Conversation
from chatlib.tui.render import Line, to_terminal

LAST_WORDS_S = 0.5  # after the last acknowledgement, for what is still on its way to us
FLUSH_S = 60.0


class Plain:
    """Lines in, lines out. With `as_json`, events as their JSON lines and nothing else."""

    def __init__(self, client: Client, *, colour: bool = False, as_json: bool = False) -> None:
        self.chat = Conversation(client, self._show)
        self._client = client
        self._colour = colour
        self._json = as_json
        self._lock = threading.Lock()

    def _show(self, lines: list[Line]) -> None:
        with self._lock:
            for line in lines:
                print(to_terminal(line, self._colour))
            sys.stdout.flush()

    def _take(self, told: Delivery) -> None:
        if not self._json:
            self._show(self.chat.take(told))
        elif isinstance(told, Event):
            print(encode(told).decode(), flush=True)

    def _follow(self) -> None:
        reader = True
        for told in self._client.events():
            try:
                if reader:
                    self._take(told)
            except BrokenPipeError:  # nobody reads us any more; what is piped in is still sent
                reader = False
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def _start(self) -> threading.Thread:
        thread = threading.Thread(target=self._follow, name="hubbub-printer", daemon=True)
        thread.start()
        return thread

    def talk(self, room: str, lines: Iterable[str]) -> int:
        """Let a person type: slash commands work. Returns the exit code."""
        self._start()
        self.chat.enter(f"/join {room}")
        for line in lines:
            self.chat.enter(line.rstrip("\n"))
            if self.chat.quitting:
                break
        self._client.flush(FLUSH_S)
        return 0

    def pipe(self, room: str, lines: Iterable[str]) -> int:
        """Send what is piped in, print what happens. Raises Refused, TimedOut, Unreachable."""
        self._client.join(room, history=0)
        printer = self._start()
        for line in lines:
            if text := line.rstrip("\n"):
                self._send(room, text)
        self._client.flush(FLUSH_S)
        # One's own last line comes back on the feed; printing it is part of the job.
        self._client.ping()
        printer.join(LAST_WORDS_S)
        return 0

    def _send(self, room: str, text: str) -> None:
        try:
            self._client.say(room, text, timeout=FLUSH_S)
        except TimedOut:
            raise
        except HubbubError as e:
            print(f"hubbub: not sent: {e}", file=sys.stderr)
