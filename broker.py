#!/usr/bin/env python3
"""Start a Hubbub broker: `python broker.py` is `hubbub broker`.

PUSH   ──► intake PULL ────┐                                     ┌─► feed XPUB ──► SUB
                           ├─ admit, order, apply, commit, emit ─┤
DEALER ◄─► control ROUTER ─┘                                     └─► control ROUTER
"""

import sys

from chatlib.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["broker", *sys.argv[1:]]))
