"""Seeds: a few in each run, thousands with `--soak`."""

from __future__ import annotations

import pytest


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that takes a `seed` so many of them as its `seeds` marker says."""
    if "seed" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("seeds")
        assert marker is not None, "a test that takes a seed says how many"
        few, many = marker.args
        metafunc.parametrize("seed", range(many if metafunc.config.getoption("--soak") else few))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "seeds(few, many): how many seeds, without and with --soak")
