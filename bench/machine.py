"""What the machine is, and what the kernel says that processes and cores have used."""

from __future__ import annotations

import contextlib
import os
import platform
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import zmq

from chatlib.version import __version__

SERVER_CORE, LOAD_CORE = 0, 1
_TICK = os.sysconf("SC_CLK_TCK")


def describe(nats: str | None) -> dict[str, Any]:
    """Return what a reader must know of the machine and its software."""
    version = _output([nats, "--version"]) if nats else "not installed"
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "hubbub": __version__,
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "libzmq": zmq.zmq_version(),
        "sqlite": sqlite3.sqlite_version,
        "nats-server": version.removeprefix("nats-server: "),
    }


def _cpu_model() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _output(command: Sequence[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


@contextlib.contextmanager
def pinned(core: int) -> Iterator[None]:
    """Start processes within this block on one core: they inherit it. Needs Linux and two cores."""
    if not hasattr(os, "sched_setaffinity") or core not in (allowed := os.sched_getaffinity(0)):
        yield
        return
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process's threads have used; 0 where /proc does not tell.

    From schedstat, in nanoseconds: the ticks of /proc/PID/stat misjudge who wakes up often.
    """
    with contextlib.suppress(OSError):
        tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9
    return 0.0


def memory_mb(pid: int, peak: bool = False) -> float:
    """Return a process's resident memory, or the most that it ever was; 0 without /proc."""
    wanted = "VmHWM:" if peak else "VmRSS:"
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(wanted):
                return int(line.split()[1]) / 1024
    return 0.0


def core_seconds(core: int) -> float:
    """Return the time that a core was busy since the machine started, whoever used it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/stat").read_text().splitlines():
            if line.startswith(f"cpu{core} "):
                user, nice, system, _, _, irq, softirq, steal = map(int, line.split()[1:9])
                return (user + nice + system + irq + softirq + steal) / _TICK
    return 0.0


class Usage:
    """What a server, this process and both cores use from now on, until `so_far` is asked."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._start = self._read()

    def _read(self) -> tuple[float, ...]:
        cores = (core_seconds(SERVER_CORE), core_seconds(LOAD_CORE))
        own = cpu_seconds(os.getpid())
        return (time.perf_counter(), cpu_seconds(self._pid), own, *cores)

    def so_far(self) -> dict[str, float]:
        """Return seconds passed, both CPU seconds, and how busy the cores were, in %."""
        passed, server, own, *cores = (
            b - a for a, b in zip(self._start, self._read(), strict=True)
        )
        return {
            "seconds": passed,
            "server_cpu_s": server,
            "load_cpu_s": own,
            "server_core_percent": 100 * cores[0] / passed,
            "load_core_percent": 100 * cores[1] / passed,
        }


def fsync_ms(directory: Path, times: int = 200) -> list[float]:
    """Return how long appending 4 KiB and fsyncing it took, in ms, each time."""
    path = directory / "fsync"
    took = []
    with path.open("wb", buffering=0) as file:
        for _ in range(times):
            file.write(bytes(4096))
            start = time.perf_counter()
            os.fsync(file.fileno())
            took.append((time.perf_counter() - start) * 1000)
    path.unlink()
    return took


def percentile(values: Sequence[float], place: float) -> float:
    """Return the value below which that part of them lies; 0.5 is the median, 1 the most."""
    return sorted(values)[int((len(values) - 1) * place)]
