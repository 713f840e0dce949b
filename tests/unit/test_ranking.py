"""Ranking: who may be asked, in what order, with what reasons; the laws hold for any facts."""

from __future__ import annotations

import dataclasses
import random
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.places import Place
from dispatch.ranking import (
    MOST_UNABLE,
    PARTS,
    POOLS,
    WEIGHTS,
    Candidates,
    Matter,
    Ranked,
    only,
    rank,
)
from dispatch.ranking_words import ACTIVE, OTHER, PROBATION, WARNED

HERE = Place(29.87, 121.54)
MATTER = Matter(place=HERE, band=(50.0, 200.0))
CLOSED = ("不在营业时间", "is not open now")
ABSENT = ("今天请假", "is absent today by its own word")
NAN = float("nan")


@dataclass(frozen=True)
class Row:
    """One provider, as a row of the columns; able unless something is said."""

    id: int = 1
    state: int = ACTIVE
    reach: int = 6
    in_radius: bool = False
    neighbour: bool = False
    latitude: float = 29.88
    longitude: float = 121.55
    licensed: bool = True
    closed: int = 0
    away: bool = False
    capacity: int = 3
    open_orders: int = 0
    has_phone: bool = True
    refused: bool = False
    asked: bool = False
    stars: float = 4.0
    grades: int = 20
    accepted: int = 8
    answered: int = 10
    on_time: int = 8
    arrivals: int = 10
    rested: float = 1.0
    price_low: float = 80.0
    price_high: float = 120.0


def columns(rows: list[Row]) -> Candidates:
    """The rows as columns."""
    named = {field.name for field in dataclasses.fields(Candidates)}
    plain = {
        field.name: np.array([getattr(row, field.name) for row in rows], dtype=type(field.default))
        for field in dataclasses.fields(Row)
        if field.name in named
    }
    return Candidates(
        **plain, ids=np.array([row.id for row in rows], dtype=np.int64), names=[f"p{row.id}" for row in rows],
        closed_words=[None, CLOSED], absent={n: ABSENT for n, row in enumerate(rows) if row.away},
    )  # fmt: skip


def ranked(rows: list[Row], matter: Matter = MATTER) -> list[Ranked]:
    return rank(matter, columns(rows))


def able(rows: list[Row], matter: Matter = MATTER) -> list[int]:
    return [r.provider_id for r in ranked(rows, matter) if r.able]


OBSTACLES = [
    ({"state": OTHER}, "当前状态不派单"),
    ({"licensed": False}, "该项目的许可已过期"),
    ({"reach": 0}, "不覆盖该地址"),
    ({"reach": 4}, "不覆盖该地址"),  # city-wide, while only the district is asked
    ({"closed": 1}, "不在营业时间"),
    ({"away": True}, "今天请假"),
    ({"open_orders": 3}, "在手工单已满"),
    ({"capacity": 0}, "在手工单已满"),
    ({"has_phone": False}, "没有已验证的电话"),
    ({"refused": True}, "居民不要这家"),
    ({"asked": True}, "本轮已询问过"),
]


@pytest.mark.parametrize(("changes", "reason"), OBSTACLES)
def test_who_cannot_serve_is_told_why(changes: dict[str, object], reason: str) -> None:
    (judged,) = ranked([replace(Row(), **changes)])  # type: ignore[arg-type]
    assert not judged.able
    assert [zh for zh, _en in judged.reasons] == [reason]


@pytest.mark.parametrize(("changes", "_reason"), OBSTACLES)
def test_a_hard_condition_is_never_outweighed(changes: dict[str, object], _reason: str) -> None:
    best = {"stars": 5.0, "grades": 10_000, "accepted": 99, "answered": 99, "on_time": 99, "arrivals": 99,
            "latitude": HERE.latitude, "longitude": HERE.longitude, "price_low": 0.0, "price_high": 0.0}  # fmt: skip
    worst = Row(2, WARNED, latitude=29.0, stars=1.0, grades=500, accepted=0, on_time=0, open_orders=2, rested=0.0)
    wonder = replace(Row(), **{**best, **changes})  # type: ignore[arg-type]
    assert able([wonder, worst], replace(MATTER, preferred=1)) == [2]


def test_the_pools_open_one_after_another_and_the_narrower_goes_first() -> None:
    district = Row(1, stars=1.0, grades=400, rested=0.0)
    city = Row(2, reach=4, stars=5.0, grades=400)
    next_door = Row(3, reach=0, neighbour=True, stars=5.0, grades=400)
    far = Row(4, reach=0)
    all_of_them = [far, next_door, city, district]
    assert able(all_of_them) == [1]
    assert able(all_of_them, replace(MATTER, pool="city")) == [1, 2]
    assert able(all_of_them, replace(MATTER, pool="neighbours")) == [1, 2, 3]
    assert [r.pool for r in ranked(all_of_them, replace(MATTER, pool="neighbours"))[:3]] == list(POOLS)


