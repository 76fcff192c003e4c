"""What the broker counts, for Prometheus, and whether it is well, over HTTP in threads of its own.

Every answer is asked of the loop: so all numbers are of one moment, and a loop that is stuck shows.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from heapq import nlargest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from chatlib.errors import CannotCreate
from chatlib.net.broker import Broker
from chatlib.net.statistics import Histogram

LOOP_S = 2.0  # that the loop may take to answer
READ_S = 10.0  # that a request may take to come
MOST_SESSIONS = 1_000  # whose lag is told, those furthest behind


class BrokerCollector(Collector):
    """Reads a broker's statistics when it is asked; raises TimeoutError when the loop is stuck."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def collect(self) -> Iterator[Metric]:
        """Return all that is told."""
        yield from self._broker.call(lambda: list(self._read()), LOOP_S)

    def _read(self) -> Iterator[Metric]:
        pipeline = self._broker.pipeline
        count, state = pipeline.statistics, pipeline.state
        yield _counter("accepted", "lines of intake that became events", count.accepted)
        yield _counter("repeats", "lines that had been accepted before", count.repeats)
        refused = CounterMetricFamily(
            "hubbub_refused", "requests and lines that were refused, by error code", labels=["code"]
        )
        for code, number in sorted(count.refused.items()):
            refused.add_metric([code], number)
        yield refused
        yield _counter("emitted", "events that were published on the feed", count.published)
        yield _counter("feed_messages", "messages that these were packed into", count.feed_messages)
        yield _counter("delivered", "private events and notices, sent on control", count.delivered)
        yield _counter("answered", "requests that were answered", count.answered)
        yield _counter("resends", "times that a sender was told `resend`", count.resends)
        yield _counter("slowed", "times that a sender was told `slow`", count.slow)
        yield _counter("gaps_served", "pages of history asked for behind a cursor", count.gaps)
        yield _histogram("batch_events", "events that were stored by one commit", count.batches)
        yield _histogram("commit_seconds", "how long a commit took", count.commits)
        yield _histogram("loop_seconds", "how long a turn of the loop took", count.turns)
        yield _histogram(
            "message_seconds", "how long a line took from being taken in to being sent",
            count.messages,
        )  # fmt: skip
        yield _gauge("sessions", "sessions that are open", len(state.sessions))
        yield _gauge("rooms", "rooms that there are", len(state.rooms))
        yield _gauge("seq", "seq of the newest event", state.seq)
        yield _gauge("storing", "1 while the history can be stored", not pipeline.failing)
        yield _gauge("draining", "1 while the broker is being drained", pipeline.draining)
        yield self._lags()

    def _lags(self) -> Metric:
        lags = GaugeMetricFamily(
            "hubbub_session_lag",
            "how far the session's cursors, as its pings tell them, are behind (in seqs)",
            labels=["sid", "nick"],
        )
        pipeline = self._broker.pipeline
        known = [
            (lag, sid, session.nick)
            for sid, session in pipeline.state.sessions.items()
            if (lag := pipeline.statistics.lag(session)) is not None
        ]
        for lag, sid, nick in nlargest(MOST_SESSIONS, known):
            lags.add_metric([sid, nick], lag)
        return lags


def _counter(name: str, help: str, value: float) -> Metric:
    return CounterMetricFamily(f"hubbub_{name}", help, value=value)


def _gauge(name: str, help: str, value: float) -> Metric:
    return GaugeMetricFamily(f"hubbub_{name}", help, value=value)


def _histogram(name: str, help: str, found: Histogram) -> Metric:
    buckets, below = [], 0
    for bound, number in zip([*found.bounds, float("inf")], found.counts, strict=True):
        below += number
        buckets.append(("+Inf" if bound == float("inf") else str(bound), float(below)))
    return HistogramMetricFamily(f"hubbub_{name}", help, buckets=buckets, sum_value=found.sum)


class MetricsServer:
    """Answers `/metrics`, `/healthz` and `/readyz` on `host` and `port` (0 takes a free one).

    Raises CannotCreate. Nothing is answered before `start`.
    """

    def __init__(self, broker: Broker, host: str, port: int) -> None:
        self._broker, self._host = broker, host
        self._registry = CollectorRegistry()
        self._registry.register(BrokerCollector(broker))
        server = self

        class Handler(BaseHTTPRequestHandler):
            timeout = READ_S

            def do_GET(self) -> None:
                server._answer(self)

            def log_message(self, format: str, *args: Any) -> None:
                """Keep the broker's log free of scrapes."""

        class Server(ThreadingHTTPServer):
            address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
            daemon_threads = True

        try:
            self._http = Server((host.strip("[]"), port), Handler)
        except OSError as e:
            raise CannotCreate(
                f"cannot answer metrics on {host}:{port} ({e.strerror}): give another --metrics"
            ) from e
        self._thread = threading.Thread(target=self._http.serve_forever, name="metrics")

    @property
    def address(self) -> str:
        """Where it listens, HOST:PORT."""
        return f"{self._host}:{self._http.server_address[1]}"

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """Stop answering and let go of the port."""
        if self._thread.is_alive():
            self._http.shutdown()
            self._thread.join()
        self._http.server_close()

    def _answer(self, to: BaseHTTPRequestHandler) -> None:
        path = to.path.partition("?")[0]
        kind = "text/plain; charset=utf-8"
        try:
            if path == "/metrics":
                code, body, kind = 200, generate_latest(self._registry), CONTENT_TYPE_LATEST
            elif path == "/healthz":
                self._broker.call(lambda: None, LOOP_S)
                code, body = 200, b"ok\n"
            elif path == "/readyz":
                fault = self._broker.call(self._unready, LOOP_S)
                code, body = (503 if fault else 200), (fault or "ok").encode() + b"\n"
            else:
                code, body = 404, b"there are /metrics, /healthz and /readyz\n"
        except TimeoutError:
            code, body = 503, b"the broker's loop does not answer\n"
        to.send_response(code)
        to.send_header("Content-Type", kind)
        to.send_header("Content-Length", str(len(body)))
        to.end_headers()
        to.wfile.write(body)

    def _unready(self) -> str:
        pipeline = self._broker.pipeline
        if pipeline.failing:
            return f"nothing is stored: {pipeline.failing}"
        return "the broker is being drained" if pipeline.draining else ""
