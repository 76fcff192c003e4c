"""Curve25519 keys in files. Making one takes libzmq: callers bring that along.

The forms of a public key are in `protocol.keys`, and can be had here, too.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from chatlib.errors import BadConfiguration, CannotCreate, Misuse
from chatlib.protocol.keys import (
    KEY_BYTES,
    decode_z85,
    encode_z85,
    fingerprint,
    from_link,
    parse_fingerprint,
    to_link,
)

__all__ = [
    "KEY_BYTES",
    "KeyPair",
    "decode_z85",
    "encode_z85",
    "fingerprint",
    "from_link",
    "load_key",
    "load_or_make_key",
    "parse_fingerprint",
    "to_link",
]

FILE_BYTES = 4096  # read of a key file at the most

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
