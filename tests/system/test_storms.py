"""The broker is killed again and again at full speed, and nothing acknowledged is lost.

Whatever a sender saw acknowledged is at every reader once, in the order in which it was said, the
same order for all; nobody is told of a leave or a join.
"""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.system.people import has_ipv6
from tests.system.proxy import Proxy
from tests.system.rounds import Crowd, Lives

ROUNDS, SOAK_ROUNDS = 5, 300
EACH = 200  # messages that each says in a round
PORTS = ("control", "intake", "feed")
HELD = (("intake",), ("feed",), ("control",), PORTS)


def test_nothing_acknowledged_is_lost(tmp_path: Path, soak: bool) -> None:
    chance = random.Random(7)
    interrupted = 0
    with Lives(tmp_path) as lives, Crowd(lives.broker.control) as crowd:
        for round_ in range(SOAK_ROUNDS if soak else ROUNDS):
            with crowd.talking(EACH):
                time.sleep(chance.uniform(0.0, 0.2))
                lives.crash()
                interrupted += any(sender.pending() for sender in crowd.senders)
            crowd.settle(f"round {round_}")
    assert interrupted, "the broker always had all of it before it was killed"


def test_nothing_is_lost_on_cables_that_fail(tmp_path: Path, soak: bool) -> None:
    """Of all readers and half of the senders, while the broker is killed."""
    if not has_ipv6():
        pytest.skip("this machine has no ::1")
    chance = random.Random(8)
    with (
        Lives(tmp_path, "--heartbeat", "3") as lives,
        Proxy(lives.broker) as cable,
        Crowd(lives.broker.control, cable.address) as crowd,
    ):
        for round_ in range(SOAK_ROUNDS if soak else ROUNDS):
            with crowd.talking(EACH, pause=0.005):
                for i, fault in enumerate(chance.sample((cable.hold, cable.cut, cable.drop), 3)):
                    if fault == cable.hold:
                        fault(*HELD[round_ % len(HELD)])
                        time.sleep(0.7)  # so long that a sender begins to send again
                    else:
                        fault(*chance.sample(PORTS, chance.randint(1, 3)))
                        time.sleep(chance.uniform(0.0, 0.3))
                    if i == 1:
                        lives.crash()
                    cable.mend(*PORTS)
            crowd.settle(f"round {round_}")
