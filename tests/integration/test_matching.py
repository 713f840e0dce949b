"""Matching on the real tables: what is read for a ticket, and that no process ranks by a register that has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, text, update

from dispatch import matching, service_requests
from dispatch.ranking import Ranked
from dispatch.tables import Correspondent, Ticket
from foundation.database import Database
from foundation.writer import Work
from providers import register_columns
from providers.rating_tables import ProviderRating
from providers.registry import NewProvider, add_provider
from providers.tables import Provider, ProviderCoverage, ProviderItem, ProviderPhone
from residents.tables import Division, Home
from tests.integration.dispatch_support import COMMUNITY, PLUMBERS, Town

TAP = "0302"


@pytest.fixture
def town(database: Database) -> Iterator[Town]:
    made = Town(database)
    yield made
    made.check_laws()
    made.writer.close()


def registered(town: Town, **more: Any) -> int:
    """A request for a plumber of which nobody has been asked yet."""
    new = service_requests.NewRequest(
        item=more.pop("item", TAP), summary="水龙头漏水", caller=more.pop("caller", "+8613800000101"),
        community=COMMUNITY, address="示范路 1 号", **more,
    )  # fmt: skip
    return int(town.call(service_requests.open_request, new))


def ranked(town: Town, ticket_id: int) -> list[Ranked]:
    with town.database.read() as session:
        return matching.ranked(session, session.get_one(Ticket, ticket_id), town.clock.now())


def able(town: Town, ticket_id: int) -> list[int]:
    return [one.provider_id for one in ranked(town, ticket_id) if one.able]


def change(town: Town, statement: Any) -> None:
    town.call(lambda w: w.session.execute(statement.execution_options(synchronize_session=False)))


def of(judged: list[Ranked], provider_id: int) -> Ranked:
    return next(one for one in judged if one.provider_id == provider_id)


CHANGES: dict[str, tuple[Callable[[], Any], str]] = {
    "standing": (lambda: update(Provider).where(Provider.id == 1).values(state="suspended"), "standing"),
    "hours": (lambda: update(Provider).where(Provider.id == 1).values(opens_minute=1200, closes_minute=1260), "营业"),
    "rota": (lambda: update(Provider).where(Provider.id == 1).values(rota={"days": {"2026-11-23": []}}), "当天不营业"),
    "capacity": (lambda: update(Provider).where(Provider.id == 1).values(capacity=0), "在手工单已满"),
    "absence": (
        lambda: update(Provider).where(Provider.id == 1).values(absent_until=text("'2026-11-24 16:00:00+00:00'")),
        "请假",
    ),
    "area": (
        lambda: update(ProviderCoverage).where(ProviderCoverage.provider_id == 1).values(prefix="330212"),
        "不覆盖该地址",
    ),
    "area gone": (lambda: delete(ProviderCoverage).where(ProviderCoverage.provider_id == 1), "不覆盖该地址"),
    "telephone": (lambda: delete(ProviderPhone).where(ProviderPhone.provider_id == 1), "没有已验证的电话"),
    "opted out": (
        lambda: insert(Correspondent).values(
            number=PLUMBERS[0], unknown_answers=0, opted_out_at=text("'2026-11-22 16:00:00+00:00'")
        ),
        "没有已验证的电话",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_by_plain_sql_is_seen_by_the_very_next_match(town: Town, what: str) -> None:
    make, reason = CHANGES[what]
    ticket_id = registered(town)
    assert able(town, ticket_id) == [1, 2, 3]
    change(town, make())
    judged = ranked(town, ticket_id)
    assert [one.provider_id for one in judged if one.able] == [2, 3]
    assert any(reason in word for words in of(judged, 1).reasons for word in words)


def test_what_is_gone_and_what_is_new_is_seen(town: Town) -> None:
    ticket_id = registered(town)
    assert able(town, ticket_id) == [1, 2, 3]
    change(town, delete(ProviderItem).where(ProviderItem.provider_id == 2))
    assert able(town, ticket_id) == [1, 3]
    town.call(add_provider, NewProvider(name="新来的", items={TAP: None}, prefixes=["330203"], phones=["13900000009"]))
    assert set(able(town, ticket_id)) == {1, 3, 4}


def test_what_a_command_wrote_and_took_back_is_never_ranked_by_another(town: Town) -> None:
    """The columns made inside a transaction that was given up must not pass for the register."""
    ticket_id = registered(town)

    def look_and_fail(w: Work) -> None:
        w.session.execute(update(Provider).where(Provider.id == 1).values(state="expelled"))
        ticket = w.session.get_one(Ticket, ticket_id)
        assert [one.provider_id for one in matching.ranked(w.session, ticket, w.now) if one.able] == [2, 3]
        raise LookupError

    with pytest.raises(LookupError):
        town.call(look_and_fail)
    assert able(town, ticket_id) == [1, 2, 3]
    change(town, update(Provider).where(Provider.id == 2).values(state="suspended"))
    assert able(town, ticket_id) == [1, 3]


def test_another_process_sees_the_change_as_well(town: Town) -> None:
    """Another process has columns of its own; only the database tells it that they are old."""
    ticket_id = registered(town)
    assert able(town, ticket_id) == [1, 2, 3]
    mine = dict(register_columns._kept)
    change(town, update(Provider).where(Provider.id == 3).values(state="suspended"))
    assert able(town, ticket_id) == [1, 2]
    register_columns._kept.clear()
    register_columns._kept.update(mine)  # what the other process still holds
    assert able(town, ticket_id) == [1, 2]


def test_columns_are_read_again_only_when_the_register_changed(town: Town) -> None:
    ticket_id = registered(town)
    with town.database.read() as session:
        first = register_columns.of_item(session, TAP)
        assert register_columns.of_item(session, TAP) is first
    town.request()  # an order is offered: that is no change to the register
    with town.database.read() as session:
        assert register_columns.of_item(session, TAP) is first
    change(town, update(Provider).where(Provider.id == 1).values(stars=2))
    with town.database.read() as session:
        assert register_columns.of_item(session, TAP) is not first
    assert able(town, ticket_id)


def test_orders_in_hand_and_the_last_offer_are_always_fresh(town: Town) -> None:
    first = town.request()
    town.sms(PLUMBERS[0], "1 20")
    second = registered(town)
    told = {part.name: part.zh for part in of(ranked(town, second), 1).parts}
    assert told["load"] == "在手 1/3"
    assert told["turn"] == "刚派过单"
    town.forward(minutes=5)
    assert town.ticket(first).assigned_provider_id == 1
    change(town, update(Provider).where(Provider.id == 1).values(capacity=1))
    assert able(town, second) == [2, 3]


def test_an_item_with_a_licence_needs_one_that_has_not_run_out(town: Town) -> None:
    until = {1: date(2026, 11, 22), 2: date(2026, 11, 23), 3: None}  # yesterday, today, no end known
    for provider_id, day in until.items():
        change(town, insert(ProviderItem).values(provider_id=provider_id, item="0306", licensed_until=day))
    ticket_id = registered(town, item="0306")
    judged = ranked(town, ticket_id)
    assert sorted(one.provider_id for one in judged if one.able) == [2, 3]
    assert of(judged, 1).reasons == (("该项目的许可已过期", "its licence for this item has run out"),)
    for provider_id in until:  # a tap needs none
        change(town, update(ProviderItem).where(ProviderItem.item == TAP, ProviderItem.provider_id == provider_id)
               .values(licensed_until=date(2026, 1, 1)))  # fmt: skip
    assert len(able(town, registered(town))) == 3


def test_a_radius_covers_what_no_division_code_does(town: Town) -> None:
    change(town, update(Home).where(Home.id == 7).values(latitude=29.870, longitude=121.540))
    change(town, delete(ProviderCoverage))
    for provider_id, latitude, radius in ((1, 29.879, 2.0), (2, 29.879, 0.5), (3, None, 50.0)):
        change(town, update(Provider).where(Provider.id == provider_id)
               .values(latitude=latitude, longitude=121.540 if latitude else None, radius_km=radius))  # fmt: skip
    ticket_id = registered(town, home_id=7)
    assert able(town, ticket_id) == [1]
    assert of(ranked(town, ticket_id), 1).parts[0].zh.startswith("1 公里，约 4 分钟")


def test_a_ticket_stands_where_its_home_is_else_in_its_community(town: Town) -> None:
    change(town, update(Division).where(Division.code == "330203").values(latitude=29.87, longitude=121.54))
    change(town, update(Home).where(Home.id == 7).values(latitude=29.80, longitude=121.50))
    at_home, somewhere = town.ticket(registered(town, home_id=7)), town.ticket(registered(town))
    assert (at_home.latitude, at_home.longitude) == (29.80, 121.50)
    assert (somewhere.latitude, somewhere.longitude) == (29.87, 121.54)


def test_what_the_window_counted_is_what_the_parts_say(town: Town) -> None:
    counts = {"graded": 40, "accepted": 30, "declined": 6, "expired": 4, "arrivals": 28, "on_time": 25}
    now = town.clock.now()
    window = now - timedelta(days=90)
    values = {"window_from": window, "computed_at": now, "counts": counts, "score": 0.8, "stars": 5}
    change(town, insert(ProviderRating).values(provider_id=1, **values))
    told = {part.name: part.zh for part in of(ranked(town, registered(town)), 1).parts}
    assert told["stars"] == "5 星（40 次评价）"
    assert told["acceptance"] == "接单 30/40"
    assert told["punctuality"] == "准时 25/28"
    assert told["price"] == "30–80 元"


def test_a_provider_named_by_the_resident_is_judged_by_all_but_its_area(town: Town) -> None:
    far = town.call(
        add_provider, NewProvider(name="外区", items={TAP: None}, prefixes=["330212"], phones=["13900000008"])
    )
    other = town.call(
        add_provider, NewProvider(name="保洁", items={"0102": None}, prefixes=["330203"], phones=["13900000007"])
    )
    ticket_id = registered(town)
    assert far not in able(town, ticket_id)
    with town.database.read() as session:
        ticket, now = session.get_one(Ticket, ticket_id), town.clock.now()
        assert matching.judge(session, ticket, far, now).able
        assert matching.judge(session, ticket, other, now).reasons == (("不提供该项目", "does not offer this item"),)
    change(town, update(Provider).where(Provider.id == far).values(state="suspended"))
    with town.database.read() as session:
        assert not matching.judge(session, session.get_one(Ticket, ticket_id), far, now).able


def test_the_triggers_stand_on_every_table_that_matching_keeps(town: Town) -> None:
    """A later migration that makes a table anew on SQLite drops its triggers without a word."""
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if town.database.dialect == "sqlite"
        else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
    )
    with town.database.read() as session:
        there = {row[0] for row in session.execute(text(query))}
    watched = (
        "providers",
        "provider_items",
        "provider_coverage",
        "provider_phones",
        "provider_ratings",
        "correspondents",
    )
    for table in watched:
        for event in ("insert_new", "update_old", "update_new", "delete_old"):
            assert f"{table}_stamp_{event}" in there


def test_nobody_offers_the_item_and_nobody_is_ranked(town: Town) -> None:
    assert ranked(town, registered(town, item="1801")) == []
