#!/usr/bin/env python3
"""Deliveries a second, saturated: the broker beside libzmq's own proxy, in turns, in one run.

The server runs on one core, the load (senders and receivers) on another. The broker validates,
numbers and fsyncs every message before it is emitted; the proxy stores nothing. What receivers did
not get of what was accepted is counted as lost. Usage: python bench/fanout.py [RECEIVERS ...]
"""

from __future__ import annotations

import json
import multiprocessing as mp
import os
import statistics
import sys
import tempfile
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import zmq

from chatlib.history.sqlite import SqliteStore
from chatlib.net.broker import Broker

SENDERS = 10
SECONDS = 4.0
TURNS = 3
TEXT = "x" * 64
BURST = 20  # messages a sender sends before the next one has its turn


def pin(core: int) -> None:
    """Keep this process on one core, where there are two."""
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {core})


def serve_broker(pipe: Connection, durability: str) -> None:
    """Run a broker until told to stop."""
    pin(0)
    with tempfile.TemporaryDirectory(dir=".") as directory:
        store = SqliteStore(Path(directory), "bench", durability)  # type: ignore[arg-type]
        broker = Broker("tcp://127.0.0.1:0", store=store)
        pipe.send([str(e) for e in broker.bind()])
        threading.Thread(target=lambda: (pipe.recv(), broker.stop()), daemon=True).start()
        broker.run()
        pipe.send(time.process_time())


def serve_proxy(pipe: Connection, _: str) -> None:
    """Run PULL to XPUB, as libzmq's own zmq_proxy does it."""
    pin(0)
    context: Any = zmq.Context()
    pull, xpub = context.socket(zmq.PULL), context.socket(zmq.XPUB)
    intake = f"tcp://127.0.0.1:{pull.bind_to_random_port('tcp://127.0.0.1')}"
    feed = f"tcp://127.0.0.1:{xpub.bind_to_random_port('tcp://127.0.0.1')}"
    pipe.send(["", intake, feed])
    threading.Thread(target=lambda: zmq.proxy(pull, xpub), daemon=True).start()
    pipe.recv()
    pipe.send(time.process_time())
    os._exit(0)


def open_sessions(context: Any, control: str) -> list[bytes]:
    """Return the tokens of senders that are in the lobby."""
    tokens = []
    for i in range(SENDERS):
        dealer = context.socket(zmq.DEALER)
        dealer.connect(control)
        for request in (
            {"op": "hello", "id": 1, "v": 1, "nick": f"sender{i}"},
            {"op": "join", "id": 2, "room": "lobby"},
        ):
            dealer.send_json(request)
            answer = json.loads(dealer.recv())
            if request["op"] == "hello":
                tokens.append(answer["session"].encode())
    return tokens


def load(pipe: Connection, control: str, intake: str, feed: str, receivers: int) -> None:
    """Saturate the server, and count what arrives."""
    pin(1)
    context: Any = zmq.Context()
    context.max_sockets = 4096
    poller = zmq.Poller()
    subs = []
    for _ in range(receivers):
        sub = context.socket(zmq.SUB)
        sub.rcvhwm = 10_000
        sub.subscribe(b"room/lobby/")
        sub.connect(feed)
        poller.register(sub, zmq.POLLIN)
        subs.append(sub)
    tokens = open_sessions(context, control) if control else [b"t"] * SENDERS
    pushes = []
    for _ in range(SENDERS):
        push = context.socket(zmq.PUSH)
        push.connect(intake)
        pushes.append(push)
    time.sleep(0.5)
    sent = [0] * SENDERS
    events = 0
    end = time.perf_counter() + SECONDS
    start = time.perf_counter()
    while time.perf_counter() < end:
        for i, push in enumerate(pushes):
            try:
                for _ in range(BURST):
                    line = b'{"n":%d,"room":"lobby","text":"%s"}' % (sent[i] + 1, TEXT.encode())
                    push.send_multipart(
                        [tokens[i] if control else b"room/lobby/", line], zmq.NOBLOCK
                    )
                    sent[i] += 1
            except zmq.Again:
                pass
        events += drain(poller)
    took = time.perf_counter() - start
    during = events
    while poller.poll(500):
        events += drain(poller)
    pipe.send((sum(sent), during, events, took))


def drain(poller: zmq.Poller) -> int:
    """Take what has arrived; return the number of events in it."""
    events = 0
    for sub, _ in poller.poll(0):
        try:
            for _ in range(50):
                frame = sub.recv(zmq.NOBLOCK)
                if sub.rcvmore:
                    events += sub.recv().count(b"\n") + 1
                del frame
        except zmq.Again:
            pass
    return events


def measure(serve: Any, receivers: int, durability: str = "disk") -> dict[str, float]:
    """Return one run's figures."""
    ours, theirs = mp.Pipe()
    server = mp.Process(target=serve, args=(theirs, durability))
    server.start()
    control, intake, feed = ours.recv()
    mine, its = mp.Pipe()
    loader = mp.Process(target=load, args=(its, control, intake, feed, receivers))
    loader.start()
    sent, during, events, took = mine.recv()
    loader.join()
    ours.send("stop")
    cpu = ours.recv()
    server.join()
    return {
        "sent/s": sent / took,
        "deliveries/s": during / took,
        "lost %": 100 * (1 - events / max(1, sent * receivers)),
        "cpu us/delivery": cpu * 1e6 / max(1, events),
    }


def main() -> None:
    """Measure both in turns and print a table."""
    mp.set_start_method("spawn")
    counts = [int(a) for a in sys.argv[1:]] or [1, 10, 100, 500]
    print(f"{'receivers':>9} {'what':>7} {'deliveries/s':>13} {'sent/s':>9} {'lost %':>7} ratio")
    for receivers in counts:
        ratios = []
        for _ in range(TURNS):
            ours = measure(serve_broker, receivers)
            theirs = measure(serve_proxy, receivers)
            ratios.append(ours["deliveries/s"] / theirs["deliveries/s"])
            for name, row in (("hubbub", ours), ("proxy", theirs)):
                print(
                    f"{receivers:>9} {name:>7} {row['deliveries/s']:>13,.0f}"
                    f" {row['sent/s']:>9,.0f} {row['lost %']:>7.2f}"
                )
        print(f"{receivers:>9} median ratio {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
