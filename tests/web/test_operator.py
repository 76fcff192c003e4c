"""The operator's page, without a browser: who gets in, what is told, what is done."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from chatlib import Client
from chatlib.protocol.answers import BrokerStatus, SessionActivity, Times
from chatlib.protocol.codec import encode
from chatlib.security.keys import load_key
from chatlib.web.operator import qr_path
from chatlib.web.operator_links import LINK_S, LINKS, Visitors, make_link, note_address
from chatlib.web.operator_view import MOST_ROWS, Look, View, Window
from tests.support import PATIENCE, ROOT, RunningBroker
from tests.web.support import RunningPage


@pytest.fixture
def house(tmp_path: Path) -> Iterator[tuple[RunningBroker, RunningPage]]:
    """An encrypted broker, and a page server with its operator's rights."""
    data = tmp_path / "data"
    with (
        RunningBroker(tmp_path, "--access", "open", data=data) as broker,
        RunningPage(tmp_path, broker.control, "--broker-data", str(data)) as page,
    ):
        yield broker, page


def link(page: RunningPage) -> str:
    """Return the token of a new link, made as an operator makes it."""
    command = [
        sys.executable,
        "-m",
        "chatlib.cli",
        "weblink",
        "--data",
        str(page.directory / "web"),
    ]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert made.stdout.startswith(f"{page.url}/operator#t=")
    return made.stdout.strip().partition("#t=")[2]


def enter(page: RunningPage) -> str:
    status, answer, cookie = page.post("/api/operator/enter", {"token": link(page)})
    assert status == 200, answer
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie
    return cookie.partition(";")[0]


class Desk:
    """The page's WebSocket."""

    def __init__(self, page: RunningPage, cookie: str, origin: str | None = None) -> None:
        self._stack = contextlib.ExitStack()
        self._socket = self._stack.enter_context(
            connect(
                page.url.replace("http", "ws", 1) + "/operator/ws",
                origin=origin or page.url,  # type: ignore[arg-type]
                additional_headers={"Cookie": cookie},
                open_timeout=PATIENCE,
                proxy=None,
            )
        )
        self.sizes: list[int] = []
        self._ids = 0

    def next(self) -> Any:
        text = self._socket.recv(PATIENCE)
        self.sizes.append(len(text))
        return json.loads(text)

    def status(self) -> Any:
        """Return the next look."""
        while (told := self.next()).get("kind") != "status":
            pass
        return told

    def until(self, check: Any) -> Any:
        end = time.monotonic() + PATIENCE
        while not check(told := self.status()):
            assert time.monotonic() < end, told
        return told

    def ask(self, op: str, **fields: Any) -> Any:
        self._ids += 1
        self._socket.send(json.dumps({"op": op, "id": self._ids, **fields}))
        while (told := self.next()).get("id") != self._ids:
            pass
        return told

    def look(self, **look: Any) -> None:
        self._socket.send(json.dumps({"op": "look", **look}))

    def close(self) -> None:
        self._stack.close()


@contextlib.contextmanager
def desk(page: RunningPage, cookie: str | None = None) -> Iterator[Desk]:
    made = Desk(page, cookie or enter(page))
    yield made
    made.close()


@contextlib.contextmanager
def guest(broker: RunningBroker, nick: str) -> Iterator[Client]:
    assert broker.data is not None
    key = load_key(broker.data / "broker.key").public
    with Client(broker.control, nick, server_key=key) as client:
        client.join("lobby")
        yield client


# -- who gets in ----------------------------------------------------------------------------------


def test_a_link_is_good_once(house: tuple[RunningBroker, RunningPage]) -> None:
    _, page = house
    token = link(page)
    assert page.post("/api/operator/enter", {"token": token})[0] == 200
    status, answer, cookie = page.post("/api/operator/enter", {"token": token})
    assert (status, answer["error"]["code"], cookie) == (403, "bad_token", "")
    assert f"{page.url}/operator#t=" in page.output()  # one is printed at the start


def test_an_old_link_is_good_for_nothing(tmp_path: Path) -> None:
    note_address(tmp_path, "http://127.0.0.1:1/")
    visitors = Visitors(tmp_path)
    token = make_link(tmp_path).partition("#t=")[2]
    (path,) = (tmp_path / LINKS).iterdir()
    assert token not in path.name  # what is kept does not let anybody in
    long_ago = time.time() - LINK_S - 1
    os.utime(path, (long_ago, long_ago))
    assert visitors.redeem(token) is None
    assert visitors.redeem("../operator-page") is None


