#!/usr/bin/env python3
"""Open a Hubbub chat in this terminal: `python client.py` is `hubbub chat`.

what you type ──► PUSH ──────────────► intake ┐
what you ask  ──► DEALER ◄───────────► control├─ the broker
what you read ◄── SUB (a thread) ◄──── feed   ┘
"""

import sys

from chatlib.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["chat", *sys.argv[1:]]))
