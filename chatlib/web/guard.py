"""Who may ask the page server what: where a request comes from, how often, how much, how slowly."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from chatlib.core.buckets import Buckets, Rate
from chatlib.core.meter import network
from chatlib.errors import Refused

ENTERING = Rate(0.5, 60)  # of one address: behind it there may be a classroom
MOST_BODY = 16 * 1024
BODY_S = 15.0  # that what is posted may take,
LEAST_RATE = 16 * 1024  # and a second more for so many bytes that came: 25 MB in half an hour
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cache-control": "no-cache",
}
_PORTS = {"http": 80, "https": 443}


class Guard:
    """Checks requests by their headers; `hosts` are the names that are ours, empty for any.

    Whoever can make a browser take a name of his for our address (DNS rebinding) comes with that
    name: on loopback, only names of this machine are ours. `secure`: browsers come by TLS.
    """

    def __init__(self, hosts: Iterable[str], *, secure: bool) -> None:
        self._hosts = frozenset(hosts)
        self.secure = secure
        self.entering = Buckets(ENTERING)

    @property
    def cookie(self) -> str:
        """The name of the cookie: a prefix that browsers enforce, where there is TLS."""
        return "__Host-hubbub" if self.secure else "hubbub"

    def is_ours(self, host: str) -> bool:
        """Tell whether a Host header names us."""
        name = host.rpartition(":")[0] if _has_port(host) else host
        return not self._hosts or name.lower() in self._hosts

    def same_origin(self, headers: Mapping[str, str]) -> bool:
        """Tell whether a page of ours asks: by Origin, which scripts can't change."""
        host = headers.get("host", "")
        if not self.is_ours(host):
            return False
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return False
        scheme = "https" if self.secure else "http"
        try:
            origin, ours = urlsplit(headers.get("origin", "")), urlsplit(f"//{host}")
            theirs = (origin.scheme, origin.hostname, origin.port or _PORTS.get(origin.scheme))
            return theirs == (scheme, ours.hostname, ours.port or _PORTS[scheme])
        except ValueError:
            return False

    def enters(self, address: str, now: float) -> float:
        """Return the seconds until somebody from an address may choose a nickname; 0.0 for now."""
        return self.entering.take(network(address), 1, now)


def _has_port(host: str) -> bool:
    return ":" in host and not host.endswith("]")


async def paced(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Pass on what is posted. Raises Refused: it comes too slowly."""
    deadline = time.monotonic() + BODY_S
    while True:
        try:
            chunk = await asyncio.wait_for(anext(chunks), deadline - time.monotonic())
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise Refused("too_slow", "what was sent came too slowly: try again") from None
        deadline += len(chunk) / LEAST_RATE
        yield chunk


class Headers:
    """Adds to every answer of an ASGI application what keeps a page safe."""

    def __init__(self, app: Any, *, secure: bool) -> None:
        self._app = app
        more = {"strict-transport-security": "max-age=31536000"} if secure else {}
        self._headers = [(k.encode(), v.encode()) for k, v in (HEADERS | more).items()]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message.get("headers", ())}
                more = [pair for pair in self._headers if pair[0] not in given]
                message["headers"] = [*message.get("headers", ()), *more]
            await send(message)

        await self._app(scope, receive, sending)
