"""Curve25519 keys as people meet them: in files, in links, and read aloud.

A key is 32 bytes. libzmq and the files write it in Z85 (ZeroMQ RFC 32, 40 characters), links in
base64url. Making one takes libzmq: callers bring that along.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from chatlib.errors import BadConfiguration, CannotCreate, Misuse

KEY_BYTES = 32
Z85_CHARS = 40
LINK_CHARS = 43  # of a key in a link
FILE_BYTES = 4096  # read of a key file at the most
FINGERPRINT_BYTES = 15  # 120 bits: 24 characters of base32, nothing left over

_Z85 = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
_FINGERPRINT = re.compile("[a-z2-7]{24}")
_VALUE = {character: value for value, character in enumerate(_Z85)}
_HEAD = (
    "# A key pair of hubbub. Whoever reads the secret can pass for its owner: keep this file\n"
    "# private (chmod 600), keep a copy in a safe place, and never edit it.\n"
)


class KeyPair(NamedTuple):
    """A public key and its secret, both Z85."""

    public: bytes
    secret: bytes

    def __repr__(self) -> str:
        return f"KeyPair({self.public!r}, secret=...)"  # so that no log ever shows it


# -- forms of one key ------------------------------------------------------------------------------


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


# -- files -----------------------------------------------------------------------------------------


def load_key(path: Path) -> KeyPair:
    """Return the pair that `path` holds.

    Raises BadConfiguration when there is none, when it is damaged, and when others can read it.
    """
    try:
        return _parse(path, _read(path))
    except OSError as e:
        raise BadConfiguration(f"cannot read the key file {path}: {e.strerror}") from e


def load_or_make_key(path: Path, make: Callable[[], tuple[bytes, bytes]]) -> KeyPair:
    """Return the pair that `path` holds; where there is no file, one of a new pair is written.

    `make` returns public and secret (Z85). Of two that start at once, one makes the pair and both
    use it. Raises BadConfiguration as `load_key` does, CannotCreate.
    """
    try:
        if not path.exists():
            _write(path, KeyPair(*make()))
    except OSError as e:
        raise CannotCreate(f"cannot write the key file {path}: {e.strerror}") from e
    return load_key(path)


def _read(path: Path) -> bytes:
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        if os.fstat(file.fileno()).st_mode & 0o077:
            raise BadConfiguration(
                f"others than its owner can read the key file {path}: if they may have done so, "
                f"make a new one; else say: chmod 600 {path}"
            )
        return file.read(FILE_BYTES)


def _parse(path: Path, text: bytes) -> KeyPair:
    lines = [line.split() for line in text.splitlines() if line and not line.startswith(b"# ")]
    fields = {line[0]: line[1] for line in lines if len(line) == 2}
    try:
        pair = KeyPair(fields[b"public"], fields[b"secret"])
        if fields[b"check"] == _check(pair):
            return pair
    except (KeyError, Misuse):
        pass
    raise BadConfiguration(
        f"the key file {path} is damaged: put back a copy of it, or move it away for a new key "
        f"(everyone who knows the old one must be told)"
    )


def _check(pair: KeyPair) -> bytes:
    """Return what shows that neither key was changed: damage is found here, not in a handshake."""
    return (
        hashlib.sha256(decode_z85(pair.public) + decode_z85(pair.secret)).hexdigest()[:16].encode()
    )


def _write(path: Path, pair: KeyPair) -> None:
    """Write the file whole and fsynced or not at all, and never over another one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
    lines = [b"public " + pair.public, b"secret " + pair.secret, b"check " + _check(pair), b""]
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o600)
            file.write(_HEAD.encode() + b"\n".join(lines))
            file.flush()
            os.fsync(descriptor)
        try:
            os.link(new, path)
        except FileExistsError:  # somebody was quicker: theirs is the key
            return
    finally:
        new.unlink()
