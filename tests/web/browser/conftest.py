"""Fixtures: a broker with a search, its page, and one with operators."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import RunningBroker
from tests.web.browser.operators import house, operate  # noqa: F401  for the operator's page
from tests.web.conftest import launched
from tests.web.support import RunningPage


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One Chromium for all tests of a process: starting it takes longer than most of them."""
    yield from launched(tmp_path_factory.mktemp("home"))


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[RunningBroker]:
    """A broker whose history is on disk, and can be searched."""
    with RunningBroker(tmp_path, "--durability", "os", data=tmp_path / "data") as running:
        yield running


@pytest.fixture
def page(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningPage]:
    """A page server of the test's broker."""
    name = "stored" if "stored" in request.fixturenames else "broker"
    with RunningPage(tmp_path, request.getfixturevalue(name).control) as running:
        yield running
