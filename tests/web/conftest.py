"""Fixtures: a page server, and a browser."""

from __future__ import annotations

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
def chromium() -> Iterator[Any]:
    """A real Chromium, the system's; skipped where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("there is no chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
