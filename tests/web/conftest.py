"""Fixtures: a page server, a browser, and a loop."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import RunningBroker
from tests.web.support import RunningPage


@pytest.fixture
def page(broker: RunningBroker, tmp_path: Path) -> Iterator[RunningPage]:
    """A page server of the broker."""
    with RunningPage(tmp_path, broker.control) as running:
        yield running


@pytest.fixture
def own_loop() -> Iterator[None]:
    """Let a test run a loop of its own, beside Playwright's that is there as long as a browser."""
    running = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(running)


@pytest.fixture
def chromium(tmp_path: Path) -> Iterator[Any]:
    """A real Chromium, the system's; skipped where there is none."""
    yield from launched(tmp_path)


def launched(home: Path) -> Iterator[Any]:
    """Start Chromium with a home of its own, and end it."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("there is no chromium")
    with playwright.sync_playwright() as driver:
        environment = {**os.environ, "HOME": str(home)}
        browser = driver.chromium.launch(
            executable_path=path, args=["--no-sandbox"], env=environment
        )
        yield browser
        browser.close()
