"""Three stories of a ticket, from outside: answered on the first call, not satisfied, returned twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from dispatch import arrivals, choices, desk_work, figures, inquiries
from dispatch.errors import BadInput, NotYours
from dispatch.tables import FollowUp, Offer
from foundation.database import Database
from foundation.tables import TicketEvent
from tests.integration.desk_support import matter, open_desks
from tests.integration.dispatch_support import PLUMBERS, RESIDENT, START, Town, kinds, service_call


@pytest.fixture
def town(database: Database) -> Iterator[Town]:
    made = Town(database)
    yield made
    made.check_laws()
    made.writer.close()


def details(town: Town, ticket_id: int, kind: str) -> list[dict[str, Any]]:
    return town.rows(
        select(TicketEvent.detail)
        .where(TicketEvent.ticket_id == ticket_id, TicketEvent.kind == kind)
        .order_by(TicketEvent.id)
    )


def figure(town: Town, code: str) -> tuple[int, int]:
    with town.database.read() as session:
        found = figures.figures(session, START - timedelta(days=1), town.clock.at + timedelta(days=1))
    return next((one.numerator, one.denominator) for one in found if one.code == code)


def test_a_consultation_is_answered_on_the_first_call(town: Town) -> None:
    """Scenario 12: no offer, no follow-up; counted among those answered at once."""
    call = town.call(arrivals.record_steps, service_call("node1-1.1"), priority=2)
    (arrival,) = call.new
    town.forward(seconds=40)
    ticket_id = town.call(
        inquiries.answer, arrival, "老年卡要带什么材料？", "身份证、户口簿和一寸照片", caller=RESIDENT
    )
    ticket = town.ticket(ticket_id)
    assert (ticket.kind, ticket.state, ticket.outcome) == ("inquiry", "closed", "answered")
    assert ticket.closed_at == ticket.opened_at
    assert ticket.dispatched_at is None
    town.request()  # somebody else wants a plumber
    town.forward(days=2)
    assert town.rows(select(Offer.id).where(Offer.ticket_id == ticket_id)) == []
    assert town.rows(select(FollowUp.id).where(FollowUp.ticket_id == ticket_id)) == []
    assert figure(town, "first_contact") == (1, 1)
    assert figure(town, "direct_answer") == (1, 2)


def test_not_satisfied_it_is_done_again_by_the_same_provider_and_asked_again(town: Town) -> None:
    """Scenario 13: the same ticket, round 2; both grades are kept; it closes only after a second follow-up."""
    ticket_id = town.request()
    town.sms(PLUMBERS[0], "1 20")
    first_arrive_by = town.ticket(ticket_id).arrive_by
    town.sms(PLUMBERS[0], "完 80")
    town.forward(hours=24)
    assert "follow_up" in kinds(town.pump())
    assert town.sms(RESIDENT, "2") == "redo"
    again = town.ticket(ticket_id)
    assert (again.state, again.round, again.outcome) == ("offered", 2, None)
    assert town.offers(ticket_id)[-1].phone == PLUMBERS[0]
    assert town.sms(PLUMBERS[0], "1 30") == "accepted"
    second = town.ticket(ticket_id).arrive_by
    assert first_arrive_by is not None
    assert second is not None
    assert second > first_arrive_by
    town.sms(PLUMBERS[0], "完 0")
    assert town.ticket(ticket_id).state == "done"
    town.forward(hours=24)
    assert town.sms(RESIDENT, "5") == "graded"
    asked = town.rows(select(FollowUp).where(FollowUp.ticket_id == ticket_id).order_by(FollowUp.round))
    assert [(row.grade, row.outcome) for row in asked] == [(2, "redo"), (5, "close")]
    assert (town.ticket(ticket_id).state, town.ticket(ticket_id).grade) == ("closed", 5)
    assert figure(town, "satisfied") == (1, 2)
    assert figure(town, "redone") == (1, 2)
    assert figure(town, "reached") == (2, 2)


def test_a_provider_the_resident_refuses_is_not_asked_to_do_it_again(town: Town) -> None:
    ticket_id = town.request()
    town.sms(PLUMBERS[0], "1 20")
    town.sms(PLUMBERS[0], "完 80")
    town.forward(hours=24)
    town.call(choices.refuse, ticket_id, 1, "再也不要他来")
    assert town.sms(RESIDENT, "没") == "redo"
    assert town.offers(ticket_id)[-1].phone == PLUMBERS[1]


def test_returned_twice_it_is_ruled_on_and_the_ruling_binds(town: Town) -> None:
    """Scenario 15: the clock runs from the first dispatch throughout; a third return is impossible."""
    desks = open_desks(town)
    ticket_id = matter(town)
    town.call(desk_work.assign, ticket_id, desks.first, "油烟投诉")
    dispatched, due = town.ticket(ticket_id).dispatched_at, town.ticket(ticket_id).due_at
    assert dispatched == town.clock.at
    town.forward(minutes=20)
    assert town.call(desk_work.sign, ticket_id) is True
    town.forward(hours=2)
    assert town.call(desk_work.send_back, ticket_id, "不属物业管理") == "returned"
    returned = town.ticket(ticket_id)
    assert (returned.state, returned.owner) == ("returned", "supervisor")
    town.forward(hours=1)
    town.call(desk_work.assign, ticket_id, desks.second, "请城管处理")
    town.forward(hours=20)
    assert town.call(desk_work.send_back, ticket_id, "摊位在小区内，应由物业处理") == "ruling"
    ruling = town.ticket(ticket_id)
    assert (ruling.state, ruling.owner) == ("ruling", "supervisor")
    assert ruling.next_deadline_at == town.clock.at.replace(hour=9, minute=30) + timedelta(days=1)  # the next close
    with pytest.raises(BadInput):
        town.call(desk_work.assign, ticket_id, desks.second)
    town.call(desk_work.rule, ticket_id, desks.first, "小区内由物业牵头")
    with pytest.raises(BadInput):
        town.call(desk_work.assign, ticket_id, desks.second)
    for _ in range(2):
        with pytest.raises(NotYours):
            town.call(desk_work.send_back, ticket_id, "还是不归我们")
        town.call(desk_work.sign, ticket_id)
    bound = town.ticket(ticket_id)
    assert (bound.state, bound.owner, bound.returns, bound.bound) == ("handling", desks.first, 2, True)
    assert (bound.dispatched_at, bound.due_at) == (dispatched, due)
    reasons = [(row["desk"], row["reason"]) for row in details(town, ticket_id, "ticket.returned")]
    assert reasons == [(desks.first, "不属物业管理"), (desks.second, "摊位在小区内，应由物业处理")]
    town.call(desk_work.reply, ticket_id, "已劝离")
    town.forward(hours=25)
    assert town.sms(RESIDENT, "4") == "graded"
    assert (town.ticket(ticket_id).state, town.ticket(ticket_id).outcome) == ("closed", "answered")
