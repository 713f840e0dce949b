"""Working time: days we know, and its laws."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.calendar import NINGBO, OFFICE_HOURS, WorkingTime

CHINA = WorkingTime()
MOMENTS = st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 1), timezones=st.just(UTC))  # noqa: DTZ001
LENGTHS = st.timedeltas(timedelta(), timedelta(hours=200))


def ningbo(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NINGBO)


@pytest.mark.parametrize(
    ("day", "holiday", "worked"),
    [
        ("2026-10-01", True, False),  # National Day
        ("2026-10-07", True, False),  # free, exchanged for the Saturday of the tenth
        ("2026-10-10", False, True),
        ("2026-10-11", False, False),  # a plain Sunday is no holiday, and nobody works
        ("2026-11-23", False, True),
        ("2011-12-31", False, True),  # a Saturday of December, exchanged for the next year's New Year
    ],
)
def test_holidays_and_the_weekends_worked_for_them_are_known(day: str, holiday: bool, worked: bool) -> None:
    at = date.fromisoformat(day)
    assert (CHINA.is_holiday(at), CHINA.is_workday(at)) == (holiday, worked)


def test_two_working_hours_pass_over_noon_the_night_and_the_festival() -> None:
    assert CHINA.add(ningbo("2026-11-23T11:30"), timedelta(hours=2)) == ningbo("2026-11-23T15:00")
    assert CHINA.add(ningbo("2026-11-23T17:00"), timedelta(hours=2)) == ningbo("2026-11-24T10:00")
    assert CHINA.add(ningbo("2026-09-30T17:00"), timedelta(hours=2)) == ningbo("2026-10-08T10:00")
    assert CHINA.add(ningbo("2026-11-23T16:30"), timedelta(hours=1)) == ningbo("2026-11-23T17:30")


def test_working_days_end_at_closing_time() -> None:
    assert CHINA.add_days(ningbo("2026-11-23T10:00"), 3) == ningbo("2026-11-26T17:30")
    assert CHINA.add_days(ningbo("2026-09-30T10:00"), 3) == ningbo("2026-10-10T17:30")  # a Saturday, worked


def test_what_a_site_says_of_a_day_goes_before_the_library() -> None:
    own = WorkingTime(closed=frozenset({date(2026, 11, 23)}), workdays=frozenset({date(2026, 10, 1)}))
    assert own.is_holiday(date(2026, 11, 23))
    assert not own.is_workday(date(2026, 11, 23))
    assert own.is_workday(date(2026, 10, 1))
    assert not own.is_holiday(date(2026, 10, 1))


def test_a_calendar_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="spans"):
        WorkingTime(hours=())
    with pytest.raises(ValueError, match="spans"):
        WorkingTime(hours=((time(9), time(12)), (time(12), time(17))))
    with pytest.raises(ValueError, match="both"):
        WorkingTime(closed=frozenset({date(2026, 1, 1)}), workdays=frozenset({date(2026, 1, 1)}))
    with pytest.raises(ValueError, match="XX"):
        WorkingTime(country="XX")
    with pytest.raises(ValueError, match="week"):
        WorkingTime(weekend=frozenset(range(7)))
    with pytest.raises(ValueError, match="ten years"):
        WorkingTime(weekend=frozenset(range(7)), workdays=frozenset({date(2026, 1, 5)}), country="").add(
            ningbo("2026-02-01T08:00"), timedelta(hours=1)
        )


@given(MOMENTS, LENGTHS)
def test_what_is_added_is_what_lies_between(start: datetime, working: timedelta) -> None:
    assert CHINA.between(start, CHINA.add(start, working)) == working


@given(MOMENTS, LENGTHS, LENGTHS)
def test_time_added_twice_is_time_added_once(start: datetime, first: timedelta, second: timedelta) -> None:
    assert CHINA.add(CHINA.add(start, first), second) == CHINA.add(start, first + second)


@given(MOMENTS, MOMENTS, MOMENTS)
def test_what_lies_between_adds_up(a: datetime, b: datetime, c: datetime) -> None:
    assert CHINA.between(a, b) + CHINA.between(b, c) == CHINA.between(a, c)
    assert CHINA.between(a, b) == -CHINA.between(b, a)


@given(MOMENTS, st.timedeltas(timedelta(microseconds=1), timedelta(hours=200)))
def test_time_ends_within_working_hours(start: datetime, working: timedelta) -> None:
    end = CHINA.add(start, working)
    assert CHINA.is_working(end - timedelta(microseconds=1))
    assert end >= start + working


@given(MOMENTS)
def test_the_next_opening_is_the_first_worked_moment(at: datetime) -> None:
    opening = CHINA.next_opening(at)
    assert CHINA.is_working(opening)
    assert CHINA.between(at, opening) == timedelta()


@given(MOMENTS, st.integers(1, 30))
def test_so_many_working_days_are_as_many_lengths_of_a_day_at_least(start: datetime, days: int) -> None:
    end = CHINA.add_days(start, days)
    assert CHINA.day * days <= CHINA.between(start, end) <= CHINA.day * (days + 1)
    assert end.astimezone(NINGBO).time() == OFFICE_HOURS[-1][1]
