"""Getting in: asks for a nickname, waits for a broker with a visible countdown."""

from __future__ import annotations

import getpass
import math
import sys
import time
from collections.abc import Callable

from chatlib.core.signals import Connection
from chatlib.errors import BadName, Refused, Unreachable
from chatlib.names import nick_key, suggest_nick
from chatlib.net.client import Client
from chatlib.sanitize import sanitize
from chatlib.version import __version__

PROGRAM = f"hubbub {__version__}"

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
    told_once = False
    for told in client.events():
        if not isinstance(told, Connection):
            continue
        if told.state == "online":
            if told_once:
                print("\r\x1b[Kthe broker is there", file=sys.stderr)
            return
        if told.state == "refused":
            raise Refused(told.code, told.detail, told.suggestion)
        if told.state == "offline" and not wait:
            raise Unreachable(told.detail)
        if told.state == "offline":
            if not told_once:
                print(
                    f"{sanitize(told.detail)}\nTrying until it is there; Ctrl-C ends.",
                    file=sys.stderr,
                )
            told_once = True
            _count_down(told.retry_in or 0, client)


def _count_down(seconds: float, client: Client) -> None:
    deadline = time.monotonic() + seconds
    while client.state == "offline" and (left := deadline - time.monotonic()) > 0:
        print(f"\r\x1b[Knext try in {math.ceil(left)} s", end="", file=sys.stderr, flush=True)
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
