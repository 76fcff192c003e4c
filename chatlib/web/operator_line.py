"""What the operator's page asks of the broker: one question after the other, in a thread.

What is done in a room (a kick, a mute) is said in a session; that one is opened for it, and closed.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from chatlib.errors import HubbubError, Refused
from chatlib.net.oneshot import OneShot
from chatlib.protocol import answers, requests
from chatlib.protocol.limits import WIRE_VERSION
from chatlib.version import __version__

T = TypeVar("T")
NICK = "operator"
PROGRAM = f"hubbub web {__version__} (operator)"
ASK_S = 4.0


class OperatorLine:
    """`connect` makes a connection on which one is an operator. It is made anew after a fault."""

    def __init__(self, connect: Callable[[], OneShot]) -> None:
        self._connect = connect
        self._broker: OneShot | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="operator")

    async def ask(self, request: requests.Request, kind: type[T]) -> T:
        """Return the broker's answer. Raises Refused, TimedOut, Unreachable."""
        return await self._run(lambda: self._ask(request, kind))

    async def ask_in_session(self, request: requests.Request, kind: type[T]) -> T:
        """Return the answer to what takes a session. Raises Refused, TimedOut, Unreachable."""
        return await self._run(lambda: self._in_session(request, kind))

    async def _run(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    def _ask(self, request: requests.Request, kind: type[T]) -> T:
        broker = self._broker
        if broker is None:
            broker = self._broker = self._connect()
        try:
            return broker.ask(request, kind, ASK_S)
        except Refused:
            raise
        except BaseException:  # an answer that comes later would be taken for the next one's
            self._hang_up()
            raise

    def _in_session(self, request: requests.Request, kind: type[T]) -> T:
        with self._connect() as broker:
            self._greet(broker)
            try:
                return broker.ask(request, kind, ASK_S)
            finally:
                with suppress(HubbubError):
                    broker.ask(requests.Bye(), answers.Answer, ASK_S)

    def _greet(self, broker: OneShot) -> None:
        for nick in (NICK, f"{NICK}-{secrets.token_hex(2)}"):
            try:
                hello = requests.Hello(v=WIRE_VERSION, nick=nick, client=PROGRAM, bot=True)
                broker.ask(hello, answers.Welcome, ASK_S)
                return
            except Refused as e:
                if e.code != "nick_taken" or nick != NICK:
                    raise

    def _hang_up(self) -> None:
        if self._broker is not None:
            self._broker.__exit__(None, None, None)
        self._broker = None

    def close(self) -> None:
        """Hang up, behind what is being asked."""
        self._thread.submit(self._hang_up)
        self._thread.shutdown(wait=False)
