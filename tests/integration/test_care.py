"""Care calls: in the window, on every number, and then to the door."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from dispatch import care, limits
from dispatch.care import NewCare, next_in_window
from dispatch.errors import BadInput
from dispatch.tables import StaffTask, Ticket
from foundation.database import Database
from tests.integration.desk_support import open_desks
from tests.integration.dispatch_support import Town

NAP = NewCare(7, "身体好吗？有没有按时吃药？", ["87000001", "13700000001"], time(16), time(18))


@pytest.fixture
def town(database: Database) -> Iterator[Town]:
    made = Town(database)
    yield made
    made.check_laws()
    made.writer.close()


def rung(town: Town) -> list[str]:
    return town.rows(select(StaffTask.number).where(StaffTask.subject.like("care:%")).order_by(StaffTask.id))


def test_a_care_call_waits_for_the_nap_to_end_and_ends_when_all_is_well(town: Town) -> None:
    ticket_id = town.call(care.plan, NAP)
    town.forward(hours=5, minutes=59)
    assert rung(town) == []
    town.forward(minutes=1)
    assert rung(town) == ["+8657487000001"]
    town.call(care.told, ticket_id, "fine", "声音洪亮，已吃药")
    ticket = town.ticket(ticket_id)
    assert (ticket.kind, ticket.state, ticket.outcome) == ("care", "closed", "fine")
    assert town.rows(select(StaffTask.id).where(StaffTask.done_at.is_(None), StaffTask.subject.like("care:%"))) == []


def test_silence_is_tried_on_each_number_and_then_somebody_goes_to_the_door(town: Town) -> None:
    desks = open_desks(town)
    ticket_id = town.call(care.plan, NAP)
    town.forward(hours=7, minutes=59)
    assert rung(town) == ["+8657487000001"] * 2 + ["+8613700000001"] * 2
    assert town.ticket(ticket_id).state == "registered"
    town.forward(days=1)
    visited = town.ticket(ticket_id)
    assert (visited.state, visited.urgency) == ("assigned", "urgent")
    assert visited.desk in (desks.first, desks.second)  # the community's own, before the street's


def test_what_was_heard_opens_a_request_or_an_alarm(town: Town) -> None:
    needs, wrong = town.call(care.plan, NAP), town.call(care.plan, NAP)
    with pytest.raises(BadInput):
        town.call(care.told, needs, "needs_service", "灯坏了", item="9999")
    assert town.ticket(needs).state == "registered"
    request = town.ticket(town.call(care.told, needs, "needs_service", "灯坏了", item="0305"))
    assert (request.kind, request.item, request.home_id) == ("service_request", "0305", 7)
    assert town.call(care.told, wrong, "missed", "没人接") is None
    alarm = town.ticket(town.call(care.told, wrong, "abnormal", "说胸口疼", priority=0))
    assert (alarm.kind, alarm.state, alarm.household) == ("emergency", "raised", "home:7")
    assert town.ticket(wrong).outcome == "abnormal"
    town.forward(seconds=20)
    assert "alarm.duty_called" in town.events(alarm.id)


def test_a_care_call_without_a_number_or_window_is_refused(town: Town) -> None:
    for wrong in (
        NewCare(7, "x", ["nobody"]), NewCare(7, "", ["87000001"]),
        NewCare(7, "x", ["87000001"], time(18), time(16)), NewCare(999, "x", ["87000001"]),
    ):  # fmt: skip
        with pytest.raises(Exception, match=r"care|home"):
            town.call(care.plan, wrong)
    assert town.rows(select(Ticket.id)) == []


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.times(), st.times(),
)  # fmt: skip
def test_the_next_moment_of_a_window_is_in_it_and_within_a_day(at: datetime, one: time, other: time) -> None:
    begins, ends = sorted((one, other))
    if begins == ends:
        return
    found = next_in_window(at, begins, ends)
    assert at <= found <= at + timedelta(days=1)
    assert begins <= found.astimezone(limits.LOCAL).time() < ends
    assert found == at or found.astimezone(limits.LOCAL).time() == begins
