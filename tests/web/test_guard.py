"""Other sites, other names, floods: what the page server does not let in."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from chatlib.web.guard import Guard
from tests.support import PATIENCE, ROOT, RunningBroker
from tests.web.support import Browser, RunningPage


def upgrade(page: RunningPage, *, origin: str | None, cookie: str = "", host: str = "") -> None:
    headers = {"Cookie": cookie} if cookie else {}
    address = page.url.replace("http", "ws", 1) + "/ws"
    where = page.listen.partition(":")
    address = f"ws://{host}:{where[2]}/ws" if host else address
    with connect(
        address,
        sock=None if not host else _socket(page),
        origin=origin,  # type: ignore[arg-type]
        additional_headers=headers,
        open_timeout=PATIENCE,
        proxy=None,
    ) as socket:
        socket.recv(PATIENCE)


def _socket(page: RunningPage):  # type: ignore[no-untyped-def]
    import socket

    host, _, port = page.listen.rpartition(":")
    return socket.create_connection((host, int(port)))


def test_the_websocket_of_another_site(page: RunningPage) -> None:
    cookie = page.enter("ann")
    upgrade(page, origin=page.url, cookie=cookie)
    for origin in ("https://evil.example", None, "null", page.url.replace("http", "https")):
        with pytest.raises(InvalidStatus) as refused:
            upgrade(page, origin=origin, cookie=cookie)
        assert refused.value.response.status_code == 403


def test_a_name_that_was_bent_to_this_machine(page: RunningPage) -> None:
    cookie = page.enter("ann")
    port = page.listen.rpartition(":")[2]
    with pytest.raises(InvalidStatus):
        upgrade(page, origin=f"http://evil.example:{port}", cookie=cookie, host="evil.example")
    assert page.get("/", Host=f"evil.example:{port}")[0] == 421
    assert page.get("/", Host=f"localhost:{port}")[0] == 200


def test_who_has_no_cookie(page: RunningPage) -> None:
    for cookie in ("", "hubbub=wrong"):
        with pytest.raises(ConnectionClosed) as closed:
            upgrade(page, origin=page.url, cookie=cookie)
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 4401


def test_posts_of_another_site(page: RunningPage) -> None:
    cookie = page.enter("ann")
    wrong = (
        {"Origin": "https://evil.example"},
        {"Content_Type": "text/plain"},
        {"Sec_Fetch_Site": "cross-site"},
    )
    for headers in wrong:
        for path in ("/api/enter", "/api/leave"):
            status, answer, given = page.post(path, {"nick": "bob"}, Cookie=cookie, **headers)
            assert (status, answer["error"]["code"], given) == (403, "forbidden", "")
    assert page.get("/api/leave", Cookie=cookie)[0] == 405
    Browser(page, cookie).close()
    assert page.post("/api/leave", {}, Cookie=cookie)[0] == 200
    with pytest.raises(ConnectionClosed):
        upgrade(page, origin=page.url, cookie=cookie)


def test_what_is_posted(page: RunningPage) -> None:
    assert page.post("/api/enter", b"[")[1]["error"]["code"] == "bad_request"
    assert page.post("/api/enter", {"nick": "a b"})[1]["error"]["code"] == "bad_nick"
    status, answer, _ = page.post("/api/enter", {"nick": "x" * 20_000})
    assert (status, answer["error"]["code"]) == (413, "too_big")
    page.enter("ann")
    status, answer, _ = page.post("/api/enter", {"nick": "Ann"})
    assert (answer["error"]["code"], answer["error"]["suggestion"]) == ("nick_taken", "Ann_")


def test_headers_and_cookies(page: RunningPage) -> None:
    for path in ("/", "/static/app.js", "/nothing"):
        headers = page.get(path)[2]
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "uvicorn" not in (headers["server"] or "")
    assert page.get("/static/../app.py")[0] == 404
    cookie = page.post("/api/enter", {"nick": "ann"})[2]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= {p.strip() for p in cookie.split(";")}


def test_what_is_kept_is_private(page: RunningPage) -> None:
    cookie = page.enter("ann").partition("=")[2]
    directory = page.directory / "web"
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    for path in directory.rglob("*"):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path
        assert path.is_dir() or cookie.encode() not in path.read_bytes()


def test_floods(page: RunningPage) -> None:
    with Browser(page, page.enter("ann")) as ann:
        for i in range(2_000):
            ann.send(op="rooms", id=i)
            if i % 50 == 0:
                ann.say("x", room="lobby")
        assert ann.until("slow")["after_ms"] > 0
        while ann.receive().get("error", {}).get("code") != "slow_down":
            pass
        with pytest.raises(ConnectionClosed):
            ann._socket.send("x" * 200_000)
            while True:
                ann.receive()


def test_many_come_from_one_address() -> None:
    guard = Guard((), secure=False)
    assert not any(guard.enters("10.0.0.1", 0.0) for _ in range(60))
    assert guard.enters("10.0.0.1", 0.0) > 0
    assert not guard.enters("10.0.0.2", 0.0)


@pytest.mark.parametrize(
    ("origin", "host", "ours"),
    [
        ("https://chat.example.org", "chat.example.org", True),
        ("https://chat.example.org:443", "chat.example.org", True),
        ("https://chat.example.org:8443", "chat.example.org", False),
        ("http://chat.example.org", "chat.example.org", False),
        ("https://chat.example.org.evil.example", "chat.example.org", False),
        ("https://other.example.org", "other.example.org", False),
        ("https://[::1", "chat.example.org", False),
    ],
)
def test_origins_behind_tls(origin: str, host: str, ours: bool) -> None:
    guard = Guard({"chat.example.org"}, secure=True)
    assert guard.same_origin({"origin": origin, "host": host}) is ours
    assert guard.cookie == "__Host-hubbub"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "chatlib.cli", "web", *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip


def test_plain_is_for_this_machine(tmp_path: Path) -> None:
    done = run("--listen", "0.0.0.0:0", "--data", str(tmp_path))
    assert done.returncode == 78 and "--insecure" in done.stderr
    done = run("--listen", "0.0.0.0:0", "--behind-proxy", "--data", str(tmp_path))
    assert done.returncode == 78 and "127.0.0.1" in done.stderr
    done = run("--cert", "x.pem", "--data", str(tmp_path))
    assert done.returncode == 78 and "--key" in done.stderr


def test_tls(broker: RunningBroker, tmp_path: Path) -> None:
    import ssl
    import urllib.request

    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    made = subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
            "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-out", str(cert),
            "-keyout", str(key),
        ],
        capture_output=True,
        check=False,
    )  # fmt: skip
    if made.returncode:
        pytest.skip("there is no openssl")
    with RunningPage(tmp_path, broker.control, "--cert", str(cert), "--key", str(key)) as page:
        assert page.url.startswith("https://")
        context = ssl.create_default_context(cafile=str(cert))
        request = urllib.request.Request(
            page.url + "/api/enter", b'{"nick":"ann"}',
            {"Content-Type": "application/json", "Origin": page.url},
        )  # fmt: skip
        with urllib.request.urlopen(request, context=context, timeout=PATIENCE) as answer:
            cookie = answer.headers["Set-Cookie"]
            assert "strict-transport-security" in answer.headers
        assert cookie.startswith("__Host-hubbub=") and "Secure" in cookie
        with connect(
            page.url.replace("http", "ws", 1) + "/ws",
            origin=page.url,  # type: ignore[arg-type]
            additional_headers={"Cookie": cookie.partition(";")[0]},
            ssl=context,
            proxy=None,
        ) as socket:
            assert '"ann"' in str(socket.recv(PATIENCE))
