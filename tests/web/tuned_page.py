"""`hubbub` with other constants: NAME=VALUE of modules, and `files=N` of the open files allowed."""

from __future__ import annotations

import importlib
import resource
import sys

from chatlib.cli.main import main


def tune(settings: list[str]) -> None:
    """Set them."""
    for setting in settings:
        name, _, value = setting.partition("=")
        if name == "files":
            hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            resource.setrlimit(resource.RLIMIT_NOFILE, (int(value), hard))
        elif name == "most_files":
            resource.setrlimit(resource.RLIMIT_NOFILE, (int(value), int(value)))
        else:
            module, _, constant = name.rpartition(".")
            found = importlib.import_module(module)
            assert hasattr(found, constant), name
            setattr(found, constant, float(value) if "." in value else int(value))


if __name__ == "__main__":
    at = sys.argv.index("--")
    tune(sys.argv[1:at])
    sys.exit(main(sys.argv[at + 1 :]))
