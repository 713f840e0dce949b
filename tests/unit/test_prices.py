"""Reference prices: from quotes while little was charged, from charges after; never from nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from providers.prices import band, outside

YUAN = st.integers(0, 9999)


def test_with_few_charges_the_band_is_the_middle_of_what_is_quoted() -> None:
    made = band([(30, 80), (50, 100), (40, 200)], [60, 70])
    assert (made.low, made.high, made.quotes, made.charges) == (40, 100, 3, 2)


def test_from_ten_charges_on_it_is_their_middle_half() -> None:
    made = band([(30, 80)], [10, 50, 55, 60, 60, 65, 70, 75, 80, 400])
    assert (made.low, made.high) == (55, 75)


def test_free_services_and_nothing_at_all_give_no_band() -> None:
    assert (band([(0, 0)], [0]).low, band([], []).high) == (None, None)


def test_a_quote_wholly_above_or_below_the_band_is_seen() -> None:
    made = band([(40, 100)], [])
    assert outside(120, 180, made) == "above"
    assert outside(10, 30, made) == "below"
    assert outside(90, 300, made) is None
    assert outside(None, None, made) is None


@given(st.lists(st.tuples(YUAN, YUAN).map(sorted).map(tuple), max_size=30), st.lists(YUAN, max_size=40))
def test_a_band_is_in_order_and_within_what_was_said(quotes: list[tuple[int, int]], charges: list[int]) -> None:
    made = band(quotes, charges)
    said = [yuan for pair in quotes for yuan in pair] + charges
    assert (made.low is None) == (made.high is None)
    if made.low is not None and made.high is not None:
        assert min(said) <= made.low <= made.high <= max(said)
