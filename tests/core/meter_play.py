"""What the tests of rates share."""

from __future__ import annotations

from chatlib.core.batch import Note
from chatlib.core.buckets import NO_LIMITS, Limits, Rate, Rates
from chatlib.core.commands import Peer
from tests.core.broker_play import BrokerPlay

HOME = Peer(address="10.0.0.1")


def people(**rates: Rate | int) -> Limits:
    return NO_LIMITS._replace(person=Rates(**rates))  # type: ignore[arg-type]


def notes(broker: BrokerPlay) -> list[Note]:
    return [note for note in broker.pipeline.notes if note.what == "slowed"]
