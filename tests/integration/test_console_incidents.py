"""The console's page of mass incidents: operators read it, supervisors open and end one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select

from dispatch.incident_tables import MassIncident
from foundation.database import Database
from tests.console_desk import Browser, Desk
from tests.integration.dispatch_support import COMMUNITY

WORDS = {"title": "示范路停水", "zh": "示范路停水，六点恢复。", "en": "No water until six."}


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


def incidents(desk: Desk) -> list[MassIncident]:
    return desk.town.rows(select(MassIncident))


def test_a_supervisor_opens_an_incident_and_ends_it(desk: Desk, browser: Callable[[str], Browser]) -> None:
    chen = browser("chen")
    assert "现在没有突发事件" in chen.get("/incidents").text
    page = chen.post("/incidents", **WORDS, areas=[COMMUNITY, "330203"]).text
    assert "示范路停水，六点恢复。" in page
    assert f"区划{COMMUNITY}" in page
    (made,) = incidents(desk)
    assert (made.areas, made.opened_by) == (["330203", COMMUNITY], "user:chen")
    page = chen.post(f"/incidents/{made.id}/end", zh="已恢复供水。", en="The water is back.").text
    assert "已恢复供水。" in page
    again = chen.post(f"/incidents/{made.id}/end", zh="已恢复供水。", en="The water is back.")
    assert again.status_code == 409
    assert "已经结束" in again.text


def test_an_operator_sees_what_callers_hear_but_neither_opens_nor_ends(
    desk: Desk, browser: Callable[[str], Browser]
) -> None:
    li = browser("li")
    assert li.post("/incidents", **WORDS).status_code == 403
    assert incidents(desk) == []
    page = li.get("/incidents").text
    assert "incident-form" not in page


@pytest.mark.parametrize(
    "bad", [{"title": ""}, {"zh": ""}, {"en": " "}, {"zh": "长" * 500}, {"areas": "330203; DROP"}, {"areas": "999999"}]
)
def test_what_is_out_of_bounds_is_refused_in_words(
    desk: Desk, browser: Callable[[str], Browser], bad: dict[str, str]
) -> None:
    reply = browser("chen").post("/incidents", **{**WORDS, **bad})
    assert reply.status_code == 422
    assert "notice" in reply.text
    assert incidents(desk) == []


def test_what_a_supervisor_writes_is_text_and_not_markup(desk: Desk, browser: Callable[[str], Browser]) -> None:
    page = browser("chen").post("/incidents", **{**WORDS, "zh": "<script>alert(1)</script>"}).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
