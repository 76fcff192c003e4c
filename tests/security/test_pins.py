"""A broker that shows another key than before is noticed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from chatlib.errors import BadAddress, BadConfiguration, CannotCreate, KeyChanged
from chatlib.security.keys import fingerprint, to_link
from chatlib.security.pins import Pins
from tests.support import ROOT

ONE = b"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"  # of libzmq's zmq_curve manual page
OTHER = b"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hubbub" / "known_brokers"


def test_the_first_key_of_an_address_is_remembered(path: Path) -> None:
    pins = Pins(path)
    assert pins.key_of("example.org") is None
    assert pins.check("example.org", ONE)
    assert not Pins(path).check(
        "tcp://example.org:5555/", ONE
    )  # the same address, otherwise written
    assert Pins(path).key_of("example.org:5555") == ONE
    assert pins.check("example.org:5556", OTHER)
    assert path.stat().st_mode & 0o777 == 0o600


def test_another_key_is_refused_and_both_are_shown(path: Path) -> None:
    pins = Pins(path)
    pins.check("example.org", ONE)
    with pytest.raises(KeyChanged) as caught:
        pins.check("example.org", OTHER)
    told = str(caught.value)
    assert fingerprint(ONE) in told and fingerprint(OTHER) in told
    assert "tcp://example.org:5555" in told and str(path) in told
    assert pins.key_of("example.org") == ONE


def test_what_was_forgotten_is_news_again(path: Path) -> None:
    pins = Pins(path)
    pins.check("a", ONE)
    pins.check("b", ONE)
    assert pins.forget("a")
    assert not pins.forget("a")
    assert pins.key_of("b") == ONE
    assert pins.check("a", OTHER)
    assert path.stat().st_mode & 0o777 == 0o600


def test_people_may_edit_it(path: Path) -> None:
    path.parent.mkdir()
    path.write_text(f"\n# ours\n  ship.local   {to_link(ONE)}  \nship.local {to_link(OTHER)}")
    assert Pins(path).key_of("ship.local") == ONE  # the first one counts
    Pins(path).check("example.org", OTHER)
    assert Pins(path).key_of("example.org") == OTHER


@pytest.mark.parametrize("line", ["ship.local", "ship.local x", f"a:b {to_link(ONE)}", "a b c"])
def test_a_line_that_is_none_is_named_not_skipped(path: Path, line: str) -> None:
    path.parent.mkdir()
    path.write_text(f"# head\n{line}\n")
    with pytest.raises(BadConfiguration, match=f"{path}, line 2"):
        Pins(path).check("example.org", ONE)


def test_what_is_no_text(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"\xff\n")
    with pytest.raises(BadConfiguration, match=str(path)):
        Pins(path).key_of("example.org")


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises((CannotCreate, BadConfiguration), match="file/pins"):
        Pins(tmp_path / "file" / "pins").check("example.org", ONE)


def test_what_is_no_address(path: Path) -> None:
    with pytest.raises(BadAddress):
        Pins(path).check("a b", ONE)


def test_a_path_of_ipc_can_have_spaces(path: Path) -> None:
    pins = Pins(path)
    assert pins.check("ipc:///home/a b/chat", ONE)
    assert pins.check("example.org", OTHER)
    assert pins.key_of("ipc:///home/a b/chat") == ONE and pins.key_of("example.org") == OTHER


def test_names_of_other_scripts_are_written_in_utf_8_wherever_one_is(path: Path) -> None:
    pins = Pins(path)
    pins.check("küche.example", ONE)
    pins.check("a", ONE)
    forget = f"from chatlib.security.pins import *; Pins(Path({str(path)!r})).forget('a')"
    ascii_only = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
    subprocess.run(
        [sys.executable, "-X", "utf8=0", "-c", forget], env=ascii_only, cwd=ROOT, check=True
    )
    assert pins.key_of("a") is None
    assert pins.key_of("küche.example") == ONE
