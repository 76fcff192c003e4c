"""A TCP proxy on ::1 in front of a broker on 127.0.0.1, at the same ports, that fails on demand."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from typing import Self
from urllib.parse import urlsplit

from tests.support import RunningBroker

READ = 64 * 1024


class Proxy:
    """Whoever dials `address` talks to the broker, until `cut`, `drop` or `hold`.

    The broker tells its clients the host that they dialled, so all three ports pass through here.
    """

    def __init__(self, broker: RunningBroker) -> None:
        places = {name: getattr(broker, name) for name in ("control", "intake", "feed")}
        self._ports = {name: urlsplit(place).port for name, place in places.items()}
        self.address = f"tcp://[::1]:{self._ports['control']}"
        self._listening: dict[str, socket.socket] = {}
        self._pairs: dict[str, list[tuple[socket.socket, socket.socket]]] = {}
        self._held: set[str] = set()
        self._ending = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self.mend(*self._ports)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending = True
        self._thread.join()
        self.cut(*self._ports)

    def cut(self, *names: str) -> None:
        """Break the connections of these ports, and refuse new ones."""
        with self._lock:
            for name in names:
                if name in self._listening:
                    self._listening.pop(name).close()
        self.drop(*names)

    def drop(self, *names: str) -> None:
        """Break the connections of these ports, and let whoever dials again through."""
        with self._lock:
            for name in names:
                for pair in self._pairs.pop(name, []):
                    for end in pair:
                        end.close()

    def hold(self, *names: str) -> None:
        """Let nothing through, and break nothing: the far end just goes silent."""
        with self._lock:
            self._held.update(names)

    def mend(self, *names: str) -> None:
        """Let everything through again."""
        with self._lock:
            self._held.difference_update(names)
            for name in names:
                if name not in self._listening:
                    listening = socket.create_server(
                        ("::1", self._ports[name]), family=socket.AF_INET6
                    )
                    self._listening[name] = listening

    def _run(self) -> None:
        while not self._ending:
            with self._lock:
                self._turn()
            time.sleep(0.002)  # for who waits for the lock

    def _turn(self) -> None:
        for name, listening in self._listening.items():
            if _ready(listening):
                near, _ = listening.accept()
                try:
                    far = socket.create_connection(("127.0.0.1", self._ports[name]))
                except ConnectionRefusedError:  # the broker is not there
                    near.close()
                else:
                    self._pairs.setdefault(name, []).append((near, far))
        for name, pairs in self._pairs.items():
            if name not in self._held:
                self._pairs[name] = [pair for pair in pairs if _pass_on(*pair)]


def _ready(*ends: socket.socket) -> list[socket.socket]:
    return select.select(ends, [], [], 0)[0]


def _pass_on(near: socket.socket, far: socket.socket) -> bool:
    """Move what waits at either end to the other; return False when one has hung up."""
    for end in _ready(near, far):
        data = b""
        with contextlib.suppress(OSError):
            if data := end.recv(READ):
                (far if end is near else near).sendall(data)
        if not data:
            near.close()
            far.close()
            return False
    return True
