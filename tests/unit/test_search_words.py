"""The words articles are found by: laws that hold for any text, and the ways operators type."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.search_words import (
    HEAD,
    MOST_NEEDLES,
    area_needles,
    area_words,
    needles,
    question_key,
    runs,
    sound_of,
    sounds,
    use_word,
    words_of,
)

CHINESE = st.text(st.sampled_from("老年优待证办理社保医保卡居住户口食堂燃气安全预约挂号"), min_size=2, max_size=30)
LATIN = st.text(st.sampled_from("abcdefgh0123456789"), min_size=2, max_size=12)


def found_by(typed: str, words: set[str]) -> bool:
    return all(piece in words for needle in needles(typed) for piece in needle.pieces)


@given(st.text(max_size=300))
def test_any_text_makes_words_without_blanks_quotes_or_marks(text: str) -> None:
    for word in words_of([text], text):
        bare = word.removeprefix(HEAD)
        assert bare.isalnum()
        assert bare == bare.lower()


@given(st.text(max_size=200))
def test_whatever_is_typed_gives_few_needles_and_never_an_error(text: str) -> None:
    found = needles(text)
    assert len(found) <= MOST_NEEDLES
    assert all(needle.pieces and all(piece.isalnum() for piece in needle.pieces) for needle in found)
    assert bool(found) == any(c.isalnum() for c in unicodedata.normalize("NFKC", text[:240])[:60].lower())


@given(CHINESE, st.data())
def test_every_part_of_a_title_finds_it(title: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(title) - 2))
    end = data.draw(st.integers(start + 2, len(title)))
    assert found_by(title[start:end], words_of([title], ""))


@given(CHINESE, st.data())
def test_every_part_of_the_initials_finds_the_head(title: str, data: st.DataObject) -> None:
    ((initials, _),) = sounds(title)
    assert len(initials) == len(title)
    start = data.draw(st.integers(0, len(initials) - 2))
    end = data.draw(st.integers(start + 2, len(initials)))
    assert found_by(initials[start:end], words_of([title], ""))


@given(LATIN, st.data())
def test_every_part_of_a_word_or_number_finds_it_in_the_body_too(word: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(word) - 2))
    end = data.draw(st.integers(start + 2, len(word)))
    assert found_by(word[start:end], words_of([], f"见 {word}。"))


@given(st.text(max_size=100))
def test_full_width_and_capitals_change_nothing(text: str) -> None:
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)
    assert runs(wide) == runs(text)
    assert words_of([wide], wide) == words_of([text], text)


@given(st.text(max_size=60), st.text(max_size=60))
def test_the_head_is_marked_and_the_body_is_not(head: str, body: str) -> None:
    words = words_of([head], body)
    marked = {word.removeprefix(HEAD) for word in words if word.startswith(HEAD)}
    assert marked == {word.removeprefix(HEAD) for word in words_of([head], "")}
    assert marked <= words


@pytest.mark.parametrize(
    "typed",
    ["老年优待证", "优待证", "lnydz", "ydz", "LNYDZ", "ｌｎｙｄｚ", "laonian", "youdaizheng", "老年 优待",
     "老年优待证怎么办理？", "请问老年优待证需要什么材料吗", "1 2 3 4 5", "１２３４５", "234"],
)  # fmt: skip
def test_an_article_is_found_the_way_operators_type(typed: str) -> None:
    words = words_of(["老年优待证办理", "12345"], "带身份证和一寸照片，材料齐全当场办，1 2 3 4 5")
    assert found_by(typed, words), needles(typed)


@pytest.mark.parametrize("typed", ["医保", "yb", "lny", "67890"])
def test_and_not_by_what_it_does_not_have(typed: str) -> None:
    words = words_of(["居住证办理", "12345"], "带身份证")
    assert not found_by(typed, words)


@pytest.mark.parametrize(
    ("asked", "key"),
    [("请问老年证怎么办？", "老年证"), ("老年证 怎么办理", "老年证"), ("  老年证。", "老年证"),
     ("ＷiＦi 密码多少", "wifi密码"), ("怎么办", "怎么办"), ("？！", "")],
)  # fmt: skip
def test_the_same_question_in_other_words_of_asking_is_the_same(asked: str, key: str) -> None:
    assert question_key(asked) == key


def test_polyphones_sound_as_in_their_word() -> None:
    assert sound_of(["银行卡", "重庆"]) == "yhk\tyinhangka\ncq\tchongqing"


def test_digits_and_letters_stand_for_themselves_in_the_sound() -> None:
    assert sounds("12345热线 WiFi") == [("12345rx", "12345rexian"), ("wifi", "wifi")]


@pytest.mark.parametrize(
    ("area", "place", "holds"),
    [
        ("", "330203", True),
        ("330203", "330203001001", True),
        ("330203001", "330203", True),
        ("330212", "330203", False),
        ("3302", "330203", True),
        ("330203", "", True),
    ],
)
def test_an_article_holds_for_places_inside_its_area_and_is_seen_from_above_it(
    area: str, place: str, holds: bool
) -> None:
    wanted = area_needles([place])
    assert (not wanted or bool(area_words(area) & set(wanted))) == holds


def test_who_sees_no_place_sees_what_holds_everywhere() -> None:
    assert area_needles([]) == ["@"]


def test_use_is_counted_in_steps() -> None:
    assert [use_word(n) for n in (0, 1, 3, 4, 15, 16, 1_000_000)] == ["#0", "#1", "#1", "#2", "#2", "#3", "#6"]
