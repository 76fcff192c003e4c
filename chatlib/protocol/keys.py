"""Curve25519 public keys as people meet them: in links, in lists, and read aloud.

A key is 32 bytes. libzmq and files write it in Z85 (ZeroMQ RFC 32, 40 characters), links in
base64url.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

from chatlib.errors import Misuse

KEY_BYTES = 32
Z85_CHARS = 40
LINK_CHARS = 43  # of a key in a link
FINGERPRINT_BYTES = 15  # 120 bits: 24 characters of base32, nothing left over

_Z85 = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
_FINGERPRINT = re.compile("[a-z2-7]{24}")
_VALUE = {character: value for value, character in enumerate(_Z85)}


def encode_z85(raw: bytes) -> bytes:
    """Return 32 bytes as Z85. Raises Misuse. Source: ZeroMQ RFC 32."""
    if len(raw) != KEY_BYTES:
        raise Misuse(f"a key has {KEY_BYTES} bytes, this one has {len(raw)}")
    text = bytearray()
    for at in range(0, KEY_BYTES, 4):
        number = int.from_bytes(raw[at : at + 4], "big")
        text += bytes(_Z85[number // 85**power % 85] for power in (4, 3, 2, 1, 0))
    return bytes(text)


def decode_z85(text: bytes) -> bytes:
    """Return the 32 bytes that `text` stands for. Raises Misuse for any other text."""
    if len(text) != Z85_CHARS:
        raise Misuse(f"a key has {Z85_CHARS} characters of Z85, this one has {len(text)}")
    raw = bytearray()
    try:
        for at in range(0, Z85_CHARS, 5):
            number = 0
            for character in text[at : at + 5]:
                number = number * 85 + _VALUE[character]
            raw += number.to_bytes(4, "big")
    except (KeyError, OverflowError):
        raise Misuse("a key has a character, or a group of them, that Z85 does not") from None
    return bytes(raw)


def to_link(public: bytes) -> str:
    """Return a key (Z85) as links have it: base64url of its 32 bytes, 43 characters."""
    return base64.urlsafe_b64encode(decode_z85(public)).rstrip(b"=").decode()


def from_link(text: str) -> bytes:
    """Return the key (Z85) of a link. Raises Misuse for what is no key."""
    try:
        raw = base64.b64decode(text + "=", altchars="-_", validate=True)
        public = encode_z85(raw)
        canonical = to_link(public) == text
    except (binascii.Error, ValueError):  # Misuse is a ValueError, too
        canonical = False
    if not canonical:
        raise Misuse(f"{text!r} is no key: it is 43 letters, digits, '-' and '_'")
    if not any(raw):  # some libzmq die of it: zeromq/libzmq issue 1831
        raise Misuse(f"{text!r} is nobody's key: all of it is zero")
    return public


def fingerprint(public: bytes) -> str:
    """Return what two people compare by eye: 120 bits of the SHA-256 of the key's 32 bytes."""
    digest = hashlib.sha256(decode_z85(public)).digest()[:FINGERPRINT_BYTES]
    text = base64.b32encode(digest).decode().lower()
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def parse_fingerprint(text: str) -> str:
    """Return the fingerprint that is meant: as `fingerprint` writes it, without dashes, or a key.

    A key is one as links have it. Raises Misuse for what is neither.
    """
    if len(text) == LINK_CHARS:
        return fingerprint(from_link(text))
    plain = text.replace("-", "").lower()
    if not _FINGERPRINT.fullmatch(plain):
        raise Misuse(f"{text!r} is no fingerprint and no key: `hubbub key` prints one's own")
    return "-".join(plain[at : at + 4] for at in range(0, len(plain), 4))
