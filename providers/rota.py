"""When a provider works: plain hours, a week of its own, holidays, single days, and absence by its own word. Pure.

A provider's `rota` is null where its plain hours say all, else JSON of three keys, each of which may be missing:

    {"week": {"1": [[480, 720], [780, 1080]], "6": [[540, 720]]},   weekdays (1 is Monday); one left out is closed
     "holidays": "closed",                                          follows the state's calendar, else hours always hold
     "days": {"2026-12-25": []}}                                    a day of its own, before all; no span: closed

A span is two minutes of the local day; one that does not end after its beginning runs over midnight, and belongs to the
day on which it began (`[0, 1440]` is the whole day).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Protocol

from foundation.calendar import NINGBO, WorkingTime
from foundation.text import fold
from providers.errors import BadProvider

_PARTS = re.compile(r"[\s,;、，；]+")
_SPAN = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?[-–—~至到](\d{1,2})(?:[:.](\d{2}))?")
HOLIDAY_RULES = ("open", "closed")
MOST_SPANS = 6
MOST_DAYS = 400
MOST_ABSENT_DAYS = 60
CALENDAR = WorkingTime()
"""China's public holidays, and the weekends worked in exchange for them."""


class Timetable(Protocol):
    """What is asked of a provider's row, a view or a candidate."""

    @property
    def opens_minute(self) -> int: ...
    @property
    def closes_minute(self) -> int: ...
    @property
    def weekdays(self) -> str: ...
    @property
    def rota(self) -> Mapping[str, Any] | None: ...
    @property
    def absent_until(self) -> datetime | None: ...


def on_duty(view: Timetable, at: datetime, calendar: WorkingTime = CALENDAR) -> bool:
    """Whether the provider may be offered an order at `at`."""
    return why_off(view, at, calendar) is None


def why_off(view: Timetable, at: datetime, calendar: WorkingTime = CALENDAR) -> tuple[str, str] | None:
    """Why it may not, in Chinese and English; None when it is on duty."""
    if view.absent_until is not None and at < view.absent_until:
        until = (view.absent_until - timedelta(minutes=1)).astimezone(NINGBO)
        if until.date() == at.astimezone(NINGBO).date():
            return "今天请假", "is absent today by its own word"
        return f"请假到 {until:%m-%d}", f"absent until {until:%m-%d} by its own word"
    local = at.astimezone(NINGBO)
    today, minute = local.date(), local.hour * 60 + local.minute
    if _covers(spans(view, today, calendar), minute) or _reaches(
        spans(view, today - timedelta(days=1), calendar), minute
    ):
        return None
    rota = view.rota or {}
    if today.isoformat() in rota.get("days", {}):
        return "当天不营业", "is closed on this day"
    if rota.get("holidays") == "closed" and calendar.is_holiday(today):
        return "节假日休息", "is closed on holidays"
    return "不在营业时间", "is not open now"


def spans(view: Timetable, day: date, calendar: WorkingTime = CALENDAR) -> Sequence[Sequence[int]]:
    """The spans that begin on `day`. Who follows the calendar works an exchanged weekend day as a Monday."""
    rota = view.rota or {}
    own = rota.get("days", {}).get(day.isoformat())
    if own is not None:
        found: Sequence[Sequence[int]] = own
        return found
    weekday = day.isoweekday()
    if rota.get("holidays") == "closed":
        if calendar.is_holiday(day):
            return ()
        if weekday > 5 and calendar.is_workday(day):
            weekday = 1
    if "week" in rota:
        of_weekday: Sequence[Sequence[int]] = rota["week"].get(str(weekday), ())
        return of_weekday
    return ((view.opens_minute, view.closes_minute),) if str(weekday) in view.weekdays else ()


def next_week(view: Timetable, first: date, calendar: WorkingTime = CALENDAR) -> list[tuple[date, str]]:
    """The seven days from `first` on, each with its hours as people write them; nothing for a closed day."""
    days = [first + timedelta(days=n) for n in range(7)]
    return [(day, "、".join(_written(span) for span in spans(view, day, calendar))) for day in days]


