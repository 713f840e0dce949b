"""Calls that need nobody at the door: answered on the spot, a nuisance, given up while waiting."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from callcenter.town.telephones import Line
from dispatch.tables import Arrival, CallBack, Ticket
from tests.conversations.story import Story
from tests.operator_desk import RefusedError

pytestmark = pytest.mark.exchange


def test_a_question_is_answered_on_the_spot_and_is_a_closed_ticket(story: Story) -> None:
    desk = story.operator("op1")
    line = story.town.phone("resident-2-1").dials("81890")
    story.town.seat("op1").answers()
    arrival_id = _answered(story, line).id
    desk.answers_on_the_spot(arrival_id, "几点开门", "九点开门，下午五点关门")
    line.hangs_up()

    arrival = story.system.look(lambda s: s.get_one(Arrival, arrival_id))
    ticket = story.system.look(lambda s: s.scalars(select(Ticket).where(Ticket.arrival_id == arrival_id)).one())
    assert (arrival.disposition, arrival.disposed_by) == ("inquiry", "user:op1")
    assert (ticket.kind, ticket.state, ticket.outcome) == ("inquiry", "closed", "answered")
    with pytest.raises(RefusedError, match="已有处置结果"):
        desk.disposes(arrival_id, "test", "又一次")


def test_a_nuisance_has_its_reason_but_a_device_line_never_is_one(story: Story) -> None:
    desks = {login: story.operator(login) for login in ("op2", "op3")}
    stranger = story.town.phone("13900000099").dials("81890")
    device = story.town.device("home-31").dials("81890")  # a shared line may call for a service
    for login in desks:
        story.town.seat(login).answers()

    arrival = _answered(story, stranger)
    desk = desks[str(arrival.answered_by).removeprefix("seat-")]
    desk.disposes(arrival.id, "nuisance", "推销电话")
    stranger.hangs_up()
    ended = story.system.look(lambda s: s.get_one(Arrival, arrival.id))
    assert (ended.disposition, ended.disposition_reason) == ("nuisance", "推销电话")

    arrival = _answered(story, device)
    desk = desks[str(arrival.answered_by).removeprefix("seat-")]
    with pytest.raises(RefusedError, match="不得按骚扰处理"):
        desk.disposes(arrival.id, "nuisance", "按错了")
    desk.disposes(arrival.id, "test", "本人说是试一试")


def test_a_call_given_up_in_the_queue_is_called_back_once_as_soon_as_an_operator_is_free(story: Story) -> None:
    desk = story.operator("op1")
    desk.takes_a_break()
    resident = story.town.phone("resident-2-1")
    line = resident.dials("81890")
    story.system.wait_for(lambda s: s.get_one(Arrival, story.arrival(line).id).queue, 20, "the call waits")
    assert "等待" in desk.sees_calls()
    line.hangs_up()

    arrival = story.arrival(line)
    ended = story.system.wait_for(lambda s: _disposed(s.get_one(Arrival, arrival.id)), 10, "the call has its end")
    assert ended.disposition == "abandoned"
    assert ended.caller[3:] in desk.sees_calls().replace(" ", ""), "who is owed a call is shown to the operators"

    story.may_ring(resident)
    given_up_at = time.time()
    desk.comes_back()
    back = resident.answers()
    back.hears("call-back-hello")
    seat = story.town.seat("op1").answers()
    back.talks_with(seat)
    talk = story.system.wait_for(
        lambda s: _talked(s.get_one(Arrival, arrival.id)), 10, "the talk belongs to the arrival"
    )
    assert talk.answered_by == "seat-op1"
    desk.answers_on_the_spot(arrival.id, "刚才想问什么", "已经告诉他了")
    back.hangs_up()
    owed = story.system.wait_for(lambda s: _connected(s), 10, "nothing is owed any more")
    assert owed.attempts == 1
    assert len(resident.rings(given_up_at)) == 1
    assert story.system.look(lambda s: s.get_one(Arrival, arrival.id)).disposition == "inquiry"


def _answered(story: Story, line: Line) -> Arrival:
    arrival = story.arrival(line)

    def look(session: Session) -> Arrival | None:
        row = session.get_one(Arrival, arrival.id)
        return row if row.answered_by else None

    return story.system.wait_for(look, 5, f"somebody has the call of {line}")


def _disposed(arrival: Arrival) -> Arrival | None:
    return arrival if arrival.disposition else None


def _talked(arrival: Arrival) -> Arrival | None:
    return arrival if arrival.answered_by else None


def _connected(session: Session) -> CallBack | None:
    return session.scalar(select(CallBack).where(CallBack.state == "connected").order_by(CallBack.id.desc()))
