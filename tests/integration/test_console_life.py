"""What people do with a ticket on its page: desks, returns, pauses, nudges, rounds; and who may."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from dispatch import follow_up, organisations, staff
from foundation.database import Database
from foundation.writer import Work
from tests.console_desk import HASH, Browser, Desk
from tests.integration.desk_support import Desks, matter, open_desks
from tests.integration.dispatch_support import COMMUNITY, PLUMBERS, RESIDENT


@pytest.fixture
def desk(sqlite_url: str) -> Iterator[Desk]:
    made = Desk(Database(sqlite_url))
    yield made
    made.town.check_laws()
    made.town.writer.close()


@pytest.fixture
def desks(desk: Desk) -> Desks:
    made = open_desks(desk.town)

    def member(w: Work) -> None:
        for login, key in (("wu", made.first), ("cg", made.second)):
            user = staff.add_user(w, login, login, "operator", HASH)
            organisations.set_membership(w, user, int(key.removeprefix("org:")))

    desk.town.call(member)
    return made


def test_a_complaint_is_registered_from_the_call_and_given_to_a_desk(desk: Desk, desks: Desks) -> None:
    arrival = desk.rings()
    with desk.client() as client:
        li = Browser(client, "li")
        form = li.get(f"/matters/new?arrival={arrival}")
        assert "五要素" in form.text
        page = li.post(
            "/matters", kind="complaint", summary="楼下油烟扰民", community=COMMUNITY, phone="13800000101",
            who="烧烤摊", arrival_id=arrival, follow_up_by="call",
        )  # fmt: skip
        assert page.status_code == 200
        ticket_id = int(page.headers["HX-Push-Url"].rsplit("/", 1)[1])
        assert "烧烤摊" in page.text
        choice = li.get(f"/tickets/{ticket_id}/desks").text
        assert choice.index("物业科") < choice.index("街道服务站")
        given = li.post(f"/tickets/{ticket_id}/assign", desk=desks.first, note="请尽快")
        assert "已转办" in given.text
        assert "30 个工作分钟内须签收" in given.text
    ticket = desk.town.ticket(ticket_id)
    assert (ticket.state, ticket.owner, ticket.policy["follow_up_by"]) == ("assigned", desks.first, "call")


def test_the_desk_signs_and_replies_and_another_desk_sees_nothing(desk: Desk, desks: Desks) -> None:
    ticket_id = matter(desk.town)
    with desk.client() as client:
        assert Browser(client, "li").post(f"/tickets/{ticket_id}/assign", desk=desks.first).status_code == 200
    with desk.client() as client:
        other = Browser(client, "cg")
        refused = other.post(f"/tickets/{ticket_id}/sign")
        assert refused.status_code >= 400
        assert desk.town.ticket(ticket_id).state == "assigned"
    with desk.client() as client:
        mine = Browser(client, "wu")
        assert "签收" in mine.get(f"/tickets/{ticket_id}").text
        assert mine.post(f"/tickets/{ticket_id}/sign").status_code == 200
        for url, told in (
            ("nudge", {}), ("supervise", {"note": "x"}), ("take-on", {}), ("assign", {"desk": desks.second}),
            ("extend", {"days": "1", "reason": "x"}), ("reopen", {"reason": "x"}),
        ):  # fmt: skip
            assert mine.post(f"/tickets/{ticket_id}/{url}", **told).status_code == 403, url
        assert "答复完工" in mine.get(f"/tickets/{ticket_id}").text
        assert mine.post(f"/tickets/{ticket_id}/reply", text="已劝离").status_code == 200
    assert desk.town.ticket(ticket_id).state == "done"


def test_two_returns_and_a_ruling_by_a_supervisor_alone(desk: Desk, desks: Desks) -> None:
    ticket_id = matter(desk.town)
    with desk.client() as client:
        li = Browser(client, "li")
        for key in (desks.first, desks.second):
            assert li.post(f"/tickets/{ticket_id}/assign", desk=key).status_code == 200
            assert li.post(f"/tickets/{ticket_id}/send-back", reason="不归我们").status_code == 200
        assert "审定中" in li.get(f"/tickets/{ticket_id}").text
        assert li.post(f"/tickets/{ticket_id}/rule", desk=desks.first, reason="x").status_code == 403
    with desk.client() as client:
        chen = Browser(client, "chen")
        assert "审定归谁办" in chen.get(f"/tickets/{ticket_id}").text
        ruled = chen.post(f"/tickets/{ticket_id}/rule", desk=desks.first, reason="小区内由物业牵头")
        assert ruled.status_code == 200
        again = chen.post(f"/tickets/{ticket_id}/send-back", reason="还是不归我们")
        assert (again.status_code, "已经审定" in again.text) == (409, True)


def test_waiting_nudging_supervising_and_more_time(desk: Desk, desks: Desks) -> None:
    ticket_id = matter(desk.town)
    with desk.client() as client:
        chen = Browser(client, "chen")
        chen.post(f"/tickets/{ticket_id}/assign", desk=desks.first)
        chen.post(f"/tickets/{ticket_id}/sign")
        assert "催办" in chen.post(f"/tickets/{ticket_id}/nudge", note="居民再次来电").text
        assert chen.post(f"/tickets/{ticket_id}/supervise", note="今天答复").status_code == 200
        assert chen.post(f"/tickets/{ticket_id}/extend", days="3", reason="会商", asked_by="li").status_code == 200
        assert chen.post(f"/tickets/{ticket_id}/extend", days="11", reason="会商").status_code == 422
        until = (desk.town.clock.at + timedelta(hours=8 + 24)).strftime(
            "%Y-%m-%dT%H:%M"
        )  # as a browser in Ningbo says it
        paused = chen.post(f"/tickets/{ticket_id}/pause", why="papers", until=until)
        assert "挂起" in paused.text
        assert desk.town.ticket(ticket_id).next_deadline_at == desk.town.clock.at + timedelta(days=1)
        assert chen.post(f"/tickets/{ticket_id}/pause", why="weather", until=until).status_code == 422
        desk.town.clock.at += timedelta(minutes=40)
        resumed = chen.post(f"/tickets/{ticket_id}/resume").text
        assert "挂起 40 分钟" in resumed
        assert "延期 3 个工作日" in resumed
    assert desk.town.ticket(ticket_id).state == "handling"


def test_the_same_matter_is_shown_while_it_is_written_down_and_joined(desk: Desk) -> None:
    ticket_id = desk.town.request()
    arrival = desk.rings()
    with desk.client() as client:
        li = Browser(client, "li")
        shown = li.get(f"/repeats?item=0302&phone=13800000101&arrival_id={arrival}").text
        assert desk.town.ticket(ticket_id).number in shown
        assert li.get("/repeats?item=0501&phone=13800000101").text.strip() == ""
        assert li.get("/repeats?item=&phone=&home_id=").status_code in (200, 422)
        assert li.post(f"/calls/{arrival}/join", ticket_id=ticket_id).status_code == 200
        assert "重复来电" in li.get(f"/tickets/{ticket_id}").text
    assert (desk.town.ticket(ticket_id).repeats, desk.town.ticket(ticket_id).urgency) == (1, "urgent")


def test_after_the_work_it_is_asked_about_filled_in_again_or_reopened(desk: Desk) -> None:
    town = desk.town
    ticket_id = town.request()
    town.sms(PLUMBERS[0], "1 20")
    town.sms(PLUMBERS[0], "完 80")
    with desk.client() as client:
        li = Browser(client, "li")
        assert "退回重填" in li.get(f"/tickets/{ticket_id}").text
        assert li.post(f"/tickets/{ticket_id}/not-reached").status_code == 200
        assert li.post(f"/tickets/{ticket_id}/grade", grade="5").status_code == 200
        assert "居民要求重开" in li.get(f"/tickets/{ticket_id}").text
        assert li.post(f"/tickets/{ticket_id}/reopen", reason="又漏了").status_code == 200
    assert (town.ticket(ticket_id).state, town.ticket(ticket_id).round) == ("offered", 2)


def test_a_complaint_about_a_service_is_decided_by_a_supervisor(desk: Desk) -> None:
    town = desk.town
    order = town.request()
    town.sms(PLUMBERS[0], "1 20")
    town.sms(PLUMBERS[0], "完 80")
    town.call(follow_up.answer, order, 5)
    arrival = desk.rings()
    with desk.client() as client:
        li = Browser(client, "li")
        assert town.ticket(order).number in li.get(f"/matters/new?arrival={arrival}").text
        page = li.post(
            "/matters", kind="complaint", summary="多收 50 元", ticket=order, phone=RESIDENT, arrival_id=arrival
        )
        ticket_id = int(page.headers["HX-Push-Url"].rsplit("/", 1)[1])
        assert "水管师傅1" in page.text
        told = {"verdict": "founded", "category": "price", "reason": "收据与报价不符"}
        assert li.post(f"/tickets/{ticket_id}/founded", **told).status_code == 403
    with desk.client() as client:
        chen = Browser(client, "chen")
        chen.post(f"/tickets/{ticket_id}/take-on")
        assert chen.post(f"/tickets/{ticket_id}/reply", text="已退还").status_code == 422
        assert chen.post(f"/tickets/{ticket_id}/founded", **told).status_code == 200
        assert "属实" in chen.get(f"/tickets/{ticket_id}").text
        assert chen.post(f"/tickets/{ticket_id}/reply", text="已退还").status_code == 200


def test_the_figures_say_of_how_many_and_refuse_days_that_make_no_sense(desk: Desk) -> None:
    desk.town.request()
    with desk.client() as client:
        li = Browser(client, "li")
        page = li.get("/figures").text
        assert "满意率" in page
        assert "给出评分的回访中 3、4、5 分的" in page
        assert "0 / 1" in page  # one ticket, not answered at once
        assert li.get("/figures?since=2026-11-24&until=2026-11-23").status_code == 422
        assert li.get("/figures?since=2020-01-01&until=2026-11-23").status_code == 422
        assert li.get("/figures?since=yesterday").status_code == 422
