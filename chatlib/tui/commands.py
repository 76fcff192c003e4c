"""The slash commands, in one table; their preconditions are checked in one place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from difflib import get_close_matches
from typing import NamedTuple

from chatlib.errors import Misuse
from chatlib.names import room_name
from chatlib.tui import ruling
from chatlib.tui.conversation import Conversation
from chatlib.tui.when import parse_when

HISTORY = 50
MOST_HISTORY = 1_000
_TIMES = ("since", "before")


class Command(NamedTuple):
    """A slash command; `least` is how many words it needs, `completes` what Tab offers first."""

    usage: str
    help: str
    run: Callable[[Conversation, str], None]
    least: int = 0
    needs_room: bool = False
    completes: str = ""


def run_command(chat: Conversation, line: str) -> None:
    """Run `line`, which is without its slash. Raises Misuse for what can't be run."""
    name, _, rest = line.partition(" ")
    rest = rest.strip()
    command = COMMANDS.get(name.lower())
    if command is None:
        near = get_close_matches(name.lower(), COMMANDS, 1)
        hint = f"did you mean /{near[0]}?" if near else "/help lists the commands"
        raise Misuse(f"there is no command /{name}: {hint} (to say it, write //{name})")
    if len(rest.split()) < command.least:
        raise Misuse(f"usage: /{name.lower()} {command.usage}")
    if command.needs_room and not chat.room:
        raise Misuse("you are in no room: /join one first")
    command.run(chat, rest)


def _join(chat: Conversation, rest: str) -> None:
    room = room_name(rest)
    if room in chat.client.joined:
        chat.go(room)
        chat.note(f"you are in {room} now")
        return
    before, chat.room = chat.room, room  # so that its history is not marked as another room's
    try:
        found = chat.client.join(room)
    except BaseException:
        chat.room = before
        raise
    chat.go(found.room)
    chat.arrived(found)


def _leave(chat: Conversation, rest: str) -> None:
    room = room_name(rest) if rest else chat.room
    if room not in chat.client.joined:
        raise Misuse(f"you are not in {room}" if room else "you are in no room")
    chat.client.leave(room)
    chat.left(room)
    chat.note(f"you left {room}" + (f"; you are in {chat.room} now" if chat.room else ""))


def _rooms(chat: Conversation, rest: str) -> None:
    found = chat.client.rooms()
    chat.learn_rooms(r.room for r in found)
    chat.note(f"{len(found)} room{'s' * (len(found) > 1)}:")
    chat.rows(
        f"{r.room}  {r.members} here"
        + (" (private)" if r.private else "")
        + (f"  {r.topic}" if r.topic else "")
        for r in found
    )


def _who(chat: Conversation, rest: str) -> None:
    room = room_name(rest) if rest else chat.room or None
    found = chat.client.who(room)
    chat.note(f"{len(found)} in {room}:" if room else f"{len(found)} here:")
    chat.rows(m.nick + (" (bot)" if m.bot else "") for m in found)


def _nick(chat: Conversation, rest: str) -> None:
    chat.note(f"you are {chat.client.rename(rest)} now")


def _msg(chat: Conversation, rest: str) -> None:
    nick, _, text = rest.partition(" ")
    chat.client.tell(nick, text.strip())


def _me(chat: Conversation, rest: str) -> None:
    chat.say(rest, "act")


def _reply(chat: Conversation, rest: str) -> None:
    nick, _, text = rest.partition(" ")
    chat.say(text.strip(), reply_to=chat.last_of(nick.removeprefix("@").removesuffix(":")))


def _edit(chat: Conversation, rest: str) -> None:
    chat.client.edit(chat.room, chat.my_last(), rest)


def _delete(chat: Conversation, rest: str) -> None:
    nick = rest.removeprefix("@")
    if len(nick.split()) > 1:
        raise Misuse("usage: /delete [NICK] (the last message in the room)")
    chat.client.delete(chat.room, chat.last_of(nick) if nick else chat.my_last())


def _react(chat: Conversation, rest: str) -> None:
    sign, _, nick = rest.partition(" ")
    chat.client.react(chat.room, chat.last_of(nick.strip().removeprefix("@")), sign)


def _topic(chat: Conversation, rest: str) -> None:
    if rest:
        chat.client.topic(chat.room, rest)
    else:
        chat.note(chat.client.topic(chat.room) or f"{chat.room} has no topic")


def _history(chat: Conversation, rest: str) -> None:
    if rest and not (rest.isdecimal() and 1 <= int(rest) <= MOST_HISTORY):
        raise Misuse(f"usage: /history [N], N from 1 to {MOST_HISTORY}")
    found = chat.client.history(chat.room, limit=int(rest) if rest else HISTORY)
    chat.note(f"the last {len(found)} events of {chat.room}:")
    chat.old_events(found)


def _search(chat: Conversation, rest: str) -> None:
    words: list[str] = []
    wanted: dict[str, str] = {}
    for word in rest.split():
        key, colon, value = word.partition(":")
        if colon and key in ("from", "in", *_TIMES) and value:
            wanted[key] = value
        else:
            words.append(word)
    now = datetime.now().astimezone()
    since, before = (parse_when(wanted[k], now) if k in wanted else None for k in _TIMES)
    found = chat.client.search(
        " ".join(words),
        sender=wanted.get("from"),
        room=wanted.get("in"),
        since=since,
        before=before,
    )
    chat.note(f"{len(found)} found" + (":" if found else ""))
    chat.old_events(found)


