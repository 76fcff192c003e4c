"""The line interface: what comes in is printed above the line that is being typed.

Below the scrollback stand the messages of one's own that are not acknowledged yet, the input
line, and a status line. A thread prints what is delivered, another runs what was typed, so that
waiting for the broker never stops the typing.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterable
from itertools import islice
from typing import Any

from prompt_toolkit.application import Application, run_in_terminal
from prompt_toolkit.application.current import set_app
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout import (
    ConditionalContainer,
    Dimension,
    Float,
    FloatContainer,
    FormattedTextControl,
    HSplit,
    Layout,
    Window,
)
from prompt_toolkit.layout.menus import CompletionsMenu
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.styles import Style
from prompt_toolkit.widgets import TextArea

from chatlib.core.signals import Connection
from chatlib.net.client import Client
from chatlib.sanitize import sanitize
from chatlib.tui.completion import complete
from chatlib.tui.conversation import Conversation
from chatlib.tui.render import Line, to_terminal

PENDING_SHOWN = 5
AGAIN_S = 2.0  # in which a second Ctrl-C quits
FAREWELL_S = 3.0  # that the last messages may take to be acknowledged
BATCH = 500  # events printed at once, so that a flood costs few redraws
PRINT_S = 5.0  # until a thread stops waiting for its lines to be printed
REFRESH_S = 1.0  # for the countdown

_STYLE = Style.from_dict(
    {"pending": "ansibrightblack", "status": "ansibrightblack", "offline": "ansired"}
)


class _Tab(Completer):
    def __init__(self, chat: Conversation) -> None:
        self._chat = chat

    def get_completions(self, document: Document, event: CompleteEvent) -> Iterable[Completion]:
        for text, place in complete(self._chat, document.text_before_cursor):
            yield Completion(text, place, display=sanitize(text.strip()))


class Screen:
    """A person's terminal. `run` returns the exit code."""

    def __init__(self, client: Client, colour: bool) -> None:
        self.chat = Conversation(client, self._show)
        self._client = client
        self._colour = colour
        self._entered: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._interrupted = float("-inf")
        self._retry_at = 0.0
        self._code = 0
        self._app = self._make_app()

    # -- layout -------------------------------------------------------------------------------

    def _make_app(self) -> Application[None]:
        self._input = TextArea(
            prompt=self._prompt,
            completer=_Tab(self.chat),
            complete_while_typing=False,
            multiline=False,
            wrap_lines=True,
            accept_handler=self._accept,
            password=Condition(lambda: self.chat.secret is not None),
            height=Dimension(min=1, max=8),
            dont_extend_height=True,
        )
        pending = Window(
            FormattedTextControl(self._pending), dont_extend_height=True, wrap_lines=True
        )
        status = Window(FormattedTextControl(self._status), height=1)
        body = HSplit(
            [
                ConditionalContainer(pending, Condition(lambda: bool(self._client.pending()))),
                self._input,
                status,
            ]
        )
        menu = Float(CompletionsMenu(max_height=6), xcursor=True, ycursor=True)
        return Application(
            Layout(FloatContainer(body, [menu])),
            key_bindings=self._keys(),
            style=_STYLE,
            color_depth=None if self._colour else ColorDepth.DEPTH_1_BIT,
            erase_when_done=True,
            refresh_interval=REFRESH_S,
        )

    def _prompt(self) -> StyleAndTextTuples:
        if self.chat.secret is not None:
            return [("bold", "password> ")]
        return [("bold", f"{self.chat.room or 'no room'}> ")]

    def _pending(self) -> StyleAndTextTuples:
        waiting = self._client.pending()
        shown = [
            f"… {f'to {p.to}: ' if p.to else ''}{sanitize(p.text, lines=True) or p.kind}"
            for p in waiting[:PENDING_SHOWN]
        ]
        if len(waiting) > PENDING_SHOWN:
            shown.append(f"… and {len(waiting) - PENDING_SHOWN} more")
        return [("class:pending", "\n".join(shown))]

    def _status(self) -> StyleAndTextTuples:
        if time.monotonic() - self._interrupted < AGAIN_S:
            return [("class:status", "Ctrl-C once more quits")]
        if self._client.state == "refused":
            return [("class:offline", "turned away; /quit leaves")]
        if self.chat.offline:
            left = max(0, math.ceil(self._retry_at - time.monotonic()))
            when = f"next try in {left} s" if left else "trying now"
            return [("class:offline", f"offline; {when}")]
        others = [
            f"{name}({count})" if (count := self.chat.unread[name]) else name
            for name in self._client.joined
            if name != self.chat.room
        ]
        also = f" · also in {', '.join(others)}" if others else ""
        return [("class:status", sanitize(f"{self._client.nick}{also} · /help"))]

    # -- keys ---------------------------------------------------------------------------------

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()

        @keys.add("c-c")
        def _(event: KeyPressEvent) -> None:
            now = time.monotonic()
            if self._input.text:
                self._input.buffer.reset()
            elif now - self._interrupted < AGAIN_S:
                self._end(130)
                return
            self._interrupted = now

        @keys.add("c-d")
        def _(event: KeyPressEvent) -> None:
            if self._input.text:
                self._input.buffer.delete()
            else:
                self._end(0)

        @keys.add("tab")
        def _(event: KeyPressEvent) -> None:
            buffer = self._input.buffer
            if buffer.complete_state:
                buffer.complete_next()
            else:
                buffer.start_completion(insert_common_part=True, select_first=False)

        return keys

    def _accept(self, buffer: Buffer) -> bool:
        self._interrupted = float("-inf")
        text = buffer.text
        if self.chat.secret is not None or text.lstrip().lower().startswith("/password "):
            buffer.reset()  # what is still in it is remembered, for the arrow keys
            self._entered.put(text)
        elif text.strip():
            buffer.append_to_history()
            self._entered.put(text)
        return False  # the line is cleared

    # -- threads ------------------------------------------------------------------------------

    def _show(self, lines: list[Line]) -> None:
        """Print above the input, and return when it is printed: a flood waits in the client."""
        text = "".join(to_terminal(line, self._colour) + "\n" for line in lines)
        loop = self._app.loop
        if not text or loop is None or not self._app.is_running:
            sys.stdout.write(text)
            sys.stdout.flush()
            return

        async def above() -> None:
            with set_app(self._app):
                await run_in_terminal(lambda: self._write(text))

        with contextlib.suppress(TimeoutError, RuntimeError):  # the application is just ending
            asyncio.run_coroutine_threadsafe(above(), loop).result(PRINT_S)

    def _write(self, text: str) -> None:
        self._app.output.write_raw(text.replace("\n", "\r\n"))
        self._app.output.flush()

    def _follow(self) -> None:
        for first in self._client.events():
            lines: list[Line] = []
            for told in (first, *islice(self._client.events(timeout=0), BATCH)):
                if isinstance(told, Connection) and told.retry_in is not None:
                    self._retry_at = time.monotonic() + told.retry_in
                lines += self.chat.take(told)
            self._show(lines)
            self._app.invalidate()
        self._later(lambda: self._end(self._code))

    def _work(self) -> None:
        while (text := self._entered.get()) is not None:
            self.chat.enter(text)
            self._app.invalidate()
            if self.chat.quitting:
                self._later(lambda: self._end(0))

    def _later(self, act: Any) -> None:
        if (loop := self._app.loop) is not None:
            loop.call_soon_threadsafe(act)

    def _end(self, code: int) -> None:
        if self._app.is_running and not self._app.future.done():  # type: ignore[union-attr]
            self._code = code
            self._app.exit()

    # -- life ---------------------------------------------------------------------------------

    def run(self, room: str) -> int:
        """Show the chat until its user leaves; `room` is joined first."""
        before = {n: signal.signal(n, self._obey) for n in (signal.SIGTERM, signal.SIGHUP)}
        try:
            self._entered.put(f"/join {room}")
            self._app.run(handle_sigint=False, pre_run=self._start_threads)
            self._entered.put(None)
            self._farewell()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        return self._code

    def _start_threads(self) -> None:
        for name, target in (("printer", self._follow), ("worker", self._work)):
            threading.Thread(target=target, name=f"hubbub-{name}", daemon=True).start()

    def _obey(self, number: int, frame: object) -> None:
        self._later(lambda: self._end(128 + number))

    def _farewell(self) -> None:
        from chatlib.errors import HubbubError

        try:
            if self._client.pending():
                self._client.flush(FAREWELL_S)
        except HubbubError as e:
            self.chat.error(str(e))
