"""Many members in one process on one context; obeys the words on stdin, answers in JSON lines.

join, talk, leave    told by the test, which waits for all processes between them
"""

import json
import sys
from collections.abc import Iterable

from chatlib import Client, Event
from chatlib.net.sockets import make_context
from tests.support import PATIENCE

SAID_BY_EACH = 3


def heard(client: Client, total: int) -> list[Event]:
    """Take what a client is told until it has `total` messages."""
    found: list[Event] = []
    for told in client.events(timeout=PATIENCE):
        assert isinstance(told, Event) or told.state == "online", told
        if isinstance(told, Event) and told.kind == "say":
            found.append(told)
            if len(found) == total:
                break
    return found


def main(address: str, name: str, count: int, total: int, orders: Iterable[str]) -> None:
    with make_context() as context:
        clients = [Client(address, f"{name}-{i}", context=context) for i in range(count)]
        for order in orders:
            answer = {}
            if order == "join":
                for client in clients:
                    client.start(PATIENCE)
                    client.join("lobby", history=0, timeout=PATIENCE)
            elif order == "talk":
                for i in range(SAID_BY_EACH):
                    for client in clients:
                        client.say("lobby", f"{client.nick} {i}")
                orderings = [[(e.seq, e.text) for e in heard(c, total)] for c in clients]
                assert all(ordering == orderings[0] for ordering in orderings)
                answer = {"heard": orderings[0]}
            else:
                for client in clients:
                    client.leave("lobby", timeout=PATIENCE)
                    client.close()
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    lines = (line.strip() for line in sys.stdin)
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), lines)
