"""The order of a broker that stands alone: the order of arrival."""

from __future__ import annotations

from chatlib.core.commands import Command


class LocalOrder:
    """Takes commands in and gives them back in their one order.

    Several brokers would share a log here; nothing behind this step knows which it is.
    """

    def __init__(self) -> None:
        self._arrived: list[Command] = []

    def submit(self, command: Command) -> None:
        """Take a command in."""
        self._arrived.append(command)

    def decided(self) -> list[Command]:
        """Return the commands whose place is decided, and no one twice."""
        arrived, self._arrived = self._arrived, []
        return arrived
