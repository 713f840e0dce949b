"""Ranking: who may be asked, in what order, with what reasons."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.ranking import Candidate, Matter, on_duty, rank

MONDAY_TEN = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
MATTER = Matter("0302", "330203001001", MONDAY_TEN)


def candidate(key: int = 1, **changes: Any) -> Candidate:
    facts: dict[str, Any] = {
        "id": key, "name": f"p{key}", "state": "active", "items": frozenset({"0302"}), "prefixes": ("330203",),
        "opens_minute": 0, "closes_minute": 1440, "weekdays": "1234567", "capacity": 2, "open_orders": 0, "stars": 4,
        "last_offered_at": None, "has_phone": True,
    }  # fmt: skip
    return Candidate(**{**facts, **changes})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"state": "suspended"}, "当前状态不派单"),
        ({"items": frozenset({"0303"})}, "不提供该项目"),
        ({"prefixes": ("330212",)}, "不覆盖该地址"),
        ({"prefixes": ("",)}, "不覆盖该地址"),
        ({"opens_minute": 660, "closes_minute": 1000}, "不在营业时间"),
        ({"weekdays": "67"}, "不在营业时间"),
        ({"open_orders": 2}, "在手工单已满"),
        ({"has_phone": False}, "没有已验证的电话"),
    ],
)
def test_who_cannot_serve_is_told_why(changes: dict[str, Any], reason: str) -> None:
    judged = rank(MATTER, [candidate(**changes)])[0]
    assert not judged.able
    assert reason in [zh for zh, _en in judged.reasons]


def test_asked_and_refused_providers_are_passed_over() -> None:
    matter = Matter("0302", "330203001001", MONDAY_TEN, asked=frozenset({1}), refused=frozenset({2}))
    assert [r.provider_id for r in rank(matter, [candidate(n) for n in (1, 2, 3)]) if r.able] == [3]


def test_stars_nearness_rest_and_standing_make_the_order_and_the_callers_choice_goes_first() -> None:
    tired = MONDAY_TEN - timedelta(minutes=1)
    many = [
        candidate(1, stars=3), candidate(2, stars=5), candidate(3, stars=5, prefixes=("330203001001",)),
        candidate(4, stars=5, last_offered_at=tired), candidate(5, stars=5, state="probation"),
        candidate(6, stars=5, state="warned"),
    ]  # fmt: skip
    assert [r.provider_id for r in rank(MATTER, many)] == [3, 2, 6, 4, 1, 5]
    chosen = Matter("0302", "330203001001", MONDAY_TEN, preferred=5)
    assert rank(chosen, many)[0].provider_id == 5


def test_hours_over_midnight_belong_to_the_day_they_began() -> None:
    def night(weekdays: str, at: datetime) -> bool:
        return on_duty(20 * 60, 6 * 60, weekdays, at)

    monday_1am = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
    assert night("7", monday_1am)
    assert not night("1", monday_1am)
    assert night("1", monday_1am + timedelta(hours=20))
    assert not night("1234567", MONDAY_TEN)


@given(st.integers(0, 1439), st.integers(0, 1440), st.text("1234567", max_size=7), st.datetimes())
def test_hours_never_raise(opens: int, closes: int, weekdays: str, at: datetime) -> None:
    if 1 < at.year < 9999:
        on_duty(opens, closes, weekdays, at.replace(tzinfo=UTC))


@given(st.lists(st.tuples(st.sampled_from(["active", "warned", "probation", "expelled"]), st.integers(0, 3),
                          st.one_of(st.none(), st.integers(1, 5))), max_size=20))  # fmt: skip
def test_nobody_disappears_and_the_able_come_first(facts: list[tuple[str, int, int | None]]) -> None:
    many = [candidate(n, state=s, open_orders=o, stars=stars) for n, (s, o, stars) in enumerate(facts)]
    ranked = rank(MATTER, many)
    assert sorted(r.provider_id for r in ranked) == list(range(len(many)))
    able = [r.able for r in ranked]
    assert able == sorted(able, reverse=True)
    assert all(r.reasons and 0 <= r.score <= 100 for r in ranked)
