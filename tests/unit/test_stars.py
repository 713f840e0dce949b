"""Stars: the published formula, its denominators, and what can never move it."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.stars import Counts, rate, stars_of


@st.composite
def counts(draw: st.DrawFn) -> Counts:
    finished = draw(st.integers(0, 60))
    graded = draw(st.integers(0, finished))
    accepted = draw(st.integers(0, 80))
    arrivals = draw(st.integers(0, accepted))
    complaints = draw(st.integers(0, 12))
    return Counts(
        finished=finished, graded=graded, grade_sum=draw(st.integers(0, 4 * graded)) / 4, accepted=accepted,
        declined=draw(st.integers(0, 30)), expired=draw(st.integers(0, 30)),
        accepted_in_time=draw(st.integers(0, accepted)), arrivals=arrivals, on_time=draw(st.integers(0, arrivals)),
        redone=draw(st.integers(0, finished)), complaints=complaints,
        price_complaints=draw(st.integers(0, complaints)),
    )  # fmt: skip


PERFECT = Counts(
    finished=20, graded=20, grade_sum=20.0, accepted=20, accepted_in_time=20, arrivals=20, on_time=20
)  # fmt: skip


def test_the_worked_example_of_the_published_formula() -> None:
    """0.40·0.75 + 0.15·20/25 + 0.10·18/20 + 0.15·16/20 + 0.10·(1 - 2/20) + 0.10·(1 - (1 + 2)/20), price twice."""
    some = Counts(
        finished=20, graded=10, grade_sum=7.5, accepted=20, declined=3, expired=2, accepted_in_time=18, arrivals=20,
        on_time=16, redone=2, complaints=2, price_complaints=1,
    )  # fmt: skip
    rating = rate(some)
    assert rating.score == pytest.approx(0.30 + 0.12 + 0.09 + 0.12 + 0.09 + 0.085)
    assert rating.stars == 4
    assert [(part.numerator, part.denominator) for part in rating.parts] == [
        (7.5, 10), (20, 25), (18, 20), (16, 20), (18, 20), (17, 20),
    ]  # fmt: skip


@pytest.mark.parametrize(("score", "stars"), [(1, 5), (0.90, 5), (0.8999, 4), (0.80, 4), (0.7, 3), (0.65, 3),
                                              (0.5, 2), (0.4999, 1), (0, 1)])  # fmt: skip
def test_the_steps_between_stars(score: float, stars: int) -> None:
    assert stars_of(score) == stars


def test_with_fewer_than_ten_finished_orders_a_provider_is_new_however_good_or_bad() -> None:
    assert rate(replace(PERFECT, finished=9)).stars is None
    assert rate(replace(PERFECT, finished=10)).stars == 5
    assert rate(Counts()).stars is None


@given(counts())
def test_the_score_is_a_share_and_its_weights_are_whole(some: Counts) -> None:
    rating = rate(some)
    assert sum(part.weight for part in rating.parts) == pytest.approx(1)
    assert rating.score is None or 0 <= rating.score <= 1
    assert rating.stars is None or (1 <= rating.stars <= 5 and some.finished >= 10)
    assert all((part.share is None) == (part.denominator == 0) for part in rating.parts)


@given(counts(), st.sampled_from(["declined", "expired", "redone", "complaints", "price"]))
def test_what_is_bad_never_helps(some: Counts, what: str) -> None:
    before = rate(some).score
    if what == "price":
        worse = replace(some, complaints=some.complaints + 1, price_complaints=some.price_complaints + 1)
    else:
        worse = replace(some, **{what: getattr(some, what) + 1})
    after = rate(worse).score
    if before is not None and after is not None and not (what in ("declined", "expired") and not some.accepted):
        assert after <= before + 1e-9


@given(counts())
def test_what_is_good_never_harms(some: Counts) -> None:
    if some.arrivals:
        better = replace(some, arrivals=some.arrivals + 1, on_time=some.on_time + 1)
        assert (rate(better).score or 0) >= (rate(some).score or 0) - 1e-9
    if some.graded:
        praised = replace(some, graded=some.graded + 1, grade_sum=some.grade_sum + 1)
        assert (rate(praised).score or 0) >= (rate(some).score or 0) - 1e-9


@given(counts())
def test_a_price_complaint_weighs_as_much_as_two_others(some: Counts) -> None:
    price = replace(some, complaints=some.complaints + 1, price_complaints=some.price_complaints + 1)
    others = replace(some, complaints=some.complaints + 2)
    assert rate(price).score == rate(others).score


@given(counts())
def test_counts_come_back_from_json_as_they_were(some: Counts) -> None:
    assert Counts.of({**some.plain(), "unknown": 1}) == some
    assert {field.name for field in fields(Counts)} == set(some.plain())
