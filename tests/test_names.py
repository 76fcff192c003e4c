"""Nicknames compare under RFC 8266, rooms fold under RFC 8265."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatlib.errors import BadName
from chatlib.names import LOBBY, NICK_CHARS, ROOM_CHARS, nick_key, room_name, suggest_nick

# Compatibility mappings, where one character becomes several, are rare among all characters.
MAPPED = [c for c in map(chr, range(0x10000)) if unicodedata.decomposition(c).startswith("<")]
ANYTHING = st.text(
    st.characters(codec=None, categories=None) | st.sampled_from([*MAPPED, "ŀ", "#", "a"]),
    max_size=60,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ann", "ANN"),
        ("Ann", "aNN"),
        ("Żółw", "żółw"),
        ("БОРИС", "борис"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("Zoë", "Zoe\u0308"),  # composed and decomposed
        ("한글", unicodedata.normalize("NFD", "한글")),
        ("Ａｎｎ", "Ann"),  # fullwidth: RFC 8266 maps by compatibility
        ("ｶﾅ", "カナ"),
        ("ﬁn", "fin"),
    ],
)
def test_two_ways_to_write_one_nickname(one: str, other: str) -> None:
    assert nick_key(one) == nick_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ann", "anna"),
        ("ann", "änn"),
        ("anna", "аnnа"),  # Cyrillic letters that look alike: told apart, not forbidden
        ("o", "0"),
        ("l", "I"),
        ("i", "ı"),
        ("ß", "ss"),
    ],
)
def test_two_nicknames(one: str, other: str) -> None:
    assert nick_key(one) != nick_key(other)


@pytest.mark.parametrize(
    "nick",
    ["a", "ann", "日本語", "שלום", "مرحبا", "Анна", "👩", "a.b-c_d", "guest1", "#@a", "x" * 32],
)  # fmt: skip
def test_what_may_be_a_nickname(nick: str) -> None:
    assert nick_key(nick) == nick_key(nick)


@pytest.mark.parametrize(
    ("nick", "cause"),
    [
        ("", "empty"),
        ("x" * 33, "32 characters"),
        ("a b", "no space"),
        (" ann", "no space"),
        ("ann\t", "no space"),
        ("a\u00a0b", "no space"),
        ("a\u3000b", "no space"),
        ("a/b", "'/'"),
        ("ann\x00", "not allowed"),
        ("ann\x1b[31m", "not allowed"),
        ("ann\x7f", "not allowed"),
        ("a\nb", "no space"),
        ("ann\u202e", "not allowed"),  # turns the text around
        ("\u2066ann", "not allowed"),
        ("an\u200bn", "not allowed"),  # takes no room
        ("a\u2028b", "no space"),
        ("\ufeffann", "not allowed"),
        ("a\ud800", "not allowed"),  # half a character
        ("a\ue000", "not allowed"),  # private use
        ("a\ufdd0", "not allowed"),  # never a character
        ("a／b", "folds to"),  # fullwidth: becomes a slash
        ("a\u00a8b", "folds to"),  # becomes a space and an accent
        ("ﷺ" * 2, "folds to"),  # two that become thirty-six
        ("ŀ", "not allowed"),  # one that becomes two, and the second is not
    ],
)
def test_what_may_not_be_a_nickname(nick: str, cause: str) -> None:
    with pytest.raises(BadName, match=cause):
        nick_key(nick)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("lobby", "lobby"),
        ("#Lobby", "lobby"),
        ("##lobby", "lobby"),
        ("c#", "c#"),
        ("Küche", "küche"),
        ("Ku\u0308che", "küche"),
        ("КОМНАТА", "комната"),
        ("ｏｐｓ", "ops"),
        ("x" * 50, "x" * 50),
        ("ops-2", "ops-2"),
    ],
)
def test_the_folded_form_is_the_room(text: str, name: str) -> None:
    assert room_name(text) == name
    assert room_name(name) == name


@pytest.mark.parametrize(
    "text",
    [
        "", "#", "a b", "a/b", "x" * 51, "a\x00b", "a\u202eb", "a\ud800", "a\nb", "a／b", "👩",
        "a\u200bb", "＃lobby",
    ],
)  # fmt: skip
def test_what_may_not_be_a_room(text: str) -> None:
    with pytest.raises(BadName, match="room name"):
        room_name(text)


def test_the_lobby_is_a_room() -> None:
    assert room_name(LOBBY) == LOBBY


@given(ANYTHING)
def test_anything_is_a_nickname_or_a_bad_one(text: str) -> None:
    try:
        key = nick_key(text)
    except BadName as e:
        assert str(e).encode()
        return
    assert len(text) <= NICK_CHARS
    assert 0 < len(key) <= NICK_CHARS
    assert nick_key(key) == key
    for character in text + key:
        assert not character.isspace()
        assert unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
    assert "/" not in text + key


@given(ANYTHING)
def test_anything_is_a_room_or_a_bad_one(text: str) -> None:
    try:
        name = room_name(text)
    except BadName:
        return
    assert 0 < len(name) <= ROOM_CHARS
    assert room_name(name) == name
    assert "/" not in name
    assert name.encode()
    assert not any(character.isspace() for character in name)


@given(ANYTHING, st.sets(st.sampled_from(["ann_", "ann2", "ann3", "zoë_", "_"])))
def test_what_is_suggested_is_free_and_valid(text: str, taken: set[str]) -> None:
    try:
        taken.add(nick_key(text))
    except BadName:
        return
    free = suggest_nick(text, taken)
    assert free
    assert nick_key(free) not in taken


@pytest.mark.parametrize(
    ("nick", "taken", "free"),
    [
        ("Ann", {"ann"}, "Ann_"),
        ("Ann", {"ann", "ann_"}, "Ann2"),
        ("x" * 32, {"x" * 32}, "x" * 31 + "_"),
        ("ﬁ" * 16, {"fi" * 16}, "ﬁ" * 15 + "2"),  # 32 characters when folded
        ("x" * 32, {"x" * 32, *("x" * 31 + c for c in "_23456789")}, "x" * 30 + "10"),
    ],
)  # fmt: skip
def test_suggestions_stay_close(nick: str, taken: set[str], free: str) -> None:
    assert suggest_nick(nick, taken) == free


def test_when_nothing_is_free_nothing_is_suggested() -> None:
    class Everything:
        def __contains__(self, key: object) -> bool:
            return True

    assert suggest_nick("ann", Everything()) == ""


@pytest.mark.parametrize("nick", ["ann", "ﬁ" * 16, "・" * 31 + "ア"])
def test_a_suggestion_costs_little_whatever_the_nickname(nick: str) -> None:
    """It keeps the broker's loop waiting, and anybody may ask for it as often as he likes."""

    class Everything:
        looks = 0

        def __contains__(self, key: object) -> bool:
            self.looks += 1
            return True

    taken = Everything()
    before = nick_key.cache_info().misses
    assert suggest_nick(nick, taken) == ""
    assert taken.looks <= 100
    assert nick_key.cache_info().misses - before <= 100
