"""The part of a ticket's page that shows who can serve: scores with their parts, choosing, naming, refusing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import update

from dispatch import service_requests
from foundation.database import Database
from providers.registry import NewProvider, add_provider
from providers.tables import Provider
from tests.console_desk import Browser, Desk
from tests.integration.dispatch_support import COMMUNITY, RESIDENT


@pytest.fixture
def desk(sqlite_url: str) -> Iterator[Desk]:
    database = Database(sqlite_url)
    made = Desk(database)
    yield made
    made.town.check_laws()
    made.town.writer.close()
    database.dispose()


@pytest.fixture
def ticket(desk: Desk) -> int:
    new = service_requests.NewRequest(
        item="0302", summary="水龙头漏水", caller=RESIDENT, community=COMMUNITY, address="示范路 1 号"
    )
    return int(desk.town.call(service_requests.open_request, new))


def test_three_are_shown_with_every_part_of_their_scores(desk: Desk, ticket: int) -> None:
    extra = NewProvider(name="<b>第四家</b>", items={"0302": None}, prefixes=["330203"], phones=["13911110006"])
    desk.town.call(add_provider, extra)
    with desk.client() as client:
        page = Browser(client, "li").get(f"/tickets/{ticket}").text
    assert "3 / 4" in page
    assert page.count("分数怎么来的") == 3
    for part in ("远近", "星级", "接单率", "准时", "在手工单", "轮流", "价格", "合计"):
        assert page.count(f'<th scope="row">{part}</th>') == 3
    assert "<b>第四家" not in page


def test_the_residents_choice_is_asked_and_a_refused_one_is_not_and_comes_back(desk: Desk, ticket: int) -> None:
    with desk.client() as client:
        li = Browser(client, "li")
        refused = li.post(f"/tickets/{ticket}/refuse", provider_id=1, reason="上次没修好")
        assert "居民不要" in refused.text
        assert "2 / 2" in refused.text
        assert "3 / 3" in li.post(f"/tickets/{ticket}/allow", provider_id=1).text
        chosen = li.post(f"/tickets/{ticket}/choose", provider_id=2)
        assert chosen.status_code == 200
    (offer,) = desk.town.offers(ticket)
    assert offer.provider_id == 2
    assert "choice.made" in desk.town.events(ticket)


def test_one_is_found_by_name_and_asked_and_one_that_cannot_says_why(desk: Desk, ticket: int) -> None:
    far = NewProvider(name="鄞州安心水电", items={"0302": None}, prefixes=["330212"], phones=["13911110007"])
    far_id = desk.town.call(add_provider, far)
    stop = update(Provider).where(Provider.id == 3).values(state="suspended")
    desk.town.call(lambda w: w.session.execute(stop.execution_options(synchronize_session=False)))
    with desk.client() as client:
        li = Browser(client, "li")
        assert "鄞州安心水电" in li.get(f"/tickets/{ticket}/named?provider_q=安心").text
        stopped = li.get(f"/tickets/{ticket}/named?provider_q=水管师傅3").text
        assert "当前状态不派单" in stopped
        assert "派给这家" not in stopped
        assert "没有提供该项目" in li.get(f"/tickets/{ticket}/named?provider_q=不存在").text
        assert li.post(f"/tickets/{ticket}/name", provider_id=3).status_code == 422
        assert li.post(f"/tickets/{ticket}/name", provider_id=far_id).status_code == 200
    assert [offer.provider_id for offer in desk.town.offers(ticket)] == [far_id]


def test_strangers_and_strange_input_are_turned_away(desk: Desk, ticket: int) -> None:
    with desk.client() as client:
        stranger = Browser(client, None)
        for what in ("choose", "name", "refuse", "allow"):
            assert stranger.post(f"/tickets/{ticket}/{what}", provider_id=1).status_code in (303, 401, 403)
    with desk.client() as client:
        li = Browser(client, "li")
        assert li.post(f"/tickets/{ticket}/choose", provider_id="x").status_code == 422
        assert li.post(f"/tickets/{ticket}/refuse", provider_id=999).status_code == 404
        assert li.post(f"/tickets/{ticket}/refuse", provider_id=1, reason="长" * 201).status_code == 422
        assert li.post("/tickets/999/choose", provider_id=1).status_code == 404
        assert li.get(f"/tickets/{ticket}/named?provider_q={'x' * 41}").status_code == 422
    assert desk.town.offers(ticket) == []
