"""What Prometheus reads from a real broker."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from chatlib import Client
from tests.support import PATIENCE, ROOT, Peer, RunningBroker, eventually


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RunningBroker]:
    options = ("--metrics", "127.0.0.1:0", "--heartbeat", "0.3")
    with RunningBroker(tmp_path, *options, data=tmp_path / "data") as running:
        yield running


def get(broker: RunningBroker, path: str) -> tuple[int, str]:
    place = json.loads(broker.ready_file.read_text())["metrics"]
    try:
        with urllib.request.urlopen(f"http://{place}{path}", timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as e:
        with e:
            return e.code, e.read().decode()


def metrics(broker: RunningBroker) -> dict[str, float]:
    """Return all samples, with the values of labels behind the name."""
    code, text = get(broker, "/metrics")
    assert code == 200
    return {
        " ".join([sample.name, *(v for k, v in sorted(sample.labels.items()) if k != "sid")]): (
            sample.value
        )
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics(broker: RunningBroker) -> None:
    with Client(broker.control, "ann") as ann:
        ann.join("lobby")
        for i in range(3):
            ann.say("lobby", f"{i}")
        ann.flush(PATIENCE)
        peer = Peer(broker)
        peer.hello("bob")
        peer.ask(op="join", room="lobby")
        peer.ask(op="ping", cursors={"lobby": 1})
        peer.send({"n": 1, "room": "nix", "text": "x"}, {"n": 5, "room": "lobby", "text": "x"})
        assert peer.delivery()["kind"] and peer.delivery()["kind"]
        eventually("ann tells her cursors", lambda: "hubbub_session_lag ann" in metrics(broker))
        found = metrics(broker)
        peer.close()
    assert found["hubbub_accepted_total"] == 3
    assert found["hubbub_emitted_total"] == 5
    assert found["hubbub_resends_total"] == 1
    assert found["hubbub_refused_total no_such_room"] == 1
    assert found["hubbub_sessions"] == 2
    assert found["hubbub_session_lag bob"] == 4
    assert found["hubbub_storing"] == 1 and found["hubbub_draining"] == 0
    assert found["hubbub_batch_events_sum"] == 5
    assert found["hubbub_commit_seconds_count"] == found["hubbub_commit_seconds_bucket +Inf"] > 0
    assert found["hubbub_commit_seconds_sum"] > 0 and found["hubbub_loop_seconds_sum"] > 0
    assert found["hubbub_message_seconds_count"] == 3  # each line, not each turn
    assert found["hubbub_message_seconds_sum"] > 0


def test_health(broker: RunningBroker) -> None:
    assert get(broker, "/healthz") == (200, "ok\n")
    assert get(broker, "/readyz") == (200, "ok\n")
    assert get(broker, "/")[0] == 404


def test_a_broker_that_drains_is_alive_and_not_ready(broker: RunningBroker) -> None:
    from chatlib.net.operator import Operator
    from chatlib.protocol import answers, requests

    with Client(broker.control, "ann") as ann, Operator(broker.data or Path()) as operator:
        ann.join("lobby")
        operator.ask(requests.Drain(seconds=20), answers.Draining)
        assert get(broker, "/readyz") == (503, "the broker is being drained\n")
        assert get(broker, "/healthz") == (200, "ok\n")


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_over_ipv6(tmp_path: Path) -> None:
    with RunningBroker(tmp_path, "--metrics", "[::1]:0") as broker:
        assert get(broker, "/healthz") == (200, "ok\n")


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = run(tmp_path, "--metrics", place)
    assert ended.returncode == 73
    assert f"cannot answer metrics on {place} (Address already in use)" in ended.stderr


@pytest.mark.parametrize("place", ["9464", "127.0.0.1:", ":1", "127.0.0.1:99999"])
def test_bad_place(tmp_path: Path, place: str) -> None:
    ended = run(tmp_path, f"--metrics={place}")
    assert ended.returncode == 2 and "is not HOST:PORT" in ended.stderr


def test_without_the_extra(tmp_path: Path) -> None:
    """One line, with the command that installs it."""
    (tmp_path / "prometheus_client.py").write_text("raise ImportError('not installed')\n")
    ended = run(tmp_path, "--metrics", "127.0.0.1:0", PYTHONPATH=f"{tmp_path}:{ROOT}")
    assert ended.returncode == 78
    assert ended.stderr == (
        "hubbub: --metrics needs prometheus-client: install it with: "
        "pip install 'hubbub[metrics]'\n"
    )


def run(tmp_path: Path, *options: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "chatlib.cli", "broker", "--listen", "tcp://127.0.0.1:0"]
    return subprocess.run(
        [*command, "--memory", *options],
        cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE,
        check=False, env=os.environ | environ,
    )  # fmt: skip


def test_a_loop_that_does_not_turn_is_not_healthy() -> None:
    from chatlib.net.broker import Broker
    from chatlib.net.metrics import MetricsServer

    idle = Broker("tcp://127.0.0.1:0")  # its loop never runs
    idle.bind()
    server = MetricsServer(idle, "127.0.0.1", 0)
    server.start()
    try:
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"http://{server.address}/healthz", timeout=PATIENCE)
        assert refused.value.code == 503
        refused.value.close()
    finally:
        server.close()
        idle._close()


def test_its_threads_end(broker: RunningBroker) -> None:
    get(broker, "/metrics")
    broker.process.send_signal(signal.SIGTERM)
    assert broker.process.wait(PATIENCE) == 0
