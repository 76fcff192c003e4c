"""A member in a process of its own: joins the lobby, writes what it is told, one JSON line each."""

import json
import sys

from chatlib import Client, Event


def main(address: str, nick: str, log: str) -> None:
    with Client(address, nick) as client, open(log, "a", buffering=1, encoding="utf-8") as out:
        client.join("lobby", history=0)
        for told in client.events():
            fields = {f: getattr(told, f) for f in told.__struct_fields__}
            name = "event" if isinstance(told, Event) else type(told).__name__.lower()
            out.write(json.dumps({"told": name} | fields) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