def end_of_absence(now: datetime, days: int | None, until: tuple[int | None, int, int] | None) -> datetime | None:
    """When an absence told at `now` is over: midnight after so many local days (today counts), or after a date.

    `until` is year (None: the next such day), month and day. None for a day that does not exist, is past, or lies more
    than `MOST_ABSENT_DAYS` ahead, and for a length beyond that: such a word is asked about, not guessed at.
    """
    today = now.astimezone(NINGBO).date()
    if until is not None:
        last = _date(until, today)
    else:
        length = 1 if days is None else days
        last = today + timedelta(days=length - 1) if 1 <= length <= MOST_ABSENT_DAYS else None
    if last is None or not today <= last < today + timedelta(days=MOST_ABSENT_DAYS):
        return None
    return datetime.combine(last + timedelta(days=1), time(), NINGBO)


def read_spans(text: str) -> list[list[int]]:
    """Hours as people write them, `08:00-12:00 13:00-17:00`, nothing is closed. Raises `BadProvider`."""
    made = []
    for part in _PARTS.split(fold(text)):
        if not part:
            continue
        found = _SPAN.fullmatch(part)
        if found is None:
            raise _bad(part)
        first, last = (int(found[n]) * 60 + int(found[n + 1] or 0) for n in (1, 3))
        if int(found[2] or 0) > 59 or int(found[4] or 0) > 59:
            raise _bad(part)
        made.append([first, last])
    return _checked_spans(made)


def write_spans(told: Sequence[Sequence[int]]) -> str:
    """The same back: `08:00-12:00 13:00-17:00`."""
    return " ".join(_written(span).replace("–", "-") for span in told)


def checked(rota: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """`rota` as it is stored, sorted and without what says nothing. Raises `BadProvider` for what is none."""
    if not rota:
        return None
    unknown = set(rota) - {"week", "holidays", "days"}
    if unknown or rota.get("holidays", "open") not in HOLIDAY_RULES:
        raise _bad(f"{sorted(unknown) or rota.get('holidays')}")
    made: dict[str, Any] = {}
    if rota.get("holidays") == "closed":
        made["holidays"] = "closed"
    if week := rota.get("week"):
        if not set(week) <= set("1234567"):
            raise _bad(f"{sorted(week)}")
        made["week"] = {weekday: _checked_spans(week[weekday]) for weekday in sorted(week)}
    if days := rota.get("days"):
        if len(days) > MOST_DAYS:
            raise _bad(f"{len(days)} days")
        made["days"] = {_checked_day(day): _checked_spans(days[day]) for day in sorted(days)}
    return made or None


def _covers(of_today: Sequence[Sequence[int]], minute: int) -> bool:
    return any(first <= minute < last if first < last else minute >= first for first, last in of_today)


def _reaches(of_yesterday: Sequence[Sequence[int]], minute: int) -> bool:
    return any(last <= first and minute < last for first, last in of_yesterday)


def _written(span: Sequence[int]) -> str:
    first, last = span
    return f"{first // 60:02}:{first % 60:02}–{last // 60:02}:{last % 60:02}"


def _date(told: tuple[int | None, int, int], today: date) -> date | None:
    year, month, day = told
    years = (year,) if year is not None else (today.year, today.year + 1)
    for candidate in years:
        try:
            found = date(candidate, month, day)
        except ValueError:
            continue
        if found >= today or year is not None:
            return found
    return None


def _checked_spans(told: Any) -> list[list[int]]:
    if not isinstance(told, list | tuple) or len(told) > MOST_SPANS:
        raise _bad(f"{told!r}")
    made: list[list[int]] = []
    for span in told:
        if not isinstance(span, list | tuple) or len(span) != 2 or not all(isinstance(m, int) for m in span):
            raise _bad(f"{span!r}")
        first, last = span
        if not (0 <= first < 1440 and 0 <= last <= 1440) or (made and first < made[-1][1]):
            raise _bad(f"{span!r}")
        if made and made[-1][1] <= made[-1][0]:
            raise _bad(f"{span!r}")  # nothing comes after a span that runs over midnight
        made.append([first, last])
    return made


def _checked_day(told: Any) -> str:
    try:
        return date.fromisoformat(str(told)).isoformat()
    except ValueError as error:
        raise _bad(f"{told!r}") from error


def _bad(what: str) -> BadProvider:
    return BadProvider(f"营业时间或排班有误：{what[:80]}", f"these are no working hours: {what[:80]}")
