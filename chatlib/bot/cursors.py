"""The file in which a bot keeps how far it has come, so that another process goes on from there."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from typing import Self
from urllib.parse import quote

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from chatlib.core.signals import SavedSession
from chatlib.errors import BadConfiguration, CannotCreate

VERSION = 1


class Place(Struct, frozen=True, omit_defaults=True):
    """Up to where a room, or the inbox, is handled: an event's `seq` and `at`."""

    seq: int = 0
    at: str = ""


class Saved(Struct, frozen=True, omit_defaults=True):
    """What the file holds. `token` is the session's secret; `said` as in SavedSession."""

    version: int = VERSION
    epoch: str = ""
    token: str = ""
    said: int | None = None
    inbox: Place = Place()
    rooms: dict[str, Place] = {}

    @property
    def session(self) -> SavedSession | None:
        """The session to go on in."""
        if not self.token:
            return None
        return SavedSession(self.token, self.epoch, self.inbox.seq, self.said)


def usual_path(address: str, nick: str) -> Path:
    """Return `$XDG_STATE_HOME/hubbub/bots/NICK@ADDRESS.json`, else below `~/.local/state`.

    Raises BadConfiguration where there is no home directory.
    """
    base = os.environ.get("XDG_STATE_HOME")
    try:
        state = Path(base) if base else Path.home() / ".local" / "state"
    except RuntimeError as e:
        raise BadConfiguration(
            "there is no home directory to keep a cursor in: set XDG_STATE_HOME, or give the bot "
            "a state"
        ) from e
    return state / "hubbub" / "bots" / f"{quote(f'{nick}@{address}', safe='@')}.json"


class CursorFile:
    """The file at `path`, for one bot at a time: `with` locks it, or raises CannotCreate."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = -1

    def __enter__(self) -> Self:
        lock = self.path.with_name(self.path.name + ".lock")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.__exit__()
            raise CannotCreate(
                f"another bot keeps its cursor in {self.path}: end it, or give this one a state "
                "of its own"
            ) from None
        except OSError as e:
            self.__exit__()
            raise CannotCreate(f"cannot keep a cursor in {self.path}: {e.strerror}") from e
        return self

    def __exit__(self, *_: object) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def load(self) -> Saved:
        """Return what was kept; nothing where there is no file. Raises BadConfiguration."""
        try:
            saved = msgspec.json.decode(self.path.read_bytes(), type=Saved)
        except FileNotFoundError:
            return Saved()
        except (OSError, msgspec.MsgspecError) as e:
            raise BadConfiguration(
                f"cannot read the cursor in {self.path} ({e}): without the file, the bot begins "
                "with what is said from now on"
            ) from e
        if saved.version > VERSION:
            raise BadConfiguration(f"{self.path} is of a newer version: update hubbub")
        return saved

    def spend(self, saved: Saved) -> None:
        """Write that nobody knows what the session has said: who goes on in it says more.

        Before he does: should he be killed, the next one must not go by a count of long ago.
        Raises CannotCreate.
        """
        if saved.said is not None:
            try:
                self.save(replace(saved, said=None))
            except OSError as e:
                raise CannotCreate(f"cannot keep a cursor in {self.path}: {e.strerror}") from e

    def save(self, saved: Saved) -> None:
        """Write it whole and fsynced, or not at all. Raises OSError."""
        new = self.path.with_name(self.path.name + ".new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with contextlib.closing(os.fdopen(descriptor, "wb")) as file:
            file.write(msgspec.json.encode(saved) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.path)
        directory = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
