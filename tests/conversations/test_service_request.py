"""A resident's tap leaks: from the first ring to the grade, by telephone, text and the operators' pages alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from callcenter.town.telephones import Phone
from dispatch.limits import next_day_at_ten
from dispatch.tables import Arrival, Offer
from foundation.tables import TicketEvent
from tests.cast import PLAN, PLUMBING
from tests.conversations.story import Story

pytestmark = pytest.mark.exchange

PLUMBERS = ("provider-5", "provider-6", "provider-7")


def test_a_leaking_tap_from_the_first_ring_to_the_grade(story: Story) -> None:
    story.knows_texts("已登记，正在为您联系服务商")
    _it_is_a_working_morning(story)
    desk = story.operator("op1")
    resident = story.town.phone("resident-1-2")

    line = resident.dials("81890").hears("greeting")
    assert "等待" in desk.sees_calls()
    seat = story.town.seat("op1").answers()
    seat.talks_with(line)
    arrival = story.system.wait_for(lambda s: _answered(s.get(Arrival, story.arrival(line).id)), 5, "op1 has the call")
    card = desk.opens_card(arrival.id)
    assert "单立群" in card
    assert "桂花里小区25号楼4单元504室" in card

    ticket_id = desk.opens_request(arrival.id, PLUMBING, "厨房水管漏水 <b>很大</b>")
    page = desk.opens_ticket(ticket_id)
    assert "水管漏水" in page
    assert "<b>很大</b>" in page  # shown as it was typed, not obeyed
    assert all(name in page for name in ("顺达", "万家"))
    line.hangs_up()

    desk.offers(ticket_id, mode="sequential")
    first = _next_offer(story, ticket_id, [])
    first.expect_sms("水管漏水").replies("2")
    first.expect_sms("已记下您不接订单")
    second = _next_offer(story, ticket_id, [first])
    offer = second.expect_sms("水管漏水")  # and sleeps
    _knows_the_code_of_another(story, ticket_id, first, offer.message.text)
    story.town.clock.forward(minutes=6)
    third = _next_offer(story, ticket_id, [first, second])
    third.expect_sms("水管漏水").replies("1 20")

    told = third.expect_sms("归您")
    assert "单立群" in told.message.text
    assert "504" in told.message.text
    assert _name_of(story, third) in resident.expect_sms("上门").message.text
    second.sends_sms("1")
    second.expect_sms("已由他人承接")
    first.sends_sms("1 10")
    first.expect_sms("已由他人承接")

    third.sends_sms("到")
    third.expect_sms("已记下您到达")
    third.sends_sms("完 80")
    third.expect_sms("已记下订单")
    assert story.ticket_is(ticket_id, "done").charge_yuan == 80

    story.town.clock.forward(hours=24)
    resident.expect_sms("满意吗").replies("5")
    resident.expect_sms("5 分")
    ticket = story.ticket_is(ticket_id, "closed")
    assert (ticket.outcome, ticket.grade, ticket.owner) == ("served", 5, "")
    _tells_all(story, ticket_id, arrival.id)


def test_an_urgent_order_goes_to_several_at_once_and_the_first_yes_has_it(story: Story) -> None:
    story.knows_texts("已登记，正在为您联系服务商")
    _it_is_a_working_morning(story)
    desk = story.operator("op1")
    line = story.town.phone("resident-1-2").dials("81890").hears("greeting")
    story.town.seat("op1").answers().talks_with(line)
    arrival = story.system.wait_for(lambda s: _answered(s.get(Arrival, story.arrival(line).id)), 5, "op1 has the call")
    ticket_id = desk.opens_request(arrival.id, PLUMBING, "水管爆了")
    line.hangs_up()

    desk.offers(ticket_id)  # in the item's own mode
    plumbers = [story.town.phone(name) for name in PLUMBERS]
    for plumber in plumbers:
        plumber.expect_sms("水管漏水")
    for plumber in plumbers:
        plumber.sends_sms("1 15")
    story.system.wait_for(lambda _: story.ticket(ticket_id).state == "accepted" or None, 10, "somebody has the order")
    holder = story.ticket(ticket_id).assigned_provider_id
    ledger = story.system.look(
        lambda s: [(o.provider_id, o.phone) for o in s.query(Offer).filter_by(ticket_id=ticket_id)]
    )
    for provider_id, phone in ledger:
        other = story.town.phone(PLAN.dial(phone))
        if provider_id == holder:
            other.expect_sms("归您")
        else:
            other.expect_sms("无需前往")
            other.expect_sms("已由他人承接")
    story.town.phone("resident-1-2").expect_sms("上门")
    page = desk.opens_ticket(ticket_id)
    assert page.count("已由他人承接") >= len(ledger) - 1


def _knows_the_code_of_another(story: Story, ticket_id: int, thief: Phone, text: str) -> None:
    """An order's code is worth nothing on another telephone."""
    code = text.split("编号")[1].split("。")[0].strip()
    stranger = story.town.phone("resident-2-1")
    stranger.sends_sms(f"{code} 1 5")
    stranger.expect_sms("没有看懂")
    wrong = str((int(code) + 5) % 10 ** len(code)).zfill(len(code))
    thief.sends_sms(f"{wrong} 1 5")
    thief.expect_sms("没有待回复的订单")
    assert story.ticket(ticket_id).assigned_provider_id is None


