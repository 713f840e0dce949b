"""A press, with the application alive: who is rung, who takes it, what the alarm tells, and how it may end."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from dispatch.tables import Arrival, ArrivalTicket, RingBack
from foundation.tables import Heartbeat
from tests.conversations.story import Story
from tests.operator_desk import RefusedError

pytestmark = pytest.mark.exchange


def test_a_press_is_taken_noted_graded_and_closed_and_a_second_press_joins_it(story: Story) -> None:
    desk = story.operator("op2")
    line = story.town.device("home-2").pressed().hears("calm")
    alarm = story.alarm(line)
    card = desk.sees_alarms()
    assert "潘宝根" in card
    assert "听雨小区19号楼4单元101室" in card

    seat = story.town.seat("op2").answers()
    seat.talks_with(line)
    story.tells(alarm.id, "alarm.taken", by="seat-op2")
    assert "潘宝根" in desk.takes(alarm.id)  # mine already: no error
    desk.notes(alarm.id, "摔倒在厨房，能说话")
    desk.grades(alarm.id, "urgent")
    line.hangs_up()

    again = story.town.device("home-2").pressed()
    story.town.seat("op1").answers().talks_with(again)
    second = story.arrival(again)
    assert story.alarm(again).id == alarm.id
    again.hangs_up()

    desk.closes_alarm(alarm.id, "helped_at_door", "邻居已到，扶起，无碍")
    ticket = story.ticket_is(alarm.id, "closed")
    assert (ticket.outcome, ticket.alarm_grade, ticket.taken_by) == ("helped_at_door", "urgent", "seat-op2")
    links = story.system.look(
        lambda s: list(s.scalars(select(ArrivalTicket.how).where(ArrivalTicket.ticket_id == alarm.id)))
    )
    assert sorted(links) == ["joined", "opened"]
    kinds = [e.kind for e in story.events(alarm.id)]
    told = ["alarm.raised", "alarm.taken", "ticket.noted", "alarm.graded", "alarm.pressed_again", "alarm.closed"]
    assert [kind for kind in kinds if kind in told] == told
    assert story.tells(alarm.id, "call.took", who="seat-op1").arrival_id == second.id


def test_another_operator_hears_whose_it_is(story: Story) -> None:
    first, second = story.operator("op1"), story.operator("op2")
    line = story.town.device("home-2").pressed()
    alarm = story.alarm(line)
    first.takes(alarm.id)
    with pytest.raises(RefusedError, match=r"已由.+接警") as refused:
        second.takes(alarm.id)
    assert refused.value.status == 409
    story.town.seat("op1").answers().talks_with(line)
    first.grades(alarm.id, "ordinary")
    first.closes_alarm(alarm.id, "served_on_phone", "问药怎么吃")


def test_a_silent_line_is_never_closed_as_an_accident_without_a_voice_or_a_visit(story: Story) -> None:
    desk = story.operator("op1")
    line = story.town.device("home-5").pressed()
    alarm = story.alarm(line)
    story.town.seat("op1").answers().talks_with(line)
    desk.grades(alarm.id, "accidental")
    with pytest.raises(RefusedError, match="须先通话或上门确认"):
        desk.closes_alarm(alarm.id, "accidental", "没人说话")
    assert story.ticket(alarm.id).state == "handling"
    with pytest.raises(RefusedError):
        desk.closes_alarm(alarm.id, "no_such_outcome", "说明")

    desk.confirms(alarm.id, "voice")
    desk.closes_alarm(alarm.id, "accidental", "本人说按错了")
    assert story.ticket_is(alarm.id, "closed").outcome == "accidental"


def test_a_caller_who_hangs_up_before_anyone_took_it_is_rung_back_once_and_one_alarm_tells_all(story: Story) -> None:
    desk = story.operator("op3")
    elder = story.town.device("home-6")
    story.may_ring(elder)
    line = elder.pressed().is_answered()
    alarm = story.alarm(line)
    line.hangs_up()

    back = elder.answers(within=20)
    seat = story.town.seat("op3").answers()
    seat.talks_with(back)
    story.tells(alarm.id, "call.took", who="seat-op3")
    assert story.ticket_is(alarm.id, "taken").taken_by == "seat-op3"
    back.hangs_up()
    desk.grades(alarm.id, "concern")
    desk.closes_alarm(alarm.id, "served_on_phone", "按了又挂，回拨后平安")

    calls = story.system.look(lambda s: list(s.scalars(select(RingBack).where(RingBack.ticket_id == alarm.id))))
    assert [(c.state, c.taken_by) for c in calls] == [("ended", "seat-op3")]
    assert len(elder.rings(since=story.since)) == 1
    assert len(story.system.look(lambda s: list(s.scalars(_arrivals_of(alarm.id))))) == 1, "a ring-back is no arrival"


def test_a_seat_that_becomes_free_while_others_ring_for_a_press_is_rung_too(story: Story) -> None:
    desk = story.operator("op1")
    seat, shop = story.town.seat("op1"), story.town.phone("13912345670")
    story.may_ring(shop)
    busy = seat.dials(shop.number)
    busy.talks_with(shop.answers())
    line = story.town.device("home-6").pressed()
    story.town.seat("op2").waits_to_ring()

    busy.hangs_up()

    ring = seat.waits_to_ring(9, after=line.call.started_at)
    ring.answers().talks_with(line)
    alarm = story.ticket_is(story.alarm(line).id, "taken")
    assert len([e for e in story.events(alarm.id) if e.kind == "call.rung"]) == 1, "it was within the same rung"
    line.hangs_up()
    desk.grades(alarm.id, "concern")
    desk.closes_alarm(alarm.id, "served_on_phone", "接听后平安")


def test_a_ring_back_to_a_busy_telephone_has_failed_at_once_and_may_be_asked_for_again(story: Story) -> None:
    desk = story.operator("op3")
    elder = story.town.device("home-6").busy()
    story.may_ring(elder)
    line = elder.pressed().is_answered()
    alarm = story.alarm(line)
    line.hangs_up()

    story.tells(alarm.id, "ring_back.unanswered", within=20, reason="busy, switched off or out of reach")
    (refused,) = elder.rings(since=story.since)
    assert refused.answered_at is None
    (made,) = story.system.look(lambda s: list(s.scalars(select(RingBack).where(RingBack.ticket_id == alarm.id))))
    assert made.ended_at is not None
    assert (made.ended_at - made.wanted_at).total_seconds() < 10, "it was not left to its minute"

    elder.rings_out()
    desk.rings_back(alarm.id)
    back = elder.answers(within=20)
    story.town.seat("op3").answers().talks_with(back)
    story.ticket_is(alarm.id, "taken")
    back.hangs_up()
    desk.grades(alarm.id, "concern")
    desk.closes_alarm(alarm.id, "served_on_phone", "第二次回拨接通")


def test_the_application_rings_duty_at_20_s_and_contacts_at_40_s_by_its_own_clock(story: Story) -> None:
    story.knows_texts("紧急求助")  # the supervisor is told
    duty, contacts = (
        _people(story, "duty-1", "duty-2", "duty-3"),
        _people(story, "contact-5-1", "contact-5-2", "contact-5-3"),
    )
    story.may_ring(*duty, *contacts)
    story.town.clock.forward(hours=1)  # the exchange does not follow, and must not be told this time
    _ticks_twice(story)
    line = story.town.device("home-5").pressed()
    alarm = story.alarm(line)
    assert not any(phone.rings(since=story.since) for phone in duty)

    story.town.clock.forward(seconds=20)
    for phone in duty:
        phone.waits_to_ring(10)
    assert not any(phone.rings(since=story.since) for phone in contacts)
    story.town.clock.forward(seconds=20)
    for phone in contacts:
        phone.waits_to_ring(10)
    helper = contacts[1].answers(presses="1")
    taken = story.ticket_is(alarm.id, "taken")
    helper.talks_with(line)
    assert str(taken.taken_by).startswith("contact-")
    story.town.diary.wait_for(
        lambda: not any(c.is_ringing for p in (*duty, *contacts) for c in p.calls()) or None, 10, "the others stop"
    )
    rungs = {e.detail["driver"] for e in story.events(alarm.id) if e.kind == "call.rung"}
    assert rungs == {"app"}
    assert all(len(phone.rings(since=story.since)) == 1 for phone in (*duty, *contacts)), "nobody is rung twice"
    assert {e.detail["by"] for e in story.events(alarm.id) if e.kind == "call.tried"} == {"app"}
    line.hangs_up()
    desk = story.operator("op4")
    desk.grades(alarm.id, "concern")
    desk.closes_alarm(alarm.id, "helped_at_door", "女儿去了")


def _people(story: Story, *keys: str) -> list:  # type: ignore[type-arg]
    return [story.town.phone(key) for key in keys]


def _ticks_twice(story: Story) -> None:
    """Wait for two ticks by the moved clock: the first may have begun before."""
    for _ in range(2):
        before = story.system.look(lambda s: s.scalar(select(Heartbeat.at)))
        story.system.wait_for(lambda s, before=before: s.scalar(select(Heartbeat.at)) != before, 10, "a tick")


def _arrivals_of(alarm: int):  # type: ignore[no-untyped-def]
    return select(Arrival.id).join(ArrivalTicket, ArrivalTicket.arrival_id == Arrival.id).where(
        ArrivalTicket.ticket_id == alarm
    )  # fmt: skip