def _register(chat: Conversation, rest: str) -> None:
    chat.note(
        f"{chat.client.register()} is yours for good, on every device that you add with /device"
    )


def _unregister(chat: Conversation, rest: str) -> None:
    if not chat.client.registered:
        raise Misuse(f"{chat.client.nick} is not registered: it is yours until you leave")
    chat.client.unregister()
    chat.note(f"{chat.client.nick} is yours until you leave")


def _device(chat: Conversation, rest: str) -> None:
    link = chat.client.device()
    chat.note("on your other device, within ten minutes, and give it to nobody else:")
    chat.rows([f"hubbub join '{link}'"])


def _devices(chat: Conversation, rest: str) -> None:
    what, _, key = rest.partition(" ")
    if what == "remove" and key.strip():
        chat.client.remove_device(key.strip())
        chat.note("its key is removed; whoever has it is out")
        return
    if rest:
        raise Misuse("usage: /devices [remove KEY]")
    found = chat.client.devices()
    chat.note(f"the keys of {chat.client.nick}:")
    chat.rows(f"{d.key}  since {d.since[:10]}" + ("  (this one)" if d.own else "") for d in found)


def _password(chat: Conversation, rest: str) -> None:
    def take(password: str) -> None:
        if not password:
            raise Misuse("no password was set: /password asks for one")
        chat.client.set_password(password)
        chat.note("hubbub login ADDRESS NICK takes this password on another device")

    if rest:
        take(rest)
        return
    chat.note("type the new password, 8 characters or more; it is not shown")
    chat.secret = take


def _help(chat: Conversation, rest: str) -> None:
    width = max(len(f"/{name} {c.usage}") for name, c in COMMANDS.items())
    chat.rows(f"{f'/{name} {c.usage}':{width}}  {c.help}" for name, c in COMMANDS.items())
    chat.rows([f"{'//text':{width}}  say something that begins with a slash"])


def _quit(chat: Conversation, rest: str) -> None:
    chat.quitting = True


COMMANDS: dict[str, Command] = {
    "join": Command("ROOM", "go into a room, opening it", _join, 1, completes="rooms"),
    "leave": Command("[ROOM]", "leave a room", _leave, completes="rooms"),
    "rooms": Command("", "list the rooms", _rooms),
    "who": Command("[ROOM]", "list who is in a room", _who, completes="rooms"),
    "nick": Command("NAME", "change your nickname", _nick, 1),
    "msg": Command("NICK TEXT", "say something to one person alone", _msg, 2, completes="nicks"),
    "me": Command("TEXT", "say what you are doing", _me, 1, needs_room=True),
    "reply": Command(
        "NICK TEXT", "answer what NICK said last", _reply, 2, needs_room=True, completes="nicks"
    ),
    "edit": Command("TEXT", "say your last message otherwise", _edit, 1, needs_room=True),
    "delete": Command(
        "[NICK]", "delete your last message, or NICK's as a moderator", _delete, 0, True, "nicks"
    ),
    "react": Command(
        "SIGN [NICK]", "react to what was said last, or by NICK", _react, 1, needs_room=True
    ),
    "create": Command("[--private] NAME", "make a room of your own", ruling.create, 1),
    "invite": Command(
        "NICK [ROOM]", "let somebody into a private room", ruling.invite, 1, completes="nicks"
    ),
    "kick": Command(
        "NICK [WHY]", "put somebody out of the room", ruling.kick, 1, True, completes="nicks"
    ),
    "ban": Command("NICK [WHY]", "... and keep them out", ruling.ban, 1, True, completes="nicks"),
    "unban": Command("NICK", "let somebody in again", ruling.unban, 1, True, completes="nicks"),
    "mute": Command(
        "NICK [10m]", "let somebody say nothing for a while", ruling.mute, 1, True, "nicks"
    ),
    "unmute": Command("NICK", "let somebody speak again", ruling.unmute, 1, True, "nicks"),
    "op": Command("NICK", "make somebody a moderator", ruling.promote, 1, True, "nicks"),
    "deop": Command("NICK", "take that back", ruling.demote, 1, True, "nicks"),
    "roles": Command("[ROOM]", "list who may do what in a room", ruling.roles, completes="rooms"),
    "topic": Command("[TEXT]", "set or show the room's topic", _topic, needs_room=True),
    "history": Command("[N]", "show what was said before", _history, needs_room=True),
    "search": Command(
        "WORDS", "find messages; also from:NICK in:ROOM since:2h before:2026-11-01", _search, 1
    ),
    "register": Command("", "make your nickname your own for good", _register),
    "unregister": Command("", "give your registered nickname up", _unregister),
    "device": Command("", "make a link that adds another device of yours", _device),
    "devices": Command("[remove KEY]", "list your devices, or remove one", _devices),
    "password": Command("[PASSWORD]", "set a password for adding devices", _password),
    "help": Command("", "show this list", _help),
    "quit": Command("", "leave; so does 'exit', and Ctrl-D", _quit),
}