def test_a_radius_covers_as_well_as_a_division() -> None:
    assert able([Row(1, reach=0, in_radius=True)]) == [1]


def test_probation_is_asked_once_in_a_round_and_last() -> None:
    trial, poor = Row(1, PROBATION, stars=5.0, grades=400), Row(2, stars=1.0, grades=400, accepted=0)
    assert able([trial, poor]) == [2, 1]
    assert able([trial, poor], replace(MATTER, trial_used=True)) == [2]
    told = next(r for r in ranked([trial], replace(MATTER, trial_used=True)))
    assert ("本轮已问过一家试用企业", "one on probation was asked in this round already") in told.reasons


def test_a_warned_provider_loses_a_tenth_and_it_is_shown() -> None:
    good, warned = ranked([Row(1), Row(2, WARNED)])
    assert warned.score == pytest.approx(good.score * 0.9, abs=0.02)
    assert warned.parts[-1].points == pytest.approx(-good.score / 10, abs=0.01)
    assert warned.parts[-1].zh == "警告期，减一成"


def test_the_residents_choice_goes_first_and_says_so() -> None:
    first = ranked([Row(1, stars=5.0), Row(2, stars=1.0), Row(3, PROBATION)], replace(MATTER, preferred=3))[0]
    assert (first.provider_id, first.reasons[0]) == (3, ("居民指定", "chosen by the resident"))
    assert len(first.parts) == len(PARTS)


def test_few_grades_pull_to_the_middle() -> None:
    def stars_part(stars: float, grades: int) -> float:
        (one,) = ranked([Row(stars=stars, grades=grades)])
        return next(part.points for part in one.parts if part.name == "stars")

    middle = stars_part(NAN, 0)
    assert middle == pytest.approx(WEIGHTS["stars"] / 2)
    assert middle < stars_part(5, 1) < stars_part(5, 10) < stars_part(5, 500)
    assert middle > stars_part(1, 1) > stars_part(1, 10) > stars_part(1, 500)
    assert stars_part(4, 300) > stars_part(5, 2)


def test_each_part_says_its_fact_in_both_languages() -> None:
    (one,) = ranked([Row(open_orders=1, rested=0.5, price_low=NAN, price_high=NAN, latitude=NAN)])
    told = {part.name: (part.zh, part.en) for part in one.parts}
    assert told["near"] == ("覆盖本区，位置不详", "covers the district; its place is not known")
    assert told["stars"] == ("4 星（20 次评价）", "4 stars (20 grades)")
    assert told["acceptance"] == ("接单 8/10", "took 8 of 10")
    assert told["load"] == ("在手 1/3", "holds 1 of 3")
    assert told["turn"] == ("12 小时前派过单", "asked 12 h ago")
    assert told["price"] == ("价格面议", "price by agreement")
    (near,) = ranked([Row(latitude=HERE.latitude + 0.009, longitude=HERE.longitude)])
    assert near.parts[0].zh == "1 公里，约 4 分钟（按 20 公里/时估算）"


share = st.tuples(st.integers(0, 50), st.integers(0, 50)).map(lambda two: (min(two), max(two)))


@st.composite
def some_row(draw: st.DrawFn, key: int = 0) -> Row:
    accepted, answered = draw(share)
    on_time, arrivals = draw(share)
    low = draw(st.one_of(st.just(NAN), st.integers(0, 400).map(float)))
    return Row(
        id=key, state=draw(st.sampled_from((ACTIVE, WARNED, PROBATION, OTHER))),
        reach=draw(st.sampled_from((0, 4, 6, 9, 12))), in_radius=draw(st.booleans()), neighbour=draw(st.booleans()),
        latitude=draw(st.one_of(st.just(NAN), st.floats(29.5, 30.3))),
        longitude=draw(st.one_of(st.just(NAN), st.floats(121.0, 122.0))),
        licensed=draw(st.integers(0, 5)) > 0, closed=draw(st.sampled_from((0, 0, 0, 1))),
        away=draw(st.sampled_from((False, False, True))), capacity=draw(st.integers(0, 4)),
        open_orders=draw(st.integers(0, 4)), has_phone=draw(st.integers(0, 5)) > 0,
        refused=draw(st.integers(0, 5)) == 0, asked=draw(st.integers(0, 5)) == 0,
        stars=draw(st.sampled_from((NAN, 1.0, 2.0, 3.0, 4.0, 5.0))), grades=draw(st.integers(0, 300)),
        accepted=accepted, answered=answered, on_time=on_time, arrivals=arrivals, rested=draw(st.floats(0, 1)),
        price_low=low, price_high=low if np.isnan(low) else low + draw(st.integers(0, 100)),
    )  # fmt: skip


