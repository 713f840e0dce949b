"""Fifty providers say yes in the same instant: one has the order, and the other forty-nine hear the truth."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy import text as sql

from dispatch import answers, offers, replies, service_requests, states
from dispatch.tables import Ticket
from foundation import inbox
from foundation.database import Database
from foundation.tables import OutboxMessage
from foundation.writer import Priority, Work
from providers.registry import NewProvider, add_provider
from tests.integration.dispatch_support import COMMUNITY, Town

ITEM = "0303"
"""An item that only the fifty offer."""
FIFTY = [f"+86139{n:08}" for n in range(100, 150)]


@pytest.fixture
def town(database: Database) -> Iterator[Town]:
    made = Town(database)
    made.call(_register_fifty)
    yield made
    made.check_laws()
    made.writer.close()


def test_fifty_answer_at_once_and_one_wins_and_the_others_hear_the_truth(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    _rounds(town, 20, caplog)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_fifty_answer_at_once_five_hundred_times(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    _rounds(town, 500, caplog)


def test_with_the_guard_off_the_index_behind_it_still_lets_one_win(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.check_laws = lambda: None  # type: ignore[method-assign]  # they are broken here on purpose
    monkeypatch.setattr(answers, "_claim", _without_looking)
    monkeypatch.setattr(answers, "give", lambda *_: None)
    _ticket_id, ids = _broadcast(town)
    said = Counter(_answer(town, ids[:10]))
    assert said["yours"] == 1
    assert said == {"yours": 1, "OfferAlreadyTaken": 9}


def test_with_both_guards_off_several_win(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: it shows that the race above would be seen."""
    town.check_laws = lambda: None  # type: ignore[method-assign]  # they are broken here on purpose
    monkeypatch.setattr(answers, "_claim", _without_looking)
    monkeypatch.setattr(states, "check", lambda *_: None)
    town.call(lambda w: w.session.execute(sql("DROP INDEX uq_offers_accepted")))
    monkeypatch.setattr(answers, "give", lambda *_: None)
    ticket_id, ids = _broadcast(town)
    assert Counter(_answer(town, ids))["yours"] > 1
    assert [offer.state for offer in town.offers(ticket_id)].count("accepted") > 1


def _rounds(town: Town, count: int, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        for number in range(count):
            ticket_id, _ids = _broadcast(town)
            items = [_text(town, f"{number}-{n}", phone) for n, phone in enumerate(FIFTY)]
            futures = [town.writer.submit(replies.handle_sms, Priority.NORMAL, f"sms:{n}", key) for n, key in items]
            outcomes = [future.result(timeout=60) for future in futures]
            assert Counter(outcomes) == {"accepted": 1, "taken_by_another": 49}, f"round {number}"
            winner = FIFTY[outcomes.index("accepted")]
            ledger = town.offers(ticket_id)
            assert Counter(offer.state for offer in ledger) == {"accepted": 1, "withdrawn": 49}
            assert [offer.phone for offer in ledger if offer.state == "accepted"] == [winner]
            assert town.ticket(ticket_id).state == "accepted"
            told = town.rows(select(OutboxMessage).where(OutboxMessage.state == "pending"))
            heard = Counter(message.template for message in told if message.recipient in FIFTY)
            assert heard == {"confirmation": 1, "taken_by_another": 49}, f"round {number}"
            assert [message.recipient for message in told if message.template == "confirmation"] == [winner]
            town.call(service_requests.cancel, ticket_id, "下一轮 / the next round")
            town.pump()
    assert not caplog.records, [record.getMessage() for record in caplog.records]


def _broadcast(town: Town) -> tuple[int, list[int]]:
    """One order, put to all fifty at once."""
    new = service_requests.NewRequest(
        item=ITEM, summary="马桶漏水", caller="", community=COMMUNITY, address="示范路 1 号"
    )
    ticket_id = int(town.call(service_requests.open_request, new))
    town.call(offers.begin, ticket_id, mode="broadcast", width=50)
    ids = [offer.id for offer in town.offers(ticket_id) if offer.state == "offered"]
    assert len(ids) == 50
    return ticket_id, ids


def _text(town: Town, key: str, phone: str) -> tuple[str, int]:
    payload = {"from": phone, "to": "81890", "text": "1 20"}
    item: int = town.call(lambda w: inbox.receive(w.session, "race", key, payload, w.now))
    return key, item


def _answer(town: Town, ids: list[int]) -> list[str]:
    futures = [town.writer.submit(answers.accept, Priority.NORMAL, f"p{n}", offer, 10) for n, offer in enumerate(ids)]
    said = []
    for future in futures:
        try:
            said.append(str(future.result(timeout=60)))
        except Exception as error:
            said.append(type(error).__name__)
    return said


def _without_looking(w: Work, offer: Any, minutes: int | None) -> Ticket:
    """The claim without its conditions."""
    w.connection.execute(answers._ACCEPT, {"offer": offer.id, "at": w.now, "by": w.actor, "minutes": minutes})
    return w.session.get_one(Ticket, offer.ticket_id)


def _register_fifty(w: Work) -> None:
    for n, number in enumerate(FIFTY):
        add_provider(
            w, NewProvider(name=f"众包{n}", items={ITEM: None}, prefixes=["330203"], phones=[number], capacity=10_000)
        )