def test_a_cookie_is_good_for_a_day_at_work(tmp_path: Path) -> None:
    note_address(tmp_path, "http://127.0.0.1:1/")
    now = 0.0
    visitors = Visitors(tmp_path, lambda: now)
    cookie = visitors.redeem(make_link(tmp_path).partition("#t=")[2])
    assert cookie is not None and visitors.known(cookie)
    now = 12 * 3600.0
    assert not visitors.known(cookie)


def test_without_a_cookie_nothing_is_told(house: tuple[RunningBroker, RunningPage]) -> None:
    _, page = house
    with pytest.raises(ConnectionClosed) as closed:
        Desk(page, "hubbub-operator=guess").next()
    assert closed.value.rcvd is not None and closed.value.rcvd.code == 4401
    cookie = enter(page)
    with pytest.raises(InvalidStatus):  # another site's page, in the operator's browser
        Desk(page, cookie, origin="http://evil.example")
    assert page.post("/api/operator/enter", {"token": "x"}, Origin="http://evil.example")[0] == 403
    with desk(page, cookie) as mine:
        mine.status()
        assert page.post("/api/operator/leave", {}, Cookie=cookie)[0] == 200
        with pytest.raises(ConnectionClosed):
            while True:
                mine.next()
    with pytest.raises(ConnectionClosed):
        Desk(page, cookie).next()


def test_without_the_operators_key_there_is_no_page(page: RunningPage) -> None:
    assert page.get("/operator")[0] == 404


def test_guessing_is_slowed(house: tuple[RunningBroker, RunningPage]) -> None:
    _, page = house
    found = [page.post("/api/operator/enter", {"token": "guess"})[0] for _ in range(15)]
    assert found[0] == 403 and found[-1] == 429


# -- what is told and done ------------------------------------------------------------------------


def test_who_is_banned_is_gone_and_it_is_written_down(
    house: tuple[RunningBroker, RunningPage],
) -> None:
    broker, page = house
    with desk(page) as mine, guest(broker, "eve"):
        told = mine.until(lambda told: told["sessions"]["rows"])
        (row,) = told["sessions"]["rows"]
        assert row["nick"] == "eve" and row["key"].count("-") == 5
        assert row["address"] == "127.0.0.1" and row["client"].startswith("chatlib")
        assert told["storage"]["durability"] == "disk" and told["storage"]["free"] > 0
        assert mine.ask("ban", nick="eve", reason="noise")["ok"]
        mine.until(lambda told: not told["sessions"]["rows"])
        told = mine.until(lambda told: told["refused"])  # she tries again
        assert (told["refused"][0]["code"], told["refused"][0]["key"]) == ("banned", row["key"])
        assert told["refused_count"] > 0
        entry = mine.ask("audit")["events"][-1]
        assert (entry["what"], entry["text"]) == ("ban", "noise")
        (ban,) = mine.ask("bans")["bans"]
        assert ban["who"] == row["key"]  # as the page shows it, and as it can be lifted
        assert mine.ask("unban", who=ban["who"])["ok"] and mine.ask("bans")["bans"] == []


def test_a_room_is_kicked_from_muted_in_and_closed(
    house: tuple[RunningBroker, RunningPage],
) -> None:
    broker, page = house
    with desk(page) as mine, guest(broker, "eve") as eve:
        assert mine.ask("mute", room="lobby", nick="eve", seconds=60)["ok"]
        assert mine.ask("whereis", nick="eve")["places"] == [{"room": "lobby", "muted": True}]
        (mute,) = mine.ask("roles", room="lobby")["mutes"]
        assert mute["nick"] == "eve"
        assert mine.ask("unmute", room="lobby", nick="eve")["ok"]
        assert mine.ask("kick", room="lobby", nick="eve", reason="noise")["ok"]
        mine.until(lambda told: told["rooms"]["rows"][0]["members"] == 0)
        eve.join("lobby")
        assert mine.ask("close", room="lobby")["ok"]
        mine.until(lambda told: told["rooms"]["rows"][0]["closed"])
        assert mine.ask("reopen", room="lobby")["ok"]
        whats = [entry["what"] for entry in mine.ask("audit")["events"]]
        assert whats[-5:] == ["mute", "unmute", "kick", "close", "reopen"]
        assert mine.ask("kick", room="lobby", nick="nobody")["error"]["code"] == "no_such_nick"


