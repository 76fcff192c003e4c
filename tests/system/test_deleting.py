"""A deletion that was acknowledged stays, whatever happens to the broker then."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from chatlib import Client, Event, fold
from chatlib.history.care import check, export
from chatlib.history.sqlite import FILE
from tests.support import PATIENCE, ROOT, RunningBroker, eventually
from tests.system.people import assert_chained, until, until_said

SECRET = "the password is swordfish"


def test_what_was_deleted_is_gone_when_the_broker_is_killed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with (
        RunningBroker(tmp_path, data=data) as broker,
        Client(broker.control, "ann") as ann,
        Client(broker.control, "bob") as bob,
    ):
        ann.join("lobby")
        bob.join("lobby")
        ann.say("lobby", SECRET)
        ann.tell("bob", SECRET)
        told = until(ann, lambda e: isinstance(e, Event) and e.to == "bob")
        private = told[-1].seq
        seq = next(e.seq for e in ann.history("lobby") if e.text == SECRET)
        ann.edit("lobby", seq, SECRET + "42")
        ann.flush(PATIENCE)
        eventually("it is indexed", lambda: ann.search("swordfish42"))
        ann.delete("lobby", seq)
        ann.delete(None, private, peer="bob")
        ann.flush(PATIENCE)
        broker.kill()
        with broker.again():
            ann.say("lobby", "the end")
            assert_chained(heard := until_said(bob, "the end"), "lobby")
            assert any(isinstance(e, Event) and e.kind == "delete" for e in heard)
            read = [*bob.history("lobby"), *bob.history(peer="ann"), *ann.history(peer="bob")]
            assert not [e for e in read if "password" in (e.text or "")]
            assert [m.text for m in fold(read)] == ["", "", "the end"]
            eventually("it is indexed", lambda: bob.search("end"))
            assert ann.search("password") == ann.search("swordfish42") == []
            with Client(broker.control, "cyd") as cyd:
                cyd.join("lobby")
                joined = until_said(cyd, "the end")
                assert not [e for e in joined if isinstance(e, Event) and e.text == SECRET]
            assert not [line for line in export(data) if b"password" in line]
            assert check(data) == []
            copy = tmp_path / FILE
            subprocess.run(
                [sys.executable, "-m", "chatlib.cli", "backup", copy, "--data", data],
                check=True, cwd=ROOT, stdout=subprocess.DEVNULL,
            )  # fmt: skip
            assert b"password" not in copy.read_bytes()
