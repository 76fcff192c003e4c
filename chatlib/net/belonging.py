"""The requests of a client about its registered nickname: its keys, links and password."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from chatlib.errors import Misuse
from chatlib.protocol import answers, requests
from chatlib.protocol.answers import DeviceLine
from chatlib.protocol.links import Link, parse_endpoint
from chatlib.protocol.requests import PASSWORD_CHARS


class Belonging(ABC):
    """Asks the broker, waits at most `timeout` seconds, and returns what it answered.

    All raise Refused: not_encrypted where the broker has no keys, not_registered, and others.
    """

    @abstractmethod
    def _ask(self, request: requests.Request, kind: type[Any], timeout: float) -> Any: ...

    def register(self, *, timeout: float = 10) -> str:
        """Make the nickname one's key's own for good, and return it."""
        found: str = self._ask(requests.Register(), answers.Registered, timeout).nick
        return found

    def unregister(self, *, timeout: float = 10) -> None:
        """Give the registered nickname up."""
        self._ask(requests.Unregister(), answers.Answer, timeout)

    def device(self, *, seconds: int = 600, timeout: float = 10) -> str:
        """Return a link that adds one device to the nickname, once and within `seconds`."""
        made = self._ask(requests.Device(seconds=seconds), answers.Invited, timeout)
        return link_of(made)

    def devices(self, *, timeout: float = 10) -> list[DeviceLine]:
        """List the keys of the nickname by their fingerprints."""
        found: list[DeviceLine] = self._ask(requests.Devices(), answers.DeviceList, timeout).devices
        return found

    def remove_device(self, key: str, *, timeout: float = 10) -> None:
        """Remove a key, by its fingerprint or the beginning of it; its sessions end at once."""
        self._ask(requests.Undevice(key=key), answers.Answer, timeout)

    def set_password(self, password: str, *, timeout: float = 15) -> None:
        """Set the password by which `login` adds a device: 8 characters at least. Raises Misuse."""
        if len(password) < PASSWORD_CHARS:
            raise Misuse(f"a password has at least {PASSWORD_CHARS} characters")
        self._ask(requests.Password(password=password), answers.Answer, timeout)


def link_of(made: answers.Invited) -> str:
    """Return the link that an invitation is told as."""
    return str(Link(parse_endpoint(made.address), made.room, made.key, made.token))
