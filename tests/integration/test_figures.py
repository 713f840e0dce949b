"""The figures of a period: what counts, of how many, and what does not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from dispatch import answers, arrivals, desk_work, figures, follow_up, inquiries, repeats, service_requests, tickets
from dispatch.figures import Figure
from dispatch.tables import Ticket
from foundation.database import Database
from tests.integration.desk_support import matter, open_desks
from tests.integration.dispatch_support import RESIDENT, START, Town, press


@pytest.fixture
def town(database: Database) -> Iterator[Town]:
    made = Town(database)
    yield made
    made.check_laws()
    made.writer.close()


def counted(town: Town, days: int = 40) -> dict[str, tuple[int, int]]:
    with town.database.read() as session:
        shown = figures.figures(session, START - timedelta(hours=1), START + timedelta(days=days))
    assert all(one.numerator >= 0 for one in shown)
    return {one.code: (one.numerator, one.denominator) for one in shown}


def served(town: Town, grade: int | None) -> int:
    ticket_id = town.request()
    phone = town.offers(ticket_id)[-1].phone
    town.sms(phone, "1 20")
    town.sms(phone, "完 80")
    if grade is not None:
        town.call(follow_up.answer, ticket_id, grade)
    return ticket_id


def test_nothing_counted_has_no_rate(town: Town) -> None:
    assert set(counted(town).values()) == {(0, 0)}
    assert Figure("x", "", "", 0, 0, "", "").rate is None
    assert Figure("x", "", "", 1, 4, "", "").rate == 0.25


def test_satisfaction_counts_grades_and_the_unreached_only_below_the_reached(town: Town) -> None:
    for grade in (5, 4, 3):
        served(town, grade)
    silent = served(town, None)
    for _ in range(3):  # pressed thrice in one hour it is still one try
        assert town.call(follow_up.not_reached, silent) == 1
    town.forward(days=6)
    again = served(town, 2)  # done again: not closed, but asked and not satisfied
    now = counted(town)
    assert (now["satisfied"], now["well_satisfied"]) == ((3, 4), (2, 4))
    assert (now["reached"], now["redone"]) == ((4, 5), (1, 4))
    assert town.ticket(silent).state == "closed"
    assert town.ticket(again).state == "offered"


def test_closed_is_of_what_was_due_and_unmet_is_no_success(town: Town) -> None:
    served(town, 5)
    unmet = town.request("0501")
    town.call(tickets.close, unmet, "unmet", "全市都没有人")
    gone = matter(town)
    town.call(service_requests.cancel, gone, "不用了")
    first, second = matter(town), matter(town)
    town.call(repeats.join_tickets, second, first, "同一件事")
    town.call(desk_work.take_on, first)  # asked twice, so urgent: due the same day, and still open
    now = counted(town)
    assert now["closed"] == (1, 3)  # the served one, of it, the unmet one and the one still open
    assert now["in_time"] == (1, 3)
    assert now["unmet"] == (1, 2)
    assert counted(town, days=1)["closed"] == (0, 2)  # the served one is due in three working days only
    town.forward(days=30)
    town.call(desk_work.reply, first, "已处理")
    town.call(follow_up.answer, first, 5)
    late = counted(town)
    assert (late["closed"], late["in_time"]) == ((2, 3), (1, 3))


def test_first_contact_is_of_inquiries_and_a_promise_is_none(town: Town) -> None:
    town.call(inquiries.answer, None, "几点开门？", "八点半", caller=RESIDENT)
    promised = town.call(inquiries.promise, None, "能不能补办？", caller=RESIDENT)
    town.call(inquiries.keep_promise, promised, "可以")
    town.request()
    now = counted(town)
    assert (now["first_contact"], now["direct_answer"]) == ((1, 2), (1, 3))


def test_offers_withdrawn_count_for_nobody_and_presses_by_accident_are_told(town: Town) -> None:
    ticket_id = town.request()
    town.sms(town.offers(ticket_id)[-1].phone, "2")
    town.call(answers.accept, town.offers(ticket_id)[-1].id, 20)
    other = town.request()
    town.call(service_requests.cancel, other, "不用了")  # its offer is withdrawn
    assert counted(town)["accepted"] == (1, 2)
    alarm = next(iter(town.call(arrivals.record_steps, press("node1-1.1"), priority=0).alarms))

    def grade(w: object) -> None:
        w.session.get(Ticket, alarm).alarm_grade = "accidental"  # type: ignore[attr-defined]

    town.call(grade)
    assert counted(town)["accidental"] == (1, 1)


def test_a_period_counts_only_what_fell_into_it(town: Town) -> None:
    open_desks(town)
    town.call(inquiries.answer, None, "几点开门？", "八点半", caller=RESIDENT)
    with town.database.read() as session:
        before = figures.figures(session, START - timedelta(days=9), START)
    assert {(one.numerator, one.denominator) for one in before} == {(0, 0)}
