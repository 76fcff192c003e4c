"""Slash commands that use rights, and how a list of rights is shown."""

from __future__ import annotations

from chatlib.amounts import span
from chatlib.errors import Misuse
from chatlib.names import nick_key, room_name
from chatlib.protocol.answers import RoleList
from chatlib.tui.conversation import Conversation
from chatlib.tui.when import shown


def _room(chat: Conversation, word: str = "") -> str:
    """Return the room that is named, or the current one. Raises Misuse."""
    if not word and not chat.room:
        raise Misuse("you are in no room: name one, or /join one first")
    return room_name(word) if word else chat.room


def _is(nick: str, other: str) -> bool:
    return nick_key(nick) == nick_key(other)


def create(chat: Conversation, rest: str) -> None:
    """Make a room and go into it."""
    words = rest.split()
    private = "--private" in words
    names = [word for word in words if word != "--private"]
    if len(names) != 1:
        raise Misuse("usage: /create [--private] NAME")
    room = chat.client.create(names[0], private=private)
    chat.enter(f"/join {room}")
    if private:
        chat.note(f"{room} is private: let people in with /invite NICK")


def invite(chat: Conversation, rest: str) -> None:
    """Let somebody into a private room."""
    nick, _, place = rest.partition(" ")
    room = _room(chat, place.strip())
    if any(_is(nick, line.nick) for line in chat.client.roles(room).roles):
        raise Misuse(
            f"{nick} has a role in {room} already: /roles lists them"
        )  # maybe a higher one
    if chat.client.set_role(room, nick, "member") == "none":
        raise Misuse(f"{room} is a public room: whoever wants to can join it")
    chat.note(f"{nick} may join {room} now")


def promote(chat: Conversation, rest: str) -> None:
    """Make somebody a moderator."""
    chat.client.set_role(_room(chat), rest, "moderator")
    chat.note(f"{rest} is a moderator of {chat.room} now")


def demote(chat: Conversation, rest: str) -> None:
    """Make somebody a member like others."""
    chat.client.set_role(_room(chat), rest, "member")
    chat.note(f"{rest} is a member of {chat.room} like others now")


def kick(chat: Conversation, rest: str) -> None:
    """Put somebody out."""
    nick, _, why = rest.partition(" ")
    chat.client.kick(_room(chat), nick, why.strip())


def ban(chat: Conversation, rest: str) -> None:
    """Put somebody out and keep him out."""
    nick, _, why = rest.partition(" ")
    chat.client.ban(_room(chat), nick, why.strip())


def unban(chat: Conversation, rest: str) -> None:
    """Let somebody in again."""
    chat.client.unban(_room(chat), rest)


def mute(chat: Conversation, rest: str) -> None:
    """Let somebody say nothing for a while."""
    nick, _, time = rest.partition(" ")
    seconds = round(span(time.strip(), bare=True)) if time.strip() else None
    chat.client.mute(_room(chat), nick, seconds)


def unmute(chat: Conversation, rest: str) -> None:
    """Let somebody speak again."""
    chat.client.unmute(_room(chat), rest)


def roles(chat: Conversation, rest: str) -> None:
    """List who has which right in a room."""
    room = _room(chat, rest)
    found = chat.client.roles(room)
    lines = described(found)
    chat.note(f"rights in {room}:" if lines else f"nobody has a role in {room}")
    chat.rows(lines)


def described(found: RoleList) -> list[str]:
    """Return a line for each role, mute and ban."""
    lines = [f"{line.role}  {line.nick}" for line in found.roles]
    lines += [
        f"muted  {line.nick}" + (f"  until {shown(line.until)}" if line.until else "")
        for line in found.mutes
    ]
    lines += [
        f"banned  {line.who}  since {shown(line.at)}" + (f"  {line.reason}" if line.reason else "")
        for line in found.bans
    ]
    return [*lines, "..."] if found.more else lines
