"""Where `hubbub log` writes: standard output, or files by room and day.

What is written is out when `flush` returns; nothing is kept that nobody waits for. So a reader that
is slow makes us slow, and nothing else.
"""

from __future__ import annotations

import gzip
import os
import select
import shutil
import stat
import sys
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from chatlib.errors import CannotCreate, Misuse

MOST_OPEN = 64  # files
CHUNK = select.PIPE_BUF  # what a pipe that is ready takes without blocking


class Output(Protocol):
    """Takes rows, each with its newline, and the room and the time that they are of."""

    def write(self, row: bytes, room: str, at: datetime) -> None:
        """Take a row. Raises CannotCreate."""

    def flush(self) -> None:
        """Return when all that was taken is out. Raises CannotCreate, BrokenPipeError."""

    def reopen(self) -> None:
        """Let go of all files: they may have been moved away."""

    def close(self) -> None:
        """Let go of all files."""


class Stopped(Exception):
    """Somebody asked for the end while nobody read what is to be written."""


class Standard:
    """Standard output. While nobody reads it, `stopping` tells whether to go on waiting.

    `wake` is readable when that has to be asked. Raises CannotCreate where there is none.
    """

    def __init__(self, wake: int, stopping: Callable[[], bool]) -> None:
        if sys.stdout is None:  # `>&-`
            raise CannotCreate("there is no standard output: name files with --out")
        self.fd = sys.stdout.fileno()
        self._wake = wake
        self._stopping = stopping
        self._rows = bytearray()
        mode = os.fstat(self.fd).st_mode
        self._waits = not stat.S_ISREG(mode)

    def write(self, row: bytes, room: str, at: datetime) -> None:
        """Take a row."""
        self._rows += row

    def flush(self) -> None:
        """Write all. Raises BrokenPipeError, CannotCreate; Stopped with a part not written."""
        rows, self._rows = memoryview(bytes(self._rows)), bytearray()
        while rows:
            if self._waits:
                self._wait()
            try:
                rows = rows[os.write(self.fd, rows[: CHUNK if self._waits else None]) :]
            except BlockingIOError:  # whoever shares it with us made it so
                continue
            except BrokenPipeError:
                raise
            except OSError as e:
                raise CannotCreate(f"cannot write to standard output: {e.strerror}") from e

    def _wait(self) -> None:
        poller = select.poll()
        poller.register(self.fd, select.POLLOUT)
        poller.register(self._wake, select.POLLIN)
        while not any(fd == self.fd for fd, _ in poller.poll()):
            if self._stopping():
                raise Stopped
            os.read(self._wake, 4096)

    def reopen(self) -> None:
        """Do nothing: it is not ours to open."""

    def close(self) -> None:
        """Do nothing: it is not ours to close."""


class Files:
    """Files by a template such as `logs/{room}/%Y-%m-%d.jsonl`, with directories made at need.

    One that would grow beyond `most` bytes is renamed to `NAME.1`, the next one to `NAME.2`, and
    with `compress` made a `.gz`. `durable`: `flush` returns when all is on disk, and half a line
    at the end of a file, of one who was killed, is cut off: it comes again. Raises Misuse.
    """

    def __init__(
        self, template: str, *, most: int | None = None, compress: bool = False, durable: bool
    ) -> None:
        self._template = template
        self._most = most
        self._compress = compress
        self._durable = durable
        self._open: OrderedDict[Path, BinaryIO] = OrderedDict()
        self._written: set[Path] = set()
        try:
            self._path("room", datetime.now())
        except (KeyError, IndexError, ValueError, AttributeError) as e:
            raise Misuse(
                f"--out {template!r} is no path ({e}): it has {{room}} and times such as %Y-%m-%d"
            ) from None

    def _path(self, room: str, at: datetime) -> Path:
        # A name of dots would lead out of the directory.
        safe = room.replace("/", "_")
        safe = f"%2E{safe[1:]}" if safe.startswith(".") else safe
        return Path(at.strftime(self._template).format(room=safe))

    def write(self, row: bytes, room: str, at: datetime) -> None:
        """Take a row. Raises CannotCreate."""
        path = self._path(room, at)
        try:
            file = self._file(path)
            if self._most is not None and file.tell() and file.tell() + len(row) > self._most:
                self._rotate(path)
                file = self._file(path)
            file.write(row)
        except OSError as e:
            raise _fault(path, e) from e
        self._written.add(path)

    def _file(self, path: Path) -> BinaryIO:
        file = self._open.get(path)
        if file is None:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("a+b")
            self._mend(file)
            self._open[path] = file
            while len(self._open) > MOST_OPEN:
                oldest, closed = self._open.popitem(last=False)
                self._close(oldest, closed)
        self._open.move_to_end(path)
        return file

    def _mend(self, file: BinaryIO) -> None:
        """End the last line of a file whose writer was killed in the middle of it."""
        end = file.seek(0, os.SEEK_END)
        start = end
        while start:
            start = max(0, start - CHUNK)
            file.seek(start)
            newline = file.read(min(CHUNK, end - start)).rfind(b"\n")
            if newline >= 0:
                start += newline + 1
                break
        if start < end:
            if self._durable:
                file.truncate(start)
            else:
                file.write(b"\n")
        file.seek(0, os.SEEK_END)

    def flush(self) -> None:
        """Write all. Raises CannotCreate."""
        for path in self._written:
            if (file := self._open.get(path)) is not None:
                self._flush(path, file)
        self._written.clear()

    def _flush(self, path: Path, file: BinaryIO) -> None:
        try:
            file.flush()
            if self._durable:
                os.fsync(file.fileno())
        except OSError as e:
            raise _fault(path, e) from e

    def _close(self, path: Path, file: BinaryIO) -> None:
        try:
            with file:  # which writes what is left, and can fail, too
                if path in self._written:
                    self._flush(path, file)
        except OSError as e:
            raise _fault(path, e) from e

    def _rotate(self, path: Path) -> None:
        """Move a full file aside, to the next number that is free."""
        self._close(path, self._open.pop(path))
        numbers = [0]
        for other in path.parent.glob(f"{_quoted(path.name)}.*"):
            number = other.name[len(path.name) + 1 :].removesuffix(".gz")
            numbers += [int(number)] if number.isdecimal() else []
        aside = path.with_name(f"{path.name}.{max(numbers) + 1}")
        path.rename(aside)
        if self._compress:
            unfinished = aside.with_name(aside.name + ".gz.new")
            with aside.open("rb") as plain, gzip.open(unfinished, "wb") as packed:
                shutil.copyfileobj(plain, packed)
            unfinished.replace(aside.with_name(aside.name + ".gz"))
            aside.unlink()

    def reopen(self) -> None:
        """Close all files; the next rows open them by their names again."""
        self.close()

    def close(self) -> None:
        """Close all files."""
        while self._open:
            self._close(*self._open.popitem())
        self._written.clear()


def _quoted(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def _fault(path: Path, e: OSError) -> CannotCreate:
    return CannotCreate(f"cannot write {path}: {e.strerror}")
