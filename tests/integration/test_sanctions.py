"""Stars from the ledger, and what follows from founded complaints: warned, suspended, expelled. On both databases."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from callcenter.provider_keeper import ProviderKeeper
from dispatch import offers, provider_days, ratings, sanctions
from dispatch.tables import StaffTask
from foundation.database import Database
from foundation.tables import Heartbeat, OutboxMessage
from providers import decisions, stars
from providers.errors import BadProvider, SecondPersonNeeded
from providers.tables import FoundedComplaint, PriceBand, Provider, ProviderEvent, ProviderRating
from tests.integration.dispatch_support import PLUMBERS, RESIDENT, Town
from tests.integration.test_provider_life import CHEN, LIN, check_ledger, kinds, night, provider

LI = "user:li"


@pytest.fixture
def town(database: Database) -> Iterator[Town]:
    made = Town(database)
    yield made
    made.writer.close()


def count(town: Town, provider_id: int = 1) -> stars.Counts:
    with town.database.read() as session:
        return ratings.count(session, provider_id, town.clock.at)


def serve(town: Town, *, minutes: int = 30, after: int = 20, grade: str | None = "5", yuan: int = 60) -> int:
    """The first plumber takes a request, comes, finishes; the resident answers the next day. The ticket."""
    ticket = town.request()
    assert town.sms(PLUMBERS[0], f"1 {minutes}") == "accepted"
    town.clock.at += timedelta(minutes=after)
    town.sms(PLUMBERS[0], "到")
    town.clock.at += timedelta(minutes=30)
    assert town.sms(PLUMBERS[0], f"完 {yuan}") == "done"
    town.forward(days=1)
    if grade is not None:
        town.sms(RESIDENT, grade)
    return ticket


def test_what_a_provider_did_is_counted_from_the_ledger_each_with_its_denominator(town: Town) -> None:
    serve(town)
    serve(town, minutes=10, after=20)
    serve(town, minutes=10, after=19, grade="3")
    declined = town.request()
    town.sms(PLUMBERS[0], "不接，太远")
    town.sms(PLUMBERS[1], "不接")
    town.sms(PLUMBERS[2], "1 30")
    assert town.ticket(declined).assigned_provider_id == 3
    told = count(town)
    assert told == stars.Counts(
        finished=3, graded=3, grade_sum=2.5, accepted=3, declined=1, accepted_in_time=3, arrivals=3, on_time=3
    ), "ten minutes of grace"
    assert (count(town, 2).declined, count(town, 3).accepted) == (1, 1)
    town.call(sanctions.complaint_founded, declined, 1, "price", declined, actor=CHEN)
    assert (count(town).complaints, count(town).price_complaints) == (1, 1)
    town.clock.at += stars.WINDOW + timedelta(days=10)
    assert count(town) == stars.Counts(), "the window moves on"


def test_silence_lateness_and_work_done_again_count_against_it(town: Town) -> None:
    town.request()
    town.forward(minutes=17)
    assert count(town).expired == 1
    town.sms(PLUMBERS[1], "1 20")
    town.forward(minutes=31)
    assert (count(town, 2).arrivals, count(town, 2).on_time) == (1, 0), "never came"
    serve(town, minutes=10, after=21)
    assert (count(town).arrivals, count(town).on_time) == (1, 0), "came a minute after the grace"
    again = town.request()
    town.sms(PLUMBERS[0], "1 20")
    town.sms(PLUMBERS[0], "到")
    town.sms(PLUMBERS[0], "完 50")
    town.forward(days=1)
    assert town.sms(RESIDENT, "2") == "redo"
    assert town.ticket(again).round == 2
    assert count(town).redone == 1


def test_a_late_yes_counts_as_accepted_but_not_in_time(town: Town) -> None:
    ticket = town.request()
    town.forward(minutes=17)
    assert town.sms(PLUMBERS[0], "1 20") == "accepted"
    assert town.ticket(ticket).assigned_provider_id == 1
    assert (count(town).accepted, count(town).accepted_in_time, count(town).expired) == (1, 0, 0)


def test_ten_finished_orders_make_stars_and_nothing_else_does(town: Town) -> None:
    night(town, 1, 2, 3)
    assert provider(town, 1).stars is None, "new: the stars that the test put there are not the ledger's"
    for _ in range(9):
        serve(town)
    night(town, 1)
    assert provider(town, 1).stars is None
    serve(town)
    night(town, 1)
    assert provider(town, 1).stars == 5
    (kept,) = town.rows(select(ProviderRating).where(ProviderRating.provider_id == 1))
    assert (kept.counts["finished"], kept.counts["graded"], kept.score) == (10, 10, 1.0)
    events = kinds(town, 1).count("stars_changed")
    night(town, 1)
    assert kinds(town, 1).count("stars_changed") == events, "the same counts are no event"
    made = town.call(lambda w: provider_days.bands(w.session, w.now))
    town.call(provider_days.keep_bands, made)
    (band,) = town.rows(select(PriceBand))
    assert (band.item, band.low, band.high, band.charges, band.quoted_low) == ("0302", 60, 60, 10, 30)


def test_no_operator_moves_a_star_whatever_is_clicked(town: Town) -> None:
    """Warnings, suspensions, refused offers by hand, grades an operator makes up for no order: no star moves."""
    for _ in range(10):
        serve(town)
    night(town, 1)
    before = count(town)
    for actor in (LI, CHEN, LIN):
        town.call(sanctions.warn if actor == LI else sanctions.suspend, 1, "不喜欢", actor=actor) if actor != LIN else (
            town.call(sanctions.reinstate, 1, "误会", actor=actor)
        )
    night(town, 1)
    assert count(town) == before
    assert provider(town, 1).stars == 5


def test_only_one_place_gives_stars() -> None:
    root, found = Path(__file__).parents[2], []
    giving = re.compile(r"""\.stars = |values\([^)]*\bstars=|\{"stars":|Provider\([^)]*\bstars=""")
    for room in ("providers", "dispatch", "callcenter"):
        for file in (root / room).rglob("*.py"):
            found += [file.name for line in file.read_text().splitlines() if giving.search(line)]
    assert set(found) == {"ratings.py"}


def test_scenario_11_a_founded_complaint_then_a_second_and_nothing_mended(town: Town) -> None:
    """查实投诉: warned; again within ninety days: out of matching at once; not mended by the date: two expel it."""
    served = serve(town)
    assert town.call(sanctions.complaint_founded, 501, 1, "price", served, actor=CHEN) == "warned"
    assert town.call(sanctions.complaint_founded, 501, 1, "price", served, actor=CHEN) is None, "once for each"
    warned = provider(town, 1)
    assert (warned.state, warned.state_until) == ("warned", town.clock.at + timedelta(days=30))
    assert "收费" in warned.state_reason
    assert [m.params["reason"] for m in town.pump() if m.template == "standing_warned"] == ["查实投诉：收费"]

    held, asked = town.request(), town.request()
    town.call(offers.offer_to, held, 1)
    town.sms(PLUMBERS[0], "1 30")
    town.call(offers.offer_to, asked, 1)
    assert town.call(sanctions.complaint_founded, 502, 1, "quality", None, actor=CHEN) == "suspended"
    suspended = provider(town, 1)
    assert suspended.state == "suspended"
    assert suspended.state_until == town.clock.at + timedelta(days=15)
    *_, its, following = town.offers(asked)
    assert (its.provider_id, its.state) == (1, "withdrawn")
    assert (following.provider_id != 1, following.state) == (True, "offered"), "the next one is asked"
    assert town.ticket(held).assigned_provider_id == 1, "the order it holds is finished by it"
    town.sms(PLUMBERS[0], "到")
    town.sms(PLUMBERS[0], "完 40")
    assert town.ticket(held).state == "done"
    assert all(offer.provider_id != 1 for offer in town.offers(town.request())), "out of matching"
    town.check_laws()

    town.forward(days=15)
    night(town, 1)
    (task,) = town.rows(select(StaffTask.text).where(StaffTask.subject.startswith("mend:")))
    assert "逾期未整改" in task
    proposal = town.call(decisions.propose, 1, "expelled", "逾期未整改", actor=CHEN)
    with pytest.raises(SecondPersonNeeded):
        town.call(sanctions.decide, proposal, carried=True, actor=CHEN)
    town.call(sanctions.decide, proposal, carried=True, actor=LIN)
    assert provider(town, 1).state == "expelled"
    told = town.rows(
        select(ProviderEvent.detail).where(ProviderEvent.provider_id == 1, ProviderEvent.kind == "state_changed")
    )
    assert [event["state"] for event in told] == ["warned", "suspended", "expelled"]
    assert all(event["reason"] for event in told), "reasons are visible"

    town.call(sanctions.leave, 3, "老板退休", actor=CHEN)
    with town.database.read() as session:
        by_state = dict(session.execute(select(Provider.state, func.count()).group_by(Provider.state)).all())
    assert (by_state["expelled"], by_state["withdrawn"]) == (1, 1), "leaving is a figure of its own"
    check_ledger(town)


def test_a_grave_complaint_suspends_at_once_and_a_reversed_one_counts_no_more(town: Town) -> None:
    assert town.call(sanctions.complaint_founded, 601, 2, "safety", actor=CHEN) == "suspended"
    town.call(sanctions.complaint_withdrawn, 601, actor=CHEN)
    assert "复核" in town.rows(select(StaffTask.text))[0]
    assert count(town, 2).complaints == 0
    town.call(sanctions.reinstate, 2, "申诉成立", actor=LIN)
    assert town.call(sanctions.complaint_founded, 602, 2, "other", actor=CHEN) == "warned", "the reversed one is none"
    with pytest.raises(BadProvider):
        town.call(sanctions.complaint_founded, 603, 2, "gossip", actor=CHEN)
    assert len(town.rows(select(FoundedComplaint))) == 2


def test_a_second_complaint_after_ninety_days_warns_again(town: Town) -> None:
    assert town.call(sanctions.complaint_founded, 701, 2, "attitude", actor=CHEN) == "warned"
    town.clock.at += timedelta(days=30)
    night(town, 2)
    assert provider(town, 2).state == "active"
    town.clock.at += timedelta(days=61)
    assert town.call(sanctions.complaint_founded, 702, 2, "attitude", actor=CHEN) == "warned"


def test_suspended_orders_move_where_the_supervisor_says_so(town: Town) -> None:
    ticket = town.request()
    town.sms(PLUMBERS[0], "1 30")
    town.call(sanctions.suspend, 1, "整改", move_orders=True, actor=CHEN)
    assert town.ticket(ticket).assigned_provider_id is None
    assert [(o.provider_id, o.state) for o in town.offers(ticket)] == [(1, "withdrawn"), (2, "offered")]
    town.check_laws()


def test_what_became_untrue_of_its_standing_is_not_sent_any_more(town: Town) -> None:
    town.call(sanctions.suspend, 1, "整改", actor=CHEN)
    town.call(sanctions.reinstate, 1, "已改", actor=LIN)
    assert [m.template for m in town.pump()] == ["standing_back"]
    states = {m.template: m.state for m in town.rows(select(OutboxMessage))}
    assert states == {"standing_suspended": "cancelled", "standing_back": "sent"}


def test_a_late_yes_of_a_suspended_provider_does_not_win(town: Town) -> None:
    ticket = town.request()
    town.forward(minutes=17)
    town.call(sanctions.suspend, 1, "整改", actor=CHEN)
    assert town.sms(PLUMBERS[0], "1 20") != "accepted"
    assert town.ticket(ticket).assigned_provider_id is None


def test_who_takes_too_few_of_twenty_offers_is_warned_once(town: Town) -> None:
    for n in range(20):
        town.call(offers.offer_to, town.request(), 1)
        town.sms(PLUMBERS[0], "1 20" if n < 11 else "不接")
        if n < 11:
            town.sms(PLUMBERS[0], "到")
            town.sms(PLUMBERS[0], "完 50")
        night(town, 1)
        assert (provider(town, 1).state == "warned") == (n == 19)
        town.clock.at += timedelta(minutes=1)
    assert "近 20 次派单仅接 11 次" in provider(town, 1).state_reason
    town.clock.at += timedelta(days=30)
    night(town, 1)
    assert provider(town, 1).state == "active", "the same twenty warn no second time"


async def test_the_keeper_rates_whom_something_happened_to_and_makes_up_for_a_missed_night(town: Town) -> None:
    keeper = ProviderKeeper(town.database, town.writer)
    town.writer.on_commit(keeper.hear)
    serve(town)
    await keeper.look(town.clock.at)
    (kept,) = town.rows(select(ProviderRating).where(ProviderRating.provider_id == 1))
    assert kept.counts["finished"] == 1
    town.clock.at += timedelta(days=7)
    for _ in range(5):
        await keeper.look(town.clock.at)
    with town.database.read() as session:
        beat = session.get(Heartbeat, "providers")
    assert beat is not None
    assert beat.at == town.clock.at
    assert len(town.rows(select(ProviderRating))) == 3
    assert town.rows(select(PriceBand.item)) == ["0302"]
