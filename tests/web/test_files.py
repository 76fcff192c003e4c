"""Files that people share, as a real page server keeps and serves them."""

from __future__ import annotations

import asyncio
import hashlib
import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from chatlib.errors import Refused
from chatlib.web.files import OTHER, Files, clean_name, sniffed
from tests.web.support import RunningPage

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


def upload(page: RunningPage, content: bytes, name: str, cookie: str, **more: str) -> Any:
    usual = {"X-File-Name": name, "Cookie": cookie, "Origin": page.url}
    given = {key.replace("_", "-"): value for key, value in more.items()}
    request = urllib.request.Request(page.url + "/files", content, usual | given)
    try:
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as e:
        with e:
            return json.loads(e.read()) | {"status": e.code}


def fetch(page: RunningPage, url: str) -> tuple[bytes, Any]:
    with urllib.request.urlopen(page.url + url) as answer:
        return answer.read(), answer.headers


def test_a_picture_is_kept_once_and_shown(page: RunningPage, tmp_path: Path) -> None:
    cookie = page.enter("ann")
    kept = upload(page, PNG, "cat%20%D0%BA%D0%BE%D1%82.png", cookie)
    digest = hashlib.sha256(PNG).hexdigest()
    assert (kept["name"], kept["type"], kept["size"]) == ("cat кот.png", "image/png", len(PNG))
    assert kept["url"].startswith(f"/files/{digest}/cat%20")
    assert upload(page, PNG, "other.png", cookie)["url"] == f"/files/{digest}/other.png"
    (path,) = (tmp_path / "web" / "files").iterdir()
    assert (path.name, path.stat().st_mode & 0o777) == (digest, 0o600)
    content, headers = fetch(page, kept["url"])
    assert content == PNG
    assert headers["Content-Type"] == "image/png"
    assert headers["Content-Disposition"].startswith("inline")


@pytest.mark.parametrize("content", [b"<script>alert(1)</script>", b"<svg onload='alert(1)'/>"])
def test_what_could_run_is_only_downloaded(page: RunningPage, content: bytes) -> None:
    kept = upload(page, content, "x.png", page.enter("ann"))
    assert kept["type"] == OTHER
    _, headers = fetch(page, kept["url"])
    assert headers["Content-Type"] == OTHER
    assert headers["Content-Disposition"].startswith("attachment")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in headers["Content-Security-Policy"]


def test_only_the_page_s_people_send_files_from_the_page(page: RunningPage) -> None:
    cookie = page.enter("ann")
    assert upload(page, PNG, "a.png", "")["error"]["code"] == "no_session"
    assert upload(page, PNG, "a.png", cookie, Origin="http://evil.example")["status"] == 403


def test_no_other_file_is_served(page: RunningPage) -> None:
    for path in ("/files/..%2Fweb.db/x", f"/files/{'0' * 64}/x", "/files/web.db/x"):
        assert page.get(path)[0] == 404


async def _chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def _keep(files: Files, *parts: bytes) -> str:
    # In a thread: Playwright leaves a loop running in the one that other tests have used it in.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(files.keep("f", _chunks(*parts)))).result().url


def test_limits_leave_nothing_behind(tmp_path: Path) -> None:
    files = Files(tmp_path, most_file=10, most_total=32)
    with pytest.raises(Refused, match="at most"):
        _keep(files, b"12345", b"678901")
    for content in (b"a" * 10, b"b" * 10):
        assert _keep(files, content) == _keep(files, content)  # kept once, counted once
    with pytest.raises(Refused, match="at most"):
        _keep(files, b"c" * 7, b"c" * 3, b"c" * 3)
    assert _keep(files, b"d" * 10)
    with pytest.raises(Refused, match="no room"):
        _keep(files, b"e" * 3)
    assert len(list(tmp_path.iterdir())) == 3
    again = Files(tmp_path, most_file=10, most_total=32)
    with pytest.raises(Refused, match="no room"):
        _keep(again, b"e" * 3)
    assert _keep(again, b"e" * 2)


def test_what_was_on_its_way_when_it_was_killed_is_removed(tmp_path: Path) -> None:
    (tmp_path / "0011.part").write_bytes(b"half")
    Files(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("..%2F..%2Fetc%2Fpasswd", "passwd"),
        ("C%3A%5Ca%5Cb.txt", "b.txt"),
        ("a%0D%0AX%3A%20y.txt", "a X: y.txt"),
        ("x%E2%80%AEgnp.exe", "x gnp.exe"),
        ("", "file"),
        ("...", "file"),
        ("n" * 300 + ".png", "n" * 116 + ".png"),
        ("%FF", "\ufffd"),
    ],
)
def test_names_are_cleaned(given: str, name: str) -> None:
    assert clean_name(given) == name


def test_types_are_what_the_first_bytes_say() -> None:
    assert sniffed(b"\xff\xd8\xff\xe0") == "image/jpeg"
    assert sniffed(b"GIF89a..") == "image/gif"
    assert sniffed(b"RIFF\0\0\0\0WEBPVP8 ") == "image/webp"
    assert sniffed(b"\0\0\0\x1cftypavif") == "image/avif"
    assert sniffed(b"RIFF\0\0\0\0WAVE") == sniffed(b"") == sniffed(b"%PDF-1.7") == OTHER
