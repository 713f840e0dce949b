"""What docs/providers.md says of states, stars and prices is what the code does."""

from __future__ import annotations

from pathlib import Path

from providers import prices, replies, stars, states

TEXT = (Path(__file__).parents[2] / "docs" / "providers.md").read_text("utf-8")


def test_every_state_is_explained() -> None:
    assert [state.zh for state in states.STATES.values() if state.zh not in TEXT] == []


def test_the_published_formula_is_the_one_that_is_computed() -> None:
    weights = [part.weight for part in stars.rate(stars.Counts()).parts]
    written = [float(line.split()[1]) for line in TEXT.splitlines() if line.startswith("          + 0.")]
    assert [0.40, *written] == weights
    assert "0.40 satisfaction" in TEXT
    for score, _stars in stars.STEPS:
        assert f"{score:.2f}".lstrip("0") in TEXT
    assert f"fewer than {stars.LEAST_ORDERS} finished orders" in TEXT
    assert f"last {stars.WINDOW.days} days" in TEXT


def test_the_lengths_of_time_are_those_of_the_code() -> None:
    assert f"{states.TRIAL_DAYS.days} days or {states.TRIAL_ORDERS} finished orders" in TEXT
    assert f"{states.WARNING.days} days; by one founded complaint" in TEXT
    assert f"in {states.COMPLAINT_WINDOW.days} days" in TEXT
    assert f"under {states.LEAST_ACCEPTANCE * 100:g} % of the last {states.ACCEPTANCE_OFFERS} offers" in TEXT
    assert prices.LEAST_CHARGES == 10


def test_the_words_of_absence_are_read_as_the_page_says() -> None:
    assert replies.parse("请假") == replies.Absent()
    assert replies.parse("请假 3天") == replies.Absent(3)
    assert replies.parse("请假 到 12-01") == replies.Absent(None, (None, 12, 1))
    assert replies.parse("销假") == replies.Back()
