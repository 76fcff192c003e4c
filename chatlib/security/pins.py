"""What a client knows of brokers: the key of each address, so that another one is noticed.

A key comes with a link or by word of mouth. From then on the address stands for that key.
"""

from __future__ import annotations

import os
from pathlib import Path

from chatlib.errors import BadConfiguration, CannotCreate, KeyChanged, Misuse
from chatlib.protocol.links import parse_endpoint
from chatlib.security.keys import fingerprint, from_link, to_link

_HEAD = "# Keys of hubbub brokers: ADDRESS KEY. A broker that shows another key is refused.\n"


class Pins:
    """The file at `path`, a line `ADDRESS KEY` for each broker; it is made when first needed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def key_of(self, address: str) -> bytes | None:
        """Return the key (Z85) that is known for `address`. Raises BadConfiguration, BadAddress."""
        return self._load().get(str(parse_endpoint(address)))

    def check(self, address: str, public: bytes) -> bool:
        """Remember that `address` has the key `public` (Z85); return whether that is news.

        Raises KeyChanged where another key is known for it; then nothing is remembered.
        """
        endpoint = str(parse_endpoint(address))
        known = self._load().get(endpoint)
        if known is None:
            self._append(f"{endpoint} {to_link(public)}\n")
            return True
        if known != public:
            raise KeyChanged(
                f"the broker at {endpoint} has another key than before:\n"
                f"  known  {fingerprint(known)}\n"
                f"  now    {fingerprint(public)}\n"
                f"Somebody may be listening in. Ask whoever runs it; only if they changed it, "
                f"take the line of {endpoint} out of {self._path}"
            )
        return False

    def forget(self, address: str) -> bool:
        """Take `address` out; return whether it was in."""
        endpoint = str(parse_endpoint(address))
        known = self._load()
        if known.pop(endpoint, None) is None:
            return False
        new = self._path.with_name(self._path.name + ".new")
        try:
            lines = "".join(f"{e} {to_link(k)}\n" for e, k in known.items())
            new.write_text(_HEAD + lines, "utf-8")
            new.chmod(0o600)
            new.replace(self._path)
        except OSError as e:
            raise CannotCreate(f"cannot write {self._path}: {e.strerror}") from e
        return True

    def _load(self) -> dict[str, bytes]:
        try:
            lines = self._path.read_text("utf-8").splitlines()
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeError) as e:
            raise BadConfiguration(f"cannot read the known keys in {self._path}: {e}") from e
        known: dict[str, bytes] = {}
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.startswith("#"):
                continue
            try:
                address, key = line.strip().rsplit(maxsplit=1)  # an ipc path can have spaces
                # The first one counts: two clients may have met the broker at once.
                known.setdefault(str(parse_endpoint(address)), from_link(key))
            except (ValueError, Misuse) as e:
                raise BadConfiguration(f"{self._path}, line {number} is no ADDRESS KEY: {e}") from e
        return known

    def _append(self, line: str) -> None:
        """Add a line in one write, so that two clients never mix theirs."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                size = os.fstat(descriptor).st_size
                ended = size and os.pread(descriptor, 1, size - 1) == b"\n"
                before = "" if ended else "\n" if size else _HEAD
                os.write(descriptor, (before + line).encode())
            finally:
                os.close(descriptor)
        except OSError as e:
            raise CannotCreate(f"cannot write {self._path}: {e.strerror}") from e
