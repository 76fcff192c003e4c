"""Files that people share: kept under the SHA-256 of their content, served so that nothing runs.

Who has a link has the file: others than the page's people (a terminal, a log) see name and link.
A name is only part of the link; a type is what the first bytes say, and only raster pictures are
shown, all else is for download.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote

from chatlib.errors import CannotCreate, Refused

MOST_FILE = 25_000_000  # bytes
MOST_TOTAL = 2_000_000_000
NAME_CHARS = 120
OTHER = "application/octet-stream"
_PARTS = ".part"
_HEAD = 32


class Kept(NamedTuple):
    """A file as it was taken: its cleaned name, sniffed type, size in bytes, and path to get it."""

    name: str
    type: str
    size: int
    url: str


def sniffed(head: bytes) -> str:
    """Return the type of a raster picture that every browser shows, else OTHER."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:12] in (b"ftypavif", b"ftypavis"):
        return "image/avif"
    return OTHER


def clean_name(encoded: str) -> str:
    """Return the last part of a percent-encoded name, without what misleads."""
    last = unquote(encoded).replace("\\", "/").rpartition("/")[2]
    name = "".join(c if c.isprintable() else " " for c in last)
    stem, dot, ending = " ".join(name.split()).rpartition(".")
    most = NAME_CHARS - len(dot + ending)
    name = (stem[:most] + dot + ending if most > 0 else ending[:NAME_CHARS]).strip(". ")
    return name or "file"


def is_digest(text: str) -> bool:
    """Tell whether a text can be the name under which a file is kept."""
    return len(text) == 64 and not set(text) - set("0123456789abcdef")


class Files:
    """The files in a directory of their own, which it makes. Raises CannotCreate."""

    def __init__(
        self, directory: Path, *, most_file: int = MOST_FILE, most_total: int = MOST_TOTAL
    ) -> None:
        self._directory = directory
        self._most_file, self._most_total = most_file, most_total
        self._total = 0
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            for path in directory.iterdir():
                if path.suffix == _PARTS:  # it was on its way when the last process ended
                    path.unlink()
                else:
                    self._total += path.stat().st_size
        except OSError as e:
            raise CannotCreate(f"cannot use {directory}: {e.strerror}") from e

    async def keep(self, encoded_name: str, chunks: AsyncIterator[bytes]) -> Kept:
        """Take a file in. Raises Refused: too_big, full, unavailable."""
        part = self._directory / (secrets.token_hex(8) + _PARTS)
        taken = 0
        try:
            digest, head = hashlib.sha256(), b""
            with open(part, "xb", opener=_private) as file:
                async for chunk in chunks:
                    self._check(taken + len(chunk), len(chunk))
                    taken += len(chunk)
                    self._total += len(chunk)
                    head = (head + chunk)[:_HEAD] if len(head) < _HEAD else head
                    digest.update(chunk)
                    file.write(chunk)
                file.flush()
                await asyncio.to_thread(os.fsync, file.fileno())
            key = digest.hexdigest()
            if (place := self._directory / key).exists():
                self._total -= taken
                taken = 0
            size = part.stat().st_size
            part.replace(place)
            taken = 0
        except OSError as e:
            raise Refused("unavailable", f"the file can't be stored now: {e.strerror}") from e
        finally:
            self._total -= taken
            with suppress(OSError):
                part.unlink()
        name = clean_name(encoded_name)
        return Kept(name, sniffed(head), size, f"/files/{key}/{quote(name, safe='')}")

    def _check(self, size: int, more: int) -> None:
        if size > self._most_file:
            raise Refused("too_big", f"a file has at most {self._most_file // 1_000_000} MB")
        if self._total + more > self._most_total:
            raise Refused("full", "the page server has no room for more files: ask its operator")

    def find(self, digest: str) -> tuple[Path, str] | None:
        """Return where a file is, and its type."""
        if not is_digest(digest):
            return None
        path = self._directory / digest
        try:
            with path.open("rb") as file:
                return path, sniffed(file.read(_HEAD))
        except OSError:
            return None


def headers(kind: str, name: str) -> dict[str, str]:
    """Return what keeps a file from being more than bytes: docs/web.md, "What is kept out"."""
    shown = "inline" if kind != OTHER else "attachment"
    return {
        "content-disposition": f"{shown}; filename*=UTF-8''{quote(clean_name(name), safe='')}",
        "content-security-policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
        "cache-control": "private, max-age=31536000, immutable",
        "x-content-type-options": "nosniff",
    }


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
