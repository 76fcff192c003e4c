"""`hubbub doctor`: looks at all that a chat needs, one line each, and names the fix of a fault."""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from chatlib.cli.destination import Destination, find
from chatlib.errors import HubbubError, KeyChanged, Refused, Unreachable
from chatlib.sanitize import sanitize
from chatlib.version import __version__

CONFIG, UNREACHABLE = 78, 69  # sysexits: EX_CONFIG, EX_UNAVAILABLE
LITTLE_BYTES = 256 * 1024 * 1024  # of free disk
FEW_DESCRIPTORS = 1024
CLOCK_S = 5.0  # that two clocks may differ
FEED_BEATS = 2.5  # a beacon comes every heartbeat; after so many a client takes a feed for lost
LIBZMQ = (4, 3, 5)
SQLITE = (3, 35, 0)


class Finding(NamedTuple):
    """What was looked at and found; with a `fix` it is a fault."""

    what: str
    told: str
    fix: str = ""


Check = Callable[[argparse.Namespace], Iterator[Finding]]


def run(args: argparse.Namespace) -> int:
    """Print what is found; return 0, or the exit code of what is wrong."""
    code = 0
    for name, check in CHECKS.items():
        for finding in _found(name, check, args):
            mark = "FAULT" if finding.fix else "ok   "
            print(f"{mark}  {finding.what:13} {sanitize(finding.told)}", flush=True)
            if finding.fix:
                print(f"{'':21}fix: {sanitize(finding.fix)}", flush=True)
                code = UNREACHABLE if finding.what == "address" else code or CONFIG
    return code


def _found(name: str, check: Check, args: argparse.Namespace) -> Iterator[Finding]:
    try:
        yield from check(args)
    except HubbubError as e:  # errors name the next step themselves
        text, _, step = str(e).partition(": ")
        yield Finding(name, text, step or "see docs/operations.md")


# -- this machine ---------------------------------------------------------------------------------


def _configuration(args: argparse.Namespace) -> Iterator[Finding]:
    found = args.configuration
    for fault in found.faults:
        yield Finding("configuration", fault.text, "correct it; `hubbub config check` tells more")
    if not found.faults:
        yield Finding("configuration", str(found.path or "no file, and none is needed"))


def _versions(args: argparse.Namespace) -> Iterator[Finding]:
    from chatlib.net.sockets import library

    version, curve = library()
    told = f"hubbub {__version__}, libzmq {'.'.join(map(str, version))}, "
    told += f"SQLite {sqlite3.sqlite_version}, Python {sys.version.split()[0]}"
    fix = ""
    if version < LIBZMQ or not curve:
        fix = "this libzmq is old, or has no CURVE: pip install --force-reinstall pyzmq"
    elif sqlite3.sqlite_version_info < SQLITE:
        fix = "SQLite 3.35 or newer is needed: use a newer Python"
    yield Finding("versions", told, fix)


def _descriptors(args: argparse.Namespace) -> Iterator[Finding]:
    import resource

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    few = hard != resource.RLIM_INFINITY and hard <= FEW_DESCRIPTORS
    many = "as many as wanted" if hard == resource.RLIM_INFINITY else str(hard)
    fix = f"enough for about {hard // 3} members: raise `ulimit -Hn`, or LimitNOFILE= of the unit"
    yield Finding("open files", f"{many} allowed", fix if few else "")


