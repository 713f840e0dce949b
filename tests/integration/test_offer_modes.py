"""How orders are offered: to one, to several at once, by collected times, to everybody, by hand, by a plan."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from dispatch import answers, arrivals, collecting, offers, sendings, service_requests, tickets
from dispatch.answers import Answer
from dispatch.errors import BadInput, NoSuchThing, OfferAlreadyTaken
from dispatch.tables import StaffTask
from foundation.database import Database
from foundation.tables import Deadline, OutboxMessage
from foundation.writer import Work
from providers.registry import NewProvider, add_provider
from providers.tables import Provider
from tests.integration.dispatch_support import COMMUNITY, PLUMBERS, RESIDENT, Town, kinds, press


@pytest.fixture
def town(database: Database) -> Iterator[Town]:
    made = Town(database)
    yield made
    made.check_laws()
    made.writer.close()


def registered(town: Town, item: str = "0302", **more: Any) -> int:
    new = service_requests.NewRequest(
        item=item, summary="厨房水龙头漏水", caller=RESIDENT, caller_name="王阿姨", community=COMMUNITY,
        address="示范路 1 号", **more,
    )  # fmt: skip
    return int(town.call(service_requests.open_request, new))


def offered(town: Town, mode: str, item: str = "0302", **more: Any) -> int:
    ticket_id = registered(town, item)
    town.call(offers.begin, ticket_id, mode=mode, **more)
    return ticket_id


def states(town: Town, ticket_id: int) -> list[str]:
    return [offer.state for offer in town.offers(ticket_id)]


# --- several at once -----------------------------------------------------------------------------


def test_several_are_asked_at_once_and_the_first_yes_has_it(town: Town) -> None:
    ticket_id = offered(town, "broadcast")
    assert [offer.phone for offer in town.offers(ticket_id)] == list(PLUMBERS)
    assert kinds(town.pump()) == ["offer", "offer", "offer", "resident_registered"]
    assert town.sms(PLUMBERS[1], "1 20") == "accepted"
    assert states(town, ticket_id) == ["withdrawn", "accepted", "withdrawn"]
    sent = town.pump()
    assert kinds(sent) == ["confirmation", "resident_coming", "withdrawal", "withdrawal"]
    assert {row.recipient for row in sent if row.template == "withdrawal"} == {PLUMBERS[0], PLUMBERS[2]}
    assert town.sms(PLUMBERS[0], "1") == "taken_by_another"
    assert town.sms(PLUMBERS[1], "1") == "accepted_again"


def test_who_was_not_reached_by_the_question_is_not_bothered_with_its_withdrawal(town: Town) -> None:
    ticket_id = offered(town, "broadcast")
    town.call(answers.accept, town.offers(ticket_id)[0].id, 20)
    assert "withdrawal" not in kinds(town.pump())


def test_a_refusal_makes_room_for_the_next_and_the_others_go_on_waiting(town: Town) -> None:
    ticket_id = offered(town, "broadcast", width=2)
    assert states(town, ticket_id) == ["offered", "offered"]
    town.clock.at += timedelta(minutes=5)
    assert town.sms(PLUMBERS[0], "2") == "declined"
    ledger = town.offers(ticket_id)
    assert [offer.state for offer in ledger] == ["declined", "offered", "offered"]
    assert ledger[2].expires_at == ledger[1].expires_at + timedelta(minutes=5)
    town.forward(minutes=11)
    assert states(town, ticket_id) == ["declined", "expired", "offered"]
    town.forward(minutes=5)
    assert states(town, ticket_id) == ["declined", "expired", "expired"]
    assert town.ticket(ticket_id).state == "escalated"


def test_an_urgent_item_is_asked_of_several_and_an_appointment_collects(town: Town) -> None:
    assert town.ticket(town.request("0501")).policy["offers"]["mode"] == "broadcast"
    assert town.ticket(town.request("0102")).policy["offers"]["mode"] == "collect"
    assert town.ticket(town.request("0302")).policy["offers"]["mode"] == "sequential"


def test_the_policy_in_force_is_the_tickets_own(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    ticket_id = town.request()
    monkeypatch.setattr("dispatch.limits.ACCEPT", {"urgent": 1, "visit": 1, "appt": 1, "info": 1})
    town.sms(PLUMBERS[0], "2")
    second = town.offers(ticket_id)[1]
    assert second.expires_at == town.clock.at + timedelta(minutes=16)


# --- collected times -----------------------------------------------------------------------------


def test_the_earliest_of_the_collected_times_gets_it(town: Town) -> None:
    ticket_id = offered(town, "collect")
    assert kinds(town.pump()).count("offer_collect") == 3
    assert town.sms(PLUMBERS[0], "1 90") == "time_noted"
    assert town.ticket(ticket_id).state == "offered"
    town.clock.at += timedelta(minutes=3)
    assert town.sms(PLUMBERS[1], "1 40") == "time_noted"
    assert states(town, ticket_id) == ["proposed", "proposed", "offered"]
    assert town.sms(PLUMBERS[2], "2") == "declined"  # the last answer: the rule picks
    held = town.ticket(ticket_id)
    assert (held.state, held.owner) == ("accepted", "provider:2")
    assert held.arrive_by == town.clock.at + timedelta(minutes=40)  # from the moment it got the order
    assert states(town, ticket_id) == ["withdrawn", "accepted", "declined"]
    sent = town.pump()
    assert [row.recipient for row in sent if row.template == "withdrawal"] == [PLUMBERS[0]]
    assert town.sms(PLUMBERS[0], "1 5") == "taken_by_another"


def test_of_equal_times_the_better_ranked_gets_it(town: Town) -> None:
    ticket_id = offered(town, "collect")
    for phone in reversed(PLUMBERS):
        last = town.sms(phone, "1 60")
    assert last == "accepted"  # its own word closed the gathering and won
    assert town.ticket(ticket_id).assigned_provider_id == 1


def test_a_time_can_be_changed_and_taken_back_while_times_are_collected(town: Town) -> None:
    ticket_id = offered(town, "collect")
    assert town.sms(PLUMBERS[0], "1 20") == "time_noted"
    assert town.sms(PLUMBERS[0], "1 120") == "time_noted"
    assert town.sms(PLUMBERS[1], "1 60") == "time_noted"
    assert town.offers(ticket_id)[0].eta_minutes == 120
    assert town.sms(PLUMBERS[1], "2") == "declined"
    town.forward(minutes=17)  # the third stays silent: the limit closes the gathering
    assert states(town, ticket_id) == ["accepted", "declined", "expired"]


def test_an_operator_picks_and_the_rule_does_it_when_nobody_picks(town: Town) -> None:
    first, second = (offered(town, "collect", pick="operator") for _ in "ab")
    for ticket_id in (first, second):
        for n, offer in enumerate(town.offers(ticket_id)):
            assert town.call(answers.accept, offer.id, 30 + n) is Answer.NOTED
        assert town.ticket(ticket_id).state == "offered"
    chosen = town.offers(first)[2]
    town.call(collecting.pick, first, chosen.id, actor="user:li")
    assert town.ticket(first).assigned_provider_id == 3
    with pytest.raises(OfferAlreadyTaken):
        town.call(collecting.pick, first, town.offers(first)[0].id)
    town.forward(minutes=11)
    assert town.ticket(second).assigned_provider_id == 1
    assert "offer.picked" in town.events(second)


def test_only_who_named_a_time_can_be_picked(town: Town) -> None:
    ticket_id = offered(town, "collect", pick="operator")
    with pytest.raises(BadInput):
        town.call(collecting.pick, ticket_id, town.offers(ticket_id)[0].id)
    with pytest.raises(NoSuchThing):
        town.call(collecting.pick, 999, 1)


def test_when_nobody_names_a_time_the_operators_have_it_and_a_late_yes_wins(town: Town) -> None:
    ticket_id = offered(town, "collect")
    town.forward(minutes=17)
    assert town.ticket(ticket_id).state == "escalated"
    assert town.sms(PLUMBERS[0], "1 25") == "accepted"
    assert states(town, ticket_id) == ["accepted", "expired", "expired"]
    assert town.offers(ticket_id)[0].ended_at is None


def test_who_is_suspended_meanwhile_is_not_picked_however_early_it_could_come(town: Town) -> None:
    ticket_id = offered(town, "collect")
    town.sms(PLUMBERS[0], "1 10")
    _suspend(town, 1)
    town.sms(PLUMBERS[1], "1 60")
    town.sms(PLUMBERS[2], "1 50")
    assert town.ticket(ticket_id).assigned_provider_id == 3


def test_when_all_who_named_a_time_are_suspended_the_operators_have_it(town: Town) -> None:
    ticket_id = offered(town, "collect")
    for phone in PLUMBERS:
        if phone == PLUMBERS[2]:
            _suspend(town, 1, 2, 3)
        town.sms(phone, "1 30")
    assert town.ticket(ticket_id).state == "offered"
    town.forward(minutes=11)
    assert (town.ticket(ticket_id).state, states(town, ticket_id)) == ("escalated", ["withdrawn"] * 3)


def _suspend(town: Town, *providers: int) -> None:
    change = update(Provider).where(Provider.id.in_(providers)).values(state="suspended")
    town.call(lambda w: w.session.execute(change))


# --- everybody, by text and by telephone ---------------------------------------------------------


def test_urgent_help_for_an_elder_goes_to_everybody_by_text_and_telephone(town: Town) -> None:
    def helpers(w: Work) -> None:
        for n in range(4):
            add_provider(w, NewProvider(name=f"助急队{n}", items={"1305": None}, prefixes=["330203"],
                                        phones=[f"1370000100{n}"]))  # fmt: skip

    town.call(helpers)
    ticket_id = town.request("1305")
    assert town.ticket(ticket_id).policy["offers"]["mode"] == "parallel"
    assert [offer.channel for offer in town.offers(ticket_id)] == ["both"] * 4
    texts, calls = town.pump(), town.pump("call")
    assert kinds(texts).count("offer") == 4
    assert [row.template for row in calls] == ["offer_call"] * 4
    assert calls[0].params["subject"] == f"offer-{town.offers(ticket_id)[0].id}"
    town.call(answers.accept, town.offers(ticket_id)[3].id, 5)
    assert states(town, ticket_id) == ["withdrawn", "withdrawn", "withdrawn", "accepted"]


def test_one_of_two_channels_may_fail_and_the_offer_stands(town: Town) -> None:
    ticket_id = offered(town, "parallel")
    first = town.offers(ticket_id)[0]
    for message in town.rows(select(OutboxMessage.id).where(OutboxMessage.offer_id == first.id)):
        assert town.offers(ticket_id)[0].state == "offered"
        town.call(_fails, message)
    failed = town.offers(ticket_id)[0]
    assert (failed.state, failed.withdrawn_why) == ("failed", "no such number")


def _fails(w: Work, message: int) -> None:
    w.session.get_one(OutboxMessage, message).state = "failed"
    w.session.flush()
    sendings.has_failed(w, message, "no such number")


def test_a_provider_with_a_landline_is_rung_and_told_the_address_by_a_person(town: Town) -> None:
    town.call(lambda w: add_provider(w, NewProvider(name="老店", items={"0304": None}, prefixes=["330203"],
                                                    phones=["87000099"])))  # fmt: skip
    ticket_id = offered(town, "sequential", "0304")
    assert town.offers(ticket_id)[0].channel == "call"
    assert [row.template for row in town.pump("call")] == ["offer_call"]
    assert "offer" not in kinds(town.pump())
    town.call(answers.accept, town.offers(ticket_id)[0].id)
    assert "confirmation" not in kinds(town.pump())
    assert len(town.rows(select(StaffTask).where(StaffTask.ticket_id == ticket_id))) == 1


# --- by hand, by a plan --------------------------------------------------------------------------


def test_an_order_given_by_hand_waits_for_an_operator(town: Town) -> None:
    ticket_id = offered(town, "manual")
    assert (town.ticket(ticket_id).state, town.offers(ticket_id)) == ("escalated", [])
    town.call(offers.offer_to, ticket_id, 2)
    assert town.offers(ticket_id)[0].mode == "manual"
    assert town.sms(PLUMBERS[1], "2") == "declined"
    assert town.ticket(ticket_id).state == "escalated"  # and nobody is asked behind the operator's back


def test_a_planned_offer_waits_for_a_new_plan_and_then_for_nobody(town: Town) -> None:
    ticket_id = registered(town)
    town.call(offers.offer_planned, ticket_id, 2, [("计划", "by plan")])
    with pytest.raises(OfferAlreadyTaken):
        town.call(offers.offer_planned, ticket_id, 3, [])
    assert town.sms(PLUMBERS[1], "2") == "declined"
    assert (town.ticket(ticket_id).state, states(town, ticket_id)) == ("offered", ["declined"])
    town.call(offers.offer_planned, ticket_id, 3, [("再计划", "planned again")])
    town.forward(minutes=17)
    assert states(town, ticket_id) == ["declined", "expired"]
    town.forward(minutes=13)
    assert states(town, ticket_id) == ["declined", "expired"]
    town.forward(minutes=2)
    assert [(o.mode, o.phone) for o in town.offers(ticket_id)][2:] == [("sequential", PLUMBERS[0])]


@pytest.mark.parametrize("wrong", [{"mode": "shout"}, {"width": 0}, {"width": 51}, {"pick": "dice"}])
def test_a_policy_that_does_not_exist_is_refused(town: Town, wrong: dict[str, Any]) -> None:
    ticket_id = registered(town)
    with pytest.raises(BadInput):
        town.call(offers.begin, ticket_id, **({"mode": "broadcast"} | wrong))
    assert town.offers(ticket_id) == []


def test_an_emergency_is_never_offered_to_providers(town: Town) -> None:
    result = town.call(arrivals.record_steps, press("node1-1.1"))
    alarm = int(next(iter(result.alarms)))
    for attempt in (
        lambda w: offers.begin(w, alarm),
        lambda w: offers.offer_next(w, alarm),
        lambda w: offers.offer_to(w, alarm, 1),
        lambda w: offers.offer_planned(w, alarm, 1, []),
    ):
        with pytest.raises(BadInput):
            town.call(attempt)
    assert town.offers(alarm) == []


# --- the ledger ----------------------------------------------------------------------------------


def test_the_ledger_says_when_how_and_why(town: Town) -> None:
    ticket_id = town.request()
    town.clock.at += timedelta(seconds=10)
    town.pump()
    town.call(sendings.was_sent, _message_of(town, ticket_id))
    town.clock.at += timedelta(minutes=2)
    town.sms(PLUMBERS[0], "不接 太远了")
    first, second = town.offers(ticket_id)
    assert (first.channel, first.sent_at, first.answered_at) == (
        "sms", first.offered_at + timedelta(seconds=10), town.clock.at,
    )  # fmt: skip
    assert (first.state, first.decline_reason, first.answered_by) == ("declined", "太远了", "test")
    town.call(tickets.close, ticket_id, "unmet", "没有人", actor="user:li")
    ended = town.offers(ticket_id)[1]
    assert (ended.state, ended.answered_at, ended.ended_at, ended.ended_by) == (
        "withdrawn", None, town.clock.at, "user:li",
    )  # fmt: skip
    assert "unmet" in str(ended.withdrawn_why)
    assert second.code != first.code or second.phone != first.phone


def test_a_code_rests_until_all_others_had_their_turn(town: Town) -> None:
    codes = []
    for _ in range(12):
        ticket_id = registered(town)
        town.call(offers.offer_to, ticket_id, 1)
        codes.append(town.offers(ticket_id)[0].code)
        town.call(tickets.close, ticket_id, "unmet", "试")
    assert len(set(codes)) == 12
    assert all(1000 <= int(code) <= 9999 for code in codes)


def _message_of(town: Town, ticket_id: int) -> int:
    found = select(OutboxMessage.id).where(OutboxMessage.ticket_id == ticket_id, OutboxMessage.kind == "offer")
    return int(town.rows(found)[0])


def test_nothing_open_is_left_without_a_deadline(town: Town) -> None:
    for mode in ("sequential", "broadcast", "collect", "parallel", "manual"):
        offered(town, mode)
    town.check_laws()
    for _ in range(8):
        town.forward(minutes=9)
        town.check_laws()
    watched = town.rows(select(Deadline.ticket_id).where(Deadline.state == "open"))
    assert set(watched) == set(town.rows(select(Deadline.ticket_id)))
