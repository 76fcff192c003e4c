"""The page server of an encrypted broker: a gateway, and people who were invited."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatlib.net.operator import Operator
from chatlib.protocol import answers, requests
from chatlib.security.keys import load_key, to_link
from tests.support import PATIENCE, ROOT, RunningBroker, eventually
from tests.web.support import Browser, RunningPage


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def broker(tmp_path: Path, data: Path) -> Iterator[RunningBroker]:
    with RunningBroker(tmp_path, "--access", "invite", data=data) as running:
        yield running


def token(data: Path, uses: int = 1) -> str:
    with Operator(data) as operator:
        return operator.ask(requests.Invite(uses=uses, room="ops"), answers.Invited).token


def test_people_come_in_by_invitation(broker: RunningBroker, data: Path, tmp_path: Path) -> None:
    with RunningPage(tmp_path, broker.control, "--broker-data", str(data)) as page:
        assert page.post("/api/enter", {"nick": "ann"})[1]["error"]["code"] == "not_admitted"
        wrong = page.post("/api/enter", {"nick": "ann", "token": "wrong"})
        assert (wrong[0], wrong[1]["error"]["code"]) == (403, "bad_token")
        good = token(data, uses=2)
        status, answer, cookie = page.post("/api/enter", {"nick": "ann", "token": good})
        assert (status, answer["room"]) == (200, "ops")
        with (
            Browser(page, cookie.partition(";")[0]) as ann,
            Browser(page, page.enter("bob", good)) as bob,
        ):
            ann.ask("open", room="ops")
            bob.ask("open", room="ops")
            assert ann.acknowledged(ann.say("encrypted", room="ops"))["kind"] == "ack"
            bob.hear("ops", "encrypted")
            bob.acknowledged(bob.say("psst", to="ann"))
            ann.hear(None, "psst")
            # One use, one person: it is used up now.
            used_up = page.post("/api/enter", {"nick": "eve", "token": good})[1]
            assert used_up["error"]["code"] == "bad_token"
            with Operator(data) as operator:
                status = operator.ask(requests.Status(), answers.BrokerStatus)
            assert {"ann", "bob"} <= {session.nick for session in status.sessions}


def test_an_invitation_is_not_used_up_by_a_nickname_that_is_taken(
    broker: RunningBroker, data: Path, tmp_path: Path
) -> None:
    with RunningPage(tmp_path, broker.control, "--broker-data", str(data)) as page:
        page.enter("ann", token(data))
        single = token(data)
        for nick in ("a b", "ann", "Ann"):
            assert page.post("/api/enter", {"nick": nick, "token": single})[0] == 400
        status, answer, _ = page.post("/api/enter", {"nick": "bob", "token": single})
        assert (status, answer["room"]) == (200, "ops")
        used_up = page.post("/api/enter", {"nick": "eve", "token": single})[1]
        assert used_up["error"]["code"] == "bad_token"


def test_each_is_somebody_of_his_own(broker: RunningBroker, data: Path, tmp_path: Path) -> None:
    """One key, many people: who is muted is one of them."""
    arguments = ("--broker-data", str(data), "--access", "open")
    with (
        RunningPage(tmp_path, broker.control, *arguments) as page,
        Browser(page, page.enter("ann")) as ann,
        Browser(page, page.enter("bob")) as bob,
    ):
        ann.ask("open", room="ops")
        bob.ask("open", room="ops")
        assert bob.ask("mute", room="ops", nick="ann")["error"]["code"] == "not_allowed"
        assert ann.ask("mute", room="ops", nick="bob")["ok"]
        assert bob.acknowledged(bob.say("x", room="ops"))["error"]["code"] == "muted"
        assert ann.acknowledged(ann.say("x", room="ops"))["kind"] == "ack"


def test_who_is_not_let_in_is_told_how(broker: RunningBroker, data: Path, tmp_path: Path) -> None:
    server = to_link(load_key(data / "broker.key").public)
    link = f"hubbub://{broker.control.removeprefix('tcp://')}/?k={server}"
    done = subprocess.run(
        [sys.executable, "-m", "chatlib.cli", "web", link, "--data", str(tmp_path / "web")],
        cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 77
    own = load_key(tmp_path / "web" / "web.key").public.decode()
    assert "hubbub promote gateway --key" in done.stderr and own in done.stderr.replace("'", "")
    with Operator(data) as operator:
        operator.ask(requests.Promote(role="gateway", key=own), answers.Answer)
    with (
        RunningPage(tmp_path, link, "--access", "open") as page,
        Browser(page, page.enter("ann")) as ann,
    ):
        assert ann.ask("open", room="lobby")["ok"]


def test_the_plain_address_of_an_encrypted_broker(broker: RunningBroker, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "chatlib.cli", "web", broker.control, "--data", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 77
    assert "is encrypted" in done.stderr and done.stderr.count("\n") == 1


def test_beside_the_broker(tmp_path: Path) -> None:
    data = tmp_path / "beside"
    arguments = ("--access", "invite", "--web", "127.0.0.1:0")
    with RunningBroker(tmp_path, *arguments, data=data):
        place = data / "web" / "page.json"
        eventually("the page is served", place.exists)
        told = json.loads(place.read_text())
        page = RunningPage(tmp_path, "")
        page.url = told["page"].rstrip("/")
        with Browser(page, page.enter("ann", token(data))) as ann:
            assert ann.ask("open", room="ops")["ok"]
    # The broker was killed: what was beside it ends, too.
    eventually("the page server is gone", lambda: not Path(f"/proc/{told['pid']}").exists())
