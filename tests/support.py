"""What tests share: a real broker process, raw peers, and waiting that ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import zmq

ROOT = Path(__file__).parent.parent
PATIENCE = 30.0  # seconds until a wait gives up; nothing here asserts how fast something is


def eventually(what: str, check: Callable[[], Any], patience: float = PATIENCE) -> Any:
    """Return what `check` answers once it is true; fail naming `what` when it never is."""
    deadline = time.monotonic() + patience
    while not (found := check()):
        assert time.monotonic() < deadline, f"never happened in {patience} s: {what}"
        time.sleep(0.02)
    return found


class RunningBroker:
    """`hubbub broker` as a process of its own, on free ports of 127.0.0.1.

    `arguments` are added to the command line; without `listen` they say where it is. Its history is
    in memory, or in `data`. `module` is what runs: a test may have one that makes something of the
    broker fail.
    """

    def __init__(
        self,
        directory: Path,
        *arguments: str,
        listen: str | None = "tcp://127.0.0.1:0",
        data: Path | None = None,
        module: str = "chatlib.cli",
    ) -> None:
        self.data = data
        self.module = module
        self.ready_file = directory / f"ready-{time.monotonic_ns()}.json"
        self.log = directory / f"{self.ready_file.stem}.log"
        self.arguments = arguments
        self.listen = listen

    def __enter__(self) -> Self:
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable, "-m", self.module, "broker", "--ready-file",
                    str(self.ready_file), *self._listen(), *self._kept(), *self.arguments,
                ],
                cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        eventually("the broker is ready", self._is_ready)
        ready = json.loads(self.ready_file.read_text())
        self.control, self.intake, self.feed = ready["control"], ready["intake"], ready["feed"]
        self.epoch = ready["epoch"]
        return self

    def _listen(self) -> list[str]:
        return [] if self.listen is None else ["--listen", self.listen]

    def _kept(self) -> list[str]:
        return ["--memory"] if self.data is None else ["--data", str(self.data)]

    def _is_ready(self) -> bool:
        assert self.process.poll() is None, f"the broker ended: {self.output()}"
        return self.ready_file.exists()

    def output(self) -> str:
        """Return all that it has printed."""
        return self.log.read_text()

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """End it with SIGTERM and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def again(self) -> RunningBroker:
        """Return a broker for the same ports, not started yet."""
        places = ("--intake", self.intake, "--feed", self.feed)
        return RunningBroker(
            self.ready_file.parent, *self.arguments, *places, listen=self.control, data=self.data
        )

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGCONT)
            self.process.kill()
        self.process.wait()


class Peer:
    """A raw peer of the three sockets, for saying what no client of ours would say."""

    def __init__(self, broker: RunningBroker, patience: float = PATIENCE) -> None:
        self.broker = broker
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.context.linger = 0
        self.dealer = self.context.socket(zmq.DEALER)
        self.dealer.rcvtimeo = int(patience * 1000)
        self.dealer.connect(broker.control)
        self.push = self.context.socket(zmq.PUSH)
        self.push.connect(broker.intake)
        self.token = b""

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send one request and return its answer; deliveries before it are skipped."""
        self.dealer.send(json.dumps(request).encode())
        while True:
            answer: dict[str, Any] = json.loads(self.dealer.recv())
            if "ok" in answer:
                return answer

    def delivery(self) -> dict[str, Any]:
        """Return the next delivery; answers before it are skipped."""
        while True:
            frame: dict[str, Any] = json.loads(self.dealer.recv())
            if "kind" in frame:
                return frame

    def hello(self, nick: str) -> dict[str, Any]:
        """Open a session."""
        answer = self.ask(op="hello", id=1, v=1, nick=nick)
        if answer["ok"]:
            self.token = answer["session"].encode()
        return answer

    def send(self, *lines: dict[str, Any]) -> None:
        """Push lines on intake."""
        self.push.send_multipart([self.token, b"\n".join(json.dumps(x).encode() for x in lines)])

    def subscribe(self, topic: bytes) -> zmq.Socket[bytes]:
        """Return a SUB for a topic."""
        sub = self.context.socket(zmq.SUB)
        sub.rcvtimeo = int(PATIENCE * 1000)
        sub.subscribe(topic)
        sub.connect(self.broker.feed)
        return sub

    def close(self) -> None:
        """Close all sockets."""
        self.context.destroy(linger=0)


@contextlib.contextmanager
def peers(broker: RunningBroker, count: int) -> Iterator[list[Peer]]:
    """Give `count` raw peers, closed at the end."""
    made = [Peer(broker) for _ in range(count)]
    try:
        yield made
    finally:
        for peer in made:
            peer.close()
