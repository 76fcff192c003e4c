"""Who one is, and whom one knows: one's own key and the keys of brokers, on this machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from chatlib.errors import BadConfiguration

if TYPE_CHECKING:
    from chatlib.security.keys import KeyPair
    from chatlib.security.pins import Pins


def config_directory() -> Path:
    """Return where one's own key and the known keys are kept on this platform."""
    base = os.environ.get("XDG_CONFIG_HOME")
    try:
        if sys.platform == "darwin":
            return Path.home() / "Library" / "Application Support" / "hubbub"
        return (Path(base) if base else Path.home() / ".config") / "hubbub"
    except RuntimeError as e:
        raise BadConfiguration(
            "there is no home directory to keep a key in: set HOME or XDG_CONFIG_HOME"
        ) from e


def key_path(given: Path | None) -> Path:
    """Return the file of one's own key: the one given, else this user's."""
    return given or config_directory() / "key"


def own_key(path: Path) -> KeyPair:
    """Return one's own key, made where there is none. Raises BadConfiguration, CannotCreate."""
    from chatlib.net.curve import make_pair
    from chatlib.security.keys import load_or_make_key

    return load_or_make_key(path, make_pair)


def pins_path() -> Path:
    """Return the file of the brokers' keys that are known."""
    return config_directory() / "known_brokers"


def pins() -> Pins:
    """Return the brokers' keys that are known."""
    from chatlib.security.pins import Pins

    return Pins(pins_path())
