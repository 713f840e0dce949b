"""The list of tickets page by page: every ticket once, filters kept, words found however old, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from dispatch import ticket_list
from dispatch.sight import ALL, Sight
from dispatch.tables import Ticket
from dispatch.ticket_list import TicketList
from foundation.database import Database
from foundation.scope import Scope
from tests.integration.dispatch_support import START, Town


@pytest.fixture
def town(database: Database) -> Iterator[Town]:
    made = Town(database)
    yield made
    made.writer.close()


def fill(town: Town, count: int) -> None:
    """Every third is closed, every fifth a complaint, every seventh of the neighbouring district."""
    rows = []
    for n in range(1, count + 1):
        closed = n % 3 == 0
        at = START + timedelta(minutes=n)
        rows.append(
            {"number": f"20261122-{n:04}", "kind": "complaint" if n % 5 == 0 else "service_request",
             "state": "closed" if closed else "registered", "owner": "" if closed else "desk",
             "next_deadline_at": None if closed else at, "outcome": "served" if closed else None,
             "closed_at": at if closed else None, "opened_at": at, "opened_by": "test", "elements": {}, "policy": {},
             "caller": f"+86138{n:08}", "caller_name": f"示范{n}", "summary": "漏水" if n == 2 else "其他",
             "address": f"示范路 {n} 号", "district": "330204" if n % 7 == 0 else "330203"}
        )  # fmt: skip
    town.call(lambda w: w.session.execute(insert(Ticket), rows) and None)


def page(town: Town, **filters: Any) -> TicketList:
    with town.database.read() as session:
        return ticket_list.tickets(session, **filters)


def ids(found: TicketList) -> list[int]:
    return [row.id for row in found.rows]


@pytest.mark.parametrize("show", ["open", "closed", "all"])
@pytest.mark.parametrize("kind", ["", "complaint"])
def test_pages_forward_and_back_show_every_ticket_once(town: Town, show: str, kind: str) -> None:
    fill(town, 130)
    wanted = [n for n in range(130, 0, -1) if kind == "" or n % 5 == 0]
    wanted = [n for n in wanted if show == "all" or (n % 3 == 0) == (show == "closed")]
    forward, found = [], page(town, show=show, kind=kind)
    pages = [ids(found)]
    while found.older is not None:
        forward += pages[-1]
        found = page(town, show=show, kind=kind, before=found.older)
        pages.append(ids(found))
        assert found.newer is not None
    assert [*forward, *pages[-1]] == wanted
    assert all(len(one) == ticket_list.PAGE for one in pages[:-1])
    for earlier in reversed(pages[:-1]):
        assert found.newer is not None
        found = page(town, show=show, kind=kind, after=found.newer)
        assert ids(found) == earlier
    assert found.newer is None


def test_a_ticket_that_comes_in_meanwhile_moves_no_page(town: Town) -> None:
    fill(town, 100)
    behind = page(town, show="all").older
    second = ids(page(town, show="all", before=behind))
    town.request()
    assert ids(page(town, show="all", before=behind)) == second
    assert len(ids(page(town, show="all"))) == ticket_list.PAGE


def test_numbers_and_telephones_are_found_however_old_and_words_as_far_as_one_looks(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticket_list, "WINDOW", 50)
    fill(town, 130)
    assert ids(page(town, show="all", text="20261122-0002")) == [2]
    assert ids(page(town, show="all", text="13800000002")) == [2]
    looked = page(town, show="all", text="漏水")
    assert ids(looked) == []
    assert looked.searched_to == START + timedelta(minutes=81)
    further = page(town, show="all", text="漏水", before=looked.older)
    assert ids(further) == []
    last = page(town, show="all", text="漏水", before=further.older)
    assert (ids(last), last.older, last.searched_to) == ([2], None, None)


@pytest.mark.parametrize("words", ["%", "_", "\\", "'", '"', "'; --", "\x00", "示" * 60])
def test_words_are_words_and_no_pattern(town: Town, words: str) -> None:
    fill(town, 3)
    assert ids(page(town, show="all", text=words.replace("\x00", ""))) in ([], [3, 2, 1])
    if words in "%_\\":
        assert ids(page(town, show="all", text=words)) == []


def test_only_tickets_in_sight_are_listed_and_counted(town: Town) -> None:
    fill(town, 70)
    there = Sight(Scope(("330204",)))
    found = page(town, show="all", sight=there)
    assert ids(found) == [70, 63, 56, 49, 42, 35, 28, 21, 14, 7]
    assert found.open_total == sum(n % 3 != 0 for n in ids(found))
    assert page(town, show="all", sight=ALL).open_total == sum(n % 3 != 0 for n in range(1, 71))


def test_a_narrow_sight_looks_back_a_bounded_way_and_goes_on_from_there(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticket_list, "WIDE_WINDOW", 30)
    fill(town, 100)
    there, found, looks = Sight(Scope(("330204",))), [], 0
    listed = page(town, show="all", sight=there)
    while True:
        found += ids(listed)
        looks += 1
        if listed.older is None:
            break
        listed = page(town, show="all", sight=there, before=listed.older)
    assert found == [n for n in range(100, 0, -1) if n % 7 == 0]
    assert looks == 4, "30 and 30 and 30 and 10"


def test_counting_stops_where_it_says(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticket_list, "MOST_COUNTED", 10)
    fill(town, 30)
    assert page(town).open_shown == "10+"
