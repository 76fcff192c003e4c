"""Who may see the operator's page: who opened a link that was made where page servers keep files.

A link is good once, for ten minutes. What is kept of it is a file under the digest of its token in
the page server's directory: whoever can write there has the operator's key as well. So a link is
made by `hubbub weblink` without the page server's help, and one that runs already takes it.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from chatlib.errors import CannotCreate, Misuse

LINKS = "operator-links"
ADDRESS = "operator-page"  # the file that tells where the page is
LINK_S = 600.0
COOKIE_S = 12 * 3600.0
MOST_COOKIES = 50
PATH = "/operator"


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def make_link(directory: Path, address: str = "") -> str:
    """Return a new link to the operator's page; `address` is the page's, else what is noted there.

    Raises Misuse (no page server with an operator's key keeps its files there), CannotCreate.
    """
    if not address:
        try:
            address = (directory / ADDRESS).read_text().strip()
        except OSError as e:
            raise Misuse(
                f"no page server with an operator's key keeps its files in {directory}: name it "
                "with --data; one beside a broker (--web) keeps them in DIR/web of the broker's "
                "--data DIR"
            ) from e
    token = secrets.token_urlsafe(24)
    links = directory / LINKS
    try:
        links.mkdir(mode=0o700, exist_ok=True)
        _forget_old(links)
        (links / _digest(token)).touch(mode=0o600, exist_ok=False)
    except OSError as e:
        raise CannotCreate(f"cannot make a link in {links}: {e.strerror}") from e
    return f"{address.rstrip('/')}{PATH}#t={token}"


def note_address(directory: Path, address: str) -> None:
    """Note where the page is, for who makes links. Raises CannotCreate."""
    new = directory / f"{ADDRESS}.new"
    try:
        new.write_text(address + "\n")
        new.replace(directory / ADDRESS)
    except OSError as e:
        raise CannotCreate(f"cannot write {directory / ADDRESS}: {e.strerror}") from e


def _forget_old(links: Path) -> None:
    for path in links.iterdir():
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > LINK_S:
                path.unlink()


class Visitors:
    """Whose cookie is an operator's: for twelve hours, or until the page server ends."""

    def __init__(self, directory: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._links = directory / LINKS
        self._clock = clock
        self._cookies: dict[str, float] = {}  # by digest, until when

    def redeem(self, token: str) -> str | None:
        """Return a cookie for a link's token; None where it is not known, used or too old.

        The file is removed before anything is granted: of two who come with a token one gets in.
        """
        path = self._links / _digest(token)
        try:
            made = path.stat().st_mtime
            path.unlink()
        except OSError:
            return None
        if not 0 <= time.time() - made <= LINK_S:
            return None
        cookie = secrets.token_urlsafe(32)
        self._cookies[_digest(cookie)] = self._clock() + COOKIE_S
        while len(self._cookies) > MOST_COOKIES:
            del self._cookies[next(iter(self._cookies))]
        return cookie

    def known(self, cookie: str | None) -> bool:
        """Tell whether a cookie is an operator's."""
        until = self._cookies.get(_digest(cookie)) if cookie else None
        return until is not None and self._clock() < until

    def forget(self, cookie: str | None) -> None:
        """Let a cookie be nobody's."""
        if cookie:
            self._cookies.pop(_digest(cookie), None)
