"""libzmq's own zmq_proxy, PULL to XPUB: it checks nothing and stores nothing."""

from __future__ import annotations

import json

import zmq


def main() -> None:
    """Bind both sockets, print their ports, and hand over to libzmq for good."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    context.set(zmq.MAX_SOCKETS, context.get(zmq.SOCKET_LIMIT))
    pull, xpub = context.socket(zmq.PULL), context.socket(zmq.XPUB)
    xpub.sndhwm = 20_000  # more than the load lets be on the way: at the default it drops
    ports = {
        "intake": pull.bind_to_random_port("tcp://127.0.0.1"),
        "feed": xpub.bind_to_random_port("tcp://127.0.0.1"),
    }
    print(json.dumps(ports), flush=True)
    zmq.proxy(pull, xpub)


if __name__ == "__main__":
    main()
