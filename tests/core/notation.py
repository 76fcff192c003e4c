"""How dialogues are written down: short forms of the wire's objects, both ways.

An object is its fields, `op=join room=lobby after=3`; a value is JSON, or a word that means itself.
An event is `SEQ<PREV KIND WHERE NICK.N "TEXT"`, where WHERE is a room, or `@NICK` for a private
one, and what else it has follows as fields. Everybody's sid is `s-` and his first nickname, unless
a broker gave it out.
"""

from __future__ import annotations

import difflib
import json
import re
from typing import Any

_token = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\[.*?\]|\{.*?\}|\S*)')
_event = re.compile(r'(\d+)<(\d+) (\w+) (\S+) ([^\s.]+)(?:\.(\d+))?(?: ("(?:[^"\\]|\\.)*"))?(.*)')
DULL = {"at", "client", "epoch", "error", "feed", "heartbeat", "id", "intake", "limits", "message"}
DULL |= {"ok", "server", "v"}
REST = ("re", "deleted", "old", "reason", "bot", "user")


def value(text: str) -> Any:
    """Return what a written value means."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def fields(text: str) -> dict[str, Any]:
    """Return the object that is written `a=1 b=word`."""
    return {name: value(written) for name, written in _token.findall(text)}


def event(text: str) -> dict[str, Any]:
    """Return the event that is written in short."""
    if text.startswith("head "):
        _, room, seq, *epoch = text.split()
        return {"kind": "head", "room": room, "seq": int(seq), "epoch": (*epoch, "e1")[0]}
    found = _event.fullmatch(text.strip())
    assert found, f"no event: {text!r}"
    seq, prev, kind, where, nick, n, said, rest = found.groups()
    place = {"to": where[1:]} if where.startswith("@") else {"room": where}
    known = {"seq": int(seq), "prev": int(prev), "kind": kind, **place, "nick": nick}
    known["sid"] = f"s-{nick}"
    known["at"] = "2027-01-15T08:00:00.000Z"
    if n:
        known["n"] = int(n)
    if said:
        known["text"] = json.loads(said)
    return known | fields(rest)


def bodies(text: str) -> bytes:
    """Return the lines of JSON of the events written `... ; ...`."""
    return b"\n".join(json.dumps(event(one)).encode() for one in text.split(" ; "))


def show(thing: Any) -> str:
    """Write a value down."""
    if isinstance(thing, str):
        plain = re.fullmatch(r"[^\s\"\[\]{}=]+", thing) and value(thing) == thing
        return thing if plain else json.dumps(thing, ensure_ascii=False)
    if isinstance(thing, dict) and "prev" in thing:
        return show_event(thing)
    if isinstance(thing, dict) and {"nick", "sid"} <= set(thing):
        return thing["nick"] + ("(bot)" if thing.get("bot") else "")
    if isinstance(thing, list):
        inside = " ; " if any(isinstance(x, dict) and "prev" in x for x in thing) else ","
        return f"[{inside.join(map(show, thing))}]"
    if isinstance(thing, dict):
        if "code" in thing:
            return str(thing["code"])
        return "{" + " ".join(f"{k}={show(v)}" for k, v in thing.items()) + "}"
    return json.dumps(thing)


def show_fields(known: dict[str, Any]) -> str:
    """Write a frame down, without what is dull and what is empty; an answer begins with its id."""
    start = ""
    if "ok" in known:
        start = f"{known['id']} {'ok' if known['ok'] else 'no ' + known['error']['code']}"
        known = {"suggestion": known.get("error", {}).get("suggestion")} | known
    elif "error" in known:
        known = known | {"code": known["error"]["code"]}
    if known.get("user") == known.get("sid"):  # of all who are not registered
        known = {k: v for k, v in known.items() if k != "user"}
    shown = {k: v for k, v in known.items() if k not in DULL and (v or k in ("accepted", "after"))}
    if "members" in known:
        shown.pop("oldest", None)
    return " ".join([start, *(f"{k}={show(v)}" for k, v in shown.items())]).strip()


def show_frame(before: str, known: dict[str, Any]) -> list[str]:
    """Write a frame down behind `before`; events and rooms in it on lines of their own."""
    if "prev" in known:
        return [before + show_event(known)]
    rooms = known["rooms"] if isinstance(known.get("rooms"), list) else []
    parts = [show_event(one) for one in known.get("events", ())] + [show_fields(r) for r in rooms]
    shown = show_fields({k: v for k, v in known.items() if k != "events" and v is not rooms})
    return [before + shown, *(f"        {part}" for part in parts)]


def show_bundle(before: str, lines: list[dict[str, Any]]) -> list[str]:
    """Write the events of a feed message down behind `before`; several on lines of their own."""
    if len(lines) == 1:
        return [before + show_event(lines[0])]
    return [before.rstrip(), *(f"        {show_event(one)}" for one in lines)]


def show_event(known: dict[str, Any]) -> str:
    """Write an event or a head marker down."""
    if known["kind"] == "head":
        return f"head {known.get('room', '*')} {known['seq']}"
    where = known.get("room") or "@" + known["to"]
    n = f".{known['n']}" if "n" in known else ""
    said = " " + json.dumps(known["text"], ensure_ascii=False) if "text" in known else ""
    rest = "".join(f" {k}={show(known[k])}" for k in REST if k in known)
    return f"{known['seq']}<{known['prev']} {known['kind']} {where} {known['nick']}{n}{said}{rest}"


def agree(expected: str, happened: list[str]) -> None:
    """Compare a dialogue as it was written with what happened; show where they part."""
    wanted = [line.rstrip() for line in expected.splitlines()]
    if wanted != happened:
        parted = difflib.unified_diff(wanted, happened, "as written", "as it was", lineterm="")
        raise AssertionError("the dialogue parts from its script\n" + "\n".join(parted))
