"""Outside text: what is kept is harmless, bounded and stable."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from foundation.text import clean, fold, one_line

strange = st.text(alphabet=st.characters()) | st.text(
    alphabet="ab 　\t\r\n\x00\x0b\u2028\u202e\u200b\ud800曾", max_size=40
)
limits = st.integers(min_value=0, max_value=60)


@given(strange, limits)
def test_cleaned_text_is_bounded_has_no_controls_and_cleaning_it_again_changes_nothing(text: str, limit: int) -> None:
    kept = clean(text, limit)
    assert len(kept) <= limit
    assert all(c in "\n\t" or not unicodedata.category(c).startswith("C") for c in kept)
    assert kept == kept.strip()
    assert clean(kept, limit) == kept


@given(strange, limits)
def test_one_line_is_one_line(text: str, limit: int) -> None:
    kept = one_line(text, limit)
    assert len(kept) <= limit
    assert len(kept.splitlines()) <= 1
    assert "  " not in kept
    assert one_line(kept, limit) == kept


def test_lines_are_joined_by_a_blank_and_not_glued() -> None:
    assert one_line("门牌\r\n3号\x0b楼\x852单元\u2028右转", 40) == "门牌 3号 楼 2单元 右转"


def test_a_note_keeps_its_lines_but_not_what_turns_text_around() -> None:
    assert clean(" 煤气味\n在厨房\u202e \x07", 40) == "煤气味\n在厨房"


def test_full_width_digits_and_letters_become_plain_ones() -> None:
    assert fold("　ＯＫ１２０　") == "OK120"
