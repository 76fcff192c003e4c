"""Letting a simulated chat live: from a seed, with a note on how to see a failure again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulation.world import Plan, World


def weather(
    request: pytest.FixtureRequest, seed: int, plan: Plan, directory: Path | None = None
) -> World:
    """Let a whole chat live through a storm; a failure says how to see it again."""
    world = World(seed, plan, directory)
    try:
        world.run()
    except Exception as e:
        again = f"pytest --soak '{request.node.nodeid}'"
        e.add_note(f"seed {seed}, after {world.clock.now:.3f} s; run it alone: {again}")
        raise
    finally:
        world.disk.close()
    return world
