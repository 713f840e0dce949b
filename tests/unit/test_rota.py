"""When a provider works: hours, its own week, holidays and the weekends worked for them, single days, absence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import rota
from providers.errors import BadProvider

MINUTES = st.integers(0, 1439)


@dataclass(frozen=True)
class Hours:
    opens_minute: int = 480
    closes_minute: int = 1020
    weekdays: str = "12345"
    rota: dict[str, Any] | None = None
    absent_until: datetime | None = None


def local(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+08:00")


def on(hours: Hours, text: str) -> bool:
    return rota.on_duty(hours, local(text))


def test_plain_hours_hold_on_their_weekdays() -> None:
    assert on(Hours(), "2026-11-23 08:00")
    assert not on(Hours(), "2026-11-23 07:59")
    assert not on(Hours(), "2026-11-23 17:00")
    assert not on(Hours(), "2026-11-22 10:00")


def test_hours_over_midnight_belong_to_the_day_they_began() -> None:
    night = Hours(1200, 360, "1")
    assert on(night, "2026-11-23 23:00")
    assert on(night, "2026-11-24 05:59")
    assert not on(night, "2026-11-24 06:00")
    assert not on(night, "2026-11-23 05:00")


def test_its_own_week_goes_before_the_plain_hours() -> None:
    own = Hours(rota={"week": {"1": [[480, 720], [780, 1020]], "6": [[540, 660]]}})
    assert on(own, "2026-11-23 09:00")
    assert not on(own, "2026-11-23 12:30")
    assert on(own, "2026-11-28 10:00")
    assert not on(own, "2026-11-24 10:00")


def test_who_follows_the_calendar_rests_on_holidays_and_works_exchanged_weekends() -> None:
    follows = Hours(rota={"holidays": "closed"})
    assert not on(follows, "2026-10-01 10:00")
    assert rota.why_off(follows, local("2026-10-01 10:00")) == ("节假日休息", "is closed on holidays")
    assert on(follows, "2026-10-10 10:00"), "a Saturday worked for the National Day"
    assert not on(follows, "2026-10-17 10:00")
    assert on(Hours(), "2026-10-01 10:00"), "who does not follow it keeps its hours"


def test_a_single_day_goes_before_all() -> None:
    own = Hours(rota={"holidays": "closed", "days": {"2026-10-01": [[600, 720]], "2026-11-23": []}})
    assert on(own, "2026-10-01 10:30")
    assert rota.why_off(own, local("2026-11-23 10:00")) == ("当天不营业", "is closed on this day")


def test_absence_by_its_own_word_ends_at_midnight() -> None:
    until = rota.end_of_absence(local("2026-11-23 10:00"), 3, None)
    away = Hours(0, 1440, "1234567", absent_until=until)
    assert until == local("2026-11-26 00:00")
    assert not on(away, "2026-11-25 23:59")
    assert rota.why_off(away, local("2026-11-24 10:00")) == ("请假到 11-25", "absent until 11-25 by its own word")
    assert rota.why_off(away, local("2026-11-25 10:00")) == ("今天请假", "is absent today by its own word")
    assert on(away, "2026-11-26 00:00")


@pytest.mark.parametrize(
    ("days", "until", "end"),
    [
        (None, None, "2026-11-24 00:00"),
        (1, None, "2026-11-24 00:00"),
        (60, None, "2027-01-22 00:00"),
        (None, (None, 12, 1), "2026-12-02 00:00"),
        (None, (None, 11, 23), "2026-11-24 00:00"),
        (None, (None, 1, 5), "2027-01-06 00:00"),
        (None, (2026, 12, 31), "2027-01-01 00:00"),
        (61, None, None),
        (0, None, None),
        (None, (None, 2, 30), None),
        (None, (None, 11, 22), None),
        (None, (2025, 12, 1), None),
        (None, (None, 13, 1), None),
    ],
)
def test_when_an_absence_ends(days: int | None, until: tuple[int | None, int, int] | None, end: str | None) -> None:
    told = rota.end_of_absence(local("2026-11-23 10:00"), days, until)
    assert told == (local(end) if end else None)


@given(MINUTES, MINUTES, st.text("1234567", max_size=7), st.integers(946_684_800, 2_524_608_000))
def test_plain_hours_and_the_same_as_a_week_agree(opens: int, closes: int, weekdays: str, at: int) -> None:
    moment = datetime.fromtimestamp(at, UTC)
    plain = Hours(opens, closes, weekdays)
    week = Hours(0, 0, "", rota={"week": {day: [[opens, closes]] for day in weekdays}})
    assert rota.on_duty(plain, moment) == rota.on_duty(week, moment)


@given(st.dictionaries(st.sampled_from("1234567"), st.lists(st.tuples(MINUTES, MINUTES), max_size=3), max_size=7))
def test_what_is_stored_is_what_was_checked(week: dict[str, list[tuple[int, int]]]) -> None:
    try:
        kept = rota.checked({"week": week, "holidays": "closed"})
    except BadProvider:
        return
    assert kept is not None
    assert rota.checked(kept) == kept
    for spans in kept.get("week", {}).values():
        assert rota.read_spans(rota.write_spans(spans)) == spans


@pytest.mark.parametrize(
    "bad",
    [
        {"week": {"8": []}}, {"week": {"1": [[0, 1441]]}}, {"week": {"1": [[600, 700], [650, 720]]}},
        {"week": {"1": [["a", 1]]}}, {"days": {"2026-02-30": []}}, {"holidays": "sometimes"}, {"other": 1},
        {"week": {"1": [[1200, 300], [1300, 1400]]}}, {"week": {"1": "08:00"}},
    ],
)  # fmt: skip
def test_what_is_no_rota_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(BadProvider):
        rota.checked(bad)


def test_hours_are_read_as_people_write_them() -> None:
    assert rota.read_spans("8-12， 13:30–17:00") == [[480, 720], [810, 1020]]
    assert rota.read_spans("０８：００—１２：００") == [[480, 720]]
    assert rota.read_spans(" ") == []
    for bad in ("8", "25-26", "8:70-9", "x", "9-10 9:30-11"):
        with pytest.raises(BadProvider):
            rota.read_spans(bad)


def test_the_next_week_is_told_day_by_day() -> None:
    week = rota.next_week(Hours(rota={"days": {"2026-11-25": []}}), date(2026, 11, 23))
    assert [day.isoformat() for day, _ in week] == [f"2026-11-{n}" for n in range(23, 30)]
    assert [hours for _, hours in week] == ["08:00–17:00", "08:00–17:00", "", "08:00–17:00", "08:00–17:00", "", ""]
    assert timedelta(days=6) == week[-1][0] - week[0][0]
