"""The ticket's page while its order is offered: the ledger, picking among named times, and moving a held order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import update

from dispatch import answers, offers, service_requests
from dispatch.tables import Offer
from foundation.database import Database
from tests.console_desk import Browser, Desk
from tests.integration.dispatch_support import COMMUNITY, RESIDENT

ATTACK = "<img src=x onerror=alert(1)>"


@pytest.fixture
def desk(sqlite_url: str) -> Iterator[Desk]:
    database = Database(sqlite_url)
    made = Desk(database)
    yield made
    made.town.check_laws()
    made.town.writer.close()
    database.dispose()


@pytest.fixture
def li(desk: Desk) -> Iterator[Browser]:
    with desk.client() as client:
        yield Browser(client, "li")


def registered(desk: Desk) -> int:
    new = service_requests.NewRequest(
        item="0302", summary="厨房水龙头漏水", caller=RESIDENT, caller_name="王阿姨", community=COMMUNITY,
        address="示范路 1 号",
    )  # fmt: skip
    return int(desk.town.call(service_requests.open_request, new))


def test_an_operator_collects_times_and_picks_one(desk: Desk, li: Browser) -> None:
    ticket = registered(desk)
    page = li.post(f"/tickets/{ticket}/offer-by-mode", mode="collect", pick="operator").text
    assert page.count("等待答复") >= 3
    first, second, _third = desk.town.offers(ticket)
    desk.town.call(answers.accept, first.id, 90)
    assert li.post(f"/tickets/{ticket}/accept", offer_id=second.id, minutes=25).status_code == 200
    page = li.get(f"/tickets/{ticket}").text
    assert page.index("25</b> 分钟可到") < page.index("90</b> 分钟可到")  # the earliest first
    page = li.post(f"/tickets/{ticket}/pick", offer_id=second.id).text
    assert "已接单" in page
    assert "已由他人承接" in page
    assert desk.town.ticket(ticket).assigned_provider_id == 2
    again = li.post(f"/tickets/{ticket}/pick", offer_id=first.id)
    assert again.status_code == 409


def test_on_the_way_given_back_and_moved_to_another(desk: Desk, li: Browser) -> None:
    ticket = registered(desk)
    desk.town.call(offers.begin, ticket)
    desk.town.call(answers.accept, desk.town.offers(ticket)[0].id, 20)
    assert "已出发" in li.post(f"/tickets/{ticket}/departed").text
    page = li.post(f"/tickets/{ticket}/give-back", reason=ATTACK).text
    assert "企业退单" in page
    assert ATTACK not in page
    desk.town.call(answers.accept, desk.town.offers(ticket)[1].id, 20)
    page = li.post(f"/tickets/{ticket}/reassign", reason="居民要求", provider_id=3).text
    assert "居民要求" in page
    assert [(o.state, o.provider_id) for o in desk.town.offers(ticket)][1:] == [("withdrawn", 2), ("offered", 3)]


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("offer-by-mode", {"mode": "shout"}),
        ("offer-by-mode", {"mode": "parallel"}),  # for one item alone, and never by choice
        ("offer-by-mode", {"mode": "collect", "pick": "dice"}),
        ("pick", {"offer_id": "0"}),
        ("pick", {"offer_id": "x"}),
        ("give-back", {"reason": ""}),
        ("give-back", {"reason": "长" * 201}),
        ("reassign", {"reason": "换", "provider_id": "-1"}),
        ("reassign", {}),
    ],
)
def test_what_is_outside_its_bounds_is_refused_and_nothing_changes(
    desk: Desk, li: Browser, path: str, data: dict[str, str]
) -> None:
    ticket = registered(desk)
    assert li.post(f"/tickets/{ticket}/{path}", **data).status_code == 422
    assert desk.town.ticket(ticket).state == "registered"
    assert desk.town.offers(ticket) == []


def test_the_ledger_shows_every_mode_and_state_in_both_languages(desk: Desk, li: Browser) -> None:
    ticket = registered(desk)
    desk.town.call(offers.begin, ticket, mode="broadcast")
    offer = desk.town.offers(ticket)[0]
    for mode, channel in (("parallel", "both"), ("planned", "call"), ("collect", "sms")):
        change = update(Offer).where(Offer.id == offer.id).values(mode=mode, channel=channel)
        desk.town.call(lambda w, c=change: w.session.execute(c))
        page = li.get(f"/tickets/{ticket}").text
        assert {"parallel": "全体呼叫", "planned": "统一调度", "collect": "报时选定"}[mode] in page
    li.post("/language", locale="en")
    assert "By named times" in li.get(f"/tickets/{ticket}").text
