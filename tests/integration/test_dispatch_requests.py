"""A service request from the call to the follow-up, and what providers and residents can do to it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from dispatch import deadlines, offers, replies, sendings, service_requests, tickets
from dispatch.errors import BadInput, UnknownTransition
from dispatch.tables import FollowUp, Offer, StaffTask
from foundation import inbox
from foundation.database import Database
from foundation.tables import Deadline, OutboxMessage
from foundation.writer import Work
from tests.integration.dispatch_support import COMMUNITY, PLUMBERS, RESIDENT, Town, kinds


@pytest.fixture
def town(database: Database) -> Iterator[Town]:
    made = Town(database)
    yield made
    made.check_laws()
    made.writer.close()


def test_a_tap_is_mended_from_the_call_to_the_grade(town: Town) -> None:
    ticket_id = town.request()
    assert [offer.phone for offer in town.offers(ticket_id)] == [PLUMBERS[0]]
    assert kinds(town.pump()) == ["offer", "resident_registered"]
    assert town.sms(PLUMBERS[0], "1 20") == "accepted"
    held = town.ticket(ticket_id)
    assert (held.state, held.owner, held.assigned_provider_id) == ("accepted", "provider:1", 1)
    assert held.arrive_by == town.clock.at + timedelta(minutes=20)
    sent = town.pump()
    assert kinds(sent) == ["confirmation", "resident_coming"]
    assert {row.recipient for row in sent} == {PLUMBERS[0], RESIDENT}
    coming = next(row for row in sent if row.template == "resident_coming")
    assert coming.params["provider"] == "水管师傅1"
    assert coming.params["phone"] == PLUMBERS[0]
    town.forward(minutes=18)
    assert town.sms(PLUMBERS[0], "到") == "arrived"
    town.forward(minutes=30)
    assert town.sms(PLUMBERS[0], "完 80") == "done"
    assert town.ticket(ticket_id).charge_yuan == 80
    town.pump()
    town.forward(hours=21)  # still before ten the next day
    assert kinds(town.pump()) == []
    town.forward(hours=3)
    assert kinds(town.pump()) == ["follow_up"]
    assert town.sms(RESIDENT, "５") == "graded"
    closed = town.ticket(ticket_id)
    assert (closed.state, closed.outcome, closed.grade) == ("closed", "served", 5)


def test_an_offer_declined_or_unanswered_goes_to_the_next_and_then_to_a_person(town: Town) -> None:
    ticket_id = town.request()
    town.pump()
    assert town.sms(PLUMBERS[0], "2") == "declined"
    town.pump()
    town.forward(minutes=17)  # visit: fifteen minutes, one for the sending
    third = town.offers(ticket_id)
    assert [offer.state for offer in third] == ["declined", "expired", "offered"]
    assert town.sms(PLUMBERS[2], "不接 太远了") == "declined"
    left = town.ticket(ticket_id)
    assert (left.state, left.owner) == ("escalated", "desk")
    assert "ticket.escalated" in town.events(ticket_id)
    town.forward(hours=5)
    assert town.ticket(ticket_id).owner == "supervisor"


def test_a_late_1_is_told_the_truth_and_wins_while_the_order_is_free(town: Town) -> None:
    ticket_id = town.request()
    town.forward(minutes=17)
    assert [offer.state for offer in town.offers(ticket_id)] == ["expired", "offered"]
    assert town.sms(PLUMBERS[0], "1") == "accepted"
    assert [offer.state for offer in town.offers(ticket_id)] == ["accepted", "withdrawn"]
    assert town.sms(PLUMBERS[1], "1") == "taken_by_another"
    assert town.sms(PLUMBERS[0], "接") == "accepted_again"


def test_a_withdrawn_offer_is_never_sent(town: Town) -> None:
    ticket_id = town.request()
    town.call(service_requests.cancel, ticket_id, "居民自己修好了")
    sent = town.pump()
    assert kinds(sent) == ["resident_cancelled"]
    states = town.rows(select(OutboxMessage.state).where(OutboxMessage.kind == "offer"))
    assert states == ["cancelled"]


def test_an_offer_that_became_untrue_without_a_withdrawal_is_stopped_at_the_claim(town: Town) -> None:
    ticket_id = town.request()
    offer = town.offers(ticket_id)[0]

    def decline_silently(w: Work) -> None:
        row = w.session.get_one(Offer, offer.id)
        row.state, row.answered_at = "declined", w.now

    town.call(decline_silently)
    assert "offer" not in kinds(town.pump())
    town.call(offers.offer_next, ticket_id)


def test_a_provider_that_does_not_come_is_asked_and_then_loses_the_order(town: Town) -> None:
    ticket_id = town.request()
    town.sms(PLUMBERS[0], "1 20")
    town.forward(minutes=21)
    assert "nudge_arrive" in kinds(town.pump())
    town.forward(minutes=10)
    assert town.ticket(ticket_id).state == "offered"
    assert [offer.state for offer in town.offers(ticket_id)] == ["withdrawn", "offered"]
    assert town.sms(PLUMBERS[0], "1") in ("no_longer_open", "taken_by_another")
    assert town.sms(PLUMBERS[1], "1 10") == "accepted"


def test_work_that_is_not_solved_is_redone_by_the_same_provider_first(town: Town) -> None:
    ticket_id = town.request()
    town.sms(PLUMBERS[0], "1 20")
    town.sms(PLUMBERS[0], "完")
    town.forward(hours=25)
    assert town.sms(RESIDENT, "没") == "redo"
    again = town.ticket(ticket_id)
    assert (again.state, again.round, again.assigned_provider_id) == ("offered", 2, None)
    assert [(offer.round, offer.phone) for offer in town.offers(ticket_id)] == [(1, PLUMBERS[0]), (2, PLUMBERS[0])]
    assert town.sms(PLUMBERS[0], "1 30") == "accepted"
    assert town.sms(PLUMBERS[0], "完 0") == "done"
    town.forward(hours=25)
    assert town.sms(RESIDENT, "4") == "graded"
    assert town.ticket(ticket_id).outcome == "served"


def test_a_follow_up_is_asked_three_times_and_then_closes_as_unreached(town: Town) -> None:
    ticket_id = town.request()
    town.sms(PLUMBERS[0], "1")
    town.sms(PLUMBERS[0], "完")
    asked = 0
    for _ in range(5):
        town.forward(hours=24)
        asked += kinds(town.pump()).count("follow_up")
    assert asked == 3
    closed = town.ticket(ticket_id)
    assert (closed.state, closed.grade) == ("closed", None)
    assert "follow_up.unreached" in town.events(ticket_id)


def test_a_bare_digit_with_an_offer_and_a_question_open_is_asked_back(town: Town) -> None:
    first = town.request()
    town.sms(PLUMBERS[0], "1")
    town.sms(PLUMBERS[0], "完")
    town.forward(hours=25)

    def be_a_resident_too(w: Work) -> None:
        w.session.scalar(select(FollowUp).where(FollowUp.ticket_id == first)).phone = PLUMBERS[0]

    town.call(be_a_resident_too)
    second = town.request()
    code = town.offers(second)[0].code
    assert town.sms(PLUMBERS[0], "1") == "which_question"
    assert town.ticket(second).state == "offered"
    assert town.sms(PLUMBERS[0], f"{code} 1") == "accepted"
    assert town.sms(PLUMBERS[0], "4") == "graded"


def test_two_open_offers_need_a_code(town: Town) -> None:
    first, second = town.request(), town.request()
    for ticket_id in (first, second):
        if town.offers(ticket_id)[0].phone != PLUMBERS[0]:
            town.call(offers.offer_to, ticket_id, 1)
    assert town.sms(PLUMBERS[0], "1") == "which_code"
    code = next(offer.code for offer in town.offers(second) if offer.state == "offered")
    assert town.sms(PLUMBERS[0], f"{code} 1 15") == "accepted"
    assert (town.ticket(first).state, town.ticket(second).state) == ("offered", "accepted")


def test_strange_texts_are_answered_five_times_and_then_lie_on_a_desk(town: Town) -> None:
    said = [town.sms("13300000009", f"什么 {n}") for n in range(7)]
    assert said == ["not_understood"] * 5 + ["for_staff"] * 2
    assert len(town.rows(select(StaffTask).where(StaffTask.kind == "strange_sms"))) == 1
    for sender, text in (("", "1"), ("不是号码", "1"), ("13300000008", "1"), ("13300000008", "完 80"), ("120", "\x00")):
        town.sms(sender, text)


def test_a_deadline_fires_once_and_not_before_its_time(town: Town) -> None:
    ticket_id = town.request()
    watched = town.rows(select(Deadline.id).where(Deadline.ticket_id == ticket_id, Deadline.state == "open"))
    assert [town.call(deadlines.fire, key) for key in watched] == ["moved"]
    town.clock.at += timedelta(minutes=17)
    assert [town.call(deadlines.fire, key) for key in watched * 2] == ["fired:offer.expires", "moved"]
    assert [offer.state for offer in town.offers(ticket_id)] == ["expired", "offered"]


def test_a_text_is_handled_once(town: Town) -> None:
    ticket_id = town.request()
    payload = {"from": PLUMBERS[0], "to": "81890", "text": "2"}
    item = town.call(lambda w: inbox.receive(w.session, "sms", "same", payload, w.now))
    assert [town.call(replies.handle_sms, item) for _ in range(2)] == ["declined", "already_handled"]
    assert town.call(lambda w: inbox.receive(w.session, "sms", "same", payload, w.now)) is None
    assert [offer.state for offer in town.offers(ticket_id)] == ["declined", "offered"]


def test_an_offer_that_cannot_be_sent_goes_to_the_next_at_once(town: Town) -> None:
    ticket_id = town.request()
    first = town.offers(ticket_id)[0]
    town.call(sendings.has_failed, _message_of(town, first.id), "no such number")
    assert [offer.state for offer in town.offers(ticket_id)] == ["failed", "offered"]
    second = town.offers(ticket_id)[1]
    town.call(sendings.was_sent, _message_of(town, second.id))
    assert town.offers(ticket_id)[1].expires_at == town.clock.at + timedelta(minutes=15)


def test_any_text_from_anybody_is_handled_without_an_error(town: Town) -> None:
    """A seeded crowd of texts, true words and rubbish, from providers, residents and strangers; the laws hold."""
    chance = random.Random(96345)
    words = [
        "1",
        "2",
        "3",
        "5",
        "1 20",
        "接",
        "不",
        "到",
        "完",
        "完 80",
        "没",
        "退订",
        "?",
        "4711 1",
        "１　５",
        "\ufffd",
        "",
    ]
    people = [*PLUMBERS, RESIDENT, "13300000007", "anonymous", "1069012345678901234567"]
    for n in range(40):
        if n % 10 == 0:
            town.request()
        word = chance.choice(words) if chance.random() < 0.85 else "".join(chr(chance.randint(1, 60000)) for _ in "abc")
        town.sms(chance.choice(people), word.encode("utf-8", "ignore").decode())
        town.forward(minutes=chance.choice([0, 1, 20, 300]))
        town.check_laws()


def test_who_opted_out_gets_nothing_but_its_running_order(town: Town) -> None:
    assert town.sms(PLUMBERS[0], "退订") == "opted_out"
    assert town.sms(PLUMBERS[0], "STOP") == "opted_out"
    assert kinds(town.pump()) == ["opted_out"]
    ticket_id = town.request()
    assert town.offers(ticket_id)[0].phone == PLUMBERS[1]


def test_a_request_that_cannot_be_served_says_why(town: Town) -> None:
    new = service_requests.NewRequest(item="9999", summary="?", caller=RESIDENT, community=COMMUNITY, address="某处")
    with pytest.raises(BadInput):
        town.call(service_requests.open_request, new)
    ticket_id = town.request(item="0501")
    assert town.ticket(ticket_id).state == "escalated"


def test_a_state_that_may_not_follow_is_refused_and_nothing_changes(town: Town) -> None:
    ticket_id = town.request()

    def jump(w: Work) -> None:
        ticket = tickets.locked(w.session, ticket_id)
        tickets.change_state(w, ticket, "archived", "")

    with pytest.raises(UnknownTransition):
        town.call(jump)
    assert town.ticket(ticket_id).state == "offered"


def _message_of(town: Town, offer_id: int) -> int:
    return int(town.rows(select(OutboxMessage.id).where(OutboxMessage.offer_id == offer_id))[0])
