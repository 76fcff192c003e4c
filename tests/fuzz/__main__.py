"""Fuzz with atheris: `python -m tests.fuzz [TARGET ...] [--seconds S] [--merge]`.

Each target runs in a process of its own, from the seeds, its corpus and what earlier runs kept in
`.fuzz/`. A fault ends its target; its input lies in `.fuzz/faults/`, is played again by
`python -m tests.fuzz TARGET FILE`, and belongs into the corpus as `fault-WHAT`. Exit codes: 0, 1
for a fault, 69 where atheris is not installed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

ROOT = Path(__file__).parent.parent.parent
CORPUS = Path(__file__).with_name("corpus")
KEPT = ROOT / ".fuzz"
MOST_BYTES = 2048  # of one input
KEEP_BYTES = 8 * 1024  # of one target's corpus in the repository
SLOW_S = 10  # that one input may take
SLACK_S = 120  # for the start, beyond the seconds asked for

_value = re.compile(rb'"(?:[^"\\\xff]|\\.)*"|-?\d+|true|false|null|\[\]|{}')


def main() -> int:
    """Fuzz the targets named, or all."""
    arguments = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    arguments.add_argument("targets", nargs="*", metavar="TARGET")
    arguments.add_argument("--seconds", type=int, default=600, help="for each target")
    arguments.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments.add_argument("--merge", action="store_true", help="make the corpus of what was kept")
    given, rest = arguments.parse_known_args()
    if len(given.targets) == 2 and Path(given.targets[1]).is_file():
        return _fuzz(given.targets[0], [*rest, given.targets[1]])
    if rest:
        return _fuzz(given.targets[0], rest)
    try:
        import atheris  # noqa: F401
    except ImportError:
        print("atheris is not installed: pip install '.[fuzz]' (Linux on x86-64)", file=sys.stderr)
        return 69
    from tests.fuzz.seeds import write

    write(KEPT / "seeds")
    targets = given.targets or sorted(path.name for path in CORPUS.iterdir())
    with ThreadPoolExecutor(given.jobs) as pool:
        if given.merge:
            return max(pool.map(_merge, targets))
        return max(pool.map(lambda target: _run(target, given.seconds), targets))


# -- in a process of its own ----------------------------------------------------------------------


def _fuzz(target: str, options: list[str]) -> int:
    """Hand this process over to libFuzzer, which ends it."""
    import atheris

    for name in [name for name in sys.modules if name.partition(".")[0] == "json"]:
        del sys.modules[name]  # so that it is instrumented, too
    with atheris.instrument_imports(["chatlib", "json", "precis_i18n", "tests.fuzz.oracle"]):
        from tests.fuzz.targets import TARGETS
    with tempfile.TemporaryDirectory() as made:
        words, again = Path(made, "words"), Path(made, "again")
        words.write_text(_words())
        # What libFuzzer starts when it needs one more of itself, to merge.
        again.write_text(f'#!/bin/sh\nexec {sys.executable} -m tests.fuzz {target} "$@"\n')
        again.chmod(0o700)
        command = [str(again), f"-dict={words}", *options]
        atheris.Setup(command, TARGETS[target].run, custom_mutator=mutate)
        atheris.Fuzz()
    return 0


def mutate(data: bytes, most: int, seed: int) -> bytes:
    """Put something odd in the place of a value of JSON, or do as libFuzzer does."""
    import atheris

    from tests.fuzz.script import EDGES, dumped

    chance = Random(seed)
    found = list(_value.finditer(data)) if chance.random() < 0.3 else []
    if not found:
        mutated: bytes = bytes(atheris.Mutate(data, len(data)))
        return mutated
    place = chance.choice(found)
    number = place[0].lstrip(b"-").isdigit()
    alike = [one for one in EDGES if isinstance(one, int) == number]
    odd = dumped(chance.choice(alike if chance.random() < 0.7 else EDGES))
    return (data[: place.start()] + odd + data[place.end() :])[:most]


def _words() -> str:
    """Return libFuzzer's dictionary: the words of the wire, which nobody guesses."""
    document = (ROOT / "docs" / "protocol.md").read_text()
    words = {f'"{word}"' for word in re.findall(r"`([a-z_]+)`", document)}
    words |= {f'"{word}":' for word in re.findall(r"`([a-z_]+)`\??:", document)}
    words |= {"room/", "beacon/", "tcp://", "ipc://", "hubbub://", "\\ud800", "null", "true", "t1"}
    words |= {str(2**53), str(2**53 + 1), str(2**64), "-1", "0", "1.5", "NaN"}
    words |= {"2026-11-21T06:13:24.581Z", "0001-01-01", "9999-12-31", "+23:59", "T00:00:00", "Z"}
    escaped = [word.replace("\\", "\\\\").replace('"', '\\"') for word in sorted(words)]
    return "".join(f'"{word}"\n' for word in [*escaped, "\\xff", "\\xfe"])


