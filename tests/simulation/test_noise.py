"""Strangers that send anything at all, beside honest people who notice nothing."""

from __future__ import annotations

from random import Random

import pytest

from tests.core import consistency
from tests.simulation.stranger import Stranger
from tests.simulation.world import Plan, World

PLAN = Plan(members=4, seconds=40, thinks=0.5, suffers=1e9)


@pytest.mark.seeds(12, 1_500)
def test_noise_harms_nobody_and_every_request_is_answered_once(seed: int) -> None:
    world = World(seed, PLAN)
    chance = Random(seed)
    strangers = [Stranger(world.station, chance) for _ in range(3)]

    def act(stranger: Stranger) -> None:
        stranger.act()
        consistency.check(world.station.pipeline.state)
        if world.clock.now < PLAN.seconds:
            world.clock.after(chance.expovariate(20), act, stranger)

    for stranger in strangers:
        world.station.connect(stranger)
        world.clock.after(0, act, stranger)
    world.run()
    for stranger in strangers:
        assert sum(stranger.expected.values()) > 100
        assert stranger.answers == stranger.expected
    assert len(world.judge.stored) > 50
