"""The file in which `hubbub log --cursor` keeps how far its output has come."""

from __future__ import annotations

import json
import os
from pathlib import Path

from chatlib.core.replaying import Heard
from chatlib.core.signals import Gap
from chatlib.core.subscriber import NewHistory, Position, Told
from chatlib.errors import BadConfiguration, CannotCreate


class Cursor:
    """How far the output has come; kept in `path` where there is one.

    `durable`: it is fsynced, as what it counts is. It must be saved after the output is flushed.
    """

    def __init__(self, path: Path | None, durable: bool = False) -> None:
        self._path = path
        self._durable = durable
        self._epoch = ""
        self._seq = 0
        self._rooms: dict[str, int] = {}
        self._oldest = False
        self._saved = True

    def load(self) -> Position | None:
        """Return where the last output ended; None where there is no file. Raises BadConfiguration.

        An empty one is as good as none: `mktemp` makes such.
        """
        if self._path is None:
            return None
        try:
            if not (text := self._path.read_text()):
                return None
            kept = json.loads(text)
            rooms = {str(room): int(seq) for room, seq in kept["rooms"].items()}
            epoch, seq, oldest = str(kept["epoch"]), int(kept["seq"]), bool(kept["oldest"])
        except FileNotFoundError:
            return None
        except OSError as e:
            raise BadConfiguration(f"cannot read the cursor {self._path}: {e.strerror}") from e
        except (ValueError, TypeError, KeyError, AttributeError) as e:
            raise BadConfiguration(
                f"{self._path} is no cursor of hubbub log: remove it to begin anew"
            ) from e
        self._epoch, self._seq, self._rooms, self._oldest = epoch, seq, rooms, oldest
        return Position(epoch, seq, rooms, oldest)

    def begin(self, oldest: bool) -> None:
        """Note that what is gone ahead of the oldest events is not missed."""
        self._oldest = oldest

    def move(self, told: Told) -> None:
        """Count what was put out, or was to be left out."""
        self._saved = False
        if isinstance(told, Heard):
            self._rooms[told.event.room or ""] = told.event.seq
        elif isinstance(told, Gap):
            self._rooms[told.room or ""] = told.before - 1
        elif isinstance(told, NewHistory):
            self._epoch, self._seq, self._rooms, self._oldest = told.epoch, 0, {}, True
        else:
            self._epoch, self._seq = told.epoch, told.seq
            if told.live:
                self._oldest = False
                self._rooms = {room: seq for room, seq in self._rooms.items() if seq > told.seq}

    def save(self) -> None:
        """Write the file anew, whole or not at all. Raises CannotCreate."""
        if self._path is None or self._saved or not self._epoch:
            return
        self._saved = True
        kept = {
            "epoch": self._epoch,
            "seq": self._seq,
            "oldest": self._oldest,
            "rooms": self._rooms,
        }
        new = self._path.with_name(self._path.name + ".new")
        try:
            with new.open("w") as file:
                json.dump(kept, file)
                if self._durable:
                    file.flush()
                    os.fsync(file.fileno())
            new.replace(self._path)
        except OSError as e:
            raise CannotCreate(f"cannot write the cursor {self._path}: {e.strerror}") from e
