"""The first corpus: the examples and the session of docs/protocol.md, and a few by hand.

`python -m tests.fuzz.seeds DIRECTORY` writes them, a directory for each target.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chatlib.security.keys import KeyPair, _check, to_link
from tests.conformance.document import blocks, values
from tests.conformance.transcript import Statement, parse
from tests.fuzz.keys import KEY
from tests.fuzz.script import KINDS
from tests.fuzz.wire import ANSWERS

SECRET = b"JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"  # zmq_curve's, too
ENDED = b"\xff"


def dumped(*told: Any) -> bytes:
    return b"\n".join(json.dumps(one, separators=(",", ":")).encode() for one in told)


def examples(kind: str) -> list[bytes]:
    """Return the document's examples of one kind."""
    return [dumped(*values(b.text)) for b in blocks() if b.info.startswith(f"json {kind}")]


def session() -> list[Statement]:
    """Return the document's annotated session."""
    (text,) = [b.text for b in blocks() if b.info == "transcript"]
    return parse(text)


def _told(verb: str) -> list[bytes]:
    return [dumped(*step.json) for step in session() if step.verb == verb]


def _answers() -> Iterator[bytes]:
    for frame in [*_told("control <"), *examples("answer"), *examples("error")]:
        for number, kind in enumerate(ANSWERS):
            fields = set(kind.__struct_fields__)
            if fields <= json.loads(frame).keys() and len(fields) > 2 - (kind is ANSWERS[0]):
                yield bytes([number]) + frame


def _broker() -> Iterator[bytes]:
    chunks, people, tokens = [], ["ann", "bob"], ["TTsth", "Yx2mo"]
    for step in session():
        peer = str(people.index(step.who)).encode() if step.who in people else b""
        if step.verb == "control >":
            (asked,) = step.json
            if "session" in asked:
                asked["session"] = f"t{tokens.index(asked['session'][:5]) + 1}"
            chunks += [b"c" + peer + dumped(asked), b"p"]
        elif step.verb == "intake >":
            token = str(tokens.index(step.words[0][:5]) + 1).encode()
            chunks += [b"i" + token + dumped(*step.json), b"p"]
        elif step.verb == "feed subscribes":
            chunks += [b"s" + topic.encode() for topic in step.words]
        elif step.verb == "disconnects":
            chunks.append(b"v" + peer)
    yield ENDED.join(chunks)
    hello = ENDED.join(b'c%d{"op":"hello","v":1,"nick":"m%d"}\xffc%d{"op":"join","room":"lobby"}'
                       % (n, n, n) for n in (0, 1))  # fmt: skip
    for number in range(len(KINDS)):  # each op, with each of its fields
        fields = b"".join(bytes([field, 1]) for field in range(7))
        yield ENDED.join([hello, b"q0" + bytes([number]), b"q1" + bytes([number]) + fields, b"p"])
    said = b'i1{"n":1,"room":"lobby","text":"hi"}\n{"n":2,"to":"m1","text":"psst"}'
    yield ENDED.join([hello, b"p", b"d", said, b"p", b"d", b"i1" + said[10:], said, b"w1", b"x"])
    yield ENDED.join([hello, b"w\x01", said, b"w\x1f", b"w\x1f"])
    yield ENDED.join([hello, b"p", b"l1\x01\x00\x00\x02\x02\x00", b"r2" + b'{"op":"ping"}', b"g0"])
    yield ENDED.join([b"Ct1\xfe\xfe{}", b"C\0\0\0\0\1", b"It1", b"I", b"It1\xfea\xfeb", b"b", b"p"])


def _client() -> Iterator[bytes]:
    welcome = b'o\xffa\x00{}\xffj0\xffa\x00{"room":"lobby","head":3}'
    for verb, sign in (("control <", b"c"), ("feed <", b"f")):
        frames = ENDED.join(sign + frame for frame in _told(verb))
        yield ENDED.join([welcome, b"y0", b"Y", frames])
    event = b'f{"seq":%d,"prev":%d,"kind":"say","room":"lobby","sid":"s-ann","n":%d,"text":"x"}'
    say = ENDED.join([b"y0", b"Y", b"y0"])
    yield ENDED.join([welcome, say, event % (4, 3, 1), event % (7, 6, 2), b"t\x14", b"a\x00{}"])
    for notice in (b'"resend","from":2', b'"slow","from":1,"after_ms":50', b'"closing"',
                   b'"refused","n":1,"error":{"code":"x","message":"y"}'):  # fmt: skip
        yield ENDED.join([welcome, say, b'c{"kind":%s}' % notice, b"t\x05", b"a\x00{}"])
    yield ENDED.join([welcome, say, b"t\x05", b'a\x00{"accepted":2}', b"x", b"o", b"a\x00{}"])
    yield ENDED.join([welcome, say, b"x", b"o", b'a\x00{"accepted":null}', b"e\x00not_joined"])
    yield ENDED.join([welcome, say, b"x", b"o", b'a\x00{"resumed":true,"accepted":1}'])
    yield ENDED.join([welcome, say, b"x", b"o", b'a\x00{"epoch":"e2"}', b"a\x00{}"])
    yield ENDED.join([welcome, b"k", b"l0", b"m0", b"p", b"h1", b"e\x00busy", b"a\x01{}"])
    yield ENDED.join(
        [b"o", b'e\x00{"code":"nick_taken","suggestion":"ann_"}', b"x", b"o", b"t\x64"]
    )


