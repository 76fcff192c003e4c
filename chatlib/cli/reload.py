"""Reading the configuration again while the broker runs, on SIGHUP."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from chatlib.errors import HubbubError

if TYPE_CHECKING:
    from chatlib.cli.log import Log
    from chatlib.net.broker import Broker
    from chatlib.net.supervision import Supervisor

# Options that a running broker can change; all others take a restart.
CHANGEABLE = ("limit", "keep_days", "keep_events", "quiet", "log_format")


class Reloader:
    """Compares what the configuration says now with what the broker was started with."""

    def __init__(
        self, args: argparse.Namespace, broker: Broker, log: Log, supervisor: Supervisor
    ) -> None:
        self._args = args
        self._told = _told(args)
        self._broker = broker
        self._log = log
        self._supervisor = supervisor

    def reload(self) -> None:
        """Read it again: change what can be changed, and tell of the rest. Runs in the loop."""
        from chatlib.cli.main import parse

        self._supervisor.reloading()
        try:
            args = parse(self._args.arguments)
            now = _told(args)
            changed = sorted(k for k in now | self._told if now.get(k) != self._told.get(k))
            mine = [key for key in changed if key in CHANGEABLE]
            self._change(args, mine)
        except HubbubError as e:
            self._log.reloaded([], [], str(e))
        else:
            self._told = {k: v for k, v in self._told.items() if k not in mine}
            self._told |= {k: v for k, v in now.items() if k in mine}
            later = [key for key in changed if key not in mine]
            self._log.reloaded([_flag(k) for k in mine], [_flag(k) for k in later], "")
        self._supervisor.ready()

    def _change(self, args: argparse.Namespace, changed: list[str]) -> None:
        from chatlib.cli.broker import limits_of, retention_of
        from chatlib.history.sqlite import SqliteStore

        if "limit" in changed:
            # Whether anything is limited without being asked for hangs on where it listens.
            args.listen, args.intake, args.feed = (
                self._args.listen,
                self._args.intake,
                self._args.feed,
            )
            self._broker.limit(limits_of(args, encrypted=self._broker.encrypted))
        store = self._broker.store
        if {"keep_days", "keep_events"} & set(changed) and isinstance(store, SqliteStore):
            store.retain(retention_of(args))
        self._log.change(args.log_format, args.quiet)


def _told(args: argparse.Namespace) -> dict[str, str]:
    """Return what is set by the environment and the file, as it was written there."""
    settings = args.configuration.settings("broker", args.given)
    return {name: setting.told for name, setting in settings.items()}


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
