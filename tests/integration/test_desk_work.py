"""Matters given to a desk: signed for, returned, answered, hurried, waited with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from dispatch import complaints, desk_work, follow_up, nudges, pauses, tickets
from dispatch.complaint_tables import Complaint
from dispatch.errors import BadInput, NotYours
from dispatch.registration import NewMatter
from dispatch.tables import FollowUp, StaffTask
from foundation.database import Database
from foundation.tables import Deadline, TicketEvent
from tests.integration.desk_support import Desks, matter, open_desks
from tests.integration.dispatch_support import COMMUNITY, PLUMBERS, RESIDENT, START, Town, kinds


@pytest.fixture
def town(database: Database) -> Iterator[Town]:
    made = Town(database)
    yield made
    made.check_laws()
    made.writer.close()


@pytest.fixture
def desks(town: Town) -> Desks:
    return open_desks(town)


def watched(town: Town, ticket_id: int) -> dict[str, tuple[datetime, str]]:
    rows = town.rows(select(Deadline).where(Deadline.ticket_id == ticket_id, Deadline.state == "open"))
    return {row.kind: (row.due_at, row.reason) for row in rows}


def details(town: Town, ticket_id: int, kind: str) -> list[dict[str, Any]]:
    rows = select(TicketEvent.detail).where(TicketEvent.ticket_id == ticket_id, TicketEvent.kind == kind)
    return town.rows(rows.order_by(TicketEvent.id))


def signed(town: Town, desks: Desks, **more: Any) -> int:
    ticket_id = matter(town, **more)
    town.call(desk_work.assign, ticket_id, desks.first)
    town.call(desk_work.sign, ticket_id)
    return ticket_id


def test_the_five_elements_are_kept_and_nothing_else(town: Town) -> None:
    elements = town.ticket(matter(town)).elements
    assert elements == {"who": "烧烤摊", "when": "", "where": "示范路口", "cause": "", "course": ""}


def test_a_matter_is_signed_handled_answered_asked_about_and_closed(town: Town, desks: Desks) -> None:
    ticket_id = matter(town, "suggestion")
    town.call(desk_work.assign, ticket_id, desks.first)
    assigned = town.ticket(ticket_id)
    assert (assigned.state, assigned.owner) == ("assigned", desks.first)
    assert watched(town, ticket_id)["ticket.sign"][0] == START + timedelta(minutes=30)
    assert watched(town, ticket_id)["ticket.limit"][1].endswith("closed within 5 working days of its dispatch")
    assert town.call(desk_work.sign, ticket_id) is True
    assert town.call(desk_work.sign, ticket_id) is False
    assert [row["late"] for row in details(town, ticket_id, "ticket.signed")] == [False]
    town.forward(hours=3)
    town.call(desk_work.reply, ticket_id, "已在路口加装路灯", actor="user:li")
    assert town.ticket(ticket_id).state == "done"
    town.forward(hours=24)
    assert kinds(town.pump()) == ["follow_up"]
    assert town.sms(RESIDENT, "5") == "graded"
    closed = town.ticket(ticket_id)
    assert (closed.state, closed.outcome, closed.grade, closed.note) == ("closed", "answered", 5, "已在路口加装路灯")


def test_a_desk_that_does_not_sign_is_reported_upwards_and_may_still_sign(town: Town, desks: Desks) -> None:
    ticket_id = matter(town)
    town.call(desk_work.assign, ticket_id, desks.first)
    town.forward(minutes=30)
    assert town.ticket(ticket_id).owner == desks.station
    town.check_laws()  # the new owner has its event
    town.forward(minutes=30)
    assert town.ticket(ticket_id).owner == "supervisor"
    town.call(desk_work.sign, ticket_id)
    assert town.ticket(ticket_id).owner == desks.first
    assert [row["late"] for row in details(town, ticket_id, "ticket.signed")] == [True]


def test_an_urgent_matter_is_signed_within_five_minutes_and_closed_the_same_day(town: Town, desks: Desks) -> None:
    ticket_id = matter(town, urgency="urgent")
    town.call(desk_work.assign, ticket_id, desks.first)
    assert watched(town, ticket_id)["ticket.sign"][0] == START + timedelta(minutes=5)
    assert town.ticket(ticket_id).due_at == START.replace(hour=16)  # midnight in Ningbo
    town.call(desk_work.sign, ticket_id)
    town.forward(hours=15)
    assert town.ticket(ticket_id).owner == "supervisor"
    assert "ticket.overdue" in town.events(ticket_id)


def test_no_return_without_a_reason_or_after_two_working_days(town: Town, desks: Desks) -> None:
    ticket_id = signed(town, desks)
    with pytest.raises(BadInput):
        town.call(desk_work.send_back, ticket_id, "  ")
    town.forward(days=2, hours=8)  # past the close of the second working day
    with pytest.raises(NotYours):
        town.call(desk_work.send_back, ticket_id, "不归我们")
    assert town.ticket(ticket_id).state == "handling"


def test_only_a_receiving_desk_is_given_a_matter(town: Town, desks: Desks) -> None:
    ticket_id = matter(town)
    for wrong in ("org:999", "desk", "org:x", "provider:1", ""):
        with pytest.raises(Exception, match=r"org|organisation") as caught:
            town.call(desk_work.assign, ticket_id, wrong)
        assert caught.value.zh  # type: ignore[attr-defined]
    assert town.ticket(ticket_id).state == "registered"


def test_the_centre_may_handle_a_matter_itself(town: Town) -> None:
    ticket_id = matter(town)
    town.call(desk_work.take_on, ticket_id, actor="user:li")
    taken = town.ticket(ticket_id)
    assert (taken.state, taken.owner, taken.desk) == ("handling", "user:li", None)
    assert list(watched(town, ticket_id)) == ["ticket.limit"]
    town.call(desk_work.reply, ticket_id, "已电话劝导")
    assert town.ticket(ticket_id).state == "done"


def test_the_record_was_wrong_so_it_is_filled_in_again(town: Town, desks: Desks) -> None:
    ticket_id = signed(town, desks)
    town.call(desk_work.reply, ticket_id, "查无此摊")
    town.call(follow_up.refill, ticket_id, "地址写错了，是示范路 3 号")
    again = town.ticket(ticket_id)
    assert (again.state, again.owner, again.round) == ("registered", "desk", 2)
    town.call(desk_work.assign, ticket_id, desks.second)
    assert town.ticket(ticket_id).owner == desks.second
    rows = town.rows(select(FollowUp.outcome).where(FollowUp.ticket_id == ticket_id))
    assert rows == ["refill"]


def test_not_solved_goes_back_to_the_same_desk(town: Town, desks: Desks) -> None:
    ticket_id = signed(town, desks)
    town.call(desk_work.reply, ticket_id, "已劝离")
    assert town.call(follow_up.answer, ticket_id, 1, False) == "redo"
    again = town.ticket(ticket_id)
    assert (again.state, again.owner, again.round, again.grade) == ("assigned", desks.first, 2, 1)


def test_who_wants_a_call_is_rung_and_tried_at_other_hours(town: Town, desks: Desks) -> None:
    ticket_id = signed(town, desks, follow_up_by="call")
    town.call(desk_work.reply, ticket_id, "已处理")
    town.forward(days=1)
    assert kinds(town.pump()) == []
    open_tasks = select(StaffTask.subject).where(StaffTask.done_at.is_(None), StaffTask.kind == "call_back")
    assert town.rows(open_tasks) == [f"follow_up:{ticket_id}"]
    hours = []
    for _ in range(2):
        assert town.call(follow_up.not_reached, ticket_id) in (1, 2)
        due = town.ticket(ticket_id).next_deadline_at
        assert due is not None
        hours.append((due + timedelta(hours=8)).hour)
        town.clock.at = due
        town.forward(seconds=1)
    assert hours == [15, 19]
    assert town.call(follow_up.not_reached, ticket_id) == 3
    closed = town.ticket(ticket_id)
    assert (closed.state, closed.grade) == ("closed", None)
    assert town.rows(select(FollowUp.outcome).where(FollowUp.ticket_id == ticket_id)) == ["unreached"]
    assert town.rows(open_tasks) == []


def test_waiting_for_the_resident_stops_every_clock_and_moves_it_on(town: Town, desks: Desks) -> None:
    ticket_id = signed(town, desks)
    before = watched(town, ticket_id)["ticket.limit"][0]
    town.forward(minutes=30)
    until = START + timedelta(days=1)
    town.call(pauses.pause, ticket_id, "papers", until, "等营业执照复印件")
    paused = town.ticket(ticket_id)
    assert (paused.state, paused.owner) == ("paused", "desk")
    assert list(watched(town, ticket_id)) == ["ticket.resume"]
    town.forward(minutes=40)
    town.call(pauses.resume, ticket_id)
    resumed = town.ticket(ticket_id)
    assert (resumed.state, resumed.owner, resumed.paused_s) == ("handling", desks.first, 40 * 60)
    due, reason = watched(town, ticket_id)["ticket.limit"]
    # It was due at the close of a working day: forty working minutes later is the next working morning.
    assert (due, resumed.due_at) == (before + timedelta(hours=15, minutes=40), due)
    assert reason.endswith("13 working days of its dispatch, paused 40 min")


def test_a_pause_ends_by_itself_and_is_limited(town: Town, desks: Desks) -> None:
    ticket_id = signed(town, desks)
    for wrong, until in (("weather", START + timedelta(hours=1)), ("away", START - timedelta(hours=1)),
                         ("away", START + timedelta(days=30))):  # fmt: skip
        with pytest.raises(BadInput):
            town.call(pauses.pause, ticket_id, wrong, until)
    for _ in range(3):
        town.call(pauses.pause, ticket_id, "away", town.clock.at + timedelta(hours=2))
        assert town.forward(hours=2) == ["fired:ticket.resume"]
        assert town.ticket(ticket_id).state == "handling"
    with pytest.raises(BadInput):
        town.call(pauses.pause, ticket_id, "away", town.clock.at + timedelta(hours=2))


def test_a_held_order_waits_too_and_its_visit_is_moved(town: Town) -> None:
    ticket_id = town.request()
    town.sms(PLUMBERS[0], "1 20")
    arrive_by = town.ticket(ticket_id).arrive_by
    assert arrive_by is not None
    town.call(pauses.pause, ticket_id, "later", START + timedelta(days=1))
    town.forward(hours=5)
    assert town.ticket(ticket_id).state == "paused"
    town.call(pauses.resume, ticket_id)
    resumed = town.ticket(ticket_id)
    assert (resumed.state, resumed.owner) == ("accepted", "provider:1")
    assert resumed.arrive_by == arrive_by + timedelta(hours=5) == watched(town, ticket_id)["ticket.arrive"][0]
    assert town.sms(PLUMBERS[0], "到") == "arrived"


def test_a_nudge_wants_an_answer_and_then_the_supervisor_has_it(town: Town, desks: Desks) -> None:
    ticket_id = signed(town, desks)
    assert town.call(nudges.nudge, ticket_id, "居民来电催问") == 1
    assert watched(town, ticket_id)["ticket.nudged"][0] == START + timedelta(hours=2)
    assert town.call(nudges.nudge, ticket_id) == 2
    town.forward(hours=4)
    assert town.ticket(ticket_id).owner == "supervisor"
    town.call(nudges.supervise, ticket_id, "今天必须有答复", actor="user:chen")
    assert town.ticket(ticket_id).supervised_by == "user:chen"
    town.call(desk_work.reply, ticket_id, "已处理")
    assert list(watched(town, ticket_id)) == ["ticket.follow_up"]


def test_a_nudged_provider_is_asked_by_text(town: Town) -> None:
    ticket_id = town.request()
    town.sms(PLUMBERS[0], "1 60")
    town.pump()
    town.call(nudges.nudge, ticket_id)
    assert kinds(town.pump()) == ["nudge_arrive"]


def test_more_time_is_given_once_before_the_limit_and_not_by_who_asked(town: Town, desks: Desks) -> None:
    ticket_id = signed(town, desks)
    before = town.ticket(ticket_id).due_at
    assert before is not None
    for days, reason, asked_by in ((11, "x", "li"), (0, "x", "li"), (3, "", "li")):
        with pytest.raises(BadInput):
            town.call(nudges.extend, ticket_id, days, reason, asked_by, actor="user:chen")
    with pytest.raises(NotYours):
        town.call(nudges.extend, ticket_id, 3, "需多部门会商", "chen", actor="user:chen")
    town.call(nudges.extend, ticket_id, 3, "需多部门会商", "li", actor="user:chen")
    due, words = watched(town, ticket_id)["ticket.limit"]
    assert town.ticket(ticket_id).due_at == due == before + timedelta(days=5)  # three working days and a weekend
    assert words.endswith("extended by 3 working days")
    with pytest.raises(NotYours):
        town.call(nudges.extend, ticket_id, 1, "再延一天", "li", actor="user:chen")
    late = signed(town, desks, urgency="urgent")
    town.forward(days=1)
    with pytest.raises(BadInput):
        town.call(nudges.extend, late, 1, "来不及", "li", actor="user:chen")


def test_a_complaint_against_a_provider_is_decided_before_it_is_answered(town: Town, desks: Desks) -> None:
    order = town.request()
    town.sms(PLUMBERS[0], "1 20")
    new = NewMatter("complaint", "多收了 50 元", caller=RESIDENT, community=COMMUNITY)
    ticket_id = town.call(complaints.open_complaint, new, None, order)
    town.call(desk_work.take_on, ticket_id)
    for command, words in ((desk_work.reply, ("已退还",)), (tickets.close, ("answered", "已退还"))):
        with pytest.raises(BadInput, match="founded"):
            town.call(command, ticket_id, *words)
    with pytest.raises(BadInput):
        town.call(complaints.decide, ticket_id, founded=True, category="weather", reason="x")
    town.call(complaints.decide, ticket_id, founded=True, category="price", reason="收据与报价不符", actor="user:chen")
    town.call(desk_work.reply, ticket_id, "已退还")
    row = town.rows(select(Complaint).where(Complaint.ticket_id == ticket_id))[0]
    assert (row.provider_id, row.about_id, row.founded, row.decided_by) == (1, order, True, "user:chen")
    town.call(complaints.decide, ticket_id, founded=False, category="price", reason="申诉成立", actor="user:chen")
    assert "complaint.unfounded" in town.events(ticket_id)