def test_an_invitation_brings_somebody_in(house: tuple[RunningBroker, RunningPage]) -> None:
    _, page = house
    with desk(page) as mine:
        made = mine.ask("invite", room="ops", uses=1, seconds=600, page=page.url)
        assert made["page"].startswith(f"{page.url}/#t=") and made["link"].startswith("hubbub://")
        assert made["qr"] == qr_path(made["page"])
        token = made["page"].partition("#t=")[2]
        status, answer, cookie = page.post("/api/enter", {"nick": "guest", "token": token})
        assert (status, answer["room"]) == (200, "ops")
        value = cookie.partition(";")[0].partition("=")[2]
        with pytest.raises(ConnectionClosed):  # who chats is no operator
            Desk(page, f"hubbub-operator={value}").next()
        bad = mine.ask("invite", page="javascript:alert(1)")
        assert not bad["ok"]


def test_a_backup_and_a_drain(house: tuple[RunningBroker, RunningPage]) -> None:
    _, page = house
    with desk(page) as mine:
        file = mine.ask("backup")["file"]
        told = mine.until(lambda told: told["storage"].get("backup_file"))
        assert told["storage"]["backup_file"].endswith(file)
        assert mine.ask("drain", seconds=1)["ok"]
        while mine.next().get("kind") != "away":
            pass


# -- many -----------------------------------------------------------------------------------------


def many(count: int, said: int = 0) -> BrokerStatus:
    """Return what a broker with so many sessions tells."""
    sessions = [
        SessionActivity(
            f"nick{i:04}", f"s{i}", 3, 1.0, "192.0.2.1", lag=i, said=said * i, client="hubbub",
            key="abcd-efgh-ijkl-mnop-qrst-uvwx",
        )
        for i in range(count)
    ]  # fmt: skip
    times = {"turns": Times([0.001, 0.01], [10 + said, 0, 0], 0.1)}
    return BrokerStatus(
        id=1, epoch="e", seq=1, at="2026-11-21T09:30:00.000Z", uptime=10.0 + said,
        sessions=sessions, times=times,
    )  # fmt: skip


def test_a_frame_is_no_larger_with_a_thousand_than_with_a_hundred() -> None:
    sizes = []
    for count in (100, 1_000):
        view = View()
        view.take(many(count))
        look = Look(sessions=Window(rows=MOST_ROWS, sort="lag"))
        frame = view.frame(look)
        assert frame is not None and frame["sessions"]["total"] == count
        assert [row["lag"] for row in frame["sessions"]["rows"][:2]] == [count - 1, count - 2]
        sizes.append(len(encode(frame)))
    assert sizes[1] < sizes[0] + 500 and sizes[1] < 40_000


def test_rates_windows_and_words() -> None:
    view = View()
    view.take(many(1_000))
    view.take(many(1_000, said=1))
    frame = view.frame(Look(sessions=Window(first=10, rows=3, sort="rate")))
    assert frame is not None
    assert [(row["nick"], row["rate"]) for row in frame["sessions"]["rows"]] == [
        ("nick0989", 989.0), ("nick0988", 988.0), ("nick0987", 987.0),
    ]  # fmt: skip
    frame = view.frame(Look(sessions=Window(find="NICK099", sort="nick", down=False)))
    assert frame is not None
    assert frame["sessions"]["found"] == 10
    assert frame["sessions"]["rows"][0]["nick"] == "nick0990"
    assert frame["point"]["turns99"] == pytest.approx(0.99)


def test_a_long_list_is_sent_in_windows(house: tuple[RunningBroker, RunningPage]) -> None:
    broker, page = house
    with desk(page) as mine, contextlib.ExitStack() as stack:
        for i in range(5):
            stack.enter_context(guest(broker, f"n{i}"))
        mine.until(lambda told: told["sessions"]["total"] == 5)
        mine.look(sessions={"first": 1, "rows": 2, "sort": "nick", "down": False})
        told = mine.until(lambda told: told["sessions"]["first"] == 1)
        assert [row["nick"] for row in told["sessions"]["rows"]] == ["n1", "n2"]
        mine.look(sessions={"rows": 1_000})  # more than anybody sees: refused
        assert mine.ask("bans")["ok"]
