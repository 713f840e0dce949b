"""How long things may take, what a pause does to a deadline, and the sentences that say so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from dispatch import limits, repeats
from dispatch.pauses import moved
from dispatch.tickets import URGENCIES, Watch
from foundation.calendar import WorkingTime

CHINA = WorkingTime()
START = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # Monday, ten o'clock
MOMENTS = st.datetimes(datetime(2026, 9, 20), datetime(2026, 12, 20), timezones=st.just(UTC))  # noqa: DTZ001
MINUTES = st.integers(1, 20_000).map(lambda n: timedelta(minutes=n))


def test_a_deadline_says_what_it_counts_and_how_long_it_stood() -> None:
    nudged = Watch("ticket.nudged", limits.NUDGED.due(CHINA, START), limits.NUDGED.reason, working=True)
    paused = moved(nudged, START, START + timedelta(minutes=40), CHINA)
    assert paused.reason == (
        "催办后 2 个工作小时内须回应，挂起 40 分钟 / nudged: an answer within 2 working hours, paused 40 min"
    )
    again = moved(paused, START + timedelta(hours=1), START + timedelta(hours=2, minutes=5), CHINA)
    assert again.reason.endswith("within 2 working hours, paused 1 h 40 min")  # five minutes of it were lunch
    assert again.paused_s == 100 * 60


def test_every_kind_has_the_limit_seen_in_practice() -> None:
    days = {kind: limits.matter(kind, "normal", START).days for kind in limits.MATTER_DAYS}
    assert days == {"inquiry": 3, "service_request": 3, "care": 3, "suggestion": 5, "complaint": 13}
    same_day = limits.matter("complaint", "urgent", START)
    assert same_day.due(CHINA, START) == limits.next_midnight(START)
    late = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)  # an hour before midnight there
    assert limits.matter("complaint", "urgent", late).due(CHINA, late) == late + timedelta(hours=4)
    assert limits.matter("complaint", "normal", START).due(CHINA, START) == datetime(2026, 12, 10, 9, 30, tzinfo=UTC)


@given(MOMENTS, MINUTES, st.integers(0, 20_000).map(lambda n: timedelta(minutes=n)), MINUTES, st.booleans())
def test_a_pause_takes_nothing_from_the_time_that_was_left(
    start: datetime, length: timedelta, until_pause: timedelta, stood: timedelta, working: bool
) -> None:
    due = CHINA.add(start, length) if working else start + length
    began = start + until_pause
    assume(began < due)
    ended = began + stood
    after = moved(Watch("k", due, "一 / one", working=working), began, ended, CHINA)
    if working:
        assert CHINA.between(ended, after.due_at) == CHINA.between(began, due)
        assert after.paused_s == round(CHINA.between(began, ended).total_seconds())
    else:
        assert after.due_at - ended == due - began
        assert after.paused_s == stood.total_seconds()
    assert after.due_at >= due


@given(st.lists(MINUTES, min_size=1, max_size=4))
def test_however_often_it_was_paused_the_sentence_tells_the_whole_pause_once(pauses: list[timedelta]) -> None:
    reason, total = "十天 / ten days", timedelta()
    for pause in pauses:
        reason = limits.with_pause(reason, total, total + pause)
        total += pause
    zh, en = limits.spoken(total)
    assert reason == f"十天，挂起 {zh} / ten days, paused {en}"
    assert limits.with_pause(reason, total, timedelta()) == "十天 / ten days"


@given(st.sampled_from(URGENCIES), st.integers(0, 20))
def test_asking_again_never_makes_a_matter_less_urgent(urgency: str, count: int) -> None:
    rank = URGENCIES.index
    assert rank(repeats.urgency_after(urgency, count)) >= rank(urgency)
    assert rank(repeats.urgency_after(urgency, count + 1)) >= rank(repeats.urgency_after(urgency, count))
    assert repeats.urgency_after(urgency, 0) == urgency
    assert repeats.urgency_after("normal", 1) == "urgent"
    assert repeats.urgency_after("urgent", 3) == "extra_urgent"


@given(MOMENTS)
def test_each_try_to_ask_comes_on_a_later_day_at_another_hour(now: datetime) -> None:
    tries = [limits.follow_up_at(now, attempt).astimezone(limits.LOCAL) for attempt in (1, 2, 3)]
    assert len({at.time() for at in tries}) == limits.FOLLOW_UP_TRIES
    assert all(at.date() == now.astimezone(limits.LOCAL).date() + timedelta(days=1) for at in tries)