some_rows = st.integers(0, 12).flatmap(lambda n: st.tuples(*(some_row(key) for key in range(1, n + 1)))).map(list)
some_matter = st.builds(
    Matter,
    place=st.one_of(st.none(), st.builds(Place, st.floats(29.5, 30.3), st.floats(121.0, 122.0))),
    pool=st.sampled_from(POOLS),
    trial_used=st.booleans(),
    preferred=st.one_of(st.none(), st.integers(1, 12)),
    band=st.one_of(st.none(), st.just((50.0, 200.0))),
)


@given(some_matter, some_rows, st.randoms(use_true_random=False))
def test_the_order_in_which_providers_are_read_changes_nothing(
    matter: Matter, rows: list[Row], shuffler: random.Random
) -> None:
    mixed = list(rows)
    shuffler.shuffle(mixed)
    assert ranked(mixed, matter) == ranked(rows, matter)


@given(some_matter, some_rows)
def test_nobody_disappears_the_able_come_first_and_points_add_up_to_the_score(matter: Matter, rows: list[Row]) -> None:
    judged = ranked(rows, matter)
    assert sorted(r.provider_id for r in judged) == [row.id for row in rows]
    assert [r.able for r in judged] == sorted((r.able for r in judged), reverse=True)
    for one in judged:
        assert one.reasons
        if one.able:
            assert 0 <= one.score <= 100
            assert sum(part.points for part in one.parts) == pytest.approx(one.score, abs=0.005)
            assert all(0 <= part.points <= part.most for part in one.parts[:-1])


@given(some_matter, some_rows)
def test_only_who_meets_every_hard_condition_is_able(matter: Matter, rows: list[Row]) -> None:
    for row in rows:
        narrowest = 0 if row.reach >= 6 or row.in_radius else 1 if row.reach else 2 if row.neighbour else 3
        meets = (
            row.state != OTHER and row.licensed and narrowest <= POOLS.index(matter.pool) and not row.closed
            and not row.away and row.open_orders < row.capacity and row.has_phone and not row.refused
            and not row.asked and not (row.state == PROBATION and matter.trial_used)
        )  # fmt: skip
        assert (row.id in able(rows, matter)) == meets


@given(some_matter, some_rows)
def test_asked_one_after_another_nobody_is_asked_twice_and_all_able_ones_are(matter: Matter, rows: list[Row]) -> None:
    could, asked = set(able(rows, matter)), []
    trial = matter.trial_used
    while left := able(rows, replace(matter, trial_used=trial)):
        asked.append(left[0])
        rows = [replace(row, asked=True) if row.id == left[0] else row for row in rows]
        trial = trial or any(row.id == left[0] and row.state == PROBATION for row in rows)
    assert len(set(asked)) == len(asked)
    trials = {row.id for row in rows if row.state == PROBATION}
    assert set(asked) - trials == could - trials
    assert len(trials & set(asked)) <= 1


BETTER = {
    "stars": (2.0, 5.0), "accepted": (1, 9), "on_time": (1, 9), "open_orders": (2, 0), "rested": (0.1, 0.9),
    "price_high": (300.0, 80.0), "latitude": (30.1, 29.871), "state": (WARNED, ACTIVE),
}  # fmt: skip


@given(st.sampled_from(sorted(BETTER)), some_row(1))
def test_each_fact_moves_the_score_its_own_way(fact: str, row: Row) -> None:
    """Whatever the other facts are: the better value of one never scores less."""
    base = replace(
        row, state=ACTIVE, reach=6, licensed=True, closed=0, away=False, capacity=3, open_orders=0, has_phone=True,
        refused=False, asked=False, answered=10, arrivals=10, accepted=5, on_time=5, price_low=80.0, price_high=90.0,
        latitude=29.9, longitude=121.54,
    )  # fmt: skip
    worse, better = (ranked([replace(base, **{fact: value})])[0] for value in BETTER[fact])  # type: ignore[arg-type]
    assert better.score >= worse.score
    if fact not in ("stars",) or row.grades:
        assert better.score > worse.score


@given(st.integers(0, 100), st.integers(1, 5))
@settings(max_examples=50)
def test_more_good_grades_never_harm_and_more_bad_ones_never_help(grades: int, stars: int) -> None:
    fewer, more = (ranked([Row(stars=float(stars), grades=n)])[0].score for n in (grades, grades + 1))
    assert more >= fewer if stars >= 3 else more <= fewer


def test_of_thousands_that_cannot_the_most_hopeful_are_told() -> None:
    rows = [Row(n, reach=0, closed=1) for n in range(1, 3000)] + [Row(3000, closed=1)]
    judged = ranked(rows)
    assert len(judged) == MOST_UNABLE
    assert judged[0].provider_id == 3000


def test_one_row_alone_is_judged_as_among_all() -> None:
    rows = [Row(n, stars=float(n), away=n == 3) for n in range(1, 6)]
    together = {r.provider_id: r for r in ranked(rows)}
    for place in range(5):
        (alone,) = rank(MATTER, only(columns(rows), [place]))
        assert alone == together[alone.provider_id]


def test_an_empty_register_ranks_nobody() -> None:
    assert rank(MATTER, columns([])) == []