# -- beside it ------------------------------------------------------------------------------------


def _start(target: str, *options: str, timeout: float) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.fuzz", target, *options]
    # libFuzzer ends its process at once: what that leaves behind is removed here.
    with tempfile.TemporaryDirectory() as scratch:
        return subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, errors="replace", timeout=timeout,
            check=False, env={**os.environ, "TMPDIR": scratch},
        )  # fmt: skip


def _run(target: str, seconds: int) -> int:
    """Fuzz one target for so long; say what came of it."""
    kept, faults = KEPT / "corpus" / target, KEPT / "faults"
    kept.mkdir(parents=True, exist_ok=True)
    faults.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    done = _start(
        target, f"-max_total_time={seconds}", f"-max_len={MOST_BYTES}", f"-timeout={SLOW_S}",
        f"-artifact_prefix={faults}/{target}-", "-print_final_stats=1", "-rss_limit_mb=1024",
        str(kept), str(CORPUS / target), str(KEPT / "seeds" / target), timeout=seconds + SLACK_S,
    )  # fmt: skip
    (KEPT / f"{target}.log").write_text(done.stdout + done.stderr)
    took = time.monotonic() - began
    edges = re.findall(r"cov: (\d+) ft: (\d+)", done.stderr) or [("0", "0")]
    runs = re.search(r"number_of_executed_units: (\d+)", done.stderr)
    count = int(runs[1]) if runs else 0
    print(
        f"{target:10} {took:6.0f} s {count:10,} runs {count / took:8,.0f}/s "
        f"{edges[-1][0]:>6} edges {edges[-1][1]:>6} features  "
        f"{'well' if done.returncode == 0 else 'A FAULT'}",
        flush=True,
    )
    if done.returncode:
        print(_why(done.stdout + done.stderr), file=sys.stderr, flush=True)
    return int(done.returncode != 0)


def _why(output: str) -> str:
    lines = [line for line in output.splitlines() if not line.startswith(("#", "INFO", "stat::"))]
    return "\n".join(lines[-40:])


def _merge(target: str) -> int:
    """Make the corpus of what it holds and what was kept: the least that reaches as far."""
    with tempfile.TemporaryDirectory() as made:
        old = [str(path) for path in (CORPUS / target, KEPT / "corpus" / target) if path.exists()]
        done = _start(target, "-merge=1", made, *old, timeout=3600)
        if done.returncode or not any(Path(made).iterdir()):
            print(_why(done.stderr), file=sys.stderr)
            return 1
        found = sorted(Path(made).iterdir(), key=lambda path: path.stat().st_size)
        for path in (CORPUS / target).iterdir():
            if not path.name.startswith("fault-"):  # what once was a fault stays
                path.unlink()
        size = 0
        for path in found:
            size += path.stat().st_size
            if size <= KEEP_BYTES:
                name = hashlib.sha1(path.read_bytes()).hexdigest()[:12]
                shutil.copy(path, CORPUS / target / name)
    print(f"{target:10} {len(found)} inputs, {size:,} bytes, kept up to {KEEP_BYTES:,}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
