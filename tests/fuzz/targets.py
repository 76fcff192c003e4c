"""What is fuzzed: what reads the bytes, what it may raise, and what is true of all it returns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from chatlib.errors import BadAddress, BadConfiguration, BadName, Misuse, ProtocolViolation
from chatlib.protocol import codec
from tests.fuzz import broker, client, finding, keys, places, screen, wire

CORPUS = Path(__file__).with_name("corpus")


def _nothing(data: bytes, found: Any) -> None:
    """Hold of everything: `read` has looked for itself."""


class Target(NamedTuple):
    """`read` may raise nothing but `raises`; `holds(data, found)` looks at what it returned."""

    read: Callable[[bytes], Any]
    raises: tuple[type[Exception], ...] = ()
    holds: Callable[[bytes, Any], None] = _nothing

    def run(self, data: bytes) -> None:
        """Raise whatever is a fault."""
        try:
            found = self.read(data)
        except self.raises:
            return
        self.holds(data, found)


TARGETS: dict[str, Target] = {
    "requests": Target(codec.decode_request, (ProtocolViolation,), wire.request),
    "lines": Target(codec.decode_lines, (ProtocolViolation,), wire.lines),
    "events": Target(codec.decode_events, (ProtocolViolation,), wire.events),
    "notices": Target(codec.decode_notice, (ProtocolViolation,), wire.notice),
    "heads": Target(codec.decode_head, (ProtocolViolation,), wire.head),
    "answers": Target(wire.answer, (ProtocolViolation,), wire.answered),
    "topics": Target(wire.read_topic, (), wire.topic),
    "endpoints": Target(places.endpoint, (BadAddress,), places.is_endpoint),
    "links": Target(places.link, (BadAddress,), places.is_link),
    "names": Target(places.name, (BadName,), places.is_name),
    "knocks": Target(keys.knock),
    "keys": Target(keys.key, (Misuse,), keys.is_key),
    "key_files": Target(keys.key_file, (BadConfiguration,), keys.is_pair),
    "pins": Target(keys.pins),
    "texts": Target(screen.text),
    "screen": Target(screen.events, (ProtocolViolation,), screen.rendered),
    "searches": Target(finding.request, (ProtocolViolation, BadName), finding.finds),
    "broker": Target(broker.play),
    "client": Target(client.play),
}
