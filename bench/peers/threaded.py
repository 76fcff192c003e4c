"""The classic chat server: a thread for each client, and each line goes to all with `sendall`."""

from __future__ import annotations

import json
import socket
import threading

_clients: list[socket.socket] = []
_lock = threading.Lock()


def broadcast(line: bytes) -> None:
    """Send a line to everyone; one lock keeps lines whole and in one order."""
    with _lock:
        for client in list(_clients):
            try:
                client.sendall(line)
            except OSError:
                _clients.remove(client)


def serve(client: socket.socket) -> None:
    """Read a client's lines until it goes."""
    with client, client.makefile("rb") as lines:
        for line in lines:
            broadcast(line)


def main() -> None:
    """Listen, print the port, and start a thread for whoever comes."""
    threading.stack_size(256 * 1024)
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
    while True:
        client, _ = listener.accept()
        with _lock:
            client.sendall(b"welcome\n")
            _clients.append(client)
        threading.Thread(target=serve, args=(client,), daemon=True).start()


if __name__ == "__main__":
    main()
