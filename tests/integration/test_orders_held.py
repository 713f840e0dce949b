"""Orders in a provider's hands: given back, moved, on the way, and silent at work."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dispatch import taking_back
from dispatch.errors import BadInput
from foundation.database import Database
from tests.integration.dispatch_support import PLUMBERS, Town, kinds


@pytest.fixture
def town(database: Database) -> Iterator[Town]:
    made = Town(database)
    yield made
    made.check_laws()
    made.writer.close()


# --- orders that come back -----------------------------------------------------------------------


def test_a_provider_gives_an_order_back_with_its_reason(town: Town) -> None:
    ticket_id = town.request()
    town.sms(PLUMBERS[0], "1 20")
    town.pump()
    assert town.sms(PLUMBERS[0], "退单 车坏了") == "given_back"
    back = town.offers(ticket_id)
    assert [offer.state for offer in back] == ["withdrawn", "offered"]
    assert (back[0].decline_reason, back[0].ended_by) == ("车坏了", "test")
    assert back[0].answered_at is not None  # it had said yes, and the ledger keeps that
    assert "offer.given_back" in town.events(ticket_id)
    assert {"given_back", "offer", "resident_searching"} <= set(kinds(town.pump()))
    assert town.sms(PLUMBERS[0], "1") in ("no_longer_open", "taken_by_another")
    assert town.sms(PLUMBERS[0], "退单") == "no_open_order"


def test_an_operator_moves_an_order_to_another(town: Town) -> None:
    ticket_id = town.request()
    town.sms(PLUMBERS[0], "1 20")
    town.pump()
    with pytest.raises(BadInput):
        town.call(taking_back.reassign, ticket_id, "  ", 2)
    town.call(taking_back.reassign, ticket_id, "居民要求换人", 3, actor="user:li")
    assert [(offer.state, offer.provider_id) for offer in town.offers(ticket_id)] == [("withdrawn", 1), ("offered", 3)]
    assert town.offers(ticket_id)[0].ended_by == "user:li"
    sent = town.pump()
    assert [row.template for row in sent if row.recipient == PLUMBERS[0]] == ["withdrawal"]
    with pytest.raises(BadInput):
        town.call(taking_back.reassign, ticket_id, "再换")


def test_on_the_way_is_told_once_and_is_no_state(town: Town) -> None:
    ticket_id = town.request()
    town.sms(PLUMBERS[0], "1 20")
    town.pump()
    assert town.sms(PLUMBERS[0], "出发") == "departed"
    assert town.sms(PLUMBERS[0], "在路上") == "departed"
    held = town.ticket(ticket_id)
    assert (held.state, held.departed_at) == ("accepted", town.clock.at)
    assert kinds(town.pump()).count("resident_on_way") == 1
    assert town.events(ticket_id).count("visit.departed") == 1
    town.sms(PLUMBERS[0], "退单")
    assert town.ticket(ticket_id).departed_at is None


def test_who_is_silent_at_work_for_two_hours_leaves_the_order_to_the_desk(town: Town) -> None:
    ticket_id = town.request()
    town.sms(PLUMBERS[0], "1 20")
    town.sms(PLUMBERS[0], "到")
    town.forward(hours=5)  # four hours for the work, then asked about every hour
    assert town.ticket(ticket_id).owner == "provider:1"
    town.forward(hours=1, minutes=1)
    silent = town.ticket(ticket_id)
    assert (silent.state, silent.owner, silent.assigned_provider_id) == ("arrived", "desk", 1)
    assert town.sms(PLUMBERS[0], "完 80") == "done"
