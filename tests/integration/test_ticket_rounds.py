"""The same matter again: asked about once more, joined, reopened; and archived when its time is over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from dispatch import archive, arrivals, follow_up, repeats, rounds, service_requests, tickets
from dispatch.errors import AlreadyDisposed, BadInput, TicketNotOpen
from dispatch.tables import Arrival
from foundation.database import Database
from tests.integration.desk_support import matter
from tests.integration.dispatch_support import PLUMBERS, RESIDENT, Town, press, service_call


@pytest.fixture
def town(database: Database) -> Iterator[Town]:
    made = Town(database)
    yield made
    made.check_laws()
    made.writer.close()


def served(town: Town) -> int:
    ticket_id = town.request()
    provider = town.offers(ticket_id)[-1].phone
    town.sms(provider, "1 20")
    town.sms(provider, "完 80")
    town.call(follow_up.answer, ticket_id, 5)
    return ticket_id


def rings(town: Town, call_id: str, caller: str = "13800000101") -> int:
    return int(town.call(arrivals.record_steps, service_call(call_id, caller=caller), priority=2).new[0])


def test_the_same_line_and_item_is_shown_joined_on_request_and_made_urgent(town: Town) -> None:
    leak, lamp = town.request("0302"), town.request("0305")
    matter(town)
    with town.database.read() as session:
        found = repeats.find(session, RESIDENT, None, "0302")
        assert [(one.ticket.id, one.same_line, one.same_home, one.same_item) for one in found] == [
            (leak, True, False, True)
        ]
        assert len(repeats.find(session, RESIDENT, None)) == 3
        assert repeats.find(session, "+8613900009999", None) == []
        assert repeats.find(session, "", None) == []
    for count in (1, 2, 3):
        arrival = rings(town, f"node1-{count}.1")
        assert town.call(repeats.join, arrival, leak, "又漏了") == count
        disposed = town.rows(select(Arrival).where(Arrival.id == arrival))[0]
        assert (disposed.disposition, disposed.disposition_reason.split()[0]) == ("ticket", "joined")
        assert town.ticket(leak).urgency == ("extra_urgent" if count >= 3 else "urgent")
        with pytest.raises(AlreadyDisposed):
            town.call(repeats.join, arrival, leak)
    assert (town.ticket(leak).repeats, town.ticket(lamp).repeats) == (3, 0)
    assert town.events(leak).count("ticket.repeated") == 3


def test_the_home_counts_as_much_as_the_line(town: Town) -> None:
    ticket_id = town.request(home_id=8)
    with town.database.read() as session:
        found = repeats.find(session, "+8613900009999", 8)
    assert [(one.ticket.id, one.same_line, one.same_home) for one in found] == [(ticket_id, False, True)]


def test_a_closed_ticket_and_an_alarm_are_never_offered_to_be_joined(town: Town) -> None:
    ticket_id = town.request(home_id=7)
    town.call(service_requests.cancel, ticket_id, "不用了")
    town.call(arrivals.record_steps, press("node1-9.1"), priority=0)
    with town.database.read() as session:
        assert repeats.find(session, RESIDENT, 7) == []
    with pytest.raises(TicketNotOpen):
        town.call(repeats.join, rings(town, "node1-1.1"), ticket_id)


def test_two_tickets_of_one_matter_become_one(town: Town) -> None:
    first, second = matter(town), matter(town)
    town.call(repeats.join_tickets, second, first, "同一摊位")
    joined = town.ticket(second)
    assert (joined.state, joined.outcome, joined.joined_to) == ("closed", "joined", first)
    assert town.ticket(first).repeats == 1
    for one, into in ((first, first), (first, second)):
        with pytest.raises((BadInput, TicketNotOpen)):
            town.call(repeats.join_tickets, one, into, "x")
    with pytest.raises(BadInput):
        town.call(rounds.reopen, second, "还没解决")


def test_a_matter_that_is_not_settled_after_all_is_reopened_with_its_provider(town: Town) -> None:
    ticket_id = served(town)
    town.forward(days=29)
    with pytest.raises(BadInput):
        town.call(rounds.reopen, ticket_id, " ")
    town.call(rounds.reopen, ticket_id, "又漏了", actor="user:li")
    again = town.ticket(ticket_id)
    assert (again.state, again.round, again.outcome, again.closed_at) == ("offered", 2, None, None)
    assert town.offers(ticket_id)[-1].phone == PLUMBERS[0]
    assert "ticket.reopened" in town.events(ticket_id)


def test_after_thirty_days_it_is_archived_and_only_read(town: Town) -> None:
    ticket_id, later = served(town), served(town)
    town.forward(days=29)
    assert town.call(archive.archive_due) == 0
    town.call(rounds.reopen, later, "又漏了")
    town.forward(days=1)
    assert town.call(archive.archive_due) == 1
    assert town.call(archive.archive_due) == 0
    archived = town.ticket(ticket_id)
    assert (archived.state, archived.outcome, archived.archived_at) == ("archived", "served", town.clock.at)
    for wrong in (lambda w: rounds.reopen(w, ticket_id, "x"), lambda w: tickets.open_one(w.session, ticket_id)):
        with pytest.raises(TicketNotOpen):
            town.call(wrong)


def test_a_ticket_may_be_reopened_until_the_very_hour_even_if_no_chore_came(town: Town) -> None:
    ticket_id = served(town)
    town.clock.at += timedelta(days=30)
    with pytest.raises(TicketNotOpen):
        town.call(rounds.reopen, ticket_id, "又漏了")


def test_any_open_matter_may_be_cancelled_but_not_what_is_done(town: Town) -> None:
    ticket_id = matter(town)
    town.call(service_requests.cancel, ticket_id, "已经解决")
    assert town.ticket(ticket_id).outcome == "cancelled"
    done = town.request()
    town.sms(PLUMBERS[0], "1 20")
    town.sms(PLUMBERS[0], "完")
    with pytest.raises(BadInput):
        town.call(service_requests.cancel, done, "不付钱了")
