"""Whatever the network does, everyone agrees in the end, and nothing said is lost."""

from __future__ import annotations

import pytest

from tests.simulation.world import Plan, World


@pytest.mark.parametrize("seed", range(10))
def test_everyone_agrees_after_a_storm(seed: int) -> None:
    World(seed, Plan()).run()
