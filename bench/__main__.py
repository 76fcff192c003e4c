"""`make bench`: measure everything, print tables, and write them where asked."""

from __future__ import annotations

import argparse
import importlib
import os
import resource
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import machine, report, servers
from bench.measures import Bench
from bench.peers import nats

MEASURES = ("fanout", "acks", "latency", "attack", "idle", "restart", "start", "web")
DOCUMENT = servers.ROOT / "docs" / "performance.md"


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "measures", nargs="*", metavar="MEASURE", help=f"of {', '.join(MEASURES)} (default: all)"
    )
    parser.add_argument("--quick", action="store_true", help="one short turn of each: a minute")
    parser.add_argument("--turns", type=int, metavar="N", help="(default: 3, quick: 1)")
    parser.add_argument("--seconds", type=float, metavar="S", help="of a turn (default: 3)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every turn's numbers here")
    parser.add_argument(
        "--table", action="store_true", help="print tables even where --json is given"
    )
    parser.add_argument(
        "--write-docs", action="store_true", help=f"renew the tables of docs/{DOCUMENT.name}"
    )
    parser.add_argument(
        "--case", type=_case, action="append", metavar="SENDERS:RECEIVERS", help="of the fan-out"
    )
    parser.add_argument(
        "--directory", type=Path, default=Path(), help="where servers keep their files (default: .)"
    )
    return parser


def _case(text: str) -> tuple[int, int]:
    senders, _, receivers = text.partition(":")
    if not 1 <= int(senders) <= int(receivers) <= 500:
        raise argparse.ArgumentTypeError("1 ≤ SENDERS ≤ RECEIVERS ≤ 500")
    return int(senders), int(receivers)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the measures that were asked for. Returns 1 when one failed."""
    parser = make_parser()
    args = parser.parse_args(arguments)
    if unknown := set(args.measures) - set(MEASURES):
        parser.error(
            f"there is no measure {', '.join(sorted(unknown))}: take {', '.join(MEASURES)}"
        )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is cleaned up
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    bench = Bench(
        args.directory.resolve(),
        args.turns or (1 if args.quick else 3),
        args.seconds or (1.0 if args.quick else 3.0),
        args.quick,
        args.case,
    )
    known = machine.describe(nats.find())
    with bench.scratch() as directory:
        fsync = machine.fsync_ms(directory)
    middle, worst = machine.percentile(fsync, 0.5), machine.percentile(fsync, 0.99)
    known["fsync of 4 KiB"] = f"{middle:.2f} ms (p99 {worst:.2f} ms)"
    known["load average before"] = f"{os.getloadavg()[0]:.2f}"
    options = {"turns": bench.turns, "seconds_a_turn": bench.seconds, "quick": bench.quick}
    tables = []
    for name in args.measures or MEASURES:
        tables.append(importlib.import_module(f"bench.measures.{name}").measure(bench))
        if args.table or not args.json:
            print(report.as_text(tables[-1]), end="\n\n", flush=True)
    if args.json:
        args.json.write_text(report.as_json(known, options, tables) + "\n")
    if args.write_docs:
        report.write_docs(DOCUMENT, known, options, tables)
    return int(any(row.note.startswith("failed") for table in tables for row in table.rows))


if __name__ == "__main__":
    sys.exit(main())