def _disk(args: argparse.Namespace) -> Iterator[Finding]:
    from chatlib.cli.broker import data_directory
    from chatlib.history.sqlite import FILE

    directory: Path = args.data or data_directory()
    there = next(p for p in (directory, *directory.absolute().parents) if p.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        fix = f"let this user write there (chown {os.geteuid()} {there}), or use another --data"
        yield Finding("disk", f"{there} can't be written", fix)
        return
    disk = os.statvfs(there)
    free = disk.f_bavail * disk.f_frsize
    fix = "make room, or keep less: hubbub broker --keep-days" if free < LITTLE_BYTES else ""
    size = (directory / FILE).stat().st_size if (directory / FILE).exists() else 0
    told = f"{directory}: {_amount(free)} free, the history has {_amount(size)}"
    yield Finding("disk", told, fix)
    if size:
        yield _history(directory / FILE)


def _amount(size: int) -> str:
    return f"{size // 2**20} MiB" if size >= 10 * 2**20 else f"{-(-size // 2**10)} KiB"


def _history(path: Path) -> Finding:
    from chatlib.history.schema import MIGRATIONS

    try:
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            db.execute("SELECT count(*) FROM streams").fetchone()
        finally:
            db.close()
    except sqlite3.Error as e:
        return Finding("history", f"{path}: {e}", "hubbub check; put a backup in its place")
    if version > len(MIGRATIONS):
        return Finding("history", f"{path} is of a newer Hubbub", "pip install --upgrade hubbub")
    return Finding("history", f"{path} can be read; `hubbub check` verifies all of it")


def _own_key(args: argparse.Namespace) -> Iterator[Finding]:
    from chatlib.cli.identity import key_path
    from chatlib.security.keys import fingerprint, load_key

    path = key_path(args.key)
    if not path.exists():
        yield Finding("key", "none yet: it is made when an encrypted broker is joined")
        return
    yield Finding("key", f"{path}, fingerprint {fingerprint(load_key(path).public)}")


# -- the broker -----------------------------------------------------------------------------------


def _broker(args: argparse.Namespace) -> Iterator[Finding]:
    from chatlib.net.dial import dial

    try:
        to = find(_address(args))
        dial(to.endpoint, 5.0)
    except HubbubError as e:
        if isinstance(e, KeyChanged):
            told, _, step = " ".join(str(e).split()).partition(" Somebody ")
            yield Finding("known key", told, f"somebody {step}")
            return
        unreachable = isinstance(e, Unreachable)
        text, _, step = str(e).partition("): " if unreachable else ": ")
        told = text + ")" * unreachable
        yield Finding("address" if unreachable else "known key", told, step or "see docs/cli.md")
        return
    yield Finding("address", f"something answers at {to.endpoint}")
    yield from _conversation(args, to)


def _address(args: argparse.Namespace) -> str:
    from chatlib.cli.main import command_parsers

    if args.address is not None:
        return str(args.address)
    usual = args.configuration.settings("chat").get("address")
    default = command_parsers()["chat"].get_default("address")
    return str(usual.value if usual is not None else default)


def _conversation(args: argparse.Namespace, to: Destination) -> Iterator[Finding]:
    """Say hello as a guest, listen to the feed, and go."""
    from chatlib.cli.identity import key_path, own_key
    from chatlib.net.probe import probe

    keys = None
    if to.server_key is not None:
        keys = (to.server_key, own_key(key_path(args.key)))
    try:
        seen = probe(to.endpoint, keys, f"hubbub doctor {__version__}", FEED_BEATS)
    except Refused as e:
        fix = "ask its operator for a link (hubbub invite), and join with it: hubbub join LINK"
        yield Finding("hello", f"the broker refuses: {e}", fix)
        return
    except HubbubError as e:
        fix = "is it the control endpoint of a Hubbub broker? An encrypted one is joined by a link"
        if keys is not None:
            fix = "it has another key than the one that is known, or has banned yours: ask for a "
            fix += "new link"
        yield Finding("hello", str(e), fix)
        return
    same = seen.server == f"hubbub {__version__}"
    fix = "" if same else f"this is hubbub {__version__}: use the same version on both sides"
    yield Finding("hello", f"{seen.server} lets us in", fix)
    for fault in seen.faults:
        fix = "open that port in the firewall; behind NAT start it with: hubbub broker --advertise"
        yield Finding("port", fault, fix)
    if seen.skew is None:
        fix = "open its port in the firewall; behind NAT start it with: hubbub broker --advertise"
        yield Finding("feed", f"nothing came from {seen.feed} in {seen.waited:g} s", fix)
        return
    yield Finding("feed", f"{seen.feed} brings events")
    told = f"{abs(seen.skew):.1f} s {'ahead of' if seen.skew > 0 else 'behind'} the broker's"
    fix = "set the clock that is wrong (NTP): times of messages and invitations hang on it"
    yield Finding("clock", told, fix if abs(seen.skew) > CLOCK_S else "")


CHECKS: dict[str, Check] = {
    "configuration": _configuration,
    "versions": _versions,
    "open files": _descriptors,
    "disk": _disk,
    "key": _own_key,
    "address": _broker,
}
