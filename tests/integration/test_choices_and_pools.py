"""What residents choose and refuse, and how a request finds its provider beyond the district."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from dispatch import choices, pools, service_requests
from dispatch.choice_tables import Refusal
from dispatch.errors import BadInput
from dispatch.tables import Ticket
from foundation.database import Database
from foundation.tables import TicketEvent
from providers.registry import NewProvider, add_provider
from providers.tables import Provider
from residents.tables import Division
from tests.integration.dispatch_support import PLUMBERS, RESIDENT, Town, kinds
from tests.integration.test_matching import able, change, ranked, registered

FRIDGE = "0202"
NEW_YEARS_EVE = datetime(2027, 2, 5, 10, 0, tzinfo=UTC)
"""18:00 in Ningbo on the eve of the Spring Festival, 2027-02-06."""


@pytest.fixture
def town(database: Database) -> Iterator[Town]:
    made = Town(database)
    yield made
    made.check_laws()
    made.writer.close()


def provider(town: Town, name: str, phone: str, *prefixes: str, item: str = FRIDGE, **more: Any) -> int:
    new = NewProvider(name=name, items={item: (60, 120)}, prefixes=prefixes, phones=[phone], **more)
    return int(town.call(add_provider, new))


def events(town: Town, ticket_id: int, kind: str) -> list[dict[str, Any]]:
    rows = select(TicketEvent.detail).where(TicketEvent.ticket_id == ticket_id, TicketEvent.kind == kind)
    return town.rows(rows.order_by(TicketEvent.id))


def to_residents(town: Town) -> list[str]:
    return [row.template for row in town.pump() if row.recipient == RESIDENT]


def test_a_fridge_on_new_years_eve_finds_its_provider_in_the_city(town: Town) -> None:
    """Acceptance scenario 6: the district declines or lets it expire; the city's provider is at the door in 50 min."""
    town.clock.at = NEW_YEARS_EVE
    near = {
        provider(town, "海曙冰箱一", "13911110001", "330203"): "13911110001",
        provider(town, "海曙冰箱二", "13911110002", "330203"): "13911110002",
    }
    city = provider(town, "全市冰箱", "13911110003", "3302")
    ticket_id = registered(town, item=FRIDGE)
    before = town.ticket(ticket_id)
    assert able(town, ticket_id) == list(near)
    town.call(service_requests.begin_offers, ticket_id)
    assert to_residents(town) == ["resident_registered"]
    first = town.offers(ticket_id)[0]
    assert town.sms(near[first.provider_id], "不接 回家过年") == "declined"
    town.pump()
    town.forward(minutes=17)  # the second lets its quarter of an hour pass
    assert to_residents(town) == ["resident_city"]
    (widened,) = events(town, ticket_id, "ticket.pool_widened")
    assert (widened["was"], widened["pool"]) == ("district", "city")
    assert sum(widened["heard"].values()) == 2
    assert widened["heard"]["expired"] == 1
    assert [e["trigger"] for e in events(town, ticket_id, "request.went_up")] == ["all_declined"]
    third = town.offers(ticket_id)[-1]
    assert (third.provider_id, third.state) == (city, "offered")
    assert town.sms("13911110003", "1 50") == "accepted"
    assert to_residents(town) == ["resident_coming"]
    town.forward(minutes=50)
    assert town.sms("13911110003", "到") == "arrived"
    after = town.ticket(ticket_id)
    assert after.state == "arrived"
    assert after.arrived_at is not None
    assert after.arrived_at - third.offered_at <= timedelta(hours=1)
    told = ("number", "summary", "caller", "address", "community", "district", "elements", "opened_at")
    assert [getattr(after, name) for name in told] == [getattr(before, name) for name in told]


def test_nobody_in_the_city_and_those_next_door_are_asked_nearest_first(town: Town) -> None:
    for code, latitude, longitude in (
        ("330203", 29.87, 121.54), ("330205", 29.89, 121.56), ("330212", 29.82, 121.55), ("330281", 30.04, 121.15),
    ):  # fmt: skip
        row = Division(code=code, name=code, level="district", parent_code="3302", valid_from=date(2020, 1, 1),
                       latitude=latitude, longitude=longitude)  # fmt: skip
        town.call(lambda w, row=row: w.session.merge(row))
    next_door = provider(town, "江北冰箱", "13911110004", "330205001")
    provider(town, "余姚冰箱", "13911110005", "330281")  # forty kilometres away: no neighbour
    ticket_id = registered(town, item=FRIDGE)
    town.call(service_requests.begin_offers, ticket_id)
    assert [e["pool"] for e in events(town, ticket_id, "ticket.pool_widened")] == ["city", "neighbours"]
    assert events(town, ticket_id, "ticket.pool_widened")[-1]["districts"] == ["330205", "330212"]
    assert [offer.provider_id for offer in town.offers(ticket_id)] == [next_door]
    assert to_residents(town) == ["resident_neighbours"]
    town.sms("13911110004", "2")
    left = town.ticket(ticket_id)
    assert (left.state, left.owner) == ("escalated", "desk")
    assert to_residents(town) == ["resident_searching"]


