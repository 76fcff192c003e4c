"""`hubbub broker --lan` in a network of its own (a namespace): where it listens, who comes in."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from chatlib.cli import qr
from tests.support import PATIENCE, ROOT

INTERFACE = (
    "ip link set lo up; "
    "ip link add d0 type dummy 2>/dev/null || { "
    "ip link add d0 type veth peer name d1 && ip link set d1 up; }; ip link set d0 up; "
)
OURS = "ip addr add 10.9.8.7/24 dev d0; "
ANOTHER = "ip addr add 172.17.0.1/16 dev d0; "
ROUTE = "ip route add default via 10.9.8.1; "
OF_IPV6 = "ip addr add fd00:9::7/64 dev d0 nodad; "

# What runs in there: a broker, and a guest with the link that it printed.
PROGRAM = """
import json, shlex, subprocess, sys
from pathlib import Path
from tests.support import RunningBroker, eventually
directory = Path(sys.argv[1])
with RunningBroker(directory, *sys.argv[2:], listen=None, data=directory / "data") as broker:
    eventually("the link", lambda: "hubbub join " in broker.output())
    line = next(l for l in broker.output().splitlines() if "hubbub join " in l)
    command = [sys.executable, "-m", "chatlib.cli", *shlex.split(line)[1:]]
    guest = subprocess.run([*command, "--nick", "ann", "--json"], input="hi\\n",
                           capture_output=True, text=True, timeout=30)
    more = subprocess.run([sys.executable, "-m", "chatlib.cli", "invitations", "--data",
                           str(broker.data)], capture_output=True, text=True, timeout=30)
    print(json.dumps({"control": broker.control, "link": shlex.split(line)[-1],
                      "output": broker.output(), "said": guest.stdout, "error": guest.stderr,
                      "invitations": more.stdout}))
"""


@cache
def why_not() -> str:
    """Return why there is no network to be had here, or nothing."""
    if not (shutil.which("unshare") and shutil.which("ip")):
        return "there is no unshare or no ip"
    tried = inside(INTERFACE + OURS, "true")
    return tried.stderr.strip() if tried.returncode else ""


def inside(setup: str, *command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command in a network that has nothing but what `setup` makes."""
    return subprocess.run(
        ["unshare", "-rn", "sh", "-ec", setup + 'exec "$@"', "sh", *command],
        cwd=ROOT, capture_output=True, text=True, timeout=2 * PATIENCE, check=False,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def network() -> None:
    if why_not():
        pytest.skip(f"no network namespace here: {why_not()}")


def visited(setup: str, directory: Path, *options: str) -> Any:
    """Return what came of a broker with `--lan` and its first guest."""
    done = inside(setup, sys.executable, "-c", PROGRAM, directory, "--lan", *options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_it_listens_where_the_default_route_begins_and_a_guest_comes_in(tmp_path: Path) -> None:
    came = visited(INTERFACE + ANOTHER + OURS + ROUTE, tmp_path, "--qr")
    assert came["control"] == "tcp://10.9.8.7:5555"
    assert came["link"].startswith("hubbub://10.9.8.7:5555/lobby?k=") and "&t=" in came["link"]
    assert "everyone who is invited, encrypted" in came["output"]
    more = f"More links: hubbub invite --data {tmp_path / 'data'}"
    assert f"It lets in 5 people within 24 h.  {more}" in came["output"]
    readme = (ROOT / "README.md").read_text()
    assert "It lets in 5 people within 24 h.  More links: hubbub invite\n" in readme
    assert [json.loads(line).get("text") for line in came["said"].splitlines()].count("hi") == 1
    assert "  lobby  4 left  until " in came["invitations"]
    assert "\n".join(qr.draw(came["link"])) in came["output"]


def test_without_a_default_route_the_only_address_is_taken(tmp_path: Path) -> None:
    came = visited(INTERFACE + OURS + OF_IPV6, tmp_path)
    assert came["link"].startswith("hubbub://10.9.8.7:5555/lobby?")
    assert '"text":"hi"' in came["said"].replace(" ", "")
    assert "█" not in came["output"]


def test_a_network_of_ipv6_alone(tmp_path: Path) -> None:
    came = visited(INTERFACE + OF_IPV6, tmp_path, "--access", "open")
    assert came["link"].startswith("hubbub://[fd00:9::7]:5555/lobby?k=")
    assert "&t=" not in came["link"] and "lets in" not in came["output"]
    assert '"text":"hi"' in came["said"].replace(" ", "")


def test_several_addresses_and_no_route_is_for_people_to_decide() -> None:
    setup = INTERFACE + OURS + ANOTHER
    done = inside(setup, sys.executable, "-m", "chatlib.cli", "broker", "--lan", "--memory")
    assert done.returncode == 78 and not done.stdout
    assert "(10.9.8.7, 172.17.0.1): name one, as --listen tcp://10.9.8.7:5555" in done.stderr


def test_no_network() -> None:
    done = inside("", sys.executable, "-m", "chatlib.cli", "broker", "--lan", "--memory")
    assert done.returncode == 78
    assert "no address on a network" in done.stderr
