"""Whatever the network does, everyone agrees in the end, and nothing that was said is lost."""

from __future__ import annotations

import pytest

from chatlib.core.buckets import NO_LIMITS, Rate, Rates
from tests.simulation.network import Weather
from tests.simulation.weather import weather
from tests.simulation.world import STORM, Plan, World

STRICT = NO_LIMITS._replace(
    person=Rates(messages=Rate(1, 4), changes=Rate(0.1, 1), requests=Rate(1, 3))
)
AGES = 600  # seconds: who asked for twenty changes is granted one in ten


@pytest.mark.seeds(12, 1_000)
def test_everyone_agrees_after_a_storm(request: pytest.FixtureRequest, seed: int) -> None:
    world = weather(request, seed, Plan())
    assert len(world.judge.stored) > 500
    assert len(world.judge.nicks) > 40


@pytest.mark.seeds(6, 1_000)
def test_everyone_agrees_after_a_hurricane(request: pytest.FixtureRequest, seed: int) -> None:
    hurricane = Weather(0.2, overtaken=0.1, feed_loss=0.3, control_loss=0.08, commit_loss=0.05)
    weather(request, seed, Plan(storm=hurricane))


@pytest.mark.seeds(6, 1_000)
def test_nothing_is_used_up_by_a_commit_that_fails(
    request: pytest.FixtureRequest, seed: int
) -> None:
    world = weather(request, seed, Plan(storm=STORM._replace(commit_loss=0.1)))
    assert world.watch.failures > 20


@pytest.mark.seeds(8, 1_000)
def test_a_broker_that_crashes_loses_nothing(request: pytest.FixtureRequest, seed: int) -> None:
    world = weather(request, seed, Plan(crashes=10))
    assert world.fate.counts


@pytest.mark.seeds(6, 1_000)
def test_nobody_loses_anything_who_is_slowed(request: pytest.FixtureRequest, seed: int) -> None:
    world = weather(request, seed, Plan(limits=STRICT, patience=AGES))
    counts = world.station.pipeline.admission.counts
    assert counts["slow"] > 100
    assert counts["slow_down"] > 50


@pytest.mark.seeds(4, 1_000)
def test_a_broker_that_slows_people_and_crashes(request: pytest.FixtureRequest, seed: int) -> None:
    weather(request, seed, Plan(limits=STRICT, patience=AGES, crashes=10))


@pytest.mark.seeds(4, 1_000)
def test_what_retention_took_is_told_as_a_gap(request: pytest.FixtureRequest, seed: int) -> None:
    world = weather(request, seed, Plan(memory=40_000))
    assert world.judge.gaps > 0


@pytest.mark.seeds(20, 2_000)
def test_a_few_who_talk_and_fail_all_the_time(request: pytest.FixtureRequest, seed: int) -> None:
    weather(request, seed, Plan(members=6, thinks=0.5, suffers=3.0, seconds=120))


@pytest.mark.seeds(2, 20)
def test_a_seed_is_one_conversation(seed: int) -> None:
    plan = Plan(members=10, seconds=20)
    first, second = World(seed, plan), World(seed, plan)
    first.run()
    second.run()
    assert first.judge.told == second.judge.told