def test_nobody_anywhere_leaves_the_request_with_the_operators_and_says_so(town: Town) -> None:
    ticket_id = registered(town, item="1801")
    assert town.call(service_requests.begin_offers, ticket_id) is None
    left = town.ticket(ticket_id)
    assert (left.state, left.owner, pools.pool_of(left)) == ("escalated", "desk", "neighbours")
    assert to_residents(town) == ["resident_searching"]


def test_the_resident_takes_the_second_of_the_three(town: Town) -> None:
    provider(town, "第四家", "13911110006", "330203", item="0302")
    ticket_id = registered(town)
    three = choices.shown(ranked(town, ticket_id))
    assert len(three) == 3
    town.call(choices.choose, ticket_id, three[1].provider_id)
    (offer,) = town.offers(ticket_id)
    assert offer.provider_id == three[1].provider_id
    assert offer.reasons[0] == ["居民指定", "chosen by the resident"]
    (made,) = events(town, ticket_id, "choice.made")
    assert [one["provider"] for one in made["among"]] == [one.provider_id for one in three]
    town.sms(offer.phone, "2")  # the choice declines: the others are asked
    assert town.offers(ticket_id)[-1].provider_id in {one.provider_id for one in three} - {offer.provider_id}


def test_who_is_not_among_the_three_cannot_be_chosen_but_named(town: Town) -> None:
    last = provider(town, "末家", "13911110006", "330203", item="0302", state="probation")
    far = provider(town, "鄞州水管", "13911110007", "330212", item="0302")
    ticket_id = registered(town)
    with pytest.raises(BadInput, match="three"):
        town.call(choices.choose, ticket_id, last)
    assert town.offers(ticket_id) == []
    town.call(choices.name, ticket_id, far)
    assert [offer.provider_id for offer in town.offers(ticket_id)] == [far]
    assert len(events(town, ticket_id, "choice.named")) == 1


def test_a_named_provider_that_cannot_serve_is_not_asked_and_the_reason_is_told(town: Town) -> None:
    ticket_id = registered(town)
    change(town, update(Provider).where(Provider.id == 2).values(state="suspended"))
    with pytest.raises(BadInput) as told:
        town.call(choices.name, ticket_id, 2)
    assert "当前状态不派单" in told.value.zh
    assert town.offers(ticket_id) == []
    assert town.ticket(ticket_id).policy.get("preferred") is None


def test_a_refusal_is_remembered_on_later_tickets_and_can_be_taken_back(town: Town) -> None:
    first = town.request()
    assert town.offers(first)[0].provider_id == 1
    town.call(choices.refuse, first, 1, "上次态度不好")
    assert [offer.state for offer in town.offers(first)] == ["withdrawn", "offered"]
    later = registered(town)
    assert sorted(able(town, later)) == [2, 3]
    with town.database.read() as session:
        (known,) = choices.refused(session, session.get_one(Ticket, later))
    assert (known.provider_id, known.reason) == (1, "上次态度不好")
    assert sorted(able(town, registered(town, caller="+8613800000999"))) == [1, 2, 3]  # it is nobody else's
    town.call(choices.allow_again, later, 1)
    assert set(able(town, registered(town))) == {1, 2, 3}
    assert town.events(later)[-1] == "choice.refusal_lifted"
    with pytest.raises(BadInput):
        town.call(choices.allow_again, later, 1)


def test_a_persons_refusal_is_not_that_of_the_others_on_the_line(town: Town) -> None:
    line = "+8657487000001"
    with_person = registered(town, caller=line, person_id=70, home_id=7)
    town.call(choices.refuse, with_person, 3)
    town.call(choices.refuse, with_person, 3)  # said twice, kept once
    assert len(town.rows(select(Refusal))) == 1
    assert able(town, registered(town, caller="+8613800000888", person_id=70)) == [1, 2]
    assert able(town, registered(town, caller=line)) == [1, 2]  # nobody knows who calls: the refusal holds
    town.call(lambda w: w.session.execute(update(Refusal).values(person_id=None)))
    assert able(town, registered(town, caller=line, person_id=70)) == [1, 2]


def test_refusing_whoever_holds_the_order_takes_it_back_and_asks_the_next(town: Town) -> None:
    ticket_id = town.request()
    town.sms(PLUMBERS[0], "1 20")
    town.pump()
    town.call(choices.refuse, ticket_id, 1)
    held = town.ticket(ticket_id)
    assert (held.state, held.assigned_provider_id) == ("offered", None)
    assert town.offers(ticket_id)[-1].provider_id == 2
    assert "resident_searching" in kinds(town.pump())
    assert 1 not in able(town, ticket_id)


def test_a_caller_of_whom_nothing_is_known_refuses_on_this_ticket_alone(town: Town) -> None:
    ticket_id = registered(town, caller="")
    town.call(choices.refuse, ticket_id, 2)
    assert able(town, ticket_id) == [1, 3]
    assert able(town, registered(town, caller="")) == [1, 2, 3]
    town.call(choices.allow_again, ticket_id, 2)
    assert set(able(town, ticket_id)) == {1, 2, 3}
