"""The broker ends at every point of its pass, and clients with all their memory: nothing is lost.

What each run checks is the judge's: acknowledged is stored, each event once and in order to each
member, whole chains, nicknames that are one's own, and a broker that knows after its start what
was committed, and no more.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.simulation.crash import POINTS
from tests.simulation.network import Weather
from tests.simulation.weather import weather
from tests.simulation.world import CRASHING, STORM, World

HURRICANE = Weather(0.2, overtaken=0.1, feed_loss=0.3, control_loss=0.08, commit_loss=0.05)

FRAIL = CRASHING._replace(members=3, frail=0.7, suffers=2.0, crashes=5.0)
SMALL_DISK = CRASHING._replace(storm=STORM._replace(commit_loss=0.1), keep=10)


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.seeds(50, 1_500)
def test_the_broker_ends(request: pytest.FixtureRequest, seed: int, point: str) -> None:
    weather(request, seed, CRASHING._replace(points=(point,)))


@pytest.mark.parametrize("disk", ["memory", "file"])
@pytest.mark.parametrize("point", POINTS)
def test_the_broker_does_end_there(point: str, disk: str, tmp_path: Path) -> None:
    """The seeds of the other tests bring it to each point, and alive behind it."""
    plan = CRASHING._replace(points=(point,))
    crashes: Counter[str] = Counter()
    for seed in range(8):
        world = World(seed, plan, tmp_path / str(seed) if disk == "file" else None)
        world.run()
        world.disk.close()
        crashes += world.fate.counts
    assert crashes.keys() == {point}
    assert crashes[point] >= 8


@pytest.mark.seeds(100, 4_000)
def test_the_broker_ends_anywhere_in_a_hurricane(request: pytest.FixtureRequest, seed: int) -> None:
    weather(request, seed, CRASHING._replace(storm=HURRICANE))


@pytest.mark.seeds(100, 4_000)
def test_clients_end_all_the_time(request: pytest.FixtureRequest, seed: int) -> None:
    weather(request, seed, FRAIL)


def test_clients_that_end_go_on_in_their_sessions() -> None:
    """In the seeds of the test above, whatever they kept of theirs."""
    lives: Counter[str] = Counter()
    for seed in range(10):
        world = World(seed, FRAIL)
        world.run()
        for member in world.members:
            lives += member.lives
    assert lives.keys() == {"said", "all", "session", "file"}
    assert lives.total() > 20


@pytest.mark.seeds(60, 1_000)
def test_the_files_of_a_broker_that_ends(
    request: pytest.FixtureRequest, seed: int, tmp_path: Path
) -> None:
    """The store on disk, which comes back as the killed one left its files."""
    weather(request, seed, CRASHING, tmp_path)


@pytest.mark.seeds(30, 500)
def test_the_files_of_a_broker_whose_disk_is_full_and_small(
    request: pytest.FixtureRequest, seed: int, tmp_path: Path
) -> None:
    weather(request, seed, SMALL_DISK, tmp_path)


def test_a_small_disk_is_full_and_forgets(tmp_path: Path) -> None:
    """In the seeds of the test above."""
    failures = gaps = 0
    for seed in range(20):
        world = World(seed, SMALL_DISK, tmp_path / str(seed))
        world.run()
        world.disk.close()
        failures += world.watch.failures
        gaps += world.judge.gaps
    assert failures > 20
    assert gaps > 0
