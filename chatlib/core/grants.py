"""What is kept of the rights in a room: its roles, who is muted there, who is banned from it.

Values and nothing else: `core.rights` says what they allow, `core.moderation` changes them. They
are bound to *who* somebody is, see `rights.who`; the nickname beside it is the one of that moment.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Role = Literal["owner", "moderator", "member"]

MAX_ROLES = 10_000  # of one room
MAX_MUTES = 1_000
MAX_BANS = 1_000


class Granted(Struct, frozen=True):
    """A role that somebody has."""

    role: Role
    nick: str
    key: str  # the nick key


class Muted(Struct, frozen=True):
    """Somebody who may not speak until `until` (ms); 0 for as long as nobody unmutes him."""

    nick: str
    key: str
    until: int = 0

    def holds(self, at: int) -> bool:
        """Tell whether it is still so."""
        return not self.until or at < self.until


class Kept(Struct, frozen=True):
    """Somebody who is kept out of a room, since `at` (ms)."""

    nick: str
    key: str
    at: int
    reason: str = ""


class RoomRights(Struct, frozen=True):
    """One room's; by who somebody is. `private` is for life, and so is who opened it.

    In a `closed` one nobody is, until an operator opens it again.
    """

    private: bool = False
    roles: dict[str, Granted] = {}
    muted: dict[str, Muted] = {}
    banned: dict[str, Kept] = {}
    closed: bool = False
    opener: str = ""


class Head(Struct, frozen=True):
    """The seq of the newest event of a stream that is nobody's: the audit log."""

    seq: int
