"""Getting in: asks for a nickname, waits for a broker with a visible countdown."""

from __future__ import annotations

import getpass
import math
import sys
import time
from collections.abc import Callable
from itertools import chain, repeat

from chatlib.core.signals import Connection
from chatlib.errors import BadName, Refused, Unreachable
from chatlib.names import nick_key, suggest_nick
from chatlib.net.client import Client
from chatlib.sanitize import sanitize
from chatlib.version import __version__

PROGRAM = f"hubbub {__version__}"

LOOK_AGAIN_S = (0.3, 1.0, 2.0, 4.0, 8.0)  # from a look for a broker to the next
Make = Callable[[str], Client]  # of a nickname, a client that was not started


def default_nick() -> str:
    """Return the login name, where it can be a nickname."""
    try:
        nick = getpass.getuser()
        nick_key(nick)
    except (BadName, OSError, KeyError, ImportError):
        return "guest"
    return nick


def ask_nick(offered: str) -> str:
    """Ask until the answer can be a nickname; an empty one takes what is offered."""
    while True:
        nick = input(f"nickname [{offered}]: ").strip() or offered
        try:
            nick_key(nick)
        except BadName as e:
            print(f"{e}. Try another.")
        else:
            return nick


def find_broker(look: Callable[[], None], *, wait: bool) -> None:
    """Return when a broker is there: before anybody is asked anything that it takes to get in.

    `look` raises Unreachable where none is; with `wait` it is waited for. Raises Unreachable,
    Refused.
    """
    away = _Away()
    for pause in chain(LOOK_AGAIN_S, repeat(LOOK_AGAIN_S[-1])):
        try:
            look()
        except Unreachable as e:
            if not wait:
                raise
            away.tell(str(e))
            away.count_down(pause)
        else:
            away.end()
            return


def arrive(make: Make, nick: str, *, wait: bool) -> Client:
    """Return a client that is online.

    With `wait`, a broker that is not there is waited for. Raises Unreachable, Refused.
    """
    client = make(nick)
    client.start(None)
    try:
        _await(client, wait)
    except BaseException:
        client.close()
        raise
    return client


def _await(client: Client, wait: bool) -> None:
    away = _Away()
    for told in client.events():
        if not isinstance(told, Connection):
            continue
        if told.state == "online":
            away.end()
            return
        if told.state == "refused":
            raise Refused(told.code, told.detail, told.suggestion)
        if told.state == "offline" and not wait:
            raise Unreachable(told.detail)
        if told.state == "offline":
            away.tell(told.detail)
            away.count_down(told.retry_in or 0, lambda: client.state != "offline")


class _Away:
    """Says that a broker is not there, once, and when it is."""

    def __init__(self) -> None:
        self._told = False

    def tell(self, why: str) -> None:
        if not self._told:
            print(f"{sanitize(why)}\nTrying until it is there; Ctrl-C ends.", file=sys.stderr)
        self._told = True

    def end(self) -> None:
        if self._told:
            print("\r\x1b[Kthe broker is there", file=sys.stderr)

    def count_down(self, seconds: float, over: Callable[[], bool] = lambda: False) -> None:
        deadline = time.monotonic() + seconds
        while not over() and (left := deadline - time.monotonic()) > 0:
            told = f"\r\x1b[Knext try in {math.ceil(left)} s"
            print(told, end="", file=sys.stderr, flush=True)
            time.sleep(min(left, 0.2))


def arrive_as(
    make: Make, nick: str | None, *, wait: bool, ask: Callable[[str], str] | None
) -> Client:
    """Return a client that is online, under a nickname that its user agreed to.

    `ask` asks for one, being offered one; None when there is nobody to ask, then Refused is raised.
    """
    offered = default_nick()
    while True:
        try:
            if nick is None and ask is not None:
                nick = ask(offered)
            return arrive(make, nick or offered, wait=wait)
        except Refused as e:
            if e.code not in ("nick_taken", "bad_nick") or ask is None:
                if e.code == "nick_taken" and nick is None:
                    nick = e.suggestion or suggest_nick(offered, ())
                    continue
                raise
            print(f"{sanitize(str(e))}.")
            nick, offered = None, e.suggestion or offered
