"""Keys in files, in links and read aloud."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path

import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st
from zmq.utils import z85

from chatlib.errors import BadConfiguration, CannotCreate, Misuse
from chatlib.security.keys import (
    KeyPair,
    decode_z85,
    encode_z85,
    fingerprint,
    from_link,
    load_key,
    load_or_make_key,
    parse_fingerprint,
    to_link,
)

# The client's pair of the examples in libzmq's zmq_curve manual page.
PUBLIC = b"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
SECRET = b"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"


def pair() -> tuple[bytes, bytes]:
    return PUBLIC, SECRET


def never() -> tuple[bytes, bytes]:
    raise AssertionError("a new key was made")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "broker.key"


# -- forms


@given(st.binary(min_size=32, max_size=32))
def test_z85_is_libzmqs(raw: bytes) -> None:
    assert encode_z85(raw) == z85.encode(raw)
    assert decode_z85(encode_z85(raw)) == raw


@given(st.binary(min_size=32, max_size=32).filter(any))
def test_a_link_gives_back_its_key(raw: bytes) -> None:
    link = to_link(encode_z85(raw))
    assert len(link) == 43
    assert decode_z85(from_link(link)) == raw


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A" * 42,
        "A" * 44,
        "B" * 43,
        "A" * 42 + "=",
        "+" * 43,
        "é" * 43,
        " " + "A" * 42,
        "A" * 43,
    ],
)
def test_what_is_no_key_of_a_link(text: str) -> None:
    # 43 "B" have bits beyond the 256th; 43 "A" are the key of which libzmq once died.
    with pytest.raises(Misuse):
        from_link(text)


@given(st.text(max_size=50))
def test_any_text_is_a_key_or_misuse(text: str) -> None:
    with contextlib.suppress(Misuse):
        assert to_link(from_link(text)) == text


@pytest.mark.parametrize("text", [b"", b"a" * 39, b"a" * 41, b"#" * 40, b"~" * 40, b"\xff" * 40])
def test_what_is_no_z85(text: bytes) -> None:
    with pytest.raises(Misuse):
        decode_z85(text)


def test_a_fingerprint_is_compared_by_eye() -> None:
    shown = fingerprint(PUBLIC)
    assert shown == "5oz2-6toz-ttx7-g3u7-sc25-wpsf"  # so said sha256sum and base32, too
    assert fingerprint(SECRET) != shown
    assert 5 * len(shown.replace("-", "")) >= 100  # bits


def test_a_secret_is_not_shown() -> None:
    assert SECRET.decode() not in repr(KeyPair(PUBLIC, SECRET))


# -- files


def test_the_first_start_makes_the_key_and_the_second_takes_it(path: Path) -> None:
    assert load_or_make_key(path, pair) == (PUBLIC, SECRET)
    assert load_or_make_key(path, never) == load_key(path) == (PUBLIC, SECRET)
    assert path.read_text().startswith("# A key pair of hubbub")


@pytest.mark.parametrize("mask", [0o000, 0o177, 0o377])
def test_only_its_owner_can_read_it_whatever_the_umask(path: Path, mask: int) -> None:
    path.parent.mkdir(mode=0o700)
    before = os.umask(mask)
    try:
        load_or_make_key(path, pair)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600


def test_at_no_moment_can_others_read_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fchmod", lambda *_: None)
    before = os.umask(0)
    try:
        load_or_make_key(path, pair)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600


def test_its_directory_is_made_for_the_owner_alone(path: Path) -> None:
    before = os.umask(0)
    try:
        load_or_make_key(path, pair)
    finally:
        os.umask(before)
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o660])
def test_a_file_that_others_can_read_is_refused_and_the_fix_named(path: Path, mode: int) -> None:
    load_or_make_key(path, pair)
    path.chmod(mode)
    with pytest.raises(BadConfiguration) as caught:
        load_or_make_key(path, never)
    assert f"chmod 600 {path}" in str(caught.value)


def test_any_damage_is_noticed(path: Path) -> None:
    load_or_make_key(path, pair)
    whole = path.read_bytes()
    start = whole.index(b"public")
    for at in range(start, len(whole) - 1):
        path.write_bytes(
            whole[:at] + (b"x" if whole[at : at + 1] != b"x" else b"y") + whole[at + 1 :]
        )
        with pytest.raises(BadConfiguration, match="damaged"):
            load_key(path)
    for length in range(0, len(whole) - 1, 7):
        path.write_bytes(whole[:length])
        with pytest.raises(BadConfiguration, match=f"{path} is damaged"):
            load_key(path)
    assert path.read_bytes() != whole


@given(st.binary(max_size=300))
def test_anything_in_the_file_is_a_clear_error(tmp_path_factory: object, noise: bytes) -> None:
    place = Path(tmp_path_factory.mktemp("noise")) / "key"  # type: ignore[attr-defined]
    place.write_bytes(noise)
    place.chmod(0o600)
    with pytest.raises(BadConfiguration):
        load_key(place)


def test_no_file_and_a_directory_in_its_place(path: Path) -> None:
    with pytest.raises(BadConfiguration, match=f"{path}.*No such file"):
        load_key(path)
    path.mkdir(parents=True, mode=0o700)
    with pytest.raises(BadConfiguration, match="directory"):
        load_key(path)


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotCreate, match="file/key"):
        load_or_make_key(tmp_path / "file" / "key", pair)


def test_of_many_that_start_at_once_all_use_one_key(path: Path) -> None:
    barrier = threading.Barrier(8)
    found = []

    def start() -> None:
        barrier.wait()
        found.append(load_or_make_key(path, zmq.curve_keypair))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and len(set(found)) == 1
    assert os.listdir(path.parent) == [path.name]


def test_a_fingerprint_as_people_type_it() -> None:
    shown = fingerprint(PUBLIC)
    for typed in (shown, shown.upper(), shown.replace("-", ""), to_link(PUBLIC)):
        assert parse_fingerprint(typed) == shown
    for typed in ("", shown[1:], shown + "a", shown.replace(shown[0], "1"), "people", "x" * 43):
        with pytest.raises(Misuse):
            parse_fingerprint(typed)
