"""Fixtures of the whole suite."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support import RunningBroker

settings.register_profile("suite", deadline=None)  # nothing here asserts how fast something is
settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pictures", metavar="DIR", help="take pictures of the page into DIR")
    parser.addoption("--soak", action="store_true", help="full counts of rounds and seeds")


def pytest_configure(config: pytest.Config) -> None:
    # A shell starts its background jobs with Ctrl-C ignored, nohup its job with SIGHUP ignored, and
    # what they start inherits that: but whoever runs a client in a terminal can interrupt it.
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture
def soak(pytestconfig: pytest.Config) -> bool:
    """Whether full counts are wanted; a plain run does with fewer."""
    return bool(pytestconfig.getoption("--soak"))


@pytest.fixture(scope="session")
def runtime() -> Iterator[str]:
    """A directory whose name leaves room for those of sockets in it."""
    with tempfile.TemporaryDirectory() as made:
        yield made


@pytest.fixture(autouse=True)
def home(tmp_path: Path, runtime: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep tests out of the home of whoever runs them, and their configuration out of tests."""
    for name in ("HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
    for name in [name for name in os.environ if name.startswith("HUBBUB_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RunningBroker]:
    """A real broker of the test's own."""
    with RunningBroker(tmp_path) as running:
        yield running