SEEDS: dict[str, list[bytes]] = {
    "requests": [
        *examples("request"), *_told("control >"),
        *(dumped({"op": kind.__struct_config__.tag, "id": "x"}) for kind in KINDS),
    ],
    "lines": [*examples("intake"), *_told("intake >"), b'{"n":1}\n{', b'{"n":7,"kind":"fly"}'],
    "events": [*examples("event"), *examples("marker"), *_told("feed <")],
    "notices": [*examples("notice"), b'{"kind":"slow","from":1,"after_ms":50}'],
    "heads": [*examples("error"), *examples("notice"), *examples("event"), b'{"id":1,"ok":true}'],
    "answers": list(_answers()),
    "topics": [b"room/lobby/", b"room/", b"beacon/", "room/küche/".encode(), b"room/a/b/",
               b"replay/lobby/7/x", b"replay//7+50/x", b"replay/a/-50/x", b"replay/a/7-50/x"],
    "endpoints": [
        b"tcp://127.0.0.1:5555", b"chat.example", b"host:5", b"tcp://[::1]:5555", b"*:0", b"h:*",
        b"[fe80::1%eth0]:7", b"ipc:///tmp/chat", b"tcp://h:5/", b"localhost",
    ],
    "links": [
        b"hubbub://chat.example", b"HUBBUB://h:5/k%C3%BCche",
        b"hubbub://h/lobby?k=" + to_link(KEY).encode() + b"&t=abcdefghijkl",
        b"hubbub://[::1]:7/a?t=abcdefghijkl&x=1",
    ],
    "names": [b"ann", "Zoë".encode(), b"#Lobby", b"a b", "ＡＮＮ".encode(), "ŀ".encode(),
              "раураl".encode(), "ไทย".encode(), "שלום".encode(), b"guest1"],
    "knocks": [
        ENDED.join([b"1.0", b"7", b"control", b"10.0.0.5", b"", b"CURVE", bytes(range(32))]),
        ENDED.join([b"1.0", b"7", b"feed", b"10.0.0.5", b"id", b"NULL"]),
    ],
    "keys": [KEY, to_link(KEY).encode()],
    "key_files": [b"# one\npublic %s\nsecret %s\ncheck %s\n"
                  % (KEY, SECRET, _check(KeyPair(KEY, SECRET)))],
    "pins": [
        b"tcp://h:5\xfftcp://h:5 " + to_link(KEY).encode() + b"\n",
        b"ipc:///tmp/chat\xff# known\n\ntcp://h:5 " + to_link(SECRET).encode(), b"h\xff",
    ],
    "texts": [
        b"hi", b"\x1b[2J", "e\u0301\u202e👩\u200d👧\u2028".encode(), b"a\tb\nc\xff", b"\xc2\x9b2J",
    ],
    "screen": [*examples("event"), *(frame for frame in _told("feed <") if b'"prev"' in frame),
               *(dumped({"seq": 1, "kind": kind, "nick": "a\x1b", "text": "x\ny", "old": "b",
                         "reason": "timeout", "to": "c", "at": "2026-11-21T06:13:24Z"})
                 for kind in ("say", "act", "leave", "nick", "topic"))],
    "searches": [
        b'{"words":"\\"build failed\\" deplo*","from":"ann","room":"ops","limit":20}',
        b'{"words":"fox","since":"2026-11-01T00:00:00Z","before":"2028-01-01T00:00:00+01:00"}',
        b'{"from":"ann","below":3}', b'{"words":"c++ OR NEAR(a b) text:x ^y"}',
    ],
    "broker": list(_broker()),
    "client": list(_client()),
}  # fmt: skip


def write(directory: Path) -> None:
    """Write each seed under the hash of its bytes."""
    for target, seeds in SEEDS.items():
        (directory / target).mkdir(parents=True, exist_ok=True)
        for seed in seeds:
            name = hashlib.sha1(seed).hexdigest()[:12]
            (directory / target / name).write_bytes(seed)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
