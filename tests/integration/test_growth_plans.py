"""What operators wait for reads by indexes: no statement of theirs walks through a table that grows with the years."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, text

from bench.growth import OPERATIONS, Store
from bench.stored import fill_sqlite
from dispatch import cards, deadlines, queries, service_requests, ticket_list, tickets
from foundation import deadlines as due
from foundation.clock import SystemClock
from foundation.database import Database
from foundation.writer import Writer

TICKETS = 20_000
GROWING = {"tickets", "arrivals", "arrival_tickets", "ticket_events", "deadlines", "outbox", "offers", "follow_ups",
           "homes", "people", "home_members"}  # fmt: skip


class Plans:
    """Asks SQLite how it will run each statement, and keeps those that walk through a growing table."""

    def __init__(self, database: Database) -> None:
        with database.read() as session:
            rows = session.execute(text("SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '% WHERE %'"))
            self._partial = set(rows.scalars())
        self.walks: list[tuple[str, str]] = []
        self.seen = 0
        for engine in (database.read_engine, database.write_engine):
            event.listen(engine, "before_cursor_execute", self._look)

    def _look(self, _c: Any, cursor: Any, statement: str, parameters: Any, _x: Any, many: bool) -> None:
        if not statement.startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
            return
        self.seen += 1
        told = parameters[0] if many else parameters
        for row in cursor.connection.cursor().execute("EXPLAIN QUERY PLAN " + statement, told).fetchall():
            found = re.match(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?", row[3])
            if found and found[1] in GROWING and found[2] not in self._partial and not self._stops(statement):
                self.walks.append((row[3], statement))

    def _stops(self, statement: str) -> bool:
        """Backwards along the ids until a page is full."""
        return bool(re.search(r"ORDER BY tickets\.id(?: DESC)?\s+LIMIT", statement))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    file = tmp_path_factory.mktemp("growth") / "stored.sqlite3"
    fill_sqlite(file, TICKETS, lambda _told: None)
    database = Database(f"sqlite:///{file}")
    made = Store(database, Writer(database, SystemClock()), TICKETS)
    yield made
    made.close()


@pytest.fixture(scope="module")
def plans(store: Store) -> Plans:
    return Plans(store.database)


def _reads(read: Callable[[Any], object]) -> Callable[[Store], None]:
    def do(store: Store) -> None:
        with store.database.read() as session:
            read(session)

    return do


def _course(store: Store) -> None:
    """A ticket is opened, offered, and closed."""
    request = service_requests.NewRequest(item="0302", summary="x", caller="13800000007", home_id=7, address="a")
    ticket_id = store.writer.call(service_requests.open_request, request, actor="user:op1")
    store.writer.call(service_requests.begin_offers, ticket_id, actor="user:op1")
    store.writer.call(tickets.close, ticket_id, "served", "done", actor="user:op1")


def _fires(store: Store) -> None:
    with store.database.read() as session:
        found = due.due_ids(session, SystemClock().now() + timedelta(days=1), 1)
    store.writer.call(deadlines.fire, found[0], actor="clock")


MORE: dict[str, Callable[[Store], None]] = {
    "seats": _reads(queries.seats),
    "alarms": _reads(queries.alarms),
    "ticket page": _reads(lambda session: cards.ticket_page(session, TICKETS // 2)),
    "call card": _reads(lambda session: cards.caller_card(session, TICKETS // 2)),
    "home card": _reads(lambda session: cards.home_card(session, 7)),
    "search by words": _reads(lambda session: ticket_list.tickets(session, show="all", text="漏水")),
    "search by number": _reads(lambda session: ticket_list.tickets(session, show="all", text="13800000007")),
    "course of a ticket": _course,
    "a deadline fires": _fires,
}


@pytest.mark.parametrize("name", [*[name for name, _ in OPERATIONS if name != "article search"], *MORE])
def test_nobody_waits_for_a_walk_through_a_table_that_grows(store: Store, plans: Plans, name: str) -> None:
    plans.walks.clear()
    plans.seen = 0
    {**dict(OPERATIONS), **MORE}[name](store)
    assert plans.seen, "its statements were not seen"
    assert plans.walks == []


def test_a_walk_is_found(store: Store, plans: Plans) -> None:
    plans.walks.clear()
    _reads(lambda session: session.execute(text("SELECT count(*) FROM tickets WHERE note = 'x'")))(store)
    assert plans.walks
    plans.walks.clear()
