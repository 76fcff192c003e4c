"""What a client does with rights: rooms of its own, roles, and keeping people out or silent."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Literal

from chatlib.errors import Misuse
from chatlib.names import nick_key, room_name
from chatlib.protocol import answers, limits, requests
from chatlib.protocol.answers import BanLine, RoleList


class Ruling(ABC):
    """Uses rights. All raise Refused: `not_allowed` says which role is needed."""

    @abstractmethod
    def _ask(self, request: requests.Request, kind: type[Any], timeout: float) -> Any: ...

    def create(self, room: str, *, private: bool = False, timeout: float = 10) -> str:
        """Make a room and own it, without joining it; return its true name.

        A private one is so for life: whoever has no role there is told that there is none.
        """
        asked = requests.Create(room=room_name(room), private=private)
        made: answers.Created = self._ask(asked, answers.Created, timeout)
        return made.room

    def set_role(
        self,
        room: str,
        nick: str,
        role: Literal["owner", "moderator", "member", "none"],
        *,
        timeout: float = 10,
    ) -> str:
        """Give somebody a role in a room, which in a private one lets him in; return it."""
        nick_key(nick)
        asked = requests.Role(room=room_name(room), nick=nick, role=role)
        given: answers.RoleIs = self._ask(asked, answers.RoleIs, timeout)
        return given.role

    def kick(self, room: str, nick: str, reason: str = "", *, timeout: float = 10) -> None:
        """Put somebody out of a room; out of a private one until he is invited again."""
        nick_key(nick)
        self._ask(
            requests.Kick(room=room_name(room), nick=nick, reason=reason), answers.Answer, timeout
        )

    def ban(self, room: str, nick: str, reason: str = "", *, timeout: float = 10) -> None:
        """Put somebody out of a room and keep him out."""
        nick_key(nick)
        asked = requests.Ban(room=room_name(room), nick=nick, reason=reason)
        self._ask(asked, answers.Answer, timeout)

    def unban(self, room: str, nick: str, *, timeout: float = 10) -> None:
        """Let into a room again who has this nickname, or had it when he was banned."""
        nick_key(nick)
        self._ask(requests.Unban(room=room_name(room), who=nick), answers.Answer, timeout)

    def bans(self, room: str, *, timeout: float = 10) -> list[BanLine]:
        """List who is kept out of a room."""
        asked = requests.Bans(room=room_name(room))
        found: list[BanLine] = self._ask(asked, answers.BanList, timeout).bans
        return found

    def mute(
        self, room: str, nick: str, seconds: int | None = None, *, timeout: float = 10
    ) -> None:
        """Let somebody say nothing in a room, for so long or until he is unmuted. Raises Misuse."""
        nick_key(nick)
        if seconds is not None and not 1 <= seconds <= limits.LONGEST_S:
            raise Misuse(
                f"a mute lasts 1 second to {limits.LONGEST_DAYS} days; without a time it lasts "
                f"until the unmute"
            )
        asked = requests.Mute(room=room_name(room), nick=nick, seconds=seconds)
        self._ask(asked, answers.Answer, timeout)

    def unmute(self, room: str, nick: str, *, timeout: float = 10) -> None:
        """Let somebody speak again in a room."""
        nick_key(nick)
        self._ask(requests.Unmute(room=room_name(room), nick=nick), answers.Answer, timeout)

    def roles(self, room: str, *, timeout: float = 10) -> RoleList:
        """Tell who has which role in a room, who is muted and who is banned there."""
        found: RoleList = self._ask(requests.Roles(room=room_name(room)), answers.RoleList, timeout)
        return found
