"""The console's page of a surge: operators see, pin and veto; a supervisor has it planned, run and ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select

from callcenter.surge_desk import SurgeDesk, compute
from dispatch import service_requests, surge_plans
from dispatch.surge_tables import SurgeChoice, SurgePlan, SurgeRow
from foundation.database import Database
from tests.console_desk import Browser, Desk
from tests.integration.dispatch_support import COMMUNITY


@pytest.fixture
def desk(sqlite_url: str) -> Iterator[Desk]:
    database = Database(sqlite_url)
    made = Desk(database)
    yield made
    made.town.writer.close()
    database.dispose()


@pytest.fixture
def browser(desk: Desk) -> Iterator[Callable[[str], Browser]]:
    with desk.client() as client:
        yield lambda login: Browser(client, login)


def wait(desk: Desk, many: int) -> None:
    for n in range(many):
        new = service_requests.NewRequest(
            item="0302", summary="水龙头漏水", caller=f"138{n:08}", community=COMMUNITY, address=f"<b>示范路</b> {n} 号"
        )
        desk.town.call(service_requests.open_request, new)


def look(desk: Desk) -> None:
    SurgeDesk(desk.town.database, desk.town.writer, compute).step(desk.town.clock.at)


def test_a_supervisor_has_it_planned_run_and_ended(desk: Desk, browser: Callable[[str], Browser]) -> None:
    chen = browser("chen")
    assert "不需要集中派单" in chen.get("/surge").text
    wait(desk, 20)
    page = chen.get("/surge").text
    assert "求助多过队伍" in page
    assert "9 / 20" in page
    assert "正在编排" in chen.post("/surge").text
    look(desk)
    page = chen.get("/surge").text
    assert "第 1 版" in page
    assert "比就近派单少" in page
    assert "<b>示范路</b>" not in page
    assert "执行中" in chen.post("/surge/start").text
    look(desk)
    assert "等待答复" in chen.get("/surge?show=out").text
    assert "上一次" in chen.post("/surge/end", reason="雨停了").text
    assert [plan.end_reason for plan in desk.town.rows(select(SurgePlan))] == ["雨停了"]


def test_an_operator_pins_and_vetoes_but_does_not_run_it(desk: Desk, browser: Callable[[str], Browser]) -> None:
    wait(desk, 4)
    desk.town.call(surge_plans.open_plan)
    look(desk)
    row = desk.town.rows(select(SurgeRow))[0]
    li = browser("li")
    pair = {"ticket_id": row.ticket_id, "provider_id": row.provider_id}
    assert "指定" in li.post("/surge/choices", **pair, kind="pin").text
    assert "排除" in li.post("/surge/choices", **pair, kind="veto").text
    (choice,) = desk.town.rows(select(SurgeChoice))
    assert (choice.kind, choice.by) == ("veto", "user:li")
    assert li.post("/surge/choices", **pair, kind="none").status_code == 200
    assert desk.town.rows(select(SurgeChoice)) == []
    for url, told in (("/surge", {}), ("/surge/start", {}), ("/surge/end", {"reason": "x"})):
        assert li.post(url, **told).status_code == 403
    assert 'hx-post="/surge/start"' not in li.get("/surge").text


@pytest.mark.parametrize(
    "bad", [{"kind": "both"}, {"ticket_id": 0}, {"provider_id": 99999}, {"ticket_id": "x"}, {"provider_id": 2**60}]
)
def test_what_is_out_of_bounds_is_refused(
    desk: Desk, browser: Callable[[str], Browser], bad: dict[str, object]
) -> None:
    wait(desk, 2)
    chen = browser("chen")
    chen.post("/surge")
    reply = chen.post("/surge/choices", **{"ticket_id": 1, "provider_id": 1, "kind": "pin", **bad})
    assert reply.status_code in (404, 422)
    assert desk.town.rows(select(SurgeChoice)) == []
    assert chen.get("/surge?show=everything").status_code == 422
