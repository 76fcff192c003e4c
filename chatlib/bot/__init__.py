"""Bots: programs that live in rooms and answer.

    events ──► Service ──► Lane (one for each room, one for private messages) ──► handlers
                              │ done                                                │ say
                              ▼                                                     ▼
                           Progress ──► cursor file        ◄── acknowledged ──   Client

`Bot` is what is asked of it: commands, patterns, times. `Service` is one run of it. A `Lane`
handles the events of one room in their order, beside the other lanes. `Progress` moves a room's
cursor once an event is handled and what was said about it is acknowledged, and keeps it in a file;
so a bot that was killed goes on behind what it has done: everything is handled at least once.
"""

from __future__ import annotations

from chatlib.bot.bot import Bot
from chatlib.bot.context import Context

__all__ = ["Bot", "Context"]
