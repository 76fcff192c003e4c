"""`hubbub completion`: prints what makes a shell complete `hubbub`.

The scripts are made of the parsers (`make reference`) and come with the package: so a shell that
starts waits for no parser, and nothing has to be installed for it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

SCRIPTS = Path(__file__).parent / "completions"
SHELLS = {"bash": "hubbub.bash", "zsh": "_hubbub", "fish": "hubbub.fish"}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser of `hubbub`."""
    parser = subparsers.add_parser(
        "completion",
        help="print a shell's completion",
        description="Print what makes a shell complete hubbub's commands and options. For bash, "
        'put eval "$(hubbub completion bash)" into ~/.bashrc; for zsh, write it to a file '
        "_hubbub in a directory of $fpath; for fish, to "
        "~/.config/fish/completions/hubbub.fish.",
    )
    parser.add_argument("shell", choices=sorted(SHELLS), help="whose")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the script."""
    sys.stdout.write((SCRIPTS / SHELLS[args.shell]).read_text())
    return 0
