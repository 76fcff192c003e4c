"""What is true of knocks, keys and the files that keep them."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from chatlib.errors import BadAddress, BadConfiguration, KeyChanged, Misuse
from chatlib.protocol.links import parse_endpoint
from chatlib.security.door import ADMITTED, BadKnock, answer, as_its_key, read_knock
from chatlib.security.keys import (
    KeyPair,
    decode_z85,
    encode_z85,
    fingerprint,
    from_link,
    load_key,
    to_link,
)
from chatlib.security.pins import Pins
from tests.fuzz.places import typed

KEY = b"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"  # of libzmq's zmq_curve manual page


@cache
def _directory() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory()


def written(name: str, data: bytes) -> Path:
    """Return a file that nobody else can read, with `data` in it."""
    path = Path(_directory().name, name)
    path.write_bytes(data)
    path.chmod(0o600)
    return path


def knock(data: bytes) -> None:
    """Frames with FF between them, as libzmq would ask."""
    request = data.split(b"\xff")
    reply, fault = answer(request, as_its_key)
    version, identity, status, reason, user_id, metadata = reply
    assert version == b"1.0" and metadata == b"" and len(reason) < 256
    assert identity == (request[1] if len(request) > 1 else b"")
    assert (status == ADMITTED) == bool(user_id) == (not fault)
    try:
        found = read_knock(request)
    except BadKnock as e:
        assert status == e.status
    else:
        assert decode_z85(found.key) == request[6] and found.key == user_id


def key_file(data: bytes) -> KeyPair:
    return load_key(written("key", data))


def is_pair(data: bytes, pair: KeyPair) -> None:
    for key in pair:
        assert encode_z85(decode_z85(key)) == key
        assert key in data


def key(data: bytes) -> bytes:
    """Read as Z85, and as a link has it. Raises Misuse when it is neither."""
    try:
        public = from_link(typed(data))
    except Misuse:
        assert encode_z85(decode_z85(data)) == data
        return data
    assert to_link(public) == typed(data)
    return public


def is_key(data: bytes, public: bytes) -> None:
    assert len(decode_z85(public)) == 32 and len(fingerprint(public)) == 29


def pins(data: bytes) -> None:
    """An address, FF, and what is in the file."""
    start, _, text = data.partition(b"\xff")
    known = Pins(written("pins", text))
    address = typed(start)
    try:
        before = known.key_of(address)
        news = known.check(address, KEY)
    except (BadAddress, BadConfiguration, KeyChanged):
        return
    assert before == (None if news else KEY)
    assert known.key_of(address) == KEY
    assert not known.check(str(parse_endpoint(address)), KEY)
    assert known.forget(address) and known.key_of(address) is None
