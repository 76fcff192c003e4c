"""`hubbub` whose doorman goes wrong when told: he fails at deciding, or nobody can ask him.

`python -m tests.system.undecided broker ...`; SIGUSR1 begins and ends the one, SIGUSR2 the other.
"""

from __future__ import annotations

import signal
import sys
from typing import Any

from chatlib.cli.main import main
from chatlib.core.identities import Rule
from chatlib.net.curve import ZAP_ENDPOINT
from chatlib.net.doors import Doors

asked = {signal.SIGUSR1: False, signal.SIGUSR2: False}
gone = False
decide, serve = Rule.fault, Doors.answer_knocks


def fault(self: Rule, *arguments: Any) -> str:
    if asked[signal.SIGUSR1]:
        raise RuntimeError("the list of keys\ncannot be read")
    return decide(self, *arguments)


def answer_knocks(self: Doors, *arguments: Any) -> None:
    global gone  # noqa: PLW0603
    assert self.doorman is not None
    if asked[signal.SIGUSR2] != gone:  # in the loop's thread: sockets are not for signal handlers
        gone = not gone
        (self.doorman.socket.unbind if gone else self.doorman.socket.bind)(ZAP_ENDPOINT)
        print("the doorman is", "gone" if gone else "back", flush=True)
    serve(self, *arguments)


def turn(number: int, frame: Any) -> None:
    asked[signal.Signals(number)] ^= True


if __name__ == "__main__":
    for number in asked:
        signal.signal(number, turn)
    Rule.fault, Doors.answer_knocks = fault, answer_knocks  # type: ignore[method-assign]
    sys.exit(main())
