"""Working time: office hours, holidays and the weekends worked in their stead. Pure but for the library's tables.

The hotline never closes, but desks do: what is counted in working hours or days stands still at night, at noon, on
holidays and on free weekends.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

Span = tuple[time, time]

OFFICE_HOURS: tuple[Span, ...] = ((time(8, 30), time(12, 0)), (time(13, 30), time(17, 30)))
"""Usual hours of a Chinese government desk; a site sets its own."""
NINGBO = ZoneInfo("Asia/Shanghai")
_MOST_DAYS = 3700
"""Ten years: farther than any deadline, so a calendar that never opens is found out instead of searched for ever."""


@dataclass(frozen=True)
class WorkingTime:
    """When a desk works.

    `hours` are the spans of each working day, in order, apart from each other, in the time of `zone`. `weekend` holds
    the free weekdays (Monday is 0). Public holidays are those of `country` (an ISO 3166 code; empty: none), with the
    weekend days that China works in exchange. What the site says of a day goes before all: `closed` and `workdays`.
    Published exchanges are known up to the current year or the next; later years have the holidays alone.
    """

    hours: tuple[Span, ...] = OFFICE_HOURS
    closed: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()
    weekend: frozenset[int] = frozenset((5, 6))
    country: str = "CN"
    zone: tzinfo = NINGBO

    def __post_init__(self) -> None:
        """Refuse hours that are empty, out of order or overlap, a country that is not known, a day that is both."""
        ends = [moment for span in self.hours for moment in span]
        if not ends or any(first >= second for first, second in itertools.pairwise(ends)):
            raise ValueError(f"working hours are spans in order that do not touch, not {self.hours!r}")
        if self.closed & self.workdays:
            raise ValueError(f"a day is closed or worked, not both: {sorted(self.closed & self.workdays)}")
        if self.country and self.country not in holidays.list_supported_countries():
            raise ValueError(f"no holidays are known for the country {self.country!r}")
        if len(self.weekend) >= 7 and not self.workdays:
            raise ValueError("a week without a working day leaves nothing to count")

    @property
    def day(self) -> timedelta:
        """The length of one working day."""
        return sum((_length(span) for span in self.hours), timedelta())

    def is_holiday(self, day: date) -> bool:
        """Whether `day` is a public holiday, a free day exchanged for a worked weekend, or closed by the site.

        A plain Sunday is none.
        """
        if day in self.workdays:
            return False
        return day in self.closed or (bool(self.country) and day in _public(self.country, day.year)[0])

    def is_workday(self, day: date) -> bool:
        """Whether the desk works on `day` at all."""
        if day in self.workdays:
            return True
        if self.is_holiday(day):
            return False
        worked_weekend = bool(self.country) and day in _public(self.country, day.year)[1]
        return worked_weekend or day.weekday() not in self.weekend

    def is_working(self, at: datetime) -> bool:
        """Whether the desk works in this moment; the first moment of a span is in it, its last is not."""
        local = at.astimezone(self.zone)
        return self.is_workday(local.date()) and any(first <= local.time() < last for first, last in self.hours)

    def add(self, start: datetime, working: timedelta) -> datetime:
        """The first moment by which `working` has been worked since `start` (UTC); `start` itself for nothing.

        `between(start, add(start, working)) == working`. Raises `ValueError` for less than nothing, and where the
        calendar has no such time within ten years.
        """
        if working < timedelta():
            raise ValueError(f"working time is added, not taken away: {working}")
        left, at = working, start.astimezone(UTC)
        if not left:
            return at
        for first, last in self._spans(start, None):
            begin = max(first, at)
            if last - begin >= left:
                return begin + left
            left -= max(last - begin, timedelta())
        raise ValueError(f"{working} of working time do not come within ten years of {start}")

    def add_days(self, start: datetime, days: int) -> datetime:
        """The close of the `days`-th working day after the day of `start` (UTC), as the trade counts working days."""
        if days < 1:
            raise ValueError(f"at least one working day is counted, not {days}")
        day, counted = start.astimezone(self.zone).date(), 0
        for _ in range(_MOST_DAYS):
            day += timedelta(days=1)
            counted += self.is_workday(day)
            if counted == days:
                return datetime.combine(day, self.hours[-1][1], self.zone).astimezone(UTC)
        raise ValueError(f"{days} working days do not come within ten years of {start}")

    def between(self, a: datetime, b: datetime) -> timedelta:
        """How much of the time from `a` to `b` was worked; less than nothing when `b` comes first."""
        if b < a:
            return -self.between(b, a)
        worked = ((max(first, a), min(last, b)) for first, last in self._spans(a, b))
        return sum((last - first for first, last in worked if last > first), timedelta())

    def next_opening(self, at: datetime) -> datetime:
        """The first moment from `at` on in which the desk works (UTC)."""
        for first, last in self._spans(at, None):
            if last > at:
                return max(first, at.astimezone(UTC))
        raise ValueError(f"the desk does not open within ten years of {at}")

    def _spans(self, start: datetime, end: datetime | None) -> Iterator[tuple[datetime, datetime]]:
        """The worked spans from the day of `start` on, in UTC, in order."""
        day = start.astimezone(self.zone).date()
        until = day + timedelta(days=_MOST_DAYS) if end is None else end.astimezone(self.zone).date()
        while day <= until:
            if self.is_workday(day):
                for first, last in self.hours:
                    begin, stop = (datetime.combine(day, at, self.zone).astimezone(UTC) for at in (first, last))
                    yield begin, stop
            day += timedelta(days=1)


def _length(span: Span) -> timedelta:
    first, last = (timedelta(hours=at.hour, minutes=at.minute, seconds=at.second) for at in span)
    return last - first


@lru_cache(maxsize=64)
def _public(country: str, year: int) -> tuple[frozenset[date], frozenset[date]]:
    """The free days of a year, and its worked weekend days.

    The next year is read as well: its New Year may be exchanged for days of December. A table of its own for each
    call: the library fills its tables as they are asked, which is not for several threads.
    """
    known = holidays.country_holidays(country, years=(year, year + 1))
    free = frozenset(day for day in known if day.year == year)
    return free, frozenset(day for day in getattr(known, "weekend_workdays", ()) if day.year == year)