def _tells_all(story: Story, ticket_id: int, arrival_id: int) -> None:
    """The ticket tells each step in its order, and the call ended in one disposition."""
    events = story.events(ticket_id)
    steps = [
        "ticket.opened", "arrival.disposed", "offer.made", "offer.declined", "offer.made", "offer.expired",
        "offer.made", "offer.accepted", "work.done", "follow_up.asked", "follow_up.answered",
    ]  # fmt: skip
    kinds = [event.kind for event in events]
    assert [kind for kind in kinds if kind in steps] == steps, kinds
    states = [e.detail["state"] for e in events if e.kind == "ticket.state_changed"]
    assert states == ["offered", "offered", "offered", "accepted", "arrived", "done", "closed"]
    assert [e.at for e in events] == sorted(e.at for e in events)
    arrival = story.system.look(lambda s: s.get_one(Arrival, arrival_id))
    assert arrival.disposition == "ticket"
    assert kinds.count("arrival.disposed") == 1


def _it_is_a_working_morning(story: Story) -> None:
    """Some plumbers work by day only: move the application's clock to ten o'clock of the day after the last story."""
    now = _application_now(story)
    story.town.clock.forward(seconds=(next_day_at_ten(now) - now).total_seconds() + 1)


def _application_now(story: Story) -> datetime:
    last = story.system.look(lambda s: s.query(TicketEvent.at).order_by(TicketEvent.id.desc()).first())
    return max(datetime.now(UTC), last[0] if last else datetime.now(UTC)) + timedelta(seconds=1)


def _answered(arrival: Arrival | None) -> Arrival | None:
    return arrival if arrival is not None and arrival.answered_by == "seat-op1" else None


def _next_offer(story: Story, ticket_id: int, asked: list[Phone]) -> Phone:
    """The plumber whom the open offer is put to: the best of those who were not asked yet."""
    numbers = {phone.number for phone in asked}

    def look(session: object) -> Phone | None:
        offers = session.query(Offer).filter_by(ticket_id=ticket_id, state="offered").all()  # type: ignore[attr-defined]
        assert len(offers) <= 1, "one provider is asked at a time"
        found = [story.town.phone(PLAN.dial(offer.phone)) for offer in offers]
        return next((phone for phone in found if phone.number not in numbers), None)

    return story.system.wait_for(look, 10, "the next plumber is asked")


def _name_of(story: Story, phone: Phone) -> str:
    return phone.telephone.name.split("（")[0]
